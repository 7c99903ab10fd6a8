use std::path::PathBuf;

use evergen_knowledge::{Format, Limits, parse};
use proptest::prelude::*;

use super::{quads, read};

const TURTLE: &str = r#"@prefix ex: <http://example.org/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
ex:Car a owl:Class ; rdfs:label "Car"@EN , "Auto"@de ;
  rdfs:subClassOf [ a owl:Restriction ; owl:onProperty ex:wheels ; owl:cardinality 4 ] ;
  owl:oneOf ( ex:a ex:b ) ; ex:made true ; ex:price 1.50 .
[] ex:knows [ ex:knows [] ] ."#;

const JSON_LD: &str = r#"{
  "@context": {
    "e": "http://example.org/", "o": "http://www.w3.org/2002/07/owl#",
    "r": "http://www.w3.org/2000/01/rdf-schema#", "xsd": "http://www.w3.org/2001/XMLSchema#"
  },
  "@graph": [
    { "@id": "_:last" },
    { "e:knows": { "@id": "_:x", "e:knows": { "@id": "_:last" } } },
    { "@id": "e:Car", "@type": "o:Class",
      "r:label": [ { "@value": "Auto", "@language": "de" }, { "@value": "Car", "@language": "en" } ],
      "o:oneOf": { "@list": [ { "@id": "e:a" }, { "@id": "e:b" } ] },
      "e:made": true, "e:price": { "@value": "1.50", "@type": "xsd:decimal" },
      "r:subClassOf": { "@type": "o:Restriction", "o:cardinality": 4, "o:onProperty": { "@id": "e:wheels" } } }
  ]
}"#;

const RDF_XML: &str = r#"<?xml version="1.0"?>
<!DOCTYPE rdf:RDF [ <!ENTITY xsd "http://www.w3.org/2001/XMLSchema#"> ]>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
  xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#" xmlns:owl="http://www.w3.org/2002/07/owl#"
  xmlns:x="http://example.org/" xml:base="http://example.org/">
  <rdf:Description><x:knows rdf:nodeID="n2"/></rdf:Description>
  <owl:Class rdf:about="Car">
    <x:price rdf:datatype="&xsd;decimal">1.50</x:price>
    <x:made rdf:datatype="&xsd;boolean">true</x:made>
    <rdfs:label xml:lang="de">Auto</rdfs:label><rdfs:label xml:lang="en">Car</rdfs:label>
    <owl:oneOf rdf:parseType="Collection">
      <rdf:Description rdf:about="a"/><rdf:Description rdf:about="b"/>
    </owl:oneOf>
    <rdfs:subClassOf><owl:Restriction>
      <owl:onProperty rdf:resource="wheels"/>
      <owl:cardinality rdf:datatype="&xsd;integer">4</owl:cardinality>
    </owl:Restriction></rdfs:subClassOf>
  </owl:Class>
  <rdf:Description rdf:nodeID="n2"><x:knows><rdf:Description/></x:knows></rdf:Description>
</rdf:RDF>"#;

#[test]
fn turtle_under_the_name_of_rdf_xml() {
    let read_as = |text: &str, format| {
        let parsed = parse(text.as_bytes(), format, "http://e/", &Limits::default());
        parsed.map(|source| source.ground).map_err(|errors| errors.len())
    };
    for text in [
        "@prefix e: <http://e/> .\ne:a e:b e:c .",
        "\n# a comment\n<a> <b> <c> .",
        "PREFIX e: <http://e/>\ne:a e:b e:c .",
        "BASE <http://e/>\n<a> <b> <c> .",
        "<http://e/a> <http://e/b> <http://e/c> .",
        "_:a <b> <c> .",
    ] {
        let found = read_as(text, Format::RdfXml);
        assert_eq!(found, read_as(text, Format::Turtle), "{text}");
        assert_eq!(found.unwrap().len(), usize::from(!text.starts_with('_')), "{text}");
    }
    let node = "<Ontology xmlns=\"http://www.w3.org/2002/07/owl#\" rdf:about=\"http://e/\"
        xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><versionInfo>1</versionInfo></Ontology>";
    assert_eq!(read_as(node, Format::RdfXml).unwrap().len(), 2);
}

#[test]
fn a_model_says_the_same_in_every_notation() {
    let turtle = read(TURTLE, Format::Turtle).unwrap();
    let expected = quads(&turtle);
    assert_eq!(quads(&read(TURTLE, Format::TriG).unwrap()), expected);
    assert_eq!(quads(&read(JSON_LD, Format::JsonLd).unwrap()), expected);
    assert_eq!(quads(&read(RDF_XML, Format::RdfXml).unwrap()), expected);
    // The canonical labels are labels as well.
    let written = format!("{} .\n", expected.join(" .\n"));
    assert_eq!(quads(&read(&written, Format::NTriples).unwrap()), expected);
    assert_eq!(quads(&read(&written, Format::NQuads).unwrap()), expected);
    assert_eq!(turtle.components.len(), 3);
    insta::assert_snapshot!(expected.join("\n"));
}

