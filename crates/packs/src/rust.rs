//! How Rust is written.

use evergen_regeneration::{LanguageProfile, NameKind};
use unicode_normalization::UnicodeNormalization as _;

use crate::comment::{line_comment, room};
use crate::datatype::Datatype;
use crate::name::{Alphabet, Words};
use crate::text::{Flow, among, doc_lines, identifier, is_device, quoted};
use crate::words::rust::{METHODS, MODULES, RESERVED, TAKEN, TYPES, UNFREED};

/// Rust: `r#type`, `///`, and types that need no dependency.
///
/// A decimal and the types of time stay text: the standard library has no type that
/// keeps what they say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rust;

impl LanguageProfile for Rust {
    fn name(&self) -> &'static str {
        "rust"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["rs"]
    }

    fn ident(&self, name: &str) -> String {
        // What is an identifier already stays one.
        let name = match name.strip_prefix("r#") {
            Some(word) if among(RESERVED, word) => word,
            _ => name,
        };
        let identifier = identifier(name.nfc());
        if among(RESERVED, &identifier) {
            format!("r#{identifier}")
        } else if among(UNFREED, &identifier) || among(TAKEN, &identifier) {
            format!("{identifier}_")
        } else {
            identifier
        }
    }

    fn name_for(&self, kind: NameKind, words: &str) -> String {
        if kind == NameKind::Package {
            return package(words);
        }
        let words = Words::of(words, Alphabet::Marks);
        let type_name = words.pascal().begun("_", Alphabet::begins);
        let snake = || words.snake().begun("_", Alphabet::begins);
        match kind {
            NameKind::Property => raw(snake().unless(|name| among(UNFREED, name)).finish()),
            NameKind::Method => {
                raw(snake().unless(|name| among(UNFREED, name) || among(METHODS, name)).finish())
            }
            NameKind::Member => type_name.unless(|name| among(UNFREED, name)).finish(),
            NameKind::Module => {
                snake().unless(|name| type_name.is(|own| is_taken_module(name, own))).finish()
            }
            _ => type_name.unless(|name| among(UNFREED, name) || among(TYPES, name)).finish(),
        }
    }

    fn string(&self, text: &str) -> String {
        quoted(text, |c| match c {
            '\0' => "\\0".to_owned(),
            c => format!("\\u{{{:x}}}", u32::from(c)),
        })
    }

    fn doc(&self, text: &str) -> String {
        doc_lines(text, 92).join("\n/// ").replace("/// \n", "///\n")
    }

    fn comment(&self, text: &str, indent: usize, width: usize) -> String {
        // One column is kept for the backslash before what would begin a list.
        let width = room(width, indent, "/// ".len() + 1);
        let flow = Flow { width, word: &markdown, begin: &begin_line, flat: true };
        line_comment(&flow.lines(text), indent, "///")
    }

    fn native_type(&self, datatype: &str) -> String {
        match Datatype::of(datatype) {
            Datatype::Boolean => "bool".to_owned(),
            Datatype::Integer | Datatype::NonPositive | Datatype::Negative => "i64".to_owned(),
            Datatype::Natural | Datatype::Positive => "u64".to_owned(),
            Datatype::Signed(bits) => format!("i{bits}"),
            Datatype::Unsigned(bits) => format!("u{bits}"),
            Datatype::Float => "f32".to_owned(),
            Datatype::Double => "f64".to_owned(),
            Datatype::HexBytes | Datatype::Base64Bytes => "Vec<u8>".to_owned(),
            // The standard library has no type that keeps what the others say.
            _ => "String".to_owned(),
        }
    }
}

/// The crate's name stays out of the way of cargo's own folders and of the standard library.
fn package(text: &str) -> String {
    let is_taken = |name: &str| {
        is_reserved(&name.replace('-', "_"))
            || is_device(name)
            || matches!(name, "alloc" | "build" | "core" | "deps" | "examples" | "incremental")
            || matches!(name, "proc-macro" | "std" | "test")
    };
    let name = Words::of(text, Alphabet::Ascii).kebab();
    name.begun("_", |c| c.is_ascii_alphabetic()).unless(is_taken).finish()
}

/// A module shares its namespace with types and with the crates that are always there. A
/// script without cases gives it the same name as a type of the same words.
fn is_taken_module(name: &str, type_name: &str) -> bool {
    is_reserved(name) || among(MODULES, name) || is_device(name) || name == type_name
}

fn is_reserved(name: &str) -> bool {
    among(RESERVED, name) || among(UNFREED, name)
}

fn raw(name: String) -> String {
    if among(RESERVED, &name) { format!("r#{name}") } else { name }
}

/// A word as rustdoc shows it: not as a link to an item, as HTML or as code; what is an address
/// is marked as one.
fn markdown(word: &str) -> String {
    let Some((start, end)) = address(word) else { return plain(word) };
    format!("{}<{}>{}", plain(&word[..start]), &word[start..end], markdown(&word[end..]))
}

fn plain(word: &str) -> String {
    let mut plain = String::with_capacity(word.len());
    for c in word.chars() {
        if matches!(c, '\\' | '[' | ']' | '<' | '`') {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

/// Where an address begins and ends in a word.
fn address(word: &str) -> Option<(usize, usize)> {
    let lower = word.to_ascii_lowercase();
    let (start, scheme) = ["http://", "https://"]
        .into_iter()
        .filter_map(|scheme| Some((lower.find(scheme)?, scheme)))
        .min()?;
    let ends =
        |c: char| matches!(c, '<' | '>' | '"' | '`' | '\\' | '^' | '{' | '}' | '|' | '[' | ']');
    let rest = &word[start..];
    let rest = &rest[..rest.find(ends).unwrap_or(rest.len())];
    let rest = rest.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'', '*', '_', '~']);
    (rest.len() > scheme.len()).then_some((start, start + rest.len()))
}

/// The first word of a line, not taken for the sign of a list, a heading, a quotation or a
/// table: text that goes on behind a list would be warned of, and indented text is compiled.
fn begin_line(word: &str) -> String {
    if word.starts_with(['#', '>', '-', '+', '*', '=', '~', '|', ':', '_']) {
        return format!("\\{word}");
    }
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && word[digits..].starts_with(['.', ')']) {
        return format!("{}\\{}", &word[..digits], &word[digits..]);
    }
    word.to_owned()
}
