//! The laws of names, for all languages and any text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use evergen_packs::languages;
use evergen_regeneration::NameKind;
use proptest::prelude::*;

use crate::grammar::{key, takes};

/// All languages by their own names.
pub(crate) const LANGUAGES: [&str; 12] = [
    "csharp",
    "go",
    "graphql",
    "java",
    "jsonschema",
    "kotlin",
    "openapi",
    "protobuf",
    "python",
    "rust",
    "sql",
    "typescript",
];

/// The keywords of all languages, and names that are there without an import.
pub(crate) const WORDS: &str = include_str!("words.txt");

/// Texts that are near to each other: what codes, prefixes and cases are made of.
fn near() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[uU0-9a-fxXH]{1,3}",
        "[ _#-]",
        prop::sample::select(
            &["中", "ß", "é", "e\u{301}", "İ", "ı", "क\u{94d}", "\u{903}", "٣"][..]
        )
        .prop_map(str::to_owned),
        prop::sample::select(
            &["\u{200d}", "\u{200c}", "𠮷", "🚀", "ⓐ", "🅐", "²", "ᄀ", "ᅡ", "ﬁ"][..]
        )
        .prop_map(str::to_owned),
        prop::sample::select(&["Σ", "ς", "ǆ", "ͅ", "\u{301}", "U4e2d", "u00df", "unnamed", "Q"][..])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        near(),
        prop::sample::select(WORDS.lines().collect::<Vec<_>>()).prop_map(str::to_owned),
        "\\PC{1,8}",
        "[a-z中]{60,300}",
        "[a-z]{1,4}_(test|linux|amd64)",
    ]
}

fn each(mut check: impl FnMut(&'static str, NameKind, &dyn Fn(&str) -> String)) {
    let languages = languages();
    for language in LANGUAGES {
        let profile = languages.get(language).unwrap();
        for kind in NameKind::ALL {
            check(language, kind, &|text| profile.name_for(kind, text));
        }
    }
}

fn check_apart(texts: &[String]) {
    each(|language, kind, name_for| {
        let mut names: BTreeMap<String, &str> = BTreeMap::new();
        for text in texts {
            let name = name_for(text);
            let other = names.insert(name.clone(), text).unwrap_or(text);
            assert_eq!(key(other), key(text), "{language} {kind:?}: {other:?}, {text:?} → {name}");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    #[test]
    fn a_name_is_what_the_language_takes(text in any_name()) {
        each(|language, kind, name_for| {
            let name = name_for(&text);
            assert!(takes(language, kind, &name), "{language} {kind:?}: {text:?} → {name:?}");
            assert_eq!(name, name_for(&text));
        });
    }

    #[test]
    fn what_differs_in_more_than_notation_has_another_name(
        texts in prop::collection::vec(near(), 40),
    ) {
        check_apart(&texts);
    }

    #[test]
    fn any_two_texts_are_kept_apart(texts in prop::collection::vec(any_name(), 10)) {
        check_apart(&texts);
    }

    #[test]
    fn a_plain_name_stays_as_it_is(text in "[a-z]{2,9}([ _-][a-z]{2,9}){0,3}") {
        each(|language, kind, name_for| {
            let name = name_for(&text);
            // A package that may hold no `_` at its end holds a code, and a raw word is a mark.
            let is_plain = name.chars().all(|c| c.is_ascii_alphabetic() || "_-".contains(c));
            if is_plain && name.len() < 60 {
                assert_eq!(name_for(&name), name, "{language} {kind:?}");
            }
        });
    }
}

#[test]
fn all_words_that_some_language_reserves_can_be_names_in_each() {
    let texts: Vec<String> = WORDS.lines().map(str::to_owned).collect();
    assert!(texts.len() > 600, "{}", texts.len());
    for text in &texts {
        each(|language, kind, name_for| {
            let name = name_for(text);
            assert!(takes(language, kind, &name), "{language} {kind:?}: {text} → {name}");
        });
    }
    check_apart(&texts);
}

#[test]
fn names_that_came_near_to_each_other() {
    let texts = [
        "中",
        "u4e2d",
        "U4e2d",
        "u 4e2d",
        "u4e 2d",
        "中1",
        "u4e2d1",
        "menu2024",
        "men u2024",
        "3d",
        "_3d",
        "x3d",
        "X 3d",
        "x中",
        "",
        "unnamed",
        "🚀",
        "ud83d ude80",
        "ß",
        "ss",
        "ı",
        "i",
        "String",
        "string_",
        "StringType",
        "e\u{200d}\u{301}",
        "é",
        "ᄀ-ᅡ",
        "가",
        "3u0903",
        "3u\u{903}",
        "cp\u{903}",
        "cpu0903",
    ];
    check_apart(&texts.map(str::to_owned));
}

#[test]
fn names_of_some_things_in_all_languages() {
    let texts = [
        "orderDate",
        "HTTPServer",
        "customer id",
        "type",
        "class",
        "String",
        "Object",
        "3DModel",
        "größe",
        "名前",
        "हिन्दी",
        "مرحبا",
        "🚀",
        "",
        "con",
        "a_linux",
        "index",
    ];
    let mut shown = String::new();
    for text in texts {
        writeln!(shown, "{text:?}").unwrap();
        for language in LANGUAGES {
            let languages = languages();
            let profile = languages.get(language).unwrap();
            let names = NameKind::ALL.map(|kind| profile.name_for(kind, text));
            writeln!(shown, "  {language:10} {}", names.join("  ")).unwrap();
        }
    }
    insta::assert_snapshot!(shown);
}
