use std::ops::ControlFlow;

use proptest::prelude::*;

use oxrdf::GraphName;

use super::collector::Collector;
use super::oxttl_text::{first_header, read_text};
use super::reader::{MAX_ERRORS, Sink, Source};
use super::scan::{Mark, turtle_marks};
use super::{Documents, ParsedSource, SyntaxError, chunks, parse};
use crate::chunks::Header;
use crate::{Format, Limits};

const BASE: &str = "http://example.org/base/";

fn marks(text: &str) -> String {
    let mut seen = String::new();
    turtle_marks(text.as_bytes(), |mark, place| {
        let name = match mark {
            Mark::Open => '(',
            Mark::Close => ')',
            Mark::StringStart => '"',
            Mark::StringEnd => '\'',
            Mark::Line => '/',
        };
        seen.push(name);
        seen.push_str(&place.to_string());
        ControlFlow::Continue(())
    });
    seen
}

#[test]
fn brackets_count_where_they_are_brackets() {
    for (text, expected) in [
        ("[ ( ) ]", "(0(2)4)6"),
        ("<http://[(> '[' \"(\\\"(\" # [\n[", "/27(27"),
        ("\"\"\"[\n\"(\"\n\"\"\"[", "\"0'12(12"),
        ("'''a\\''''[", "\"0'9(9"),
        ("'' \"\" [", "(6"),
        ("ex:a\\(b [\r\n\r\n", "(8/11/13"),
        ("\"open [", ""),
        ("\"open [\n[", "/8(8"),
        ("<open [\n[", "/8(8"),
        ("'''open [\n[", "\"0'11"),
        ("\\", ""),
    ] {
        assert_eq!(marks(text), expected, "{text}");
    }
}

/// What a file says, in a form that can be compared.
fn summary(parsed: Result<ParsedSource, Vec<SyntaxError>>) -> Result<String, String> {
    let ParsedSource { mut terms, ground, components, prefixes, imports, .. } =
        parsed.map_err(|errors| format!("{errors:?}"))?;
    let quads: Vec<_> = (0..)
        .zip(&components)
        .flat_map(|(ordinal, component)| component.instantiate(ordinal, &mut terms).unwrap())
        .collect();
    let mut lines: Vec<String> = ground
        .iter()
        .chain(&quads)
        .map(|quad| {
            let text = |id| terms.get(id).map_or_else(String::new, |term| term.to_string());
            format!(
                "{} {} {} {}",
                text(quad.subject),
                text(quad.predicate),
                text(quad.object),
                text(quad.graph)
            )
        })
        .collect();
    lines.sort();
    Ok(format!("{prefixes:?} {imports:?} {}", lines.join("\n")))
}

/// The file in chunks so small that it has several.
fn in_chunks(
    text: &str,
    format: Format,
    chunk_bytes: usize,
    threads: usize,
) -> Option<ParsedSource> {
    let limits = Limits { chunk_bytes, ..Limits::default() };
    let none = Documents::none();
    let source = Source::new(text.as_bytes(), format, BASE, &limits, &none).ok()?;
    chunks::parse(&source, threads)
}

fn whole(text: &str, format: Format) -> Result<String, String> {
    let limits = Limits { chunk_bytes: 0, ..Limits::default() };
    summary(parse(text.as_bytes(), format, BASE, &limits))
}

/// Whether the file could be read in chunks; if so, it says the same as the whole.
fn check_threads(text: &str, format: Format) -> bool {
    let expected = whole(text, format);
    let mut is_read = false;
    for (bytes, threads) in [(1, 1), (8, 1), (16, 1), (1, 2), (1, 3), (2, 4), (16, 5)] {
        if let Some(parsed) = in_chunks(text, format, bytes, threads) {
            is_read = true;
            assert_eq!(summary(Ok(parsed)), expected, "{text}");
        }
    }
    is_read
}

fn turtle(count: usize, statement: impl Fn(usize) -> String) -> String {
    let head = "@prefix e: <http://e/> .\n@base <http://b/> .\n";
    std::iter::once(head.to_owned()).chain((0..count).map(statement)).collect()
}

