//! The files that describe environments, and where in them something is wrong.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use evergen_deployment::{ConfigError, DeploymentEnvironment};
use evergen_regeneration::Diagnostic;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::FOLDER;
use super::yaml::Yaml;
use crate::failure::Failure;

/// Where the keys are explained.
const HELP: &str = "its keys are explained in docs/deployment.md";

/// The keys of an environment that say what it is made of.
const PARTS: [&str; 6] =
    ["service", "kubernetes", "validate", "backups", "migrations", "notifiers"];

/// The file of all environments has one of these endings, and so have those in the folder.
pub(super) const ENDINGS: [&str; 3] = ["toml", "yaml", "yml"];

/// One file.
pub(super) struct Document {
    /// Its path, from the project's root.
    file: String,
    text: Arc<str>,
    content: Content,
    /// The environment that it describes, if it describes one alone.
    alone: Option<String>,
}

enum Content {
    Toml,
    Yaml(Yaml),
}

/// All files of a project: the one with the settings of all environments first.
pub(super) struct Documents(Vec<Document>);

impl Documents {
    /// Reads what is there of `evergen.deploy.toml` (or `.yaml`, `.yml`) and of the files in
    /// `evergen.deploy/`. Blocks.
    pub(super) fn find(root: &Path) -> Result<Self, Failure> {
        let mut found: Vec<Document> = Vec::new();
        for file in super::files() {
            let Some(document) = Document::read(root, file, None)? else { continue };
            if let Some(first) = found.first() {
                return Err(two(first, &document, "all environments"));
            }
            found.push(document);
        }
        for (name, file) in alone(root)? {
            let about = format!("environment `{name}`");
            let Some(document) = Document::read(root, file.clone(), Some(name))? else {
                let why = io::Error::new(io::ErrorKind::NotFound, "it leads to no file");
                return Err(Failure::storage(format!("reading `{file}`"), &why));
            };
            let twin = found.iter().find(|it| it.alone.is_some() && it.alone == document.alone);
            if let Some(twin) = twin {
                return Err(two(twin, &document, &about));
            }
            found.push(document);
        }
        Ok(Self(found))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Document> {
        self.0.iter()
    }

    /// A value that can't be meant. `environments` are those that were judged, since one whose
    /// name is wrong is known by its number.
    pub(super) fn value(
        &self,
        error: &ConfigError,
        environments: &[DeploymentEnvironment],
    ) -> Failure {
        let field = match error {
            ConfigError::Value { field, .. } => field.as_str(),
            _ => "",
        };
        let numbered = field.strip_prefix("environments[").and_then(|rest| rest.split_once("]."));
        let numbered = numbered.and_then(|(number, key)| {
            Some(vec![environments.get(number.parse::<usize>().ok()?)?.name.as_str(), key])
        });
        let path = numbered.unwrap_or_else(|| field.split('.').collect());
        self.failure("config::range", error.to_string(), &path)
    }

    /// Something of an environment that can't be used; `path` leads to it as far as it goes.
    pub(super) fn unusable(&self, path: &[&str], why: impl std::fmt::Display) -> Failure {
        let environment = path.first().copied().unwrap_or_default();
        let message = format!("environment `{environment}`: {why}");
        self.failure("config::unusable", message, path)
    }

    fn failure(&self, code: &str, message: String, path: &[&str]) -> Failure {
        let place = self.0.iter().find_map(|document| Some((document, document.find(path)?)));
        match (place, self.0.first()) {
            (Some((document, span)), _) => {
                document.failure(code, message, Some(span), HELP.to_owned())
            }
            (None, Some(first)) => {
                let table = first.table().ok();
                let all = table.as_ref().and_then(|table| table.get_ref().get("environments"));
                first.failure(code, message, all.map(Spanned::span), HELP.to_owned())
            }
            (None, None) => Failure::usage(message, HELP),
        }
    }
}

/// The environments that have a file of their own, with it, in the order of their names.
fn alone(root: &Path) -> Result<Vec<(String, String)>, Failure> {
    let failed = |error: &io::Error| Failure::storage(format!("reading `{FOLDER}`"), error);
    let entries = match fs::read_dir(root.join(FOLDER)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(&error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| failed(&error))?.file_name();
        // Other files may lie there, too: notes, hidden files, what an editor leaves.
        let shown = name.to_string_lossy();
        let parts = shown.rsplit_once('.').filter(|(stem, _)| !stem.starts_with('.'));
        let is_meant = |ending: &str| ENDINGS.iter().any(|it| it.eq_ignore_ascii_case(ending));
        let Some((stem, _)) = parts.filter(|(stem, ending)| !stem.is_empty() && is_meant(ending))
        else {
            continue;
        };
        if name.to_str().is_none() {
            return Err(Failure::usage(
                format!("the name of `{FOLDER}/{shown}` is no text"),
                "call the file as its environment is called",
            ));
        }
        files.push((stem.to_owned(), format!("{FOLDER}/{shown}")));
    }
    files.sort();
    Ok(files)
}

fn two(first: &Document, second: &Document, about: &str) -> Failure {
    let (first, second) = (&first.file, &second.file);
    Failure::usage(
        format!("`{first}` and `{second}` both describe {about}"),
        "keep one of them; which one is meant, nobody can tell",
    )
}

impl Document {
    fn read(root: &Path, file: String, alone: Option<String>) -> Result<Option<Self>, Failure> {
        let text: Arc<str> = match fs::read_to_string(root.join(&file)) {
            Ok(text) => text.into(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(Failure::usage(format!("`{file}` is no text"), "write it in UTF-8"));
            }
            Err(error) => return Err(Failure::storage(format!("reading `{file}`"), &error)),
        };
        let mut document = Self { file, text, content: Content::Toml, alone };
        if Path::new(&document.file).extension().is_none_or(|it| !it.eq_ignore_ascii_case("toml")) {
            let yaml = Yaml::parse(&document.text).map_err(|error| {
                let help = "the file is written in YAML: https://yaml.org".to_owned();
                document.failure("config::syntax", error.why, error.at, help)
            })?;
            document.content = Content::Yaml(yaml);
        }
        Ok(Some(document))
    }

