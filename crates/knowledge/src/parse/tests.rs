use std::ops::ControlFlow;

use proptest::prelude::*;

use super::reader::Source;
use super::scan::{Mark, turtle_marks};
use super::{Documents, ParsedSource, SyntaxError, chunks, parse};
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