#[test]
fn prefixes_and_imports_are_told() {
    let text = "@prefix b: <http://b/> . @prefix a: <http://a/> .\n\
        <http://o> a <http://www.w3.org/2002/07/owl#Ontology> ;\n\
        <http://www.w3.org/2002/07/owl#imports>\n <http://z> , a:x .\n\
        [] <http://www.w3.org/2002/07/owl#imports> <http://y> .";
    let source = read(text, Format::Turtle).unwrap();
    let prefixes: Vec<(&str, &str)> =
        source.prefixes.iter().map(|(name, iri)| (name.as_str(), iri.as_str())).collect();
    assert_eq!(prefixes, [("a", "http://a/"), ("b", "http://b/")]);
    let imports: Vec<(&str, Option<u32>)> =
        source.imports.iter().map(|import| (import.iri.as_str(), import.line)).collect();
    assert_eq!(imports, [("http://a/x", None), ("http://y", Some(5)), ("http://z", Some(4))]);
}

#[test]
fn named_graphs_may_be_blank() {
    let one =
        read("_:g { <http://s> <http://p> _:x } <http://g> { _:x <http://p> 1 }", Format::TriG);
    let other = read(
        "_:1 <http://p> \"1\"^^<http://www.w3.org/2001/XMLSchema#integer> <http://g> .\n\
         <http://s> <http://p> _:1 _:2 .",
        Format::NQuads,
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.components.len(), 1);
    assert_eq!(quads(&one), quads(&other));
}

#[test]
fn a_remote_context_comes_from_the_documents_only() {
    use evergen_knowledge::{Documents, parse_with_documents};
    let text = br#"{"@context": "http://c/ctx", "@id": "http://s", "name": "N"}"#;
    let context = br#"{"@context": {"name": "http://p"}}"#.to_vec();
    let documents = Documents::from_iter([("http://c/ctx".to_owned(), context)]);
    let limits = Limits::default();
    let source =
        parse_with_documents(text, Format::JsonLd, super::BASE, &limits, &documents).unwrap();
    assert_eq!(quads(&source), ["<http://s> <http://p> \"N\""]);
    assert_eq!(source.documents, ["http://c/ctx"]);
}

/// Statements over few nodes, so that many hang together.
fn statements() -> impl Strategy<Value = Vec<String>> {
    let node = || prop_oneof![3 => (0..8).prop_map(|n| format!("_:n{n}")), 1 => (0..3).prop_map(|n| format!("<http://e/{n}>"))];
    let object = prop_oneof![
        4 => node(),
        1 => (0..3).prop_map(|n| format!("\"{n}\"")),
        1 => Just("\"x\"@en".to_owned()),
    ];
    let graph = prop_oneof![4 => Just(String::new()), 1 => Just("<http://g>".to_owned()), 1 => Just("_:n0".to_owned())];
    let predicate = (0..2).prop_map(|n| format!("<http://p/{n}>"));
    let statement =
        (node(), predicate, object, graph).prop_map(|(s, p, o, g)| format!("{s} {p} {o} {g} .\n"));
    prop::collection::vec(statement, 0..24)
}

proptest! {
    #[test]
    fn order_and_labels_have_no_influence(
        (statements, shuffled) in statements().prop_flat_map(|s| (Just(s.clone()), Just(s).prop_shuffle())),
        prefix in "[a-z]{1,3}",
    ) {
        let one = read(&statements.concat(), Format::NQuads).unwrap();
        let renamed = shuffled.concat().replace("_:n", &format!("_:{prefix}"));
        let other = read(&renamed, Format::NQuads).unwrap();
        prop_assert_eq!(&one.ground, &other.ground);
        prop_assert_eq!(&one.components, &other.components);
        prop_assert_eq!(quads(&one), quads(&other));
    }
}

/// The folder of ontologies, if there is one.
fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("EVERGEN_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped, as EVERGEN_DATA names no folder");
    }
    folder
}

#[test]
fn ontologies_say_the_same_in_every_notation() {
    let Some(folder) = data() else { return };
    let limits = Limits::default();
    let read = |name: &str, format| {
        let bytes = std::fs::read(folder.join("w3c").join(name)).unwrap();
        parse(&bytes, format, "http://www.w3.org/ns/dcat", &limits).unwrap()
    };
    let turtle = read("dcat3.ttl", Format::Turtle);
    for (name, format) in [("dcat3.jsonld", Format::JsonLd), ("dcat3.rdf", Format::RdfXml)] {
        let other = read(name, format);
        assert_eq!(quads(&turtle), quads(&other), "{name}");
    }
}
