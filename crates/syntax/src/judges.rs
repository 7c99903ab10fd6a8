//! One module for each judge: text in, what was found out.

#[cfg(feature = "graphql")]
pub(crate) mod graphql;
#[cfg(feature = "json")]
pub(crate) mod json;
#[cfg(feature = "protobuf")]
pub(crate) mod protobuf;
#[cfg(feature = "python")]
pub(crate) mod python;
#[cfg(feature = "python")]
mod python_scopes;
#[cfg(feature = "rust")]
pub(crate) mod rust;
#[cfg(feature = "rust")]
mod rust_macros;
#[cfg(feature = "sql")]
pub(crate) mod sql;
#[cfg(feature = "toml")]
pub(crate) mod toml;
#[cfg(any(feature = "go", feature = "java", feature = "kotlin", feature = "csharp"))]
pub(crate) mod tree_sitter;
#[cfg(feature = "typescript")]
pub(crate) mod typescript;
#[cfg(feature = "yaml")]
pub(crate) mod yaml;

use crate::text::Found;
use crate::{Judge, JudgeKind, Language, Limits, Unjudged};

/// What a judge gives back: what it found, or why it found nothing out.
pub(crate) type Judged = Result<Vec<Found>, Unjudged>;

/// Who judges `language`, as far as this build holds a judge.
pub(crate) fn of(language: Language) -> Option<Judge> {
    let (kind, parser, version, cannot_see) = names(language)?;
    Some(Judge { language, kind, parser, version, cannot_see })
}

type Names = (JudgeKind, &'static str, &'static str, &'static [&'static str]);

/// The packages as `Cargo.lock` has them, which a test holds true.
fn names(language: Language) -> Option<Names> {
    let parser = |name, version, cannot_see| (JudgeKind::Parser, name, version, cannot_see);
    let grammar = |name, version, cannot_see| (JudgeKind::TreeSitter, name, version, cannot_see);
    Some(match language {
        Language::Rust if cfg!(feature = "rust") => parser("syn", "3.0.9", RUST),
        Language::TypeScript
        | Language::TypeScriptDeclarations
        | Language::Tsx
        | Language::JavaScript
        | Language::JavaScriptModule
            if cfg!(feature = "typescript") =>
        {
            parser("oxc_parser", "0.146.0", &[])
        }
        Language::Python if cfg!(feature = "python") => parser("ruff_python_parser", "0.0.10", &[]),
        Language::Json if cfg!(feature = "json") => parser("serde_json", "1.0.154", &[]),
        Language::Toml if cfg!(feature = "toml") => parser("toml", "1.2.1+spec-1.1.0", &[]),
        Language::Yaml if cfg!(feature = "yaml") => parser("saphyr-parser", "0.3.4", &[]),
        Language::Sql if cfg!(feature = "sql") => parser("sqlparser", "0.64.0", SQL),
        Language::GraphQl if cfg!(feature = "graphql") => parser("cynic-parser", "0.11.2", &[]),
        Language::Protobuf if cfg!(feature = "protobuf") => parser("protox-parse", "0.10.0", &[]),
        Language::Go if cfg!(feature = "go") => grammar("tree-sitter-go", "0.25.0", GO),
        Language::Java if cfg!(feature = "java") => grammar("tree-sitter-java", "0.23.5", JAVA),
        Language::Kotlin if cfg!(feature = "kotlin") => {
            grammar("tree-sitter-kotlin-ng", "1.1.0", KOTLIN)
        }
        Language::CSharp if cfg!(feature = "csharp") => {
            grammar("tree-sitter-c-sharp", "0.23.5", CSHARP)
        }
        _ => return None,
    })
}

const RUST: &[&str] = &["bodies of macros other than those of the standard library"];
const SQL: &[&str] = &[
    "4 of 100 broken files: what one dialect refuses and another of those that are tried takes",
    "bodies of functions in quotes",
];
const GO: &[&str] = &["2 of 100 broken files: types that are left out in signatures, a second `~`"];
const JAVA: &[&str] =
    &["4 of 100 broken files: modifiers twice, return types and names of annotations left out"];
const KOTLIN: &[&str] = &[
    "soft keywords that stand where nothing may stand, and more that was not measured",
    "that some valid files are valid: entries of an enumeration with bodies, all on one line",
];
const CSHARP: &[&str] =
    &["12 of 100 broken files: types and names left out in declarations, modifiers twice"];

/// Whether the parser of `language` goes deeper where the text does; the others keep a stack of their own or count.
pub(crate) fn recurses(language: Language) -> bool {
    matches!(language.feature(), "rust" | "typescript" | "python" | "protobuf" | "sql")
}

/// Asks the judge of `judge.language`.
pub(crate) fn ask(judge: &Judge, text: &str, limits: &Limits) -> Judged {
    let parser = judge.parser;
    // A build with few judges needs few of them.
    let _ = (text, limits);
    match judge.language {
        #[cfg(feature = "rust")]
        Language::Rust => crate::stack::guarded(parser, text, limits, || rust::judge(text)),
        #[cfg(feature = "typescript")]
        Language::TypeScript
        | Language::TypeScriptDeclarations
        | Language::Tsx
        | Language::JavaScript
        | Language::JavaScriptModule => {
            crate::stack::guarded(parser, text, limits, || typescript::judge(judge.language, text))
        }
        #[cfg(feature = "python")]
        Language::Python => python::judge(parser, text, limits),
        #[cfg(feature = "json")]
        Language::Json => crate::stack::caught(parser, || json::judge(text)),
        #[cfg(feature = "toml")]
        Language::Toml => crate::stack::caught(parser, || toml::judge(text, limits))?,
        #[cfg(feature = "yaml")]
        Language::Yaml => crate::stack::caught(parser, || yaml::judge(text)),
        #[cfg(feature = "sql")]
        Language::Sql => crate::stack::guarded(parser, text, limits, || sql::judge(text, limits))?,
        #[cfg(feature = "graphql")]
        Language::GraphQl => crate::stack::caught(parser, || graphql::judge(text)),
        #[cfg(feature = "protobuf")]
        Language::Protobuf => crate::stack::guarded(parser, text, limits, || protobuf::judge(text)),
        #[cfg(any(feature = "go", feature = "java", feature = "kotlin", feature = "csharp"))]
        Language::Go | Language::Java | Language::Kotlin | Language::CSharp => {
            crate::stack::caught(parser, || tree_sitter::judge(judge, text))?
        }
        #[cfg(not(all(
            feature = "rust",
            feature = "typescript",
            feature = "python",
            feature = "json",
            feature = "toml",
            feature = "yaml",
            feature = "sql",
            feature = "graphql",
            feature = "protobuf",
            any(feature = "go", feature = "java", feature = "kotlin", feature = "csharp")
        )))]
        other => Err(Unjudged::NoJudge(other)),
    }
}
