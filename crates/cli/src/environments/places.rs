//! Where in `evergen.deploy.toml` something is wrong.

use std::ops::Range;
use std::sync::Arc;

use evergen_deployment::ConfigError;
use evergen_regeneration::Diagnostic;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::FILE;
use crate::failure::Failure;

/// Where the keys are explained.
const HELP: &str = "its keys are explained in docs/deployment.md";

/// The text of the file, to point into.
#[derive(Clone, Copy)]
pub(super) struct Places<'a> {
    text: &'a str,
}

impl<'a> Places<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// What the text itself has wrong.
    pub(super) fn unreadable(self, error: toml::de::Error) -> Failure {
        let unknown = error.message().contains("unknown field");
        let code = if unknown { "config::unknown_key" } else { "config::type" };
        let (message, span) = (error.message().to_owned(), error.span());
        let help = match ConfigError::from(error) {
            ConfigError::Syntax { suggestion: Some(name), .. } => format!("did you mean `{name}`?"),
            _ => HELP.to_owned(),
        };
        self.failure(code, message, span, help)
    }

    /// The text is no TOML.
    pub(super) fn no_toml(self, error: &toml::de::Error) -> Failure {
        let help = "the file is written in TOML: https://toml.io".to_owned();
        self.failure("config::syntax", error.message().to_owned(), error.span(), help)
    }

    /// A value that can't be meant.
    pub(super) fn value(self, error: &ConfigError) -> Failure {
        let span = match error {
            ConfigError::Value { field, .. } => self.find(&field.split('.').collect::<Vec<_>>()),
            _ => None,
        };
        self.failure("config::range", error.to_string(), span, HELP.to_owned())
    }

    /// Something of an environment that can't be used; `path` leads to it as far as it goes.
    pub(super) fn unusable(self, path: &[&str], why: impl std::fmt::Display) -> Failure {
        let environment = path.first().copied().unwrap_or_default();
        let message = format!("environment `{environment}`: {why}");
        self.failure("config::unusable", message, self.find(path), HELP.to_owned())
    }

    fn failure(
        self,
        code: &str,
        message: String,
        span: Option<Range<usize>>,
        help: String,
    ) -> Failure {
        let mut diagnostic = Diagnostic::error(code, message).in_file(FILE).with_help(help);
        if let Some(span) = span {
            let first = self.text.get(span.clone()).unwrap_or_default();
            // Of a whole table, its first line is enough.
            let length = first.find('\n').unwrap_or(first.len());
            diagnostic = diagnostic.at(Arc::from(self.text), (span.start, length));
        }
        Failure::settings(vec![diagnostic])
    }

    /// The place to which a path leads: the name of an environment, and keys in it or names in
    /// its lists; or keys at the top. As deep as it is there.
    fn find(self, path: &[&str]) -> Option<Range<usize>> {
        let file = DeTable::parse(self.text).ok()?;
        let (first, rest) = path.split_first()?;
        if let Some(value) = file.get_ref().get(*first) {
            return Some(deepest(value, rest));
        }
        let environments = file.get_ref().get("environments")?;
        Some(deepest(environments, path))
    }
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
