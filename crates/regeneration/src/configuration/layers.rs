//! Settings from several places, the later ones winning, each with its origin.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::check::Check;
use super::keys::{self, KEYS, Key, Kind};
use super::suggest;
use crate::report::Diagnostic;
use crate::settings::Settings;

/// Puts settings together: defaults, then a file, then what overrides it.
///
/// Problems are collected; [`finish`](Self::finish) gives them all.
#[derive(Debug, Default)]
pub struct SettingsLayers {
    merged: Table,
    origins: BTreeMap<String, Origin>,
    problems: Vec<Diagnostic>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Origin {
    /// Nobody said otherwise.
    Default,
    /// A configuration file.
    File {
        /// Its name.
        file: String,
        /// The line, from 1.
        line: u32,
    },
    /// A variable of the environment.
    Environment {
        /// Its name.
        name: String,
    },
    /// The command line.
    Flag {
        /// The flag or argument.
        name: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::Environment { name } => write!(f, "environment {name}"),
            Self::Flag { name } => write!(f, "flag {name}"),
        }
    }
}

/// Settings that were put together, and where each value comes from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EffectiveSettings {
    /// The settings.
    pub settings: Settings,
    /// Each value with its origin, in the order of the documentation.
    pub values: Vec<EffectiveValue>,
}

/// One value and its origin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct EffectiveValue {
    /// The dotted name, like `regeneration.output_dir`.
    pub key: String,
    /// The value.
    pub value: serde_json::Value,
    /// Where it comes from.
    pub origin: Origin,
}

impl SettingsLayers {
    /// Adds the text of a configuration file; `file` is its name in messages.
    pub fn add_file(&mut self, text: &str, file: &str) {
        let mut check = Check::new(file, text);
        let (table, errors) = DeTable::parse_recoverable(text);
        check.table("", table.get_ref());
        // What was recovered after a syntax error need not be what was meant.
        let first = errors.iter().filter_map(|error| Some(error.span()?.start)).min();
        let start = |problem: &Diagnostic| problem.span.map_or(0, |(start, _)| start);
        check.problems.retain(|problem| first.is_none_or(|first| start(problem) < first));
        for error in telling(text, &errors) {
            let span = visible(text, error.span().unwrap_or(0..0));
            check.report("config::syntax", span, error.message()).help =
                Some("the file is written in TOML: https://toml.io".to_owned());
        }
        check.problems.sort_by_key(start);
        self.problems.append(&mut check.problems);
        for (key, span) in check.places {
            let line = text[..span.start].matches('\n').count() + 1;
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            self.origins.insert(key, Origin::File { file: file.to_owned(), line });
        }
        if let Ok(table) = text.parse::<Table>() {
            merge(&mut self.merged, table);
        }
    }

    /// Overrides one key, named with its table, by a text: a list is separated by
    /// commas, an entry of a table of texts has its name as a last part of the key.
    pub fn set(&mut self, key: &str, text: &str, origin: Origin) {
        let Some((found, entry)) = resolve(key) else {
            self.unknown(key, &origin);
            return;
        };
        let value = match found.kind {
            Kind::Texts { .. } => {
                let inner = text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']'));
                let items = inner.unwrap_or(text).split(',').map(|item| {
                    let quoted = item.trim().strip_prefix('"');
                    quoted.and_then(|item| item.strip_suffix('"')).unwrap_or(item.trim())
                });
                let items = items.filter(|item| !item.is_empty());
                items.map(Value::from).collect::<Vec<_>>().into()
            }
            Kind::Count { .. } => text.trim().parse::<i64>().map_or(text.into(), Value::from),
            Kind::Share | Kind::Number { .. } => {
                text.trim().parse::<f64>().map_or(text.into(), Value::from)
            }
            Kind::Switch => text.trim().parse::<bool>().map_or(text.into(), Value::from),
            _ => Value::from(text),
        };
        self.put(found, entry, value, origin);
    }

    /// Overrides a key that holds a list of texts.
    pub fn set_list(&mut self, key: &str, items: Vec<String>, origin: Origin) {
        match resolve(key) {
            Some((found, entry)) => {
                let items: Vec<_> = items.into_iter().map(Value::from).collect();
                self.put(found, entry, items.into(), origin);
            }
            None => self.unknown(key, &origin),
        }
    }

    /// Adds those variables of an environment that name a setting, as
    /// `EVERGEN_REGENERATION__OUTPUT_DIR` does. All others are left alone.
    pub fn add_environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        let mut named: Vec<_> = variables
            .into_iter()
            .filter(|(name, _)| {
                name.strip_prefix("EVERGEN_").is_some_and(|rest| rest.contains("__"))
            })
            .collect();
        named.sort();
        for (name, text) in named {
            let key = name["EVERGEN_".len()..].to_lowercase().replace("__", ".");
            self.set(&key, &text, Origin::Environment { name });
        }
    }

    /// Whether something other than the defaults gives this key a value.
    pub fn is_set(&self, key: &str) -> bool {
        self.origins.contains_key(key)
    }

    /// Builds the settings, or gives everything that is wrong with them.
    pub fn finish(self) -> Result<EffectiveSettings, Vec<Diagnostic>> {
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let settings = Settings::deserialize(Value::Table(self.merged))
            .map_err(|error| vec![Diagnostic::error("config::type", error.message().to_owned())])?;
        let values = values(&settings, &self.origins);
        Ok(EffectiveSettings { settings, values })
    }

    fn put(&mut self, key: &Key, entry: Option<&str>, value: Value, origin: Origin) {
        let path = key.path();
        let written = match entry {
            Some(entry) => Value::Table(Table::from_iter([(entry.to_owned(), value)])),
            None => value,
        };
        let text = written.to_string();
        let place = origin.to_string();
        let mut check = Check::new(&place, &text);
        match DeValue::parse(&text) {
            Ok(value) => check.value(key, &value),
            Err(error) => {
                check.report("config::syntax", 0..text.len(), error.message());
            }
        }
        self.problems.append(&mut check.problems);
        let full = entry.map_or_else(|| path.clone(), |entry| format!("{path}.{entry}"));
        self.origins.insert(full, origin);
        let nested = path.rsplit('.').fold(written, |value, part| {
            Value::Table(Table::from_iter([(part.to_owned(), value)]))
        });
        if let Value::Table(table) = nested {
            merge(&mut self.merged, table);
        }
    }

    fn unknown(&mut self, key: &str, origin: &Origin) {
        let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
        let diagnostic = if let Some(list) = [table, key].into_iter().find(|it| keys::is_list(it)) {
            Diagnostic::error("config::unknown_key", format!("{list} can't be overridden"))
                .with_help("write them in evergen.toml")
        } else if keys::of_table(table).next().is_none() {
            let tables = KEYS.iter().filter(|key| matches!(key.kind, Kind::Table)).map(Key::path);
            let tables: Vec<_> = tables.map(|path| format!("`{path}`")).collect();
            Diagnostic::error("config::unknown_key", format!("there is no table `{table}`"))
                .with_help(format!("the tables are {}", tables.join(", ")))
        } else {
            let message = format!("{} has no key `{name}`", suggest::header(table));
            Diagnostic::error("config::unknown_key", message)
                .with_help(suggest::for_key(table, name))
        };
        self.problems.push(diagnostic.in_file(origin.to_string()));
    }
}

