//! How Go is written.

use evergen_regeneration::{LanguageProfile, NameKind};

use crate::comment::{line_comment, room};
use crate::datatype::Datatype;
use crate::name::{Alphabet, Name, Words};
use crate::text::{Flow, among, doc_lines, is_device, long_escape, quoted, spelled};
use crate::words::go::{
    FILE_ENDS, INITIALISMS, KEYWORDS, METHODS, PACKAGES, PREDECLARED, PROPERTIES,
};

/// Go: exported names, `ID` and `URL`, `//`, and types of the standard library.
///
/// A name that can't begin with a capital letter begins with `X_`: others would not see it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Go;

impl LanguageProfile for Go {
    fn name(&self) -> &'static str {
        "go"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["golang"]
    }

    fn ident(&self, name: &str) -> String {
        let identifier = spelled(name, Alphabet::Letters);
        if is_reserved(&identifier) { format!("{identifier}_") } else { identifier }
    }

    fn name_for(&self, kind: NameKind, words: &str) -> String {
        if kind == NameKind::Package {
            return package(words);
        }
        let words = Words::of(words, Alphabet::Letters);
        match kind {
            NameKind::Property => exported(&words).unless(|name| among(PROPERTIES, name)),
            NameKind::Method => exported(&words).unless(|name| among(METHODS, name)),
            NameKind::Module => words.snake().unless(is_taken_file),
            _ => exported(&words),
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
        // Two columns are kept for what a line's begin and its end may need.
        let width = room(width, indent, "// ".len() + 2);
        let flow = Flow { width, word: &plain, begin: &begin_line, flat: true };
        let mut lines = flow.lines(text);
        end_headings(&mut lines);
        end_targets(&mut lines);
        line_comment(&lines, indent, "//")
    }

    fn native_type(&self, datatype: &str) -> String {
        match Datatype::of(datatype) {
            Datatype::Boolean => "bool".to_owned(),
            Datatype::Integer | Datatype::NonPositive | Datatype::Negative => "int64".to_owned(),
            Datatype::Natural | Datatype::Positive => "uint64".to_owned(),
            Datatype::Signed(bits) => format!("int{bits}"),
            Datatype::Unsigned(bits) => format!("uint{bits}"),
            Datatype::Float => "float32".to_owned(),
            Datatype::Double => "float64".to_owned(),
            Datatype::HexBytes | Datatype::Base64Bytes => "[]byte".to_owned(),
            Datatype::Instant => "time.Time".to_owned(),
            Datatype::Json => "json.RawMessage".to_owned(),
            _ => "string".to_owned(),
        }
    }
}

fn is_reserved(name: &str) -> bool {
    among(KEYWORDS, name) || among(PREDECLARED, name)
}

/// A package is a folder, too, and the tools leave out folders that begin with a `_`.
fn package(text: &str) -> String {
    let words = Words::of(text, Alphabet::Ascii);
    let name = words.flat();
    if name.is(|name| name.starts_with(|c: char| c.is_ascii_alphabetic())) {
        let is_taken = |name: &str| {
            is_reserved(name)
                || among(PACKAGES, name)
                || is_device(name)
                // Not with the code's own `_` before it: that would be a package of tests.
                || name.ends_with("_test")
        };
        return name.unless(is_taken).finish();
    }
    words.coded().flat().unless(|name| name.ends_with("_test")).finish()
}

fn exported(words: &Words) -> Name {
    let initialism = |word: &str| among(INITIALISMS, word).then(|| word.to_ascii_uppercase());
    words.pascal_but(initialism).begun("X_", char::is_uppercase)
}

/// Whether the compiler would leave the file out on most machines, or the file's name is a device.
fn is_taken_file(name: &str) -> bool {
    is_device(name) || name.rsplit_once('_').is_some_and(|(_, end)| among(FILE_ENDS, end))
}

/// Quotes as the formatter writes them.
fn plain(word: &str) -> String {
    word.replace("``", "\u{201c}").replace("''", "\u{201d}")
}

/// The first word of a line, not taken for a build constraint, a heading or the target of a link,
/// which the formatter moves to the end.
fn begin_line(word: &str) -> String {
    if word.starts_with("+build") || word.starts_with('#') {
        return format!("\\{word}");
    }
    match word.strip_suffix("]:") {
        Some(start) if word.starts_with('[') => format!("{start}] :"),
        _ => word.to_owned(),
    }
}

/// Parts what the formatter would take for the target of a link anywhere in a line that begins with
/// a bracket.
fn end_targets(lines: &mut [String]) {
    for line in lines.iter_mut().filter(|line| line.starts_with('[')) {
        if line.contains("]:") {
            *line = line.replace("]:", "] :");
        }
    }
}

/// Ends with a full stop what stands alone between two paragraphs: the formatter takes it for
/// a heading otherwise.
fn end_headings(lines: &mut [String]) {
    for index in 2..lines.len().saturating_sub(2) {
        let alone = lines[index - 1].is_empty() && lines[index + 1].is_empty();
        if alone && lines[index].ends_with(char::is_alphanumeric) {
            lines[index].push('.');
        }
    }
}
