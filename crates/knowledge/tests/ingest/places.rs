use std::collections::{HashMap, HashSet};

use evergen_delta::EncodedQuad;
use evergen_knowledge::{Documents, Format, Limits, locate, locate_with, parse};

use super::BASE;

/// Each quad with its line, behind a `~` where the line is a guess.
fn check(text: &str, format: Format) -> String {
    let limits = Limits::default();
    let source = parse(text.as_bytes(), format, BASE, &limits).unwrap();
    let mut terms = source.terms;
    let mut quads = source.ground;
    let mut copies = HashMap::new();
    for component in &source.components {
        let ordinal = copies.entry(component.digest()).or_insert(0);
        quads.extend(component.instantiate(*ordinal, &mut terms).unwrap());
        *ordinal += 1;
    }
    let wanted: HashSet<EncodedQuad> = quads.iter().copied().collect();
    let found = locate(text.as_bytes(), format, BASE, &limits, &wanted);
    if format != Format::JsonLd {
        assert_eq!(found.len(), wanted.len());
    }
    let lines = found.iter().map(|(quad, location)| {
        let name = |id| {
            let text = terms.get(id).map(|term| term.text().to_owned()).unwrap_or_default();
            let name = text.rsplit(['/', '#']).next().unwrap_or_default().to_owned();
            if name.len() > 30 { "_".to_owned() } else { name }
        };
        let guess = if location.is_exact { "" } else { "~" };
        format!(
            "{guess}{}: {} {} {}",
            location.line,
            name(quad.subject),
            name(quad.predicate),
            name(quad.object)
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn turtle_has_lines() {
    let text = "@prefix e: <http://e/> . # a comment's quote\n\
        e:a e:p e:b ,\n  e:c ;\n\n  e:q \"x\"\n  ; e:r \"\"\"one\ntwo\n\"\"\" , 5\n .\r\n\
        e:l e:p ( e:x\n e:y ) .\n\
        e:d e:p [\n  e:q \"y\"@en\n ] .";
    insta::assert_snapshot!(check(text, Format::Turtle));
    insta::assert_snapshot!(check("<http://g> {\n<http://a> <http://b> 1\n}\n", Format::TriG), @"2: a b 1");
}

#[test]
fn line_formats_have_lines() {
    let text = "# c\r\n<http://a> <http://b> \"1\" .\r\n\r\n<http://a> <http://b> _:x .";
    insta::assert_snapshot!(check(text, Format::NTriples), @"
    2: a b 1
    4: a b _
    ");
    insta::assert_snapshot!(check("\n<http://a> <http://b> \"1\" <http://g> .", Format::NQuads), @"2: a b 1");
}

#[test]
fn rdf_xml_has_the_lines_of_tags() {
    let text = "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns:x=\"http://x/\">\n\
        <x:C rdf:about=\"http://e/a\">\n<x:p>one\n</x:p>\n<x:q rdf:resource=\"http://e/b\"/>\n</x:C></rdf:RDF>";
    insta::assert_snapshot!(check(text, Format::RdfXml));
}

#[test]
fn json_ld_has_guesses() {
    let text = "{\"@graph\": [\n{\"@id\": \"http://e/a\",\n \"http://e/p\": \"one\"},\n\
        {\"@id\": \"http://e/b\",\n \"http://e/p\": \"one\",\n \"http://e/q\": 5}]}";
    insta::assert_snapshot!(check(text, Format::JsonLd));
}

#[test]
fn copies_are_told_apart_by_ordinals() {
    let text = "[] <http://p> 1 .\n[] <http://p> 1 .\n";
    let limits = Limits::default();
    let source = parse(text.as_bytes(), Format::Turtle, BASE, &limits).unwrap();
    let mut terms = source.terms;
    let mut copy = |ordinal| source.components[0].instantiate(ordinal, &mut terms).unwrap()[0];
    let wanted: Vec<EncodedQuad> = vec![copy(7), copy(8), copy(9)];
    let set: HashSet<EncodedQuad> = wanted.iter().copied().collect();
    let found = locate_with(
        text.as_bytes(),
        Format::Turtle,
        BASE,
        &limits,
        &Documents::none(),
        &set,
        &|_| 7,
    );
    let lines: Vec<(EncodedQuad, u32)> =
        found.iter().map(|(quad, location)| (*quad, location.line)).collect();
    assert_eq!(lines, [(wanted[0], 1), (wanted[1], 2)]);
}
