//! How TypeScript is written.

use evergen_regeneration::{LanguageProfile, NameKind};
use unicode_normalization::UnicodeNormalization as _;

use crate::comment::{block_comment, escaped, room};
use crate::datatype::Datatype;
use crate::name::{Alphabet, Words};
use crate::text::{among, doc_lines, identifier, is_device, quoted};
use crate::words::typescript::{INHERITED, PACKAGES, RESERVED, TYPES};

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
        if among(RESERVED, &identifier) { format!("{identifier}_") } else { identifier }
    }

    fn name_for(&self, kind: NameKind, words: &str) -> String {
        let ascii = || Words::of(words, Alphabet::Ascii).kebab();
        let words = Words::of(words, Alphabet::Marks);
        match kind {
            // Every word can be a property, but what all objects have is never missing.
            NameKind::Property | NameKind::Method => {
                words.camel().begun("_", Alphabet::begins).unless(|name| among(INHERITED, name))
            }
            NameKind::Member => words.pascal().begun("_", Alphabet::begins),
            NameKind::Module => words.kebab().unless(|name| name == "index" || is_device(name)),
            NameKind::Package => ascii().unless(|name| among(PACKAGES, name) || is_device(name)),
            _ => words.pascal().begun("_", Alphabet::begins).unless(|name| among(TYPES, name)),
        }
        .finish()
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

    fn comment(&self, text: &str, indent: usize, width: usize) -> String {
        let lines = escaped(text, room(width, indent, " * ".len()), false, &untagged);
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
            | Datatype::Signed(_)
            | Datatype::Unsigned(_)
            | Datatype::Float
            | Datatype::Double => "number",
            Datatype::HexBytes | Datatype::Base64Bytes => "Uint8Array",
            Datatype::Json => "unknown",
            _ => "string",
        }
        .to_owned()
    }
}

/// A word that neither ends the comment nor begins a tag, be it behind a bracket or a slash.
fn untagged(word: &str) -> String {
    let mut untagged = String::with_capacity(word.len());
    let mut before = ' ';
    for c in word.chars() {
        if c == '/' && before == '*' || c == '@' && !before.is_alphanumeric() {
            untagged.push('\\');
        }
        untagged.push(c);
        before = c;
    }
    untagged
}
