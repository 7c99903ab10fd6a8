//! Input that nobody would write but somebody may send.
#![expect(clippy::expect_used, reason = "helpers of tests fail where they stand")]

use std::time::{Duration, Instant};

use evergen_syntax::{
    Language, Limits, Unjudged, Verdict, check, check_within, judge_of, references,
};
use proptest::prelude::*;

/// Openings that nest in some language, each of which a parser may take for one more level.
const NESTS: &[&str] = &[
    "(",
    "[",
    "{",
    "((",
    "[{",
    "!",
    "-",
    "*",
    "&",
    "~",
    "a(",
    "a[",
    "a{",
    "a.b(",
    "if a ",
    "if (a) ",
    "else if a {",
    "a ? ",
    "a => ",
    "|a| ",
    "not ",
    "lambda: ",
    "a = ",
    "a + ",
    "a ** ",
    "a -> ",
    "f(f(",
    "<a>",
    "Vec<",
    "fn f() {",
    "return ",
    "await ",
    "typeof ",
    "new ",
    "`${",
    "f\"{",
    "{\"a\":",
    "- ",
    "a:\n ",
    "message M {",
    "select (",
    "case when ",
    "type A = ",
    "x extends ",
    "async ",
    "match a { a => ",
    "for a in ",
    "class A { m() {",
    "/*",
    "(a, ",
];

#[test]
fn nothing_that_nests_overflows_the_stack() {
    let times: usize =
        std::env::var("EVERGEN_NESTING").ok().and_then(|text| text.parse().ok()).unwrap_or(150);
    for language in Language::ALL {
        for nest in NESTS {
            let text = nest.repeat(times);
            // Whatever is said, it is said.
            let _ = check(*language, text.as_bytes());
            let _ = references(*language, text.as_bytes());
            let started = ["fn f() { ", "x = ", "select ", "let x = ", "class A { int x = "];
            for start in started {
                let _ = check(*language, format!("{start}{text}").as_bytes());
            }
        }
    }
}

#[test]
fn what_is_nested_and_valid_is_taken() {
    let nested = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    let rust = format!("fn f() -> i32 {{ {} }}", nested("(", "1", ")", 3_000));
    well_formed(Language::Rust, rust.as_bytes());
    well_formed(Language::TypeScript, nested("(", "1", ")", 3_000).as_bytes());
    well_formed(Language::Json, nested("[", "1", "]", 300_000).as_bytes());
    well_formed(Language::Python, nested("(", "1", ")", 199).as_bytes());
    let long = format!("const x = {};", vec!["a"; 20_000].join(" + "));
    well_formed(Language::TypeScript, long.as_bytes());
}

#[test]
fn python_has_limits_of_its_own() {
    let text = format!("{}1{}", "(".repeat(201), ")".repeat(201));
    assert_eq!(first(Language::Python, text.as_bytes()), "1:201: too many nested parentheses");
}

#[test]
fn beyond_the_limits_there_is_no_verdict() {
    let deep = "!".repeat(2_000_000);
    let limits = Limits::default();
    assert_eq!(
        check(Language::Rust, deep.as_bytes()),
        Err(Unjudged::TooDeep { limit: limits.stack })
    );
    let long = check_within(Language::Go, b"package a", &limits.with_bytes(3));
    assert_eq!(long, Err(Unjudged::TooLong { bytes: 9, limit: 3 }));
}

#[test]
fn bytes_that_are_no_text_are_an_error_at_their_place() {
    for language in Language::ALL {
        let verdict = check(*language, b"a\n \xff\n").expect("a verdict");
        let error = &verdict.errors[0];
        assert_eq!((error.line, error.column, error.range.clone()), (2, 2, 3..4), "{language}");
    }
    let latin = check(Language::Python, b"# -*- coding: latin-1 -*-\nx = '\xe9'\n");
    assert_eq!(latin, Err(Unjudged::Encoding("latin-1".to_owned())));
}

#[test]
fn a_byte_order_mark_counts_in_no_column() {
    for (language, text) in [
        (Language::Rust, "fn f( {"),
        (Language::TypeScript, "let = ;"),
        (Language::Python, "x = = 1"),
        (Language::Toml, "a = = 1"),
        (Language::Go, "package a b c"),
    ] {
        let plain = check(language, text.as_bytes()).expect("a verdict");
        let marked = check(language, format!("\u{feff}{text}").as_bytes()).expect("a verdict");
        assert_eq!(plain.errors[0].column, marked.errors[0].column, "{language}");
        assert_eq!(plain.errors[0].range.start + 3, marked.errors[0].range.start, "{language}");
    }
    for language in [Language::Json, Language::Java] {
        assert!(first(language, "\u{feff}{}".as_bytes()).contains("byte order mark"));
    }
}

#[test]
fn an_empty_file_is_well_formed_where_the_language_says_so() {
    for language in Language::ALL {
        let is_error = matches!(language, Language::Json | Language::GraphQl);
        let verdict = check(*language, b"").expect("a verdict");
        assert_eq!(verdict.is_well_formed(), !is_error, "{language}: {:?}", verdict.errors);
    }
}

#[test]
fn nul_characters_are_refused_outside_of_strings() {
    for language in Language::ALL {
        let verdict = check(*language, b"\0").expect("a verdict");
        assert!(!verdict.is_well_formed(), "{language}");
    }
}