#[test]
fn chunks_and_threads_have_no_influence_on_what_is_read() {
    assert!(check_threads(
        &turtle(40, |i| format!("e:s{i} e:p e:o , <o{i}> ; e:q \"{i}. x\"@EN .\n")),
        Format::Turtle,
    ));
    // One blank node from both sides of every cut.
    assert!(check_threads(
        &turtle(40, |i| format!("e:s{i} e:p _:shared , [ e:q {i} ] .\n")),
        Format::Turtle,
    ));
    // Texts that look like statements.
    assert!(check_threads(
        &turtle(30, |i| {
            format!(
                "e:s{i} e:p \"\"\"\ne:a e:b e:c .\ne:a e:b e:d .\ne:a e:b e:e .\ne:a e:b e:f .\n\"\"\" .\n"
            )
        }),
        Format::Turtle,
    ));
    // Prefixes and bases that change on the way.
    assert!(check_threads(
        &turtle(30, |i| format!("@prefix e: <http://e{i}/> .\ne:s e:p <x> .\n")),
        Format::Turtle,
    ));
    assert!(check_threads(
        &turtle(30, |i| format!("@base <http://b{i}/> .\ne:s e:p <x> .\n")),
        Format::Turtle,
    ));
    assert!(check_threads(
        &turtle(30, |i| format!("@prefix f{i}: <http://f/> .\ne:s e:p f{i}:x .\n")),
        Format::Turtle,
    ));
    // Errors, early and late.
    assert!(!check_threads(
        &turtle(30, |i| if i == 25 { "e:s e:p .\n".into() } else { format!("e:s e:p {i} .\n") }),
        Format::Turtle,
    ));
    assert!(!check_threads(
        &turtle(30, |i| if i == 3 { "e:s f:p e:o .\n".into() } else { format!("e:s e:p {i} .\n") }),
        Format::Turtle,
    ));
    // Comments, and statements over many lines.
    assert!(check_threads(
        &turtle(30, |i| format!("# e:a e:b e:c .\ne:s\n e:p\n {i}.0 ;\n.\n")),
        Format::Turtle,
    ));
    let lines = |i| format!("<http://s{i}> <http://p> _:b{} <http://g> .\n", i % 3);
    assert!(check_threads(&(0..40).map(lines).collect::<String>(), Format::NQuads));
    let lines = |i| format!("_:b{i} <http://p> \"{i}\" .\r\n");
    assert!(check_threads(&(0..40).map(lines).collect::<String>(), Format::NTriples));
    assert!(!check_threads("", Format::Turtle));
    assert!(!check_threads("\n", Format::NTriples));
}

proptest! {
    #[test]
    fn any_text_is_read_the_same_by_threads(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "e:a e:b e:c .\n", "e:a e:b \"x.\n\" .\n", "\"\"\"", "e:a e:b \"\"\"q .\n", "[", "] .\n",
                "e:a e:b [ e:p _:x ] .\n", "_:x e:p 1.5 .\n", "@prefix e: <http://f/> .\n", ".\n",
                "# e:a .\n", "e:a e:b 'y' ;\n", "<http://i> e:p ( 1 2 ) .\n", "e:a e:b 1 . e:c e:d 2 .\n",
            ]),
            0..40,
        ),
    ) {
        let text = turtle(pieces.len(), |i| pieces[i].to_owned());
        check_threads(&text, Format::Turtle);
        check_threads(&text, Format::TriG);
    }
}

