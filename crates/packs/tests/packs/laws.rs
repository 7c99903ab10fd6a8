//! The laws of language profiles, for any text.

use evergen_packs::languages;
use evergen_regeneration::LanguageProfile;
use proptest::prelude::*;

use crate::names::LANGUAGES;

/// Any text, and often one made of what languages stumble over.
fn text() -> impl Strategy<Value = String> {
    let trap = prop_oneof![
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("\"\"\"".to_owned()),
        Just("*/".to_owned()),
        Just("/*".to_owned()),
        Just("{@link".to_owned()),
        Just("@param".to_owned()),
        Just("\\u000a".to_owned()),
        Just("${x}".to_owned()),
        Just("'".to_owned()),
        Just("<b>".to_owned()),
        Just("&amp".to_owned()),
        Just("[x]".to_owned()),
        Just("+build".to_owned()),
        Just("http://a.b/".to_owned()),
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
    let words = match language {
        "rust" => "type self Self crate super fn gen await yield _",
        "typescript" => "class function await yield interface super string eval",
        "python" => "class None True lambda await yield",
        "go" => "type func interface string",
        "java" => "class super interface yield _",
        "kotlin" => "class super interface",
        "csharp" => "class await interface string",
        "sql" => "END user",
        "graphql" => "true null",
        _ => "",
    };
    words.split(' ').any(|reserved| reserved == word)
}

fn each() -> Vec<(&'static str, std::sync::Arc<dyn LanguageProfile>)> {
    let languages = languages();
    LANGUAGES.map(|name| (name, languages.get(name).unwrap().clone())).to_vec()
}

/// Reads a literal as the language does; `None` when it is not exactly one.
fn read_literal(language: &str, literal: &str) -> Option<String> {
    let quote = if language == "sql" { '\'' } else { '"' };
    let (escapes, literal) = match literal.strip_prefix('E') {
        Some(literal) => (true, literal),
        None => (language != "sql", literal),
    };
    let mut rest = literal.strip_prefix(quote)?.chars().peekable();
    let mut units: Vec<u16> = Vec::new();
    loop {
        let c = match rest.next()? {
            c if c == quote && language == "sql" && rest.peek() == Some(&quote) => rest.next()?,
            c if c == quote => {
                return rest.next().is_none().then(|| String::from_utf16(&units).ok())?;
            }
            '\\' if escapes => {
                units.extend(read_escape(language, &mut rest)?);
                continue;
            }
            '$' if language == "kotlin" => return None,
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => return None,
            c => c,
        };
        units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn read_escape(language: &str, rest: &mut Rest<'_>) -> Option<Vec<u16>> {
    let digits: String = match rest.next()? {
        'n' => return Some(vec![10]),
        'r' => return Some(vec![13]),
        't' => return Some(vec![9]),
        '0' => return Some(vec![0]),
        '$' if language == "kotlin" => return Some(vec![u16::from(b'$')]),
        c @ ('"' | '\\') => return Some(vec![u16::try_from(u32::from(c)).ok()?]),
        'x' => rest.by_ref().take(2).collect(),
        'U' => rest.by_ref().take(8).collect(),
        'u' if rest.peek() == Some(&'{') => {
            rest.next();
            rest.by_ref().take_while(|c| *c != '}').collect()
        }
        'u' => {
            let digits: String = rest.by_ref().take(4).collect();
            return Some(vec![u16::from_str_radix(&digits, 16).ok()?]);
        }
        _ => return None,
    };
    let c = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32)?;
    Some(c.encode_utf16(&mut [0; 2]).to_vec())
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
            let plain = identifier.trim_start_matches("r#").trim_matches(['@', '`']);
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
            // The one text that a literal of PostgreSQL can't say.
            let said = if language == "sql" { text.replace('\0', "\u{fffd}") } else { text.clone() };
            prop_assert_eq!(read_literal(language, &literal), Some(said), "{}: {}", language, literal);
            prop_assert!(literal.chars().all(shows), "{}: {:?}", language, literal);
        }
    }

    #[test]
    fn a_text_stays_in_its_comment(text in text()) {
        for (language, profile) in each() {
            let doc = profile.doc(&text);
            prop_assert!(doc.chars().all(|c| c == '\n' || shows(c)), "{}: {:?}", language, doc);
            let begin_with = |mark: &str| doc.split('\n').skip(1).all(|line| line.starts_with(mark));
            match language {
                "rust" | "csharp" => prop_assert!(begin_with("///")),
                "go" | "protobuf" => prop_assert!(begin_with("//")),
                "sql" => prop_assert!(begin_with("--")),
                "openapi" => prop_assert!(begin_with("#")),
                "typescript" | "java" | "kotlin" => {
                    prop_assert_eq!(format!("/**{doc}*/").find("*/"), Some(3 + doc.len()));
                }
                "jsonschema" => {
                    let literal = format!("\"{doc}\"");
                    prop_assert!(read_literal(language, &literal).is_some());
                }
                "graphql" => prop_assert_eq!(description_end(&doc), Some(doc.len())),
                _ => prop_assert_eq!(docstring_end(&doc), Some(doc.len())),
            }
        }
    }

    #[test]
    fn a_comment_is_one_whole_comment(text in text(), indent in 0_usize..9, width in 40_usize..90) {
        for (language, profile) in each() {
            let comment = profile.comment(&text, indent, width);
            prop_assert!(comment.chars().all(|c| c == '\n' || shows(c)), "{}: {:?}", language, comment);
            prop_assert!(comment.is_empty() || comment.ends_with('\n'), "{}: {:?}", language, comment);
            let says_nothing = text.chars().all(char::is_whitespace);
            prop_assert_eq!(comment.is_empty(), says_nothing, "{}: {:?}", language, comment);
            prop_assert!(is_comment(language, &comment, indent), "{}: {:?}", language, comment);
            for line in comment.lines().filter(|_| language != "jsonschema") {
                let has_words = line.split_whitespace().count() > 2;
                prop_assert!(!has_words || line.chars().count() <= width, "{}: {:?}", language, comment);
            }
        }
    }
}

