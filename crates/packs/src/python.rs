//! How Python is written.

use evergen_regeneration::{LanguageProfile, NameKind};
use unicode_normalization::UnicodeNormalization as _;

use crate::comment::{escaped, quoted_comment, room};
use crate::datatype::Datatype;
use crate::name::{Alphabet, Words};
use crate::text::{among, doc_lines, identifier, is_device, quoted};
use crate::words::python::{IN_CLASSES, KEYWORDS, PACKAGES, RESERVED, TYPES};

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
        if among(RESERVED, &identifier) { format!("{identifier}_") } else { identifier }
    }

    fn name_for(&self, kind: NameKind, words: &str) -> String {
        if kind == NameKind::Package {
            return package(words);
        }
        let words = Words::of(words, Alphabet::Marks);
        let type_name = words.pascal().begun("_", Alphabet::begins);
        // A script without cases gives a module or a field the same name as a type.
        let is_type = |name: &str| type_name.is(|own| own == name);
        let snake = || words.snake().begun("_", Alphabet::begins);
        match kind {
            NameKind::Property => {
                snake().unless(|name| is_reserved(name) || among(IN_CLASSES, name) || is_type(name))
            }
            NameKind::Method => snake().unless(|name| is_reserved(name) || among(IN_CLASSES, name)),
            NameKind::Module => {
                snake().unless(|name| is_reserved(name) || is_device(name) || is_type(name))
            }
            NameKind::Member => words.screaming().begun("_", Alphabet::begins),
            _ => type_name.unless(|name| is_reserved(name) || among(TYPES, name)),
        }
        .finish()
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

    fn comment(&self, text: &str, indent: usize, width: usize) -> String {
        // The quotes stand before the first line, and behind the only one.
        let mut lines = escaped(text, room(width, indent, 3), false, &docstring);
        // A quote right behind those three: formatters would part them, and linters don't like that.
        if let Some(first) = lines.first_mut().filter(|first| first.starts_with('"')) {
            first.insert(0, '\\');
        }
        quoted_comment(&lines, indent, width, true)
    }

    fn native_type(&self, datatype: &str) -> String {
        match Datatype::of(datatype) {
            Datatype::Boolean => "bool",
            Datatype::Integer
            | Datatype::Natural
            | Datatype::Positive
            | Datatype::NonPositive
            | Datatype::Negative
            | Datatype::Signed(_)
            | Datatype::Unsigned(_) => "int",
            Datatype::Decimal => "Decimal",
            Datatype::Float | Datatype::Double => "float",
            Datatype::HexBytes | Datatype::Base64Bytes => "bytes",
            Datatype::DateTime | Datatype::Instant => "dt.datetime",
            Datatype::Date => "dt.date",
            Datatype::Time => "dt.time",
            Datatype::DayTimeDuration => "dt.timedelta",
            Datatype::Json => "object",
            _ => "str",
        }
        .to_owned()
    }
}

/// What is imported, which is also what is installed: the index of packages lets names begin
/// and end with letters and digits of ASCII only.
fn package(text: &str) -> String {
    let words = Words::of(text, Alphabet::Ascii);
    let fits = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && !name.ends_with('_')
            && !is_reserved(name)
            && !among(PACKAGES, name)
            && !is_device(name)
    };
    let name = words.snake();
    if name.is(fits) { name.finish() } else { words.coded().snake().finish() }
}

fn is_reserved(name: &str) -> bool {
    among(KEYWORDS, name)
}

/// A word in a documentation string.
fn docstring(word: &str) -> String {
    let word = word.replace('\\', "\\\\");
    let mut doc = String::with_capacity(word.len());
    let mut rest = word.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '"' && rest.peek() == Some(&'"') {
            doc.push('\\');
        }
        doc.push(c);
    }
    doc
}