/// The key of a dotted name, and the name of an entry where it is a table of texts.
fn resolve(path: &str) -> Option<(&'static Key, Option<&str>)> {
    let candidates = KEYS.iter().filter(|key| !keys::is_list(key.table));
    for key in candidates {
        let full = key.path();
        match key.kind {
            Kind::Table | Kind::Tables | Kind::Foreign => {}
            Kind::Map { .. } => {
                let entry = path.strip_prefix(&full).and_then(|rest| rest.strip_prefix('.'));
                if entry.is_some() {
                    return Some((key, entry));
                }
            }
            _ if full == path => return Some((key, None)),
            _ => {}
        }
    }
    None
}

/// Lays one table over another; only tables are joined, other values are replaced.
fn merge(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

/// The syntax errors that tell something: the first of each line, and none after
/// one behind which a reader can't know where a text or a list was meant to end.
fn telling<'e>(text: &str, errors: &'e [toml::de::Error]) -> Vec<&'e toml::de::Error> {
    const LOST: [&str; 4] =
        ["invalid basic string", "invalid literal string", "missing comma", "unclosed"];
    let line = |error: &toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        text[..text.floor_char_boundary(start)].matches('\n').count()
    };
    let mut errors: Vec<_> = errors.iter().collect();
    errors.sort_by_key(|error| error.span().map_or(0, |span| span.start));
    let mut told: Vec<&toml::de::Error> = Vec::new();
    for error in errors {
        if told.iter().all(|other| line(other) != line(error)) {
            told.push(error);
        }
        if LOST.iter().any(|lost| error.message().starts_with(lost)) {
            break;
        }
    }
    told
}

/// At least one character where there is one, and never beyond the text.
fn visible(text: &str, span: Range<usize>) -> Range<usize> {
    let end = span.end.min(text.len());
    let start = span.start.min(end);
    if start < end {
        return start..end;
    }
    let next = text[start..].chars().next().filter(|c| *c != '\n');
    start..start + next.map_or(0, char::len_utf8)
}

fn values(settings: &Settings, origins: &BTreeMap<String, Origin>) -> Vec<EffectiveValue> {
    let all = serde_json::to_value(settings).unwrap_or_default();
    let origin = |key: &str| origins.get(key).cloned().unwrap_or(Origin::Default);
    let mut values = Vec::new();
    for key in KEYS.iter().filter(|key| !keys::is_list(key.table)) {
        let path = key.path();
        let value = path.split('.').fold(&all, |value, part| &value[part]).clone();
        let parts = match (key.kind, value) {
            (Kind::Table, _) => continue,
            (Kind::Map { .. }, serde_json::Value::Object(map)) if !map.is_empty() => {
                map.into_iter().map(|(name, value)| (format!("{path}.{name}"), value)).collect()
            }
            (Kind::Tables | Kind::Foreign, serde_json::Value::Array(items))
                if !items.is_empty() =>
            {
                let named = |(index, value)| (format!("{path}.{index}"), value);
                items.into_iter().enumerate().map(named).collect()
            }
            (_, value) => vec![(path, value)],
        };
        values.extend(parts.into_iter().map(|(key, value)| {
            let origin = origin(&key);
            EffectiveValue { key, value, origin }
        }));
    }
    values
}
