//! Real ontologies: whatever they hold, what is made of them compiles without a warning.

use crate::support::{Generated, ontology};

fn check(path: &str) {
    let Some(model) = ontology(path) else { return };
    let name = path.rsplit('/').next().unwrap_or(path);
    let generated = Generated::new(name, &model);
    for language in ["rust", "typescript", "python"] {
        println!("{name}: {}", generated.size(language));
    }
    generated.compile();

    let again = generated.run();
    assert_eq!((again.artifacts.rendered, again.artifacts.written), (0, 0), "{path}");
}

#[test]
fn schema_org() {
    check("schemaorg/schemaorg-30.0.ttl");
}

#[test]
fn organizations() {
    check("w3c/org.ttl");
}

#[test]
fn provenance() {
    check("w3c/prov-o.ttl");
}

#[test]
fn data_catalogues() {
    check("w3c/dcat3.ttl");
}

#[test]
fn one_ontology_in_three_notations_is_one_package() {
    let [turtle, xml, json] = ["w3c/dcat3.ttl", "w3c/dcat3.rdf", "w3c/dcat3.jsonld"]
        .map(|path| Some((path.rsplit('/').next()?, ontology(path)?)));
    let (Some(turtle), Some(xml), Some(json)) = (turtle, xml, json) else { return };
    let [turtle, xml, json] =
        [turtle, xml, json].map(|(name, model)| Generated::new(name, &model).show("typescript"));
    assert_eq!(turtle, xml);
    assert_eq!(turtle, json);
}