    /// The environment that the file describes, if it describes one alone.
    pub(super) fn alone(&self) -> Option<&str> {
        self.alone.as_deref()
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// What the file says.
    pub(super) fn table(&self) -> Result<Spanned<DeTable<'_>>, Failure> {
        match &self.content {
            Content::Yaml(yaml) => Ok(yaml.table()),
            Content::Toml => DeTable::parse(&self.text).map_err(|error| {
                let help = "the file is written in TOML: https://toml.io".to_owned();
                self.failure("config::syntax", error.message().to_owned(), error.span(), help)
            }),
        }
    }

    /// What the text itself has wrong.
    pub(super) fn unreadable(&self, error: toml::de::Error) -> Failure {
        let unknown = error.message().contains("unknown field");
        let code = if unknown { "config::unknown_key" } else { "config::type" };
        let (mut message, span) = (in_words(error.message()), error.span());
        if unknown && message.contains("`target_dir`") {
            // Those that the deployment itself does not know.
            for part in PARTS {
                message.extend([", `", part, "`"]);
            }
            let wanted = message.split('`').nth(1).unwrap_or_default();
            let close = |part: &&&str| strsim::jaro_winkler(wanted, part) > 0.9;
            if let Some(part) = PARTS.iter().find(close) {
                return self.failure(code, message, span, format!("did you mean `{part}`?"));
            }
        }
        let help = match ConfigError::from(error) {
            ConfigError::Syntax { suggestion: Some(name), .. } => format!("did you mean `{name}`?"),
            _ => HELP.to_owned(),
        };
        self.failure(code, message, span, help)
    }

    /// A value of a key at the top that can't be meant.
    pub(super) fn bad(&self, key: &str, message: String) -> Failure {
        let table = self.table().ok();
        let span = table.as_ref().and_then(|table| Some(table.get_ref().get(key)?.span()));
        self.failure("config::range", message, span, HELP.to_owned())
    }

    fn failure(
        &self,
        code: &str,
        message: String,
        span: Option<Range<usize>>,
        help: String,
    ) -> Failure {
        let mut diagnostic = Diagnostic::error(code, message).in_file(&self.file).with_help(help);
        if let Some(span) = span {
            let first = self.text.get(span.clone()).unwrap_or_default();
            // Of a whole table, its first line is enough.
            let length = first.find('\n').unwrap_or(first.len());
            diagnostic = diagnostic.at(Arc::clone(&self.text), (span.start, length));
        }
        Failure::settings(vec![diagnostic])
    }

    /// The place to which a path leads: the name of an environment, and keys in it or names in
    /// its lists; or keys at the top. As deep as it is there; none if the file does not know
    /// the first of them.
    fn find(&self, path: &[&str]) -> Option<Range<usize>> {
        let file = self.table().ok()?;
        let file = file.get_ref();
        let (first, rest) = path.split_first()?;
        if let Some(name) = &self.alone {
            if name != first {
                return None;
            }
            let Some((key, rest)) = rest.split_first() else { return Some(0..0) };
            return Some(file.get(*key).map_or(0..0, |value| deepest(value, rest)));
        }
        if let Some(value) = file.get(*first) {
            return Some(deepest(value, rest));
        }
        let environments = file.get("environments")?.get_ref().as_array()?;
        let environment = environments.iter().find(|one| is_named(one.get_ref(), first))?;
        Some(deepest(environment, rest))
    }
}

/// What the reader of a value said, without the names that only this program knows.
fn in_words(message: &str) -> String {
    let Some((found, expected)) = message.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    let words = match expected {
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number from 0 on",
        "i32" | "i64" => "a whole number",
        "f64" => "a number",
        "a boolean" => "`true` or `false`",
        "a string" => "a text",
        "a sequence" => "a list",
        "an unsigned duration string" => "a time with its unit, as \"500ms\" or \"2s\"",
        "a map" => "a table of keys and values",
        other if other.starts_with("struct ") || other.starts_with("internally tagged ") => {
            "a table of keys and values"
        }
        other => other,
    };
    let found = found.replace("invalid type: string", "invalid type: the text");
    format!("{found}, expected {words}")
}

fn deepest(value: &Spanned<DeValue<'_>>, path: &[&str]) -> Range<usize> {
    let Some((key, rest)) = path.split_first() else { return value.span() };
    let inner = match value.get_ref() {
        DeValue::Table(table) => table.get(*key),
        DeValue::Array(list) => list.iter().find(|entry| is_named(entry.get_ref(), key)),
        _ => None,
    };
    inner.map_or_else(|| value.span(), |inner| deepest(inner, rest))
}

fn is_named(value: &DeValue<'_>, name: &str) -> bool {
    let DeValue::Table(table) = value else { return false };
    table.get("name").and_then(|value| value.get_ref().as_str()) == Some(name)
}
