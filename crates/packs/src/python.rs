//! How Python is written.

use evergen_regeneration::LanguageProfile;
use unicode_normalization::UnicodeNormalization as _;

use crate::datatype::Datatype;
use crate::text::{doc_lines, identifier, quoted};

/// The keywords, and the types that generated code names: a class attribute of such
/// a name would hide the type from the annotations below it.
const RESERVED: &[&str] = &[
    "Decimal", "False", "None", "StrEnum", "True", "and", "as", "assert", "async", "await", "bool",
    "break", "bytes", "class", "continue", "def", "del", "elif", "else", "except", "finally",
    "float", "for", "from", "global", "if", "import", "in", "int", "is", "lambda", "list",
    "nonlocal", "not", "object", "or", "pass", "raise", "return", "str", "try", "while", "with",
    "yield",
];

/// Python 3.11: `class_`, docstrings, and the types of the standard library, with
/// `datetime` imported as `dt` and `Decimal` by its name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Python;

impl LanguageProfile for Python {
    fn name(&self) -> &'static str {
        "python"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["py"]
    }

    fn ident(&self, name: &str) -> String {
        // Python compares names in this form.
        let identifier = identifier(name.nfkc());
        if RESERVED.contains(&identifier.as_str()) { format!("{identifier}_") } else { identifier }
    }

    fn string(&self, text: &str) -> String {
        quoted(text, |c| match u32::from(c) {
            code @ 0..=0xFF => format!("\\x{code:02x}"),
            code @ 0x100..=0xFFFF => format!("\\u{code:04x}"),
            code => format!("\\U{code:08x}"),
        })
    }

    fn doc(&self, text: &str) -> String {
        let lines = doc_lines(text, 80).join("\n").replace('\\', "\\\\");
        let mut doc = String::with_capacity(lines.len());
        let mut rest = lines.chars().peekable();
        while let Some(c) = rest.next() {
            // One quote alone is harmless; a run of them, or one at the end, is not.
            if c == '"' && matches!(rest.peek(), None | Some('"')) {
                doc.push('\\');
            }
            doc.push(c);
        }
        doc
    }

    fn native_type(&self, datatype: &str) -> String {
        match Datatype::of(datatype) {
            Datatype::Text => "str",
            Datatype::Boolean => "bool",
            Datatype::Integer | Datatype::Natural | Datatype::Signed(_) | Datatype::Unsigned(_) => {
                "int"
            }
            Datatype::Decimal => "Decimal",
            Datatype::Float | Datatype::Double => "float",
            Datatype::Bytes => "bytes",
            Datatype::DateTime => "dt.datetime",
            Datatype::Date => "dt.date",
            Datatype::Time => "dt.time",
            Datatype::DayTimeDuration => "dt.timedelta",
            Datatype::Json => "object",
        }
        .to_owned()
    }
}
