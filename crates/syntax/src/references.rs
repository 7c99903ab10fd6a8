//! What a file refers to, and which of it a tree of files lacks.

#[cfg(feature = "json")]
mod json;
#[cfg(any(feature = "go", feature = "java", feature = "kotlin", feature = "csharp"))]
mod jvm;
#[cfg(feature = "protobuf")]
mod lines;
#[cfg(feature = "python")]
mod python;
mod resolve;
#[cfg(feature = "rust")]
mod rust;
#[cfg(feature = "typescript")]
mod typescript;

pub use resolve::{Dangling, FileReferences, Tree, resolve};

use std::ops::Range;

use crate::text::{Text, position};
use crate::{Language, Limits, SyntaxError, Unjudged, check_within, judges};

/// What one file takes from others, and gives to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct References {
    /// In the order of the text.
    pub outgoing: Vec<Reference>,
    /// Names that others can take from this file, where the language has such; sorted.
    pub provided: Vec<String>,
    /// Whether it may provide more names than can be seen: `pub use a::*`, macros, `export *`, `__getattr__`.
    pub is_open: bool,
    /// The package the file says it belongs to (Java, Kotlin, Go).
    pub package: Option<String>,
}

/// One place where a file refers to something outside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reference {
    /// Line from 1.
    pub line: usize,
    /// Column from 1, in characters.
    pub column: usize,
    /// The place in bytes.
    pub range: Range<usize>,
    /// What it refers to.
    pub target: Target,
}

/// What is referred to, in the terms of the language.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// `mod name;` in Rust: a file beside or below, in the folder of the inline modules around it.
    RustModule {
        /// Inline modules around the declaration, outermost first.
        inside: Vec<String>,
        /// The module.
        name: String,
        /// The value of its attribute `path`.
        path: Option<String>,
    },
    /// `crate::a::b` or `super::b` in Rust, by segments, in a `use`.
    RustPath(Vec<String>),
    /// A relative specifier in TypeScript or JavaScript, with the names that are taken from it.
    Specifier {
        /// As it is written: `./orders.js`.
        path: String,
        /// Names that are imported; neither `default` nor `*`.
        names: Vec<String>,
    },
    /// An import in Python.
    PythonModule {
        /// Dots before the name; 0 for an absolute import.
        level: u32,
        /// The module by segments; empty for `from . import x`.
        module: Vec<String>,
        /// Names after `import`, of a module or in it.
        names: Vec<String>,
    },
    /// An import of a class or package, by its full name: Java, Kotlin.
    Package(String),
    /// An import of Go, by its path.
    GoPackage(String),
    /// A file, from the folder of this one (`$ref`, psql's `\ir`).
    File(String),
    /// A file from some root of the tree (`import` of protocol buffers).
    RootedFile(String),
}

/// Why a file's references are unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnreadReferences {
    /// Nobody could look at the file.
    #[error("the file could not be judged")]
    Unjudged(#[from] Unjudged),
    /// The file is not well-formed; its first error.
    #[error("the file is not well-formed: {0}")]
    Malformed(SyntaxError),
}

/// What `bytes` refer to, and what they provide.
///
/// A language without imports (SQL but for psql's `\i`, GraphQL, TOML) gives none.
///
/// # Errors
///
/// If the file is not well-formed or nobody could look at it: what it refers to is unknown then.
///
/// ```
/// use evergen_syntax::{Language, Target, references};
///
/// let found = references(Language::TypeScript, b"import { A } from './a.js'; export const x = A;")?;
/// let expected = Target::Specifier { path: "./a.js".into(), names: vec!["A".into()] };
/// assert_eq!(found.outgoing[0].target, expected);
/// assert_eq!(found.provided, ["x"]);
/// # Ok::<(), evergen_syntax::UnreadReferences>(())
/// ```
pub fn references(language: Language, bytes: &[u8]) -> Result<References, UnreadReferences> {
    let limits = Limits::default();
    let verdict = check_within(language, bytes, &limits)?;
    // The grammar of Kotlin refuses some valid files, and has the imports all the same.
    let is_trusted = language != Language::Kotlin;
    if let Some(error) = verdict.errors.into_iter().next().filter(|_| is_trusted) {
        return Err(UnreadReferences::Malformed(error));
    }
    let text = Text::decode(bytes).map_err(UnreadReferences::Malformed)?;
    let judge = verdict.judge;
    let read = || read(language, text.body);
    let mut raw = if judges::recurses(language) {
        crate::stack::guarded(judge.parser, text.body, &limits, read)??
    } else {
        crate::stack::caught(judge.parser, read)??
    };
    raw.provided.sort();
    raw.provided.dedup();
    Ok(raw.located(text))
}

/// References before lines and columns are counted.
#[derive(Default)]
struct Raw {
    outgoing: Vec<(Range<usize>, Target)>,
    provided: Vec<String>,
    is_open: bool,
    package: Option<String>,
}

impl Raw {
    fn located(self, text: Text<'_>) -> References {
        let located = self.outgoing.into_iter().map(|(range, target)| {
            let (line, column) = position(text.body, range.start);
            let range = range.start + text.skipped..range.end + text.skipped;
            Reference { line, column, range, target }
        });
        References {
            outgoing: located.collect(),
            provided: self.provided,
            is_open: self.is_open,
            package: self.package,
        }
    }
}

fn read(language: Language, text: &str) -> Result<Raw, Unjudged> {
    // A build with few judges needs few of them.
    let _ = text;
    Ok(match language {
        #[cfg(feature = "rust")]
        Language::Rust => rust::read(text),
        #[cfg(feature = "typescript")]
        Language::TypeScript
        | Language::TypeScriptDeclarations
        | Language::Tsx
        | Language::JavaScript
        | Language::JavaScriptModule => typescript::read(language, text),
        #[cfg(feature = "python")]
        Language::Python => python::read(text),
        #[cfg(feature = "json")]
        Language::Json => json::read(text),
        #[cfg(feature = "protobuf")]
        Language::Protobuf => lines::protobuf(text),
        #[cfg(feature = "sql")]
        Language::Sql => sql(text),
        #[cfg(any(feature = "go", feature = "java", feature = "kotlin"))]
        Language::Go | Language::Java | Language::Kotlin => match judges::of(language) {
            Some(judge) => jvm::read(&judge, text)?,
            None => return Err(Unjudged::NoJudge(language)),
        },
        _ => Raw::default(),
    })
}

/// `\i` from the working folder is another matter; `\ir` is from the folder of the script.
#[cfg(feature = "sql")]
fn sql(text: &str) -> Raw {
    let mut raw = Raw::default();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let command = line.trim_start();
        let argument =
            command.strip_prefix("\\ir ").or_else(|| command.strip_prefix("\\include_relative "));
        if let Some(argument) = argument {
            let path = argument.trim().trim_matches('\'').replace("''", "'");
            raw.outgoing.push((at..at + line.trim_end().len(), Target::File(path)));
        }
        at += line.len();
    }
    raw
}
