use std::fmt::Write as _;

use evergen_knowledge::{Format, Limits, parse};

use super::BASE;

fn check_limited(text: impl AsRef<[u8]>, format: Format, limits: &Limits) -> String {
    let text = text.as_ref();
    let Err(errors) = parse(text, format, BASE, limits) else { return "no error\n".to_owned() };
    let mut report = String::new();
    for error in errors {
        assert!(text.get(error.span.clone()).is_some(), "{error:?}");
        writeln!(report, "{error} `{}` {:?}", error.text, error.span).unwrap();
    }
    report
}

fn check(text: impl AsRef<[u8]>, format: Format) -> String {
    check_limited(text, format, &Limits::default())
}

#[test]
fn turtle() {
    insta::assert_snapshot!(check(
        "@prefix e: <http://e/> .\ne:a e:b .\ne:c d:p e:f .\ne:s e:p \"x\n",
        Format::Turtle
    ));
}

#[test]
fn turtle_that_ends_early() {
    insta::assert_snapshot!(check("<http://a> <http://b> [ <http://c> 1", Format::Turtle));
    insta::assert_snapshot!(check("<http://a> <http://b> \"\"\"x\n y", Format::Turtle));
}

#[test]
fn columns_count_characters() {
    insta::assert_snapshot!(check("\u{feff}<http://a> <http://b> \"äöü\" , e:x .", Format::Turtle));
}

#[test]
fn trig() {
    insta::assert_snapshot!(check("<http://g> { <http://a> <http://b> } }", Format::TriG));
}

#[test]
fn n_triples() {
    insta::assert_snapshot!(check(
        "<http://a> <http://b> <c> .\r\n<http://a> \"x\" <http://c> .\r\n<http://a> <http://b> \"\\q\" .",
        Format::NTriples
    ));
}

#[test]
fn n_quads() {
    insta::assert_snapshot!(check("<http://a> <http://b> 1 .\n", Format::NQuads));
}

#[test]
fn rdf_xml() {
    let head = "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n";
    insta::assert_snapshot!(check(
        format!("{head}<rdf:Description>\n</rdf:Descriptor></rdf:RDF>"),
        Format::RdfXml
    ));
    insta::assert_snapshot!(check(format!("{head}<x:y/></rdf:RDF>"), Format::RdfXml));
    insta::assert_snapshot!(check(
        format!("{head}<rdf:Description rdf:about=\"http://a b\"/></rdf:RDF>"),
        Format::RdfXml
    ));
    insta::assert_snapshot!(check(
        format!("{head}<rdf:Description rdf:about=\"&x;\"/></rdf:RDF>"),
        Format::RdfXml
    ));
}

#[test]
fn notations_of_owl_that_are_not_rdf() {
    let texts = [
        "<?xml version=\"1.0\"?>\n<Ontology xmlns=\"http://www.w3.org/2002/07/owl#\"><Declaration/></Ontology>",
        "# a comment\nPrefix (:=<http://e/>)\nOntology(<http://e/o>)",
        "<o:Ontology xmlns:o=\"http://www.w3.org/2002/07/owl#\" ontologyIRI=\"http://e/\"><o:Declaration/></o:Ontology>",
        "\nPrefix: e: <http://e/>\nOntology: <http://e/o>",
        "format-version: 1.2\n[Term]\nid: E:1",
    ];
    for text in texts {
        insta::assert_snapshot!(check(text, Format::RdfXml));
    }
}

#[test]
fn json_ld() {
    insta::assert_snapshot!(check("{\"@id\": \"http://a\",\n \"http://p\": [1, }", Format::JsonLd));
    insta::assert_snapshot!(check("{\"@id\": 5}", Format::JsonLd));
    insta::assert_snapshot!(check(
        "{\n\"@context\": \"https://schema.org/\", \"name\": \"x\"}",
        Format::JsonLd
    ));
    insta::assert_snapshot!(check(
        "{\"@context\": \"local.jsonld\", \"name\": \"x\"}",
        Format::JsonLd
    ));
}

#[test]
fn encodings() {
    insta::assert_snapshot!(check(b"<http://a> <http://b> \"caf\xe9\" .", Format::NTriples));
    insta::assert_snapshot!(check(b"\xff\xfe<\0h\0", Format::Turtle));
}

#[test]
fn a_base_that_is_none() {
    for format in [Format::Turtle, Format::TriG, Format::RdfXml, Format::JsonLd] {
        let errors = parse(b"", format, "no base", &Limits::default()).unwrap_err();
        assert_eq!(errors[0].to_string(), "line 1, column 1: the base is not an absolute IRI");
    }
}

#[test]
fn limits() {
    let limits = Limits {
        max_file_bytes: 400,
        max_quads_per_file: 4,
        max_literal_bytes: 10,
        max_iri_bytes: 45,
        max_nesting: 2,
        max_json_nesting: 2,
        max_entity_bytes: 100,
        max_blank_component: 3,
        ..Limits::default()
    };
    let check = |text: &str, format| check_limited(text, format, &limits);
    let mut report = String::new();
    for (text, format) in [
        (&*"#".repeat(401), Format::Turtle),
        ("<http://a> <http://b> 1 ,\n2, 3, 4 ,\n5 .", Format::Turtle),
        ("<http://a> <http://b> 1 ,\n \"01234567890\" .", Format::Turtle),
        (
            "<http://a> <http://b>\n <http://example.org/an/iri/that/is/a/little/long> .",
            Format::Turtle,
        ),
        ("<http://a> <http://b>\n [ <http://b> ( [ ] ) ] .", Format::Turtle),
        (
            "<http://a> <http://b> _:a .\n _:a <http://b> _:b . _:c <http://b> _:d . _:b <http://b> _:c .",
            Format::Turtle,
        ),
        ("{\"@graph\": [{}]}", Format::JsonLd),
        ("<a><b>\n<c/></b></a>", Format::RdfXml),
        (
            "<!DOCTYPE a [<!ENTITY x \"01234567890123456789\">]>\n<a>&x;&x;&x;&x;&x;</a>",
            Format::RdfXml,
        ),
    ] {
        report.push_str(&check(text, format));
    }
    insta::assert_snapshot!(report);
}

#[test]
fn symmetry() {
    let limits = Limits { max_symmetry_steps: 1000, ..Limits::default() };
    let edges = (0..20).flat_map(|i| (0..20).filter(move |j| i != *j).map(move |j| (i, j)));
    let mut text = String::new();
    for (i, j) in edges {
        writeln!(text, "_:{i} <http://p> _:{j} .").unwrap();
    }
    insta::assert_snapshot!(check_limited(text, Format::NTriples, &limits));
}
