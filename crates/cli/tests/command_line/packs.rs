//! Packs of a project's own, names that stay, and what templates ask of the ontology.

use crate::support::Folder;

const TWO_ONTOLOGIES: &str = "
@prefix a: <http://a.example/ns#> . @prefix b: <http://b.example/ns#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
a:Dataset a owl:Class . b:Dataset a owl:Class .
a:title a owl:DatatypeProperty ; rdfs:domain a:Dataset .
b:title a owl:DatatypeProperty ; rdfs:domain b:Dataset .
";

fn two_ontologies() -> Folder {
    let folder = Folder::new();
    folder.file("model.ttl", TWO_ONTOLOGIES);
    folder
}

#[test]
fn classes_of_one_name_are_generated_together() {
    let folder = two_ontologies();
    folder.done("run model.ttl --lang rust,typescript,python --out made");
    let names = folder.read("evergen.names.ttl");
    assert!(names.contains("<http://b.example/ns#Dataset>"), "{names}");
    assert!(folder.exists("made/rust/src/types/dataset.rs"));
    folder.done("check");
    let again = folder.done("run --json").json();
    assert_eq!(again["artifacts"]["evaluated"], 0);
}

#[test]
fn a_name_stays_when_others_come_and_go() {
    let folder = two_ontologies();
    let only_second: String =
        TWO_ONTOLOGIES.lines().map(|line| line.replace("a:Dataset a owl:Class .", "")).collect();
    folder.file("model.ttl", only_second.replace("rdfs:domain a:Dataset", "rdfs:label 'x'"));
    folder.done("run model.ttl --lang rust --out made");
    let before = folder.read("made/rust/src/types/dataset.rs");
    folder.file("model.ttl", TWO_ONTOLOGIES);
    folder.done("run");
    assert_eq!(folder.read("made/rust/src/types/dataset.rs"), before);
}

#[test]
fn a_name_can_be_changed_by_hand_and_not_doubled() {
    let folder = two_ontologies();
    folder.done("run model.ttl --lang rust --out made");
    let names = folder.read("evergen.names.ttl");
    let line = names.lines().find(|line| line.starts_with("<http://a.example/ns#Dataset>"));
    let line = line.unwrap().to_owned();
    let name = line.split('"').nth(1).unwrap().to_owned();
    folder.replace(
        "evergen.names.ttl",
        &line,
        &line.replace(&format!("\"{name}\""), "\"Collection\""),
    );
    folder.done("run");
    assert!(folder.exists("made/rust/src/types/collection.rs"));

    let other = names.lines().find(|line| line.starts_with("<http://b.example/ns#Dataset>"));
    let other = other.unwrap().split('"').nth(1).unwrap().to_owned();
    folder.replace("evergen.names.ttl", "\"Collection\"", &format!("\"{other}\""));
    let said = folder.say("run");
    assert_eq!(said.code, Some(3), "{said}");
    assert!(said.err.contains("evergen.names.ttl:"), "{said}");
    assert!(said.err.contains(&format!("both called `{other}`")), "{said}");
    assert!(folder.exists("made/rust/src/types/collection.rs"), "the last good output stays");
}

/// Every trap of languages is in it; the gates that judge by default have nothing to say.
#[test]
fn what_packs_make_of_a_hostile_model_passes_the_gates() {
    let folder = Folder::new();
    let torture = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/packs/torture.ttl");
    folder.file("model.ttl", std::fs::read(torture).unwrap());
    let languages =
        "rust,typescript,python,go,java,kotlin,csharp,sql,graphql,protobuf,jsonschema,openapi";
    let run = folder.say(&format!("run model.ttl --lang {languages} --out gen"));
    assert_eq!(run.code, Some(0), "{run}");
}

