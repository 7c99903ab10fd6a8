//! How Kotlin is written.

use evergen_regeneration::{LanguageProfile, NameKind};

use crate::comment::{block_comment, escaped, room, unended};
use crate::datatype::Datatype;
use crate::name::{Alphabet, Words};
use crate::text::{among, doc_lines, is_device, quoted, spelled, utf16_escape};
use crate::words::kotlin::{KEYWORDS, METHODS, TYPES};

/// Kotlin on the JVM: `` `in` ``, KDoc, and the types of Kotlin and of `java.time` and
/// `java.math` by their simple names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kotlin;

impl LanguageProfile for Kotlin {
    fn name(&self) -> &'static str {
        "kotlin"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["kt"]
    }

    fn ident(&self, name: &str) -> String {
        // What is an identifier already stays one.
        let bare = name.strip_prefix('`').and_then(|name| name.strip_suffix('`'));
        let name = bare.filter(|name| among(KEYWORDS, name)).unwrap_or(name);
        freed(spelled(name, Alphabet::Letters))
    }

    fn name_for(&self, kind: NameKind, words: &str) -> String {
        let words = Words::of(words, Alphabet::Letters);
        let can = Alphabet::begins;
        match kind {
            // The accessor of a property `class` would be the method `getClass` of every object.
            NameKind::Property => {
                let name = words.camel().begun("_", can).unless(|name| name == "class");
                return freed(name.finish());
            }
            NameKind::Method => {
                let name = words.camel().begun("_", can).unless(|name| among(METHODS, name));
                return freed(name.finish());
            }
            NameKind::Member => words.screaming().begun("_", can),
            NameKind::Module => words.pascal().begun("_", can).unless(is_device),
            NameKind::Package => words.flat().begun("_", can).unless(|name| {
                among(KEYWORDS, name) || is_device(name) || matches!(name, "java" | "kotlin")
            }),
            _ => words.pascal().begun("_", can).unless(|name| among(TYPES, name)),
        }
        .finish()
    }

    fn string(&self, text: &str) -> String {
        // No other escape holds a `$`.
        quoted(text, utf16_escape).replace('$', "\\$")
    }

    fn doc(&self, text: &str) -> String {
        let lines: Vec<String> = doc_lines(text, 76).iter().map(|line| kdoc(line)).collect();
        unended(&lines.join("\n * ").replace(" * \n", " *\n"))
    }

    fn comment(&self, text: &str, indent: usize, width: usize) -> String {
        let lines = escaped(text, room(width, indent, " * ".len()), true, &kdoc);
        block_comment(&lines, indent, width)
    }

    fn native_type(&self, datatype: &str) -> String {
        match Datatype::of(datatype) {
            Datatype::Boolean => "Boolean",
            Datatype::Integer
            | Datatype::Natural
            | Datatype::Positive
            | Datatype::NonPositive
            | Datatype::Negative => "BigInteger",
            Datatype::Signed(8) => "Byte",
            Datatype::Signed(16) => "Short",
            Datatype::Signed(32) => "Int",
            Datatype::Signed(_) => "Long",
            Datatype::Unsigned(8) => "UByte",
            Datatype::Unsigned(16) => "UShort",
            Datatype::Unsigned(32) => "UInt",
            Datatype::Unsigned(_) => "ULong",
            Datatype::Decimal => "BigDecimal",
            Datatype::Float => "Float",
            Datatype::Double => "Double",
            Datatype::HexBytes | Datatype::Base64Bytes => "ByteArray",
            Datatype::Instant => "OffsetDateTime",
            Datatype::Date => "LocalDate",
            Datatype::Time => "LocalTime",
            Datatype::DayTimeDuration => "Duration",
            Datatype::YearMonthDuration => "Period",
            Datatype::Year => "Year",
            Datatype::YearMonth => "YearMonth",
            Datatype::MonthDay => "MonthDay",
            _ => "String",
        }
        .to_owned()
    }
}

fn freed(name: String) -> String {
    if among(KEYWORDS, &name) { format!("`{name}`") } else { name }
}

/// A text in KDoc: no tag, no link, and neither the end of the comment nor the beginning of
/// one inside it.
fn kdoc(text: &str) -> String {
    let mut doc = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = rest.next() {
        match c {
            '/' if before == '*' || rest.peek() == Some(&'*') => doc.push_str("&#47;"),
            '@' if !before.is_alphanumeric() => doc.push_str("&#64;"),
            // A backslash of the text's own would free the bracket behind it.
            '[' | ']' | '\\' => doc.extend(['\\', c]),
            c => doc.push(c),
        }
        before = c;
    }
    doc
}
