//! How OpenAPI is written.

use evergen_regeneration::{LanguageProfile, NameKind};

use crate::comment::{escaped, line_comment, room};
use crate::datatype::Datatype;
use crate::json_schema;
use crate::name::Alphabet;
use crate::text::{doc_lines, long_escape, quoted, spelled};

/// OpenAPI 3.1 in YAML: the names and schemas of JSON Schema, `#`, and quoted texts.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenApi;

impl LanguageProfile for OpenApi {
    fn name(&self) -> &'static str {
        "openapi"
    }

    fn ident(&self, name: &str) -> String {
        spelled(name, Alphabet::Ascii)
    }

    fn name_for(&self, kind: NameKind, words: &str) -> String {
        json_schema::name_for(kind, words)
    }

    fn string(&self, text: &str) -> String {
        quoted(text, long_escape)
    }

    fn doc(&self, text: &str) -> String {
        doc_lines(text, 78).join("\n# ").replace("# \n", "#\n")
    }

    fn comment(&self, text: &str, indent: usize, width: usize) -> String {
        let lines = escaped(text, room(width, indent, "# ".len()), false, &str::to_owned);
        line_comment(&lines, indent, "#")
    }

    fn native_type(&self, datatype: &str) -> String {
        json_schema::schema(Datatype::of(datatype))
    }
}