/// A comment and a text in each language.
fn with_texts(language: Language, text: &str) -> Option<String> {
    Some(match language {
        Language::Rust => format!("/// {text}\nconst A: &str = \"{text}\";\n"),
        Language::TypeScript
        | Language::Tsx
        | Language::JavaScript
        | Language::JavaScriptModule => format!("/** {text} */\nconst a = '{text}';\n"),
        Language::Python => format!("# {text}\na = '{text}'\n\"\"\"{text}\"\"\"\n"),
        Language::Json => format!("{{\"{text}\": \"{text}\"}}"),
        Language::Toml => format!("# {text}\na = \"{text}\"\n"),
        Language::Yaml => format!("# {text}\na: '{text}'\n"),
        Language::Sql => format!("-- {text}\nSELECT '{text}';\n"),
        Language::GraphQl => {
            format!("# {text}\n\"\"\"{text}\"\"\"\ntype A {{ \"{text}\" a: Int }}\n")
        }
        Language::Protobuf => format!("syntax = \"proto3\";\n// {text}\noption a = \"{text}\";\n"),
        Language::Go => format!("package a\n\n// {text}\nvar a = \"{text}\"\n"),
        Language::Java => format!("/** {text} */\nclass A {{ String a = \"{text}\"; }}\n"),
        Language::Kotlin => format!("/** {text} */\nval a = \"{text}\"\n"),
        Language::CSharp => format!("/// {text}\nclass A {{ string a = \"{text}\"; }}\n"),
        _ => return None,
    })
}

#[test]
fn any_character_may_stand_in_texts_and_comments() {
    for language in Language::ALL {
        for text in ["🚀", "𝔐𝐀", "\u{10FFFF}", "\u{E000}", "\u{FFFD}", "e\u{301}", "\u{200D}", "中"]
        {
            let Some(text) = with_texts(*language, text) else { continue };
            let verdict = check(*language, text.as_bytes()).expect("a verdict");
            assert!(verdict.is_well_formed(), "{language}: {text}: {:?}", verdict.errors);
        }
        // Whatever is said of these: nothing stops the judge.
        for code in (0..0x20).chain([0x7F, 0x85, 0xA0, 0x2028, 0xFEFF, 0xFFFE, 0xFFFF]) {
            let character = char::from_u32(code).expect("a character").to_string();
            let Some(text) = with_texts(*language, &character) else { continue };
            check(*language, text.as_bytes()).expect("a verdict");
        }
    }
    let place = first(Language::GraphQl, "type A {\n  \"\"\"🚀\"\"\" a: \n}".as_bytes());
    assert!(place.starts_with("3:1: "), "{place}");
    let control = first(Language::GraphQl, "type A { \"\"\"a\u{1}\"\"\" a: Int }".as_bytes());
    assert_eq!(control, "1:14: the character U+0001 may stand nowhere");
}

#[test]
fn line_ends_of_windows_count_as_one() {
    let text = b"{\r\n  \"a\": 1,\r\n  oops\r\n}\r\n";
    let error = &check(Language::Json, text).expect("a verdict").errors[0];
    assert_eq!((error.line, error.column), (3, 3));
}

#[test]
fn a_line_of_megabytes_takes_no_time() {
    let started = Instant::now();
    let json = format!("[{}1]", "1,".repeat(2_000_000));
    well_formed(Language::Json, json.as_bytes());
    let rust = format!("const X: &str = \"{}\";", "x".repeat(4_000_000));
    well_formed(Language::Rust, rust.as_bytes());
    let go = format!("package a\nvar x = []int{{{}}}\n", "1,".repeat(100_000));
    well_formed(Language::Go, go.as_bytes());
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn names_and_versions_of_the_judges_are_those_of_the_lock_file() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
    let lock = std::fs::read_to_string(path).expect("the lock file of the workspace");
    for language in Language::ALL {
        let judge = judge_of(*language).expect("all features");
        let entry = format!("name = \"{}\"\nversion = \"{}\"\n", judge.parser, judge.version);
        assert!(lock.contains(&entry), "{judge}");
    }
}

#[test]
fn soft_keywords_of_kotlin_are_names() {
    let text = "package a\n\nclass A {\n    fun open(level: Int) = level\n    fun f() {\n        open(1)\n        val x = open(2)\n    }\n}\n";
    well_formed(Language::Kotlin, text.as_bytes());
    assert!(!check(Language::Kotlin, b"fun f( {}").expect("a verdict").is_well_formed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_it_panic_and_all_places_are_in_the_text(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        language in proptest::sample::select(Language::ALL),
    ) {
        places_are_inside(&check(language, &bytes), &bytes);
    }

    #[test]
    fn no_soup_of_tokens_makes_it_panic(
        tokens in proptest::collection::vec(proptest::sample::select(NESTS), 0..40),
        language in proptest::sample::select(Language::ALL),
    ) {
        let text = tokens.concat();
        places_are_inside(&check(language, text.as_bytes()), text.as_bytes());
    }
}

fn places_are_inside(verdict: &Result<Verdict, Unjudged>, bytes: &[u8]) {
    assert!(!matches!(verdict, Err(Unjudged::Panicked { .. })), "{verdict:?}");
    for error in verdict.iter().flat_map(|verdict| &verdict.errors) {
        assert!(
            error.range.start <= error.range.end && error.range.end <= bytes.len(),
            "{error:?}"
        );
        assert!(error.line >= 1 && error.column >= 1, "{error:?}");
    }
}

fn well_formed(language: Language, bytes: &[u8]) {
    assert_eq!(check(language, bytes).expect("a verdict").errors, [], "{language}");
}

fn first(language: Language, bytes: &[u8]) -> String {
    check(language, bytes).expect("a verdict").errors[0].to_string()
}
