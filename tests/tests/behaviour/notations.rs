//! What a file says counts, not how it says it.

use evergen_tests::project::{Fixture, counts};

const TURTLE: &str = r#"
@prefix ex: <http://example.org/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
ex:Order a owl:Class ; rdfs:label "Bestellung"@de, "Order"@en ;
    rdfs:comment "says \"yes\" & <no>\nand more" ;
    rdfs:subClassOf [ a owl:Restriction ; owl:onProperty ex:total ; owl:maxCardinality 1 ] ;
    owl:unionOf ( ex:Sale ex:Return ) .
ex:total rdfs:domain ex:Order .
ex:Sale a owl:Class ; ex:has [ ex:knows [ rdfs:label "inner" ] ] .
"#;

/// Other order, other prefixes, labels for blank nodes, a list in single cells.
const OTHER_TURTLE: &str = r#"
PREFIX : <http://example.org/>
PREFIX o: <http://www.w3.org/2002/07/owl#>
PREFIX s: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
_:inner s:label "inner" .
:total s:domain :Order .
_:z rdf:rest rdf:nil ; rdf:first :Return .
_:limit o:maxCardinality "1"^^<http://www.w3.org/2001/XMLSchema#integer> ; a o:Restriction .
:Sale :has _:outer .
_:outer :knows _:inner .
:Order o:unionOf _:a ; s:subClassOf _:limit ; s:comment '''says "yes" & <no>
and more''' .
_:limit o:onProperty :total .
:Order s:label "Order"@en .
:Order s:label "Bestellung"@de .
:Order a o:Class .
_:a rdf:rest _:z ; rdf:first :Sale .
:Sale rdf:type o:Class .
"#;

const JSON_LD: &str = r#"{
  "@context": {
    "ex": "http://example.org/",
    "owl": "http://www.w3.org/2002/07/owl#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "union": { "@id": "owl:unionOf", "@container": "@list", "@type": "@id" },
    "label": { "@id": "rdfs:label", "@container": "@language" }
  },
  "@graph": [
    { "@id": "ex:total", "rdfs:domain": { "@id": "ex:Order" } },
    {
      "@id": "ex:Order",
      "@type": "owl:Class",
      "label": { "de": "Bestellung", "en": "Order" },
      "rdfs:comment": "says \"yes\" & <no>\nand more",
      "rdfs:subClassOf": {
        "@type": "owl:Restriction",
        "owl:onProperty": { "@id": "ex:total" },
        "owl:maxCardinality": 1
      },
      "union": ["ex:Sale", "ex:Return"]
    },
    {
      "@id": "ex:Sale",
      "@type": "owl:Class",
      "ex:has": { "ex:knows": { "rdfs:label": "inner" } }
    }
  ]
}"#;

const RDF_XML: &str = r#"<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#"
    xmlns:owl="http://www.w3.org/2002/07/owl#" xmlns:ex="http://example.org/">
  <owl:Class rdf:about="http://example.org/Sale">
    <ex:has rdf:parseType="Resource">
      <ex:knows><rdf:Description><rdfs:label>inner</rdfs:label></rdf:Description></ex:knows>
    </ex:has>
  </owl:Class>
  <owl:Class rdf:about="http://example.org/Order">
    <rdfs:label xml:lang="en">Order</rdfs:label>
    <rdfs:label xml:lang="de">Bestellung</rdfs:label>
    <rdfs:comment>says "yes" &amp; &lt;no&gt;&#10;and more</rdfs:comment>
    <rdfs:subClassOf>
      <owl:Restriction>
        <owl:onProperty rdf:resource="http://example.org/total"/>
        <owl:maxCardinality rdf:datatype="http://www.w3.org/2001/XMLSchema#integer">1</owl:maxCardinality>
      </owl:Restriction>
    </rdfs:subClassOf>
    <owl:unionOf rdf:parseType="Collection">
      <rdf:Description rdf:about="http://example.org/Sale"/>
      <rdf:Description rdf:about="http://example.org/Return"/>
    </owl:unionOf>
  </owl:Class>
  <rdf:Description rdf:about="http://example.org/total">
    <rdfs:domain rdf:resource="http://example.org/Order"/>
  </rdf:Description>
</rdf:RDF>"#;

const N_TRIPLES: &str = r#"_:b7 <http://www.w3.org/1999/02/22-rdf-syntax-ns#first> <http://example.org/Return> .
_:b7 <http://www.w3.org/1999/02/22-rdf-syntax-ns#rest> <http://www.w3.org/1999/02/22-rdf-syntax-ns#nil> .
_:b6 <http://www.w3.org/1999/02/22-rdf-syntax-ns#first> <http://example.org/Sale> .
_:b6 <http://www.w3.org/1999/02/22-rdf-syntax-ns#rest> _:b7 .
<http://example.org/Order> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/2002/07/owl#Class> .
<http://example.org/Order> <http://www.w3.org/2000/01/rdf-schema#label> "Order"@en .
<http://example.org/Order> <http://www.w3.org/2000/01/rdf-schema#label> "Bestellung"@de .
<http://example.org/Order> <http://www.w3.org/2000/01/rdf-schema#comment> "says \"yes\" & <no>\nand more" .
<http://example.org/Order> <http://www.w3.org/2000/01/rdf-schema#subClassOf> _:b5 .
<http://example.org/Order> <http://www.w3.org/2002/07/owl#unionOf> _:b6 .
_:b5 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/2002/07/owl#Restriction> .
_:b5 <http://www.w3.org/2002/07/owl#onProperty> <http://example.org/total> .
_:b5 <http://www.w3.org/2002/07/owl#maxCardinality> "1"^^<http://www.w3.org/2001/XMLSchema#integer> .
<http://example.org/total> <http://www.w3.org/2000/01/rdf-schema#domain> <http://example.org/Order> .
<http://example.org/Sale> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/2002/07/owl#Class> .
<http://example.org/Sale> <http://example.org/has> _:b1 .
_:b1 <http://example.org/knows> _:b2 .
_:b2 <http://www.w3.org/2000/01/rdf-schema#label> "inner" .
"#;

