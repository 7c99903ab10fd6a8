//! The laws of language profiles, for any text.

use evergen_packs::languages;
use evergen_regeneration::LanguageProfile;
use proptest::prelude::*;

/// Any text, and often one made of what languages stumble over.
fn text() -> impl Strategy<Value = String> {
    let trap = prop_oneof![
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("\"\"\"".to_owned()),
        Just("*/".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just("\u{2028}".to_owned()),
        Just("\u{202e}".to_owned()),
        Just("\u{e0041}".to_owned()),
        Just("\0".to_owned()),
        Just("/".to_owned()),
        Just(" ".to_owned()),
        "[a-z]{1,12}",
        "\\PC{1,3}",
    ];
    prop_oneof![
        any::<String>(),
        prop::collection::vec(trap, 0..12).prop_map(|parts| parts.concat())
    ]
}

/// What may be a name: a reserved word as often as anything.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![text(), prop::sample::select(&WORDS[..]).prop_map(str::to_owned)]
}

const WORDS: [&str; 24] = [
    "type",
    "class",
    "self",
    "Self",
    "crate",
    "super",
    "fn",
    "gen",
    "None",
    "True",
    "lambda",
    "list",
    "function",
    "await",
    "yield",
    "interface",
    "string",
    "eval",
    "String",
    "Box",
    "r#type",
    "_",
    "1",
    "unnamed",
];

/// The words that none of the languages takes for a name: a sample, written down here anew.
fn is_reserved(language: &str, word: &str) -> bool {
    let words: &[&str] = match language {
        "rust" => &["type", "self", "Self", "crate", "super", "fn", "gen", "await", "yield", "_"],
        "typescript" => {
            &["class", "function", "await", "yield", "interface", "super", "string", "eval"]
        }
        _ => &["class", "None", "True", "lambda", "await", "yield"],
    };
    words.contains(&word)
}

fn each() -> Vec<(&'static str, std::sync::Arc<dyn LanguageProfile>)> {
    let languages = languages();
    ["rust", "typescript", "python"]
        .map(|name| (name, languages.get(name).unwrap().clone()))
        .to_vec()
}

/// Reads a literal as the language does; `None` when it is not exactly one.
fn read_literal(literal: &str) -> Option<String> {
    let mut rest = literal.strip_prefix('"')?.chars();
    let mut text = String::new();
    loop {
        match rest.next()? {
            '"' => return rest.next().is_none().then_some(text),
            '\\' => text.push(read_escape(&mut rest)?),
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => return None,
            c => text.push(c),
        }
    }
}

fn read_escape(rest: &mut std::str::Chars<'_>) -> Option<char> {
    let digits: String = match rest.next()? {
        'n' => return Some('\n'),
        'r' => return Some('\r'),
        't' => return Some('\t'),
        '0' => return Some('\0'),
        c @ ('"' | '\\') => return Some(c),
        'x' => rest.by_ref().take(2).collect(),
        'U' => rest.by_ref().take(8).collect(),
        'u' if rest.as_str().starts_with('{') => {
            rest.next();
            rest.by_ref().take_while(|c| *c != '}').collect()
        }
        'u' => rest.by_ref().take(4).collect(),
        _ => return None,
    };
    u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32)
}

fn shows(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn an_identifier_is_valid_and_stays_as_it_is(name in name()) {
        for (language, profile) in each() {
            let identifier = profile.ident(&name);
            let plain = identifier.strip_prefix("r#").unwrap_or(&identifier);
            let mut characters = plain.chars();
            let first = characters.next().expect("an identifier is never empty");
            prop_assert!(first == '_' || unicode_ident::is_xid_start(first), "{language}: {identifier}");
            prop_assert!(characters.all(unicode_ident::is_xid_continue), "{language}: {identifier}");
            prop_assert!(!is_reserved(language, &identifier), "{language}: {identifier}");
            prop_assert_eq!(profile.ident(&identifier), identifier);
        }
    }

    #[test]
    fn a_literal_says_its_text_and_shows_all_of_it(text in text()) {
        for (language, profile) in each() {
            let literal = profile.string(&text);
            prop_assert_eq!(read_literal(&literal), Some(text.clone()), "{}: {}", language, literal);
            prop_assert!(literal.chars().all(shows), "{}: {:?}", language, literal);
        }
    }

    #[test]
    fn a_text_stays_in_its_comment(text in text()) {
        for (language, profile) in each() {
            let doc = profile.doc(&text);
            prop_assert!(doc.chars().all(|c| c == '\n' || shows(c)), "{}: {:?}", language, doc);
            match language {
                "rust" => prop_assert!(doc.split('\n').skip(1).all(|line| line.starts_with("///"))),
                "typescript" => {
                    prop_assert_eq!(format!("/**{doc}*/").find("*/"), Some(3 + doc.len()));
                }
                _ => prop_assert_eq!(docstring_end(&doc), Some(doc.len())),
            }
        }
    }
}

/// Where a documentation string with this content ends: at the first three quotes of
/// which none stands behind a backslash.
fn docstring_end(doc: &str) -> Option<usize> {
    let text = format!("{doc}\"\"\"");
    let mut position = 0;
    while position < text.len() {
        let rest = &text[position..];
        if rest.starts_with("\"\"\"") {
            return Some(position);
        }
        let mut characters = rest.chars();
        position += characters.next()?.len_utf8();
        if rest.starts_with('\\') {
            position += characters.next()?.len_utf8();
        }
    }
    None
}
