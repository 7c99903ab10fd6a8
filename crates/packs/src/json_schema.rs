//! How JSON Schema is written, and what OpenAPI takes from it.

use evergen_regeneration::{LanguageProfile, NameKind};

use crate::datatype::Datatype;
use crate::name::{Alphabet, Words};
use crate::text::{doc_lines, is_device, quoted, spelled, utf16_escape};

/// JSON Schema 2020-12: names that can stand in a reference, and schemas as types.
///
/// JSON has no comments: a comment is the line of a `description`, with the comma that parts
/// it from what follows, and `doc` is what stands between the quotes of one.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonSchema;

impl LanguageProfile for JsonSchema {
    fn name(&self) -> &'static str {
        "jsonschema"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["json-schema"]
    }

    fn ident(&self, name: &str) -> String {
        spelled(name, Alphabet::Ascii)
    }

    fn name_for(&self, kind: NameKind, words: &str) -> String {
        name_for(kind, words)
    }

    fn string(&self, text: &str) -> String {
        quoted(text, utf16_escape)
    }

    fn doc(&self, text: &str) -> String {
        let literal = self.string(&doc_lines(text, usize::MAX).join("\n"));
        literal[1..literal.len() - 1].to_owned()
    }

    fn comment(&self, text: &str, indent: usize, _width: usize) -> String {
        let doc = self.doc(text);
        if doc.is_empty() {
            return String::new();
        }
        format!("{}\"description\": \"{doc}\",\n", " ".repeat(indent))
    }

    fn native_type(&self, datatype: &str) -> String {
        schema(Datatype::of(datatype))
    }
}

/// The key of a definition and the name of a file stand in references, which are of ASCII. A
/// property may be any text.
pub(crate) fn name_for(kind: NameKind, text: &str) -> String {
    let words = Words::of(text, Alphabet::Ascii);
    match kind {
        NameKind::Property => Words::of(text, Alphabet::Marks).camel(),
        NameKind::Method => words.camel().begun("_", Alphabet::begins),
        NameKind::Member => words.screaming(),
        NameKind::Module | NameKind::Package => words.kebab().unless(is_device),
        _ => words.pascal().begun("_", Alphabet::begins),
    }
    .finish()
}

/// The schema of a datatype's values in JSON, as one object.
pub(crate) fn schema(datatype: Datatype) -> String {
    let integer = |bounds: &str| format!("{{\"type\": \"integer\"{bounds}}}");
    let text = |rest: &str| format!("{{\"type\": \"string\"{rest}}}");
    match datatype {
        Datatype::Boolean => "{\"type\": \"boolean\"}".to_owned(),
        Datatype::Integer => integer(""),
        Datatype::Natural => integer(", \"minimum\": 0"),
        Datatype::Positive => integer(", \"minimum\": 1"),
        Datatype::NonPositive => integer(", \"maximum\": 0"),
        Datatype::Negative => integer(", \"maximum\": -1"),
        Datatype::Signed(bits) => {
            let bound = 1_i128 << (bits - 1);
            integer(&format!(", \"minimum\": {}, \"maximum\": {}", -bound, bound - 1))
        }
        Datatype::Unsigned(bits) => {
            integer(&format!(", \"minimum\": 0, \"maximum\": {}", (1_i128 << bits) - 1))
        }
        Datatype::Float | Datatype::Double => "{\"type\": \"number\"}".to_owned(),
        Datatype::Iri => text(", \"format\": \"iri-reference\""),
        Datatype::HexBytes => text(", \"contentEncoding\": \"base16\""),
        Datatype::Base64Bytes => text(", \"contentEncoding\": \"base64\""),
        // The formats `date-time` and `time` ask for an offset, which only this one always has.
        Datatype::Instant => text(", \"format\": \"date-time\""),
        Datatype::Json => "{}".to_owned(),
        _ => text(""),
    }
}
