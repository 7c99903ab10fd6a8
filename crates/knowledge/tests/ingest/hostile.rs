use std::fmt::Write as _;
use std::time::{Duration, Instant};

use evergen_knowledge::{Format, Limits, SyntaxErrorKind, fuzzing, parse};
use proptest::prelude::*;

use super::BASE;

/// The kind of the first error; reading it must not take long.
fn kind(text: &[u8], format: Format, limits: &Limits) -> Option<SyntaxErrorKind> {
    let before = Instant::now();
    let result = parse(text, format, BASE, limits);
    assert!(before.elapsed() < Duration::from_secs(30), "{:?}", before.elapsed());
    result.err().map(|errors| errors[0].kind.clone())
}

fn unlimited() -> Limits {
    Limits {
        max_nesting: usize::MAX,
        max_json_nesting: usize::MAX,
        max_blank_component: usize::MAX,
        max_iri_bytes: usize::MAX,
        ..Limits::default()
    }
}

#[test]
fn deep_nesting_is_refused() {
    let deep = 100_000;
    let too_deep = Some(SyntaxErrorKind::NestingTooDeep { limit: 1000 });
    let limits = Limits::default();
    for format in [Format::Turtle, Format::TriG] {
        for bracket in ["[", "(", "[ <http://p> ", "( ( 1 ) "] {
            let text = format!("<http://s> <http://p> {}", bracket.repeat(deep));
            assert_eq!(kind(text.as_bytes(), format, &limits), too_deep, "{bracket}");
        }
    }
    let json = Some(SyntaxErrorKind::NestingTooDeep { limit: limits.max_json_nesting });
    for piece in ["[", "{\"@graph\":", "{\"@context\":[", "{\"http://p\":{\"@list\":["] {
        let text = piece.repeat(deep);
        assert_eq!(kind(text.as_bytes(), Format::JsonLd, &limits), json, "{piece}");
        // However high the limit is set.
        assert!(kind(text.as_bytes(), Format::JsonLd, &unlimited()).is_some(), "{piece}");
    }
    for piece in ["<a>", "<a b='c'><!-- </a> -->", "<a><![CDATA[</a>]]>"] {
        assert_eq!(
            kind(piece.repeat(deep).as_bytes(), Format::RdfXml, &limits),
            too_deep,
            "{piece}"
        );
    }
}

#[test]
fn nesting_up_to_the_limit_is_read() {
    let limits = Limits { max_json_nesting: 256, ..Limits::default() };
    let (depth, json) = (limits.max_nesting, limits.max_json_nesting);
    let wrap = |open: &str, inner: &str, close: &str, depth: usize| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    for (text, format) in [
        (
            format!("<http://s> <http://p> {} .", wrap("[ <http://p> ", "1", " ]", depth)),
            Format::Turtle,
        ),
        (format!("<http://s> <http://p> {} .", wrap("( ", "1", " )", depth)), Format::Turtle),
        (wrap("{\"http://p\":", "{}", "}", json - 1), Format::JsonLd),
        (wrap("{\"@context\":{\"a\":\"http://a\"},\"a\":", "{}", "}", json - 1), Format::JsonLd),
        (
            format!(
                "{{\"@context\":{}}}",
                wrap("{\"t\":{\"@id\":\"http://t\",\"@context\":", "{}", "}}", json / 2 - 1)
            ),
            Format::JsonLd,
        ),
        (
            format!(
                "{{\"http://p\":{{\"@type\":\"@json\",\"@value\":{}}}}}",
                wrap("[", "1", "]", json - 2)
            ),
            Format::JsonLd,
        ),
    ] {
        assert_eq!(kind(text.as_bytes(), format, &limits), None, "{}", &text[..40]);
    }
}

#[test]
fn without_the_limit_depth_costs_memory_and_no_stack() {
    for open in ["[ <http://p> ", "( "] {
        let text = format!("<http://s> <http://p> {}", open.repeat(20_000));
        assert_eq!(
            kind(text.as_bytes(), Format::Turtle, &unlimited()),
            Some(SyntaxErrorKind::Syntax)
        );
    }
}