const TEMPLATE: &str = r#"+++
for_each = "SELECT ?class WHERE { ?class a owl:Class }"
to = "{{ class | local_name }}.txt"
[queries]
members = "SELECT ?m WHERE { ?class owl:unionOf/rdf:rest*/rdf:first ?m }"
limits = "SELECT ?limit ?p ?n WHERE { ?class rdfs:subClassOf ?limit . ?limit owl:onProperty ?p ; owl:maxCardinality ?n }"
all = "SELECT ?p ?o WHERE { ?class ?p ?o }"
+++
{% for row in all %}{{ row.p }} {{ row.o }}
{% endfor %}{% for row in members %}{{ row.m }}
{% endfor %}{% for row in limits %}{{ row.limit }} {{ row.p }} {{ row.n }}
{% endfor %}{% for list in class.out("owl:unionOf") %}{{ list.list | join(" ") }}{% endfor %}
"#;

fn project() -> Fixture {
    let fixture = Fixture::new();
    fixture.write("model/shop.ttl", TURTLE).write("templates/class.j2", TEMPLATE);
    let report = fixture.run();
    assert_eq!((report.model.quads, counts(&report)[3]), (18, 2));
    fixture
}

/// Runs with the model in another form, in a new engine and in one that goes on: nothing
/// has changed.
fn check(change: impl Fn(&Fixture)) {
    for is_warm in [false, true] {
        let fixture = project();
        let mut engine = fixture.engine();
        if is_warm {
            engine.run(&mut |_| {}).unwrap();
        }
        change(&fixture);
        let report = engine.run(&mut |_| {}).unwrap();
        let model = report.model;
        assert_eq!((model.quads, model.inserted, model.removed), (18, 0, 0), "warm: {is_warm}");
        assert_eq!(counts(&report), [2, 0, 0, 0, 0, 0, 0], "warm: {is_warm}");
        drop(engine);
        fixture.equals_scratch();
    }
}

/// The model in another notation, in place of the file that there was.
fn check_file(name: &str, text: &str) {
    check(|fixture| {
        fixture.remove("model/shop.ttl");
        fixture.write(name, text);
    });
}

#[test]
fn order_prefixes_and_labels_of_blank_nodes_do_not_count() {
    check(|fixture| _ = fixture.write("model/shop.ttl", OTHER_TURTLE));
}

#[test]
fn turtle_can_become_json_ld() {
    check_file("model/shop.jsonld", JSON_LD);
}

#[test]
fn turtle_can_become_rdf_xml() {
    check_file("model/other name.rdf", RDF_XML);
}

#[test]
fn turtle_can_become_n_triples() {
    check_file("model/deep/shop.nt", N_TRIPLES);
}

#[test]
fn the_default_graph_of_trig_and_n_quads_is_that_of_turtle() {
    check_file("model/shop.nq", N_TRIPLES);
    check_file("model/shop.trig", OTHER_TURTLE);
}

#[test]
fn a_file_can_become_another_file() {
    check_file("model/renamed.ttl", TURTLE);
}

#[test]
fn statements_can_move_from_one_file_to_another() {
    let line = "ex:total rdfs:domain ex:Order .\n";
    check(|fixture| {
        fixture.change("model/shop.ttl", line, "");
        fixture.write(
            "model/more.nt",
            "<http://example.org/total> <http://www.w3.org/2000/01/rdf-schema#domain> <http://example.org/Order> .\n",
        );
    });
}

#[test]
fn one_change_after_the_other_ends_where_it_began() {
    let fixture = project();
    let mut engine = fixture.engine();
    let before = fixture.tree();
    let names = ["model/a.jsonld", "model/a.rdf", "model/a.nt", "model/shop.ttl"];
    let mut last = "model/shop.ttl";
    for (name, text) in names.into_iter().zip([JSON_LD, RDF_XML, N_TRIPLES, OTHER_TURTLE]) {
        fixture.remove(last);
        fixture.write(name, text);
        last = name;
        let report = engine.run(&mut |_| {}).unwrap();
        assert_eq!((report.model.inserted, report.model.removed), (0, 0), "{name}");
        assert_eq!(report.artifacts.evaluated, 0, "{name}");
    }
    assert_eq!(fixture.tree(), before);
}
