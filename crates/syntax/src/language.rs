//! Which language a file is written in.

use std::fmt;

/// A language that a file can be judged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Language {
    /// Rust, edition 2024 as far as an edition changes the grammar.
    Rust,
    /// TypeScript without JSX: `.ts`, `.mts`, `.cts`.
    TypeScript,
    /// TypeScript that only declares: `.d.ts`, `.d.mts`, `.d.cts`.
    TypeScriptDeclarations,
    /// TypeScript with JSX: `.tsx`.
    Tsx,
    /// JavaScript, with JSX where it occurs, module or script as the text says: `.js`, `.jsx`.
    JavaScript,
    /// JavaScript that is a module whatever its text says: `.mjs`.
    JavaScriptModule,
    /// Python 3, newest version: `.py`, `.pyi`.
    Python,
    /// JSON as in RFC 8259: `.json`, `.jsonld`, `.geojson`, …
    Json,
    /// TOML 1.0 or 1.1: `.toml`.
    Toml,
    /// YAML 1.2, one or more documents: `.yaml`, `.yml`.
    Yaml,
    /// SQL in the dialect of PostgreSQL, or where that fails, of `SQLite`, `MySQL` or `SQL Server`: `.sql`.
    Sql,
    /// GraphQL, schema or operations: `.graphql`, `.graphqls`, `.gql`.
    GraphQl,
    /// Protocol buffers, `proto2` or `proto3`: `.proto`.
    Protobuf,
    /// Go: `.go`.
    Go,
    /// Java: `.java`.
    Java,
    /// Kotlin, programs and scripts: `.kt`, `.kts`.
    Kotlin,
    /// C#: `.cs`.
    CSharp,
}

impl Language {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Rust,
        Self::TypeScript,
        Self::TypeScriptDeclarations,
        Self::Tsx,
        Self::JavaScript,
        Self::JavaScriptModule,
        Self::Python,
        Self::Json,
        Self::Toml,
        Self::Yaml,
        Self::Sql,
        Self::GraphQl,
        Self::Protobuf,
        Self::Go,
        Self::Java,
        Self::Kotlin,
        Self::CSharp,
    ];

    /// The language that the name of a file tells, if it is one of ours.
    ///
    /// Only the name counts, so that the same path is judged the same way
    /// whatever stands in the file. `tsconfig.json` and its like, which
    /// their readers take with comments, are no JSON and give nothing.
    pub fn of_path(path: &str) -> Option<Self> {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_ascii_lowercase();
        let (stem, extension) = name.rsplit_once('.')?;
        match extension {
            "rs" => Some(Self::Rust),
            "ts" | "mts" | "cts" if stem.rsplit_once('.').is_some_and(|(_, last)| last == "d") => {
                Some(Self::TypeScriptDeclarations)
            }
            "ts" | "mts" | "cts" => Some(Self::TypeScript),
            "tsx" => Some(Self::Tsx),
            "js" | "jsx" | "cjs" => Some(Self::JavaScript),
            "mjs" => Some(Self::JavaScriptModule),
            "py" | "pyi" | "pyw" => Some(Self::Python),
            "json" if has_comments(stem) => None,
            "json" | "jsonld" | "geojson" | "webmanifest" | "sarif" => Some(Self::Json),
            "toml" => Some(Self::Toml),
            "yaml" | "yml" => Some(Self::Yaml),
            "sql" => Some(Self::Sql),
            "graphql" | "graphqls" | "gql" => Some(Self::GraphQl),
            "proto" => Some(Self::Protobuf),
            "go" => Some(Self::Go),
            "java" => Some(Self::Java),
            "kt" | "kts" => Some(Self::Kotlin),
            "cs" => Some(Self::CSharp),
            _ => None,
        }
    }

    /// The name as it is written in reports and settings: lowercase, one word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::TypeScript => "typescript",
            Self::TypeScriptDeclarations => "typescript-declarations",
            Self::Tsx => "tsx",
            Self::JavaScript => "javascript",
            Self::JavaScriptModule => "javascript-module",
            Self::Python => "python",
            Self::Json => "json",
            Self::Toml => "toml",
            Self::Yaml => "yaml",
            Self::Sql => "sql",
            Self::GraphQl => "graphql",
            Self::Protobuf => "protobuf",
            Self::Go => "go",
            Self::Java => "java",
            Self::Kotlin => "kotlin",
            Self::CSharp => "csharp",
        }
    }

    /// The feature of this crate that brings the judge of this language.
    pub const fn feature(self) -> &'static str {
        match self {
            Self::TypeScriptDeclarations
            | Self::Tsx
            | Self::JavaScript
            | Self::JavaScriptModule => "typescript",
            other => other.name(),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Files called `.json` that their own readers take with comments and trailing commas.
fn has_comments(stem: &str) -> bool {
    stem.starts_with("tsconfig")
        || stem.starts_with("jsconfig")
        || stem == "devcontainer"
        || stem == ".devcontainer"
        || stem.ends_with(".code-workspace")
}
