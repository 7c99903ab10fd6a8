//! How Rust is written.

use evergen_regeneration::LanguageProfile;
use unicode_normalization::UnicodeNormalization as _;

use crate::datatype::Datatype;
use crate::text::{doc_lines, identifier, quoted};

/// The words that any edition reserves and that `r#` frees.
const RESERVED: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

/// The words that nothing frees, and the types that generated code takes from the prelude.
const TAKEN: &[&str] = &["Self", "crate", "self", "super", "Box", "Option", "String", "Vec"];

/// Rust: `r#type`, `///`, and types that need no dependency.
///
/// A decimal and the types of time stay text: the standard library has no type that
/// keeps what they say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rust;

impl LanguageProfile for Rust {
    fn name(&self) -> &'static str {
        "rust"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["rs"]
    }

    fn ident(&self, name: &str) -> String {
        // What is an identifier already stays one.
        let name = match name.strip_prefix("r#") {
            Some(word) if RESERVED.contains(&word) => word,
            _ => name,
        };
        let identifier = identifier(name.nfc());
        if RESERVED.contains(&identifier.as_str()) {
            format!("r#{identifier}")
        } else if TAKEN.contains(&identifier.as_str()) {
            format!("{identifier}_")
        } else {
            identifier
        }
    }

    fn string(&self, text: &str) -> String {
        quoted(text, |c| match c {
            '\0' => "\\0".to_owned(),
            c => format!("\\u{{{:x}}}", u32::from(c)),
        })
    }

    fn doc(&self, text: &str) -> String {
        doc_lines(text, 92).join("\n/// ").replace("/// \n", "///\n")
    }

    fn native_type(&self, datatype: &str) -> String {
        match Datatype::of(datatype) {
            Datatype::Boolean => "bool".to_owned(),
            Datatype::Integer => "i64".to_owned(),
            Datatype::Natural => "u64".to_owned(),
            Datatype::Signed(bits) => format!("i{bits}"),
            Datatype::Unsigned(bits) => format!("u{bits}"),
            Datatype::Float => "f32".to_owned(),
            Datatype::Double => "f64".to_owned(),
            Datatype::Bytes => "Vec<u8>".to_owned(),
            Datatype::Text
            | Datatype::Decimal
            | Datatype::DateTime
            | Datatype::Date
            | Datatype::Time
            | Datatype::DayTimeDuration
            | Datatype::Json => "String".to_owned(),
        }
    }
}
