//! How Java is written.

use evergen_regeneration::{LanguageProfile, NameKind};

use crate::comment::{block_comment, escaped, room, unended, xml};
use crate::datatype::Datatype;
use crate::name::{Alphabet, Words};
use crate::text::{among, doc_lines, is_device, quoted, spelled, utf16_escape};
use crate::words::java::{COMPONENTS, CONTEXTUAL, KEYWORDS, METHODS, TYPES};

/// Java 17: `class_`, Javadoc, primitive types, and classes of the standard library by
/// their simple names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Java;

impl LanguageProfile for Java {
    fn name(&self) -> &'static str {
        "java"
    }

    fn ident(&self, name: &str) -> String {
        let identifier = spelled(name, Alphabet::Marks);
        if is_reserved(&identifier) { format!("{identifier}_") } else { identifier }
    }

    fn name_for(&self, kind: NameKind, words: &str) -> String {
        let words = Words::of(words, Alphabet::Marks);
        let can = Alphabet::begins;
        match kind {
            NameKind::Property => {
                let is_taken = |name: &str| is_keyword(name) || among(COMPONENTS, name);
                words.camel().begun("_", can).unless(is_taken)
            }
            NameKind::Method => {
                let is_taken = |name: &str| is_reserved(name) || among(METHODS, name);
                words.camel().begun("_", can).unless(is_taken)
            }
            NameKind::Member => words.screaming().begun("_", can),
            NameKind::Package => words.flat().begun("_", can).unless(|name| {
                is_reserved(name) || is_device(name) || matches!(name, "java" | "javax")
            }),
            // A type and its file have the same name, and one inside of another has both.
            _ => {
                let is_taken =
                    |name: &str| is_reserved(name) || among(TYPES, name) || is_device(name);
                return words.pascal().begun("_", can).unless(is_taken).within(120);
            }
        }
        .finish()
    }

    fn string(&self, text: &str) -> String {
        // The compiler reads `\u` before it looks for literals, but not behind a backslash.
        quoted(text, utf16_escape)
    }

    fn doc(&self, text: &str) -> String {
        unended(&doc_lines(&javadoc(text), 76).join("\n * ").replace(" * \n", " *\n"))
    }

    fn comment(&self, text: &str, indent: usize, width: usize) -> String {
        let mut lines = escaped(text, room(width, indent, " * <p>".len()), true, &javadoc);
        for index in 1..lines.len() {
            if lines[index - 1].is_empty() {
                lines[index].insert_str(0, "<p>");
            }
        }
        block_comment(&lines, indent, width)
    }

    fn native_type(&self, datatype: &str) -> String {
        match Datatype::of(datatype) {
            Datatype::Boolean => "boolean",
            Datatype::Integer
            | Datatype::Natural
            | Datatype::Positive
            | Datatype::NonPositive
            | Datatype::Negative
            | Datatype::Unsigned(64) => "BigInteger",
            Datatype::Signed(8) => "byte",
            Datatype::Signed(16) | Datatype::Unsigned(8) => "short",
            Datatype::Signed(32) | Datatype::Unsigned(16) => "int",
            Datatype::Signed(_) | Datatype::Unsigned(_) => "long",
            Datatype::Decimal => "BigDecimal",
            Datatype::Float => "float",
            Datatype::Double => "double",
            Datatype::HexBytes | Datatype::Base64Bytes => "byte[]",
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

fn is_keyword(name: &str) -> bool {
    among(KEYWORDS, name)
}

fn is_reserved(name: &str) -> bool {
    is_keyword(name) || among(CONTEXTUAL, name)
}

/// A text in Javadoc: neither markup, nor a tag, nor the end; and no backslash, since `\u` is
/// read in comments, too.
fn javadoc(text: &str) -> String {
    xml(text).replace('\\', "&#92;").replace("*/", "*&#47;").replace('@', "&#64;")
}