#[test]
fn long_texts_are_refused() {
    let limits = Limits::default();
    let too_long = Some(SyntaxErrorKind::LiteralTooLong { limit: limits.max_literal_bytes });
    let long = "line\\n".repeat(3 << 20);
    let text = format!("<http://s> <http://p> \"{long}\" .");
    assert_eq!(kind(text.as_bytes(), Format::NTriples, &limits), too_long);
    // Every line of a long string costs the same, in the search for the place too.
    let text = format!("<http://s> <http://p> \"\"\"{}\"\"\" .", "line\n".repeat(3 << 20));
    assert_eq!(kind(text.as_bytes(), Format::Turtle, &limits), too_long);
    let text = format!("<http://s> <http://p> <http://{}> .", "x".repeat(10_000));
    let too_long = Some(SyntaxErrorKind::IriTooLong { limit: limits.max_iri_bytes });
    assert_eq!(kind(text.as_bytes(), Format::NTriples, &limits), too_long);
}

#[test]
fn entities_that_explode_are_refused() {
    let mut text = "<!DOCTYPE r [<!ENTITY e0 \"laugh\">".to_owned();
    for i in 1..12 {
        let value = format!("&e{};", i - 1).repeat(10);
        write!(text, "<!ENTITY e{i} \"{value}\">").unwrap();
    }
    let laughs = format!("{text}]><r>&e11;</r>");
    let limit = Limits::default().max_entity_bytes;
    let too_large = Some(SyntaxErrorKind::EntitiesTooLarge { limit });
    assert_eq!(kind(laughs.as_bytes(), Format::RdfXml, &Limits::default()), too_large);
    // One level, but a large entity used often.
    let flat = format!(
        "<!DOCTYPE r [<!ENTITY e \"{}\">]><r>{}</r>",
        "x".repeat(100_000),
        "&e;".repeat(10_000)
    );
    assert_eq!(kind(flat.as_bytes(), Format::RdfXml, &Limits::default()), too_large);
}

#[test]
fn files_outside_are_not_read() {
    for declaration in
        ["SYSTEM \"/etc/passwd\"", "SYSTEM 'http://example.org/e'", "PUBLIC \"a\" \"b\""]
    {
        let text = format!(
            "<!DOCTYPE r [<!ENTITY e {declaration}>]>\
             <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
             <rdf:Description rdf:about=\"http://a\" xmlns:x=\"http://x/\"><x:p>&e;</x:p></rdf:Description></rdf:RDF>"
        );
        assert_eq!(
            kind(text.as_bytes(), Format::RdfXml, &Limits::default()),
            Some(SyntaxErrorKind::Syntax)
        );
    }
}

#[test]
fn odd_bytes_do_no_harm() {
    let limits = Limits::default();
    for format in Format::all() {
        for text in [
            &b""[..],
            b"\0",
            b"\xef\xbb\xbf",
            b"\xef\xbb",
            b"\xff\xfe",
            b"\r",
            b"\r\n\r\n",
            b"\\",
            b"\"",
            b"<",
            b"'''",
            b"\xef\xbb\xbf\xef\xbb\xbf",
            b"@",
            b"_:",
            b"&",
            b"<!",
            b"<!--",
            b"<![CDATA[",
            b"<!DOCTYPE",
            b"<!ENTITY",
            b"<!DOCTYPE [<!ENTITY % x \"",
            b"{\"@context\":{\"@import\":\"x\"}}",
            b"[[[[",
            b"]]]]",
            b"....",
            b"{}{}",
        ] {
            let _ = kind(text, format, &limits);
            fuzzing::parse(text);
        }
    }
    let text = b"\xef\xbb\xbf<http://a> <http://b> \"\0\" .\r\n";
    for format in [Format::Turtle, Format::NTriples, Format::NQuads, Format::TriG] {
        assert_eq!(kind(text, format, &limits), None);
        assert_eq!(kind(b"", format, &limits), None);
    }
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "<", ">", "\"", "'", "\\", "\\u00", "@prefix a: <x> .", "a:b", "_:b", "[", "]", "(", ")", "{", "}", ".",
                ";", ",", "^^", "@en", "1", "-1.5e3", "true", "\"\"\"", "\n", "\r", "#", " ", "<http://a>", "GRAPH",
                "{\"@id\":", "\"@context\"", ":", "null", "\"@list\"", "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>",
                "<rdf:Description>", "</rdf:Description>", "<x:y>", "&amp;", "&e;", "<!ENTITY e \"&e;\">", "\u{0}", "é", "\u{202e}",
            ]),
            0..30,
        ),
    ) {
        fuzzing::parse(pieces.concat().as_bytes());
    }
}