/// Whether the lines are a comment that ends where they end.
fn is_comment(language: &str, comment: &str, indent: usize) -> bool {
    let mut lines: Vec<&str> = Vec::new();
    for line in comment.lines() {
        let spaces = line.len() - line.trim_start_matches(' ').len();
        if !line.is_empty() && spaces < indent {
            return false;
        }
        lines.push(line.get(indent..).unwrap_or_default());
    }
    let text = lines.join("\n");
    let all_begin = |mark: &str| lines.iter().all(|line| line.starts_with(mark));
    let between =
        |text: &str| Some(text.strip_prefix("\"\"\"")?.strip_suffix("\"\"\"")?.to_owned());
    match language {
        _ if comment.is_empty() => true,
        "rust" => all_begin("///"),
        "csharp" => all_begin("///") && is_xml(&text.replace("///", "")),
        // What says something to the tools has no space behind its mark, or these words.
        "go" => {
            let is_plain = |line: &&str| *line == "//" || line.starts_with("// ");
            lines.iter().all(is_plain) && !lines.iter().any(|line| line.starts_with("// +build"))
        }
        "protobuf" => all_begin("//"),
        "sql" => all_begin("--"),
        "openapi" => all_begin("#"),
        "java" | "kotlin" | "typescript" => {
            let tag = |line: &&str| line.trim_start_matches(['*', '/', ' ']).starts_with('@');
            let nests = language == "kotlin" && text[3..].contains("/*");
            let escapes = language == "java" && text.contains('\\');
            let end = text.find("*/") == Some(text.len() - 2) && text.starts_with("/**");
            end && !nests && !escapes && !lines.iter().any(tag) && !text.contains("{@")
        }
        "python" => between(&text).is_some_and(|doc| docstring_end(&doc) == Some(doc.len())),
        "graphql" => between(&text).is_some_and(|doc| description_end(&doc) == Some(doc.len())),
        _ => text
            .strip_prefix("\"description\": ")
            .and_then(|rest| read_literal(language, rest.strip_suffix(',')?))
            .is_some(),
    }
}

/// Whether each `<` begins a tag of our own and each `&` an entity.
fn is_xml(text: &str) -> bool {
    let tags = ["<summary>", "</summary>", "<para>", "</para>"];
    let plain = tags.iter().fold(text.to_owned(), |text, tag| text.replace(tag, ""));
    let entities = ["&amp;", "&lt;", "&gt;"];
    !plain.contains('<')
        && !entities.iter().fold(plain, |text, one| text.replace(one, "")).contains('&')
}

/// Where a description of GraphQL with this content ends: only one escape is known there.
fn description_end(doc: &str) -> Option<usize> {
    let text = format!("{doc}\"\"\"");
    let mut position = 0;
    while !text[position..].starts_with("\"\"\"") {
        let rest = &text[position..];
        let escape = "\\\"\"\"";
        position +=
            if rest.starts_with(escape) { escape.len() } else { rest.chars().next()?.len_utf8() };
    }
    Some(position)
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
