//! How C# is written.

use evergen_regeneration::{LanguageProfile, NameKind};

use crate::comment::{escaped, line_comment, room, xml};
use crate::datatype::Datatype;
use crate::name::{Alphabet, Words};
use crate::text::{among, doc_lines, is_device, long_escape, quoted, spelled};
use crate::words::csharp::{CONTEXTUAL, KEYWORDS, MEMBERS, NAMESPACES, TYPES};

/// C#: names in Pascal case, `@class`, XML documentation, and types of the standard
/// library by their simple names.
#[derive(Clone, Copy, Debug, Default)]
pub struct CSharp;

impl LanguageProfile for CSharp {
    fn name(&self) -> &'static str {
        "csharp"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["c#", "cs"]
    }

    fn ident(&self, name: &str) -> String {
        // What is an identifier already stays one.
        let bare = name.strip_prefix('@').filter(|name| is_reserved(name));
        let identifier = spelled(bare.unwrap_or(name), Alphabet::Marks);
        if is_reserved(&identifier) { format!("@{identifier}") } else { identifier }
    }

    fn name_for(&self, kind: NameKind, words: &str) -> String {
        let name = Words::of(words, Alphabet::Marks).pascal().begun("_", Alphabet::begins);
        match kind {
            NameKind::Property | NameKind::Method => name.unless(|name| among(MEMBERS, name)),
            NameKind::Module => name.unless(is_device),
            NameKind::Package => name.unless(|name| among(NAMESPACES, name) || is_device(name)),
            NameKind::Member => name,
            _ => name.unless(|name| among(TYPES, name)),
        }
        .finish()
    }

    fn string(&self, text: &str) -> String {
        quoted(text, long_escape)
    }

    fn doc(&self, text: &str) -> String {
        xml(&doc_lines(text, 92).join("\n/// ")).replace("/// \n", "///\n")
    }

    fn comment(&self, text: &str, indent: usize, width: usize) -> String {
        let text = escaped(text, room(width, indent, "/// ".len()), true, &xml);
        if text.is_empty() {
            return String::new();
        }
        let mut lines = vec!["<summary>".to_owned()];
        if text.iter().any(String::is_empty) {
            for paragraph in text.split(String::is_empty) {
                lines.push("<para>".to_owned());
                lines.extend_from_slice(paragraph);
                lines.push("</para>".to_owned());
            }
        } else {
            lines.extend(text);
        }
        lines.push("</summary>".to_owned());
        line_comment(&lines, indent, "///")
    }

    fn native_type(&self, datatype: &str) -> String {
        match Datatype::of(datatype) {
            Datatype::Boolean => "bool",
            Datatype::Integer
            | Datatype::Natural
            | Datatype::Positive
            | Datatype::NonPositive
            | Datatype::Negative => "BigInteger",
            Datatype::Signed(8) => "sbyte",
            Datatype::Signed(16) => "short",
            Datatype::Signed(32) => "int",
            Datatype::Signed(_) => "long",
            Datatype::Unsigned(8) => "byte",
            Datatype::Unsigned(16) => "ushort",
            Datatype::Unsigned(32) => "uint",
            Datatype::Unsigned(_) => "ulong",
            Datatype::Decimal => "decimal",
            Datatype::Float => "float",
            Datatype::Double => "double",
            Datatype::HexBytes | Datatype::Base64Bytes => "byte[]",
            Datatype::Instant => "DateTimeOffset",
            Datatype::Date => "DateOnly",
            Datatype::Time => "TimeOnly",
            Datatype::DayTimeDuration => "TimeSpan",
            Datatype::Json => "JsonElement",
            _ => "string",
        }
        .to_owned()
    }
}

fn is_reserved(name: &str) -> bool {
    among(KEYWORDS, name) || among(CONTEXTUAL, name)
}