#[test]
fn a_pack_can_be_ejected_and_changed() {
    let folder = two_ontologies();
    folder.file(
        "evergen.toml",
        "[model]\nsources = [\"model.ttl\"]\n[regeneration]\ntarget_languages = [\"rust\"]\ntemplate_dirs = []\n",
    );
    folder.done("run");
    let listed = folder.done("pack list").out;
    assert!(listed.contains("* rust") && listed.contains("- python"), "{listed}");
    let ejected = folder.done("pack eject rust --json").json();
    assert!(ejected["packs"][0]["written"].as_array().unwrap().len() > 3, "{ejected}");
    assert_eq!(folder.done("run --json").json()["artifacts"]["written"], 0, "it is the same pack");

    let lib = folder.read("packs/rust/lib.j2");
    folder.file("packs/rust/lib.j2", format!("{lib}// ours\n"));
    folder.done("run");
    assert!(folder.read("gen/rust/src/lib.rs").ends_with("// ours\n"));
    let again = folder.done("pack eject rust");
    assert!(again.out.contains("was there"), "{again}");
    assert!(folder.read("packs/rust/lib.j2").ends_with("// ours\n"));
    assert!(folder.done("pack list").out.contains("of the project's own in packs/rust"));

    // What makes all classes is not taken for a partial by mistake, and they are not removed.
    let files = folder.read("gen/rust/src/types.rs");
    folder.file("packs/rust/class.j2", "");
    let said = folder.say("run");
    assert_eq!(said.code, Some(3), "{said}");
    assert!(said.err.contains("packs/rust/class.j2` has no front matter"), "{said}");
    assert_eq!(folder.read("gen/rust/src/types.rs"), files);
}

#[test]
fn a_folder_of_another_name_is_a_pack_of_its_own() {
    let folder = two_ontologies();
    folder.file(
        "packs/list/all.j2",
        "+++\nto = \"all.txt\"\n+++\n{% for class in schema.classes() %}{{ class.name }}\n{% endfor %}",
    );
    folder.done("run model.ttl --lang list --out made");
    assert_eq!(folder.read("made/list/all.txt").lines().count(), 2);
    let said = folder.say("run model.ttl --lang cobol --out made");
    assert_eq!(said.code, Some(2), "{said}");
    assert!(said.err.contains("packs/cobol"), "{said}");
    let said = folder.say("pack eject cobol");
    assert_eq!(said.code, Some(2), "{said}");
}

#[test]
fn a_template_asks_what_the_ontology_says() {
    let folder = Folder::project();
    folder.file(
        "model/shop.ttl",
        "@prefix ex: <http://shop.example/> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
         @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
         ex:Order a owl:Class ; rdfs:comment \"An order\" ; rdfs:subClassOf [ owl:onProperty ex:total ; owl:cardinality 1 ] .
         ex:total rdfs:domain ex:Order ; rdfs:range xsd:decimal .
         ex:Other a owl:Class ; rdfs:comment \"Another\" .",
    );
    folder.file(
        "templates/class.txt.j2",
        "+++\nfor_each = \"SELECT ?class WHERE { ?class a owl:Class }\"\nto = \"{{ class | local_name }}.txt\"\n+++\n\
         {% set order = schema.class(class) -%}\n{{ order.comment }}\n\
         {% for property in order.properties -%}\n{{ property.name }} {{ property.min }} {{ property.max }} {{ property.ranges[0].datatype }}\n{% endfor %}",
    );
    folder.done("run");
    assert_eq!(
        folder.read("gen/Order.txt"),
        "An order\ntotal 1 1 http://www.w3.org/2001/XMLSchema#decimal\n"
    );
    assert!(!folder.exists("evergen.names.ttl"), "no pack is chosen");
    folder.replace("model/shop.ttl", "Another", "Yet another");
    let report = folder.done("run --json").json();
    assert_eq!(report["artifacts"]["evaluated"], 1);
}

#[test]
fn a_contradiction_is_told_with_its_line_and_stops_nothing() {
    let folder = Folder::new();
    folder.file(
        "model.ttl",
        "@prefix : <http://a.example/ns#> . @prefix owl: <http://www.w3.org/2002/07/owl#> .\n\
         @prefix sh: <http://www.w3.org/ns/shacl#> .\n\
         :Book a owl:Class ;\n  sh:property [ sh:path :pages ;\n    sh:minCount 3 ; sh:maxCount 2 ] .\n",
    );
    let report = folder.done("run model.ttl --lang rust,sql --out made --json").json();
    let told = report["diagnostics"].as_array().unwrap();
    assert_eq!(told.len(), 1, "{report}");
    assert_eq!(told[0]["code"], "model::contradiction");
    assert_eq!((&told[0]["severity"], &told[0]["line"]), (&"warning".into(), &5.into()));
    assert!(folder.exists("made/rust/src/types/book.rs"));
    let again = folder.done("run --json").json();
    assert_eq!(again["diagnostics"].as_array().unwrap().len(), 0, "nothing is made again");
}
