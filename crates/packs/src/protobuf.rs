//! How Protocol Buffers are written.

use evergen_regeneration::{LanguageProfile, NameKind};

use crate::comment::{escaped, line_comment, room};
use crate::datatype::Datatype;
use crate::name::{Alphabet, Words};
use crate::text::{doc_lines, is_device, long_escape, quoted, spelled};

/// Protocol Buffers, version 3: `order_date`, `IN_STOCK`, `//`, and the scalar types.
///
/// The language reserves no words: a field may well be called `message`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Protobuf;

impl LanguageProfile for Protobuf {
    fn name(&self) -> &'static str {
        "protobuf"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["proto"]
    }

    fn ident(&self, name: &str) -> String {
        spelled(name, Alphabet::Ascii)
    }

    fn name_for(&self, kind: NameKind, words: &str) -> String {
        let words = Words::of(words, Alphabet::Ascii);
        match kind {
            NameKind::Property => words.snake().begun("_", Alphabet::begins),
            NameKind::Member => words.screaming().begun("_", Alphabet::begins),
            NameKind::Module => words.snake().unless(is_device),
            // Inside of a package of that name, the types that the language brings were hidden.
            NameKind::Package => words
                .snake()
                .begun("_", Alphabet::begins)
                .unless(|name| name == "google" || is_device(name)),
            _ => words.pascal().begun("_", Alphabet::begins),
        }
        .finish()
    }

    fn string(&self, text: &str) -> String {
        quoted(text, long_escape)
    }

    fn doc(&self, text: &str) -> String {
        doc_lines(text, 77).join("\n// ").replace("// \n", "//\n")
    }

    fn comment(&self, text: &str, indent: usize, width: usize) -> String {
        let lines = escaped(text, room(width, indent, "// ".len()), false, &str::to_owned);
        line_comment(&lines, indent, "//")
    }

    fn native_type(&self, datatype: &str) -> String {
        match Datatype::of(datatype) {
            Datatype::Boolean => "bool",
            Datatype::Signed(8 | 16 | 32) => "int32",
            Datatype::Integer
            | Datatype::NonPositive
            | Datatype::Negative
            | Datatype::Signed(_) => "int64",
            Datatype::Unsigned(8 | 16 | 32) => "uint32",
            Datatype::Natural | Datatype::Positive | Datatype::Unsigned(_) => "uint64",
            Datatype::Float => "float",
            Datatype::Double => "double",
            Datatype::HexBytes | Datatype::Base64Bytes => "bytes",
            _ => "string",
        }
        .to_owned()
    }
}
