//! How TypeScript is written.

use evergen_regeneration::LanguageProfile;
use unicode_normalization::UnicodeNormalization as _;

use crate::datatype::Datatype;
use crate::text::{doc_lines, identifier, quoted};

/// The words that can't name a variable in strict code, or can't name a type.
const RESERVED: &[&str] = &[
    "any",
    "arguments",
    "await",
    "bigint",
    "boolean",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "never",
    "new",
    "null",
    "number",
    "object",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "string",
    "super",
    "switch",
    "symbol",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "unknown",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// TypeScript: `class_`, `/** */`, and the types that JSON has.
///
/// A decimal and the types of time stay text, as they are in JSON.
#[derive(Clone, Copy, Debug, Default)]
pub struct TypeScript;

impl LanguageProfile for TypeScript {
    fn name(&self) -> &'static str {
        "typescript"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["ts"]
    }

    fn ident(&self, name: &str) -> String {
        let identifier = identifier(name.nfc());
        if RESERVED.contains(&identifier.as_str()) { format!("{identifier}_") } else { identifier }
    }

    fn string(&self, text: &str) -> String {
        quoted(text, |c| match u32::from(c) {
            code @ 0..=0xFFFF => format!("\\u{code:04x}"),
            code => format!("\\u{{{code:x}}}"),
        })
    }

    fn doc(&self, text: &str) -> String {
        let lines = doc_lines(text, 76).join("\n * ").replace(" * \n", " *\n");
        let inside = lines.replace("*/", "*\\/");
        // Right behind the comment's own star a slash would end it.
        if inside.starts_with('/') { format!("\\{inside}") } else { inside }
    }

    fn native_type(&self, datatype: &str) -> String {
        match Datatype::of(datatype) {
            Datatype::Boolean => "boolean",
            Datatype::Integer
            | Datatype::Natural
            | Datatype::Signed(_)
            | Datatype::Unsigned(_)
            | Datatype::Float
            | Datatype::Double => "number",
            Datatype::Bytes => "Uint8Array",
            Datatype::Json => "unknown",
            Datatype::Text
            | Datatype::Decimal
            | Datatype::DateTime
            | Datatype::Date
            | Datatype::Time
            | Datatype::DayTimeDuration => "string",
        }
        .to_owned()
    }
}