/// Everything that a collector knows after reading some Turtle, and the errors.
fn read_by(text: &str, read: impl FnOnce(&mut Collector<'_>) -> Vec<String>) -> String {
    let limits = Limits::default();
    let mut collector = Collector::new(&limits);
    let errors = read(&mut collector);
    let mut terms: Vec<String> = collector.terms.iter().map(|(_, term)| term.to_string()).collect();
    terms.sort_unstable();
    let ground = collector.ground.clone();
    let Collector { statements, blank, blank_numbers, .. } = collector;
    // With errors, terms of statements that were given up may be left.
    let terms = if errors.is_empty() { terms } else { Vec::new() };
    format!("{text}\n{errors:?} {statements} {ground:?} {blank:?} {blank_numbers:?} {terms:?}")
}

fn spell(error: &oxttl::TurtleSyntaxError, start: usize) -> String {
    let location = error.location();
    let offsets = [location.start.offset, location.end.offset].map(|offset| offset + start as u64);
    format!("{offsets:?} {}", error.message())
}

fn both_ways(text: &str) -> (String, String) {
    let header = first_header(Format::Turtle, BASE);
    let (limits, none) = (Limits::default(), Documents::none());
    let source = Source::new(text.as_bytes(), Format::Turtle, BASE, &limits, &none).unwrap();
    let ours = read_by(text, |collector| {
        let outcome = read_text(&source, &header, MAX_ERRORS, collector).unwrap();
        outcome.errors.iter().map(|error| spell(error, outcome.start)).collect()
    });
    let library = read_by(text, |collector| {
        let parser = oxttl::TurtleParser::new().with_base_iri(BASE).unwrap();
        let mut errors = Vec::new();
        for result in parser.for_slice(text) {
            match result {
                Ok(triple) => drop(collector.quad(triple.in_graph(GraphName::DefaultGraph), 0)),
                Err(error) => errors.push(spell(&error, 0)),
            }
        }
        errors.truncate(MAX_ERRORS);
        errors
    });
    (ours, library)
}

/// Pieces of which some are plain, and others only nearly so.
const PIECES: &[&str] = &[
    "ex:a",
    "ex:b",
    "ex:c.d",
    "ex:",
    ":x",
    "ex:-",
    "ex:a.",
    "ex:a..b",
    "ex:1",
    "ex:_",
    "ex:a:b",
    "ex:\u{e9}",
    "ex:a%41",
    "ex:a\\-b",
    "no:a",
    "bare:a",
    "bare:9",
    "hash:a",
    "a",
    "a.",
    "true",
    "false",
    "true.",
    "truer:a",
    "<http://e.org/a>",
    "<http://e.org/a/../b>",
    "<http://e.org>",
    "<http://>",
    "<http://e.org/a b>",
    "<a>",
    "<#a>",
    "<https://e.org/a#b>",
    "<http://e.org/a#b#c>",
    "<http://e.org:80/a>",
    "<urn:x:y>",
    "\"\"",
    "\"a b\"",
    "\"\u{e9}\"",
    "\"\\n\"",
    "\"\"\"a\n\"b\"\"\"",
    "'a'",
    "\"a",
    "\"a\nb\"",
    "\"a\"@en",
    "\"a\"@en-GB",
    "\"a\"@en-Latn-GB",
    "\"a\"@e",
    "\"a\"@",
    "\"a\" @en",
    "\"a\"@EN",
    "\"1\"^^ex:a",
    "\"1\"^^<http://e.org/a>",
    "\"1\"^^ ex:a",
    "\"1\"^ex:a",
    "\"a\"^^rdf:langString",
    "\"a\"^^xsd:string",
    "1",
    "+1",
    "-1",
    "-",
    "1.",
    "1.5",
    "1e3",
    ".5",
    ".",
    ".",
    ".",
    ";",
    ",",
    ";;",
    "[",
    "]",
    "[]",
    "(",
    ")",
    "_:b",
    "_:b2",
    "# note\n",
    "#",
    "\n",
    "\t",
    "\r\n",
    "\u{c}",
    "\u{a0}",
    "@prefix ex: <http://other.org/> .",
    "@prefix",
    "@base <http://b.org/> .",
    "PREFIX p: <http://p.org/>",
    "{",
    "}",
    "<<",
    ">>",
    "^",
    "=",
    "\\",
];

const PREFIXES: &str = "@prefix ex: <http://example.org/> . @prefix : <http://example.org/d#> .\n\
    @prefix bare: <http://example.org> . @prefix hash: <http://example.org#> .\n\
    @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .\n\
    @prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .\n";

fn piece() -> impl Strategy<Value = String> {
    let separator = prop_oneof![6 => Just(" "), 2 => Just(""), 1 => Just("\n")];
    (prop::sample::select(PIECES), separator).prop_map(|(piece, space)| format!("{piece}{space}"))
}

/// Statements that are likely to be right, with a foreign piece now and then.
fn statement() -> impl Strategy<Value = String> {
    let plain =
        prop::sample::select(&["ex:a", "<http://e.org/a>", ":x", "ex:c.d", "\"a\"@en", "1"][..]);
    let object = prop_oneof![6 => plain.prop_map(str::to_owned), 3 => piece(), 1 => Just("[ a ex:b ]".to_owned())];
    let joint = prop_oneof![Just(", "), Just("; a "), Just(" ; ex:p "), Just(" ;; ex:p ")];
    let end = prop_oneof![8 => Just(" .\n"), 1 => Just("."), 1 => Just(" ; ."), 1 => Just(" ")];
    let rest = prop::collection::vec((joint, object.clone()), 0..4);
    (object.clone(), object, rest, end).prop_map(|(subject, first, rest, end)| {
        let rest: Vec<String> =
            rest.into_iter().map(|(joint, object)| format!("{joint}{object}")).collect();
        let rest = rest.concat();
        format!("{subject} ex:p {first}{rest}{end}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn what_is_plain_reads_as_the_library_reads_it(
        pieces in prop::collection::vec(piece(), 0..12),
        statements in prop::collection::vec(statement(), 0..6),
        filler in 0_usize..3,
    ) {
        // Enough plain text to change over more than once.
        let filler = "ex:a ex:b ex:c .\n".repeat(filler * 80);
        let text = format!("{PREFIXES}{}{filler}{}", statements.concat(), pieces.concat());
        let (ours, library) = both_ways(&text);
        prop_assert_eq!(ours, library);
        let text = format!("{PREFIXES}{filler}{}{filler}{}", statements.concat(), statements.concat());
        let (ours, library) = both_ways(&text);
        prop_assert_eq!(ours, library);
    }
}

#[test]
fn common_turtle_is_plain() {
    let text = "@prefix ex: <http://example.org/> .\n\
        ex:a a ex:B ; ex:p \"x\"@en-GB, \"y\", 12, true ;\n ex:q <http://e.org/x#y> . # done\n";
    let header = Header { base: None, prefixes: vec![("ex".into(), "http://example.org/".into())] };
    let limits = Limits::default();
    let mut collector = Collector::new(&limits);
    let start = text.find("ex:a").unwrap();
    assert_eq!(super::plain::read(text, start, &header, &mut collector), text.len());
    assert_eq!(collector.statements, 6);
}
