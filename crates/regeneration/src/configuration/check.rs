//! Holds a parsed file, or a single value, against the table of keys.

use std::ops::Range;
use std::sync::Arc;

use globset::Glob;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::keys::{self, Key, Kind, Rule};
use super::suggest;
use crate::report::Diagnostic;

/// Where each checked key stands: its dotted name and its bytes.
pub(super) type Places = Vec<(String, Range<usize>)>;

/// Collects what is wrong with one text.
pub(super) struct Check<'a> {
    file: &'a str,
    source: Arc<str>,
    pub(super) problems: Vec<Diagnostic>,
    pub(super) places: Places,
}

impl<'a> Check<'a> {
    pub(super) fn new(file: &'a str, source: &str) -> Self {
        Self { file, source: source.into(), problems: Vec::new(), places: Places::new() }
    }

    /// Adds a problem at a place of the text, and gives it for further words.
    pub(super) fn report(
        &mut self,
        code: &str,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let diagnostic = Diagnostic::error(code, message)
            .in_file(self.file)
            .at(Arc::clone(&self.source), (span.start, span.len()));
        self.problems.push(diagnostic);
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    /// Checks the keys of a table and all below it.
    pub(super) fn table(&mut self, table: &str, entries: &DeTable<'_>) {
        for (name, value) in entries {
            let Some(key) = keys::find(table, name.get_ref()) else {
                self.unknown(table, name);
                continue;
            };
            if !matches!(key.kind, Kind::Table) {
                self.places.push((key.path(), name.span()));
            }
            self.value(key, value);
        }
    }

    /// Checks the value of one key.
    pub(super) fn value(&mut self, key: &Key, value: &Spanned<DeValue<'_>>) {
        match (key.kind, value.get_ref()) {
            (Kind::Text(rule), DeValue::String(text)) => {
                self.text(rule, text, value.span(), key);
            }
            (Kind::Choice(choices), DeValue::String(text)) => {
                self.choice(choices, text, value.span());
            }
            (Kind::Texts { rule, needed, once }, DeValue::Array(items)) => {
                if needed && items.is_empty() {
                    self.empty_list(key, value.span());
                }
                self.texts(rule, once, items, key);
            }
            (Kind::Map { name, text }, DeValue::Table(entries)) => {
                self.map(name, text, entries, key);
            }
            (Kind::Count { least, most }, DeValue::Integer(number)) => {
                let digits = (number.as_str(), number.radix());
                self.count(least..=most, digits, value.span(), key);
            }
            (Kind::Share, DeValue::Integer(_) | DeValue::Float(_)) => {
                self.number((0.0, 1.0), key, value);
            }
            (Kind::Number { least, most }, DeValue::Integer(_) | DeValue::Float(_)) => {
                self.number((least, most), key, value);
            }
            (Kind::Switch, DeValue::Boolean(_)) => {}
            (Kind::Table, DeValue::Table(entries)) => self.table(&key.path(), entries),
            (Kind::Tables, DeValue::Array(items)) => self.list(items, key),
            (Kind::Foreign, DeValue::Array(items)) => self.foreign(items, key),
            _ => self.wrong_type(key, value),
        }
    }

    fn unknown(&mut self, table: &str, name: &Spanned<std::borrow::Cow<'_, str>>) {
        let (span, name) = (name.span(), name.get_ref());
        let place = suggest::header(table);
        let message = if table.is_empty() {
            format!("there is no table or key `{name}`")
        } else {
            format!("{place} has no key `{name}`")
        };
        self.report("config::unknown_key", span, message).help =
            Some(suggest::for_key(table, name));
    }

    fn wrong_type(&mut self, key: &Key, value: &Spanned<DeValue<'_>>) {
        let message = format!(
            "`{}` is {} where {} is expected",
            key.path(),
            with_article(value.get_ref().type_str()),
            key.kind.expected()
        );
        self.report("config::type", value.span(), message).help =
            Some(format!("write it like `{}`", key.example));
    }

    fn wrong_value(&mut self, key: &Key, span: Range<usize>, message: String) {
        self.report("config::range", span, message).help =
            Some(format!("write it like `{}`", key.example));
    }

    fn text(&mut self, rule: Rule, text: &str, span: Range<usize>, key: &Key) {
        let fault = match rule {
            Rule::Pattern if Glob::new(text).is_err() => Some("is no valid pattern"),
            Rule::Filled | Rule::Pattern if text.trim().is_empty() => Some("is empty"),
            Rule::Filled | Rule::Pattern if text.contains('\0') => Some("holds a zero byte"),
            Rule::Iri => iri_fault(text),
            Rule::Prefix if !is_prefix(text) => Some("is no prefix name"),
            Rule::Filled | Rule::Pattern | Rule::Prefix => None,
        };
        if let Some(fault) = fault {
            self.wrong_value(key, span, format!("{} in `{}` {fault}", quoted(text), key.path()));
        }
    }

    fn choice(&mut self, choices: &[&str], text: &str, span: Range<usize>) {
        if choices.contains(&text) {
            return;
        }
        let list: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
        let mut help = format!("it can be {}", list.join(", "));
        if let Some(found) = crate::suggest::nearest(text, choices.iter().copied()) {
            help = format!("did you mean `{found}`? {help}");
        }
        self.report("config::range", span, format!("{} is no choice here", quoted(text))).help =
            Some(help);
    }

    fn empty_list(&mut self, key: &Key, span: Range<usize>) {
        self.wrong_value(key, span, format!("`{}` is empty", key.path()));
    }

    fn texts(&mut self, rule: Rule, once: bool, items: &DeArray<'_>, key: &Key) {
        let mut seen: Vec<&str> = Vec::new();
        for item in items {
            let DeValue::String(text) = item.get_ref() else {
                self.wrong_type(key, item);
                continue;
            };
            self.text(rule, text, item.span(), key);
            if once && seen.contains(&text.as_ref()) {
                let message = format!("{} stands in `{}` twice", quoted(text), key.path());
                self.report("config::range", item.span(), message).help =
                    Some("take one of them out".to_owned());
            }
            seen.push(text);
        }
    }

    fn map(&mut self, name_rule: Rule, rule: Rule, entries: &DeTable<'_>, key: &Key) {
        for (name, value) in entries {
            self.places.push((format!("{}.{}", key.path(), name.get_ref()), name.span()));
            self.text(name_rule, name.get_ref(), name.span(), key);
            match value.get_ref() {
                DeValue::String(text) => self.text(rule, text, value.span(), key),
                _ => self.wrong_type(key, value),
            }
        }
    }

    fn count(
        &mut self,
        range: std::ops::RangeInclusive<u64>,
        (digits, radix): (&str, u32),
        span: Range<usize>,
        key: &Key,
    ) {
        let number = u64::from_str_radix(digits, radix).ok();
        if number.is_some_and(|number| range.contains(&number)) {
            return;
        }
        let bound = if *range.end() > u64::from(u32::MAX) {
            format!("at least {}", range.start())
        } else {
            format!("from {} to {}", range.start(), range.end())
        };
        self.wrong_value(key, span, format!("`{}` must be {bound}", key.path()));
    }

    fn number(&mut self, (least, most): (f64, f64), key: &Key, value: &Spanned<DeValue<'_>>) {
        let number: Option<f64> = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().parse().ok(),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        if !number.is_some_and(|number| (least..=most).contains(&number)) {
            let message = format!("`{}` must be from {least} to {most}", key.path());
            self.wrong_value(key, value.span(), message);
        }
    }

    fn foreign(&mut self, items: &DeArray<'_>, key: &Key) {
        for (index, item) in items.iter().enumerate() {
            if matches!(item.get_ref(), DeValue::Table(_)) {
                self.places.push((format!("{}.{index}", key.path()), item.span()));
            } else {
                self.wrong_type(key, item);
            }
        }
    }

    /// Tables of one name: `[[modules]]` or `[[passes]]`.
    fn list(&mut self, items: &DeArray<'_>, key: &Key) {
        let mut names: Vec<String> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let DeValue::Table(entries) = item.get_ref() else {
                self.wrong_type(key, item);
                continue;
            };
            self.places.push((format!("{}.{index}", key.name), item.span()));
            self.table(key.name, entries);
            self.one_of_list(key.name, entries, item.span(), &mut names);
        }
    }

    fn one_of_list(
        &mut self,
        list: &str,
        entries: &DeTable<'_>,
        span: Range<usize>,
        names: &mut Vec<String>,
    ) {
        let one = if list == "passes" { "pass" } else { "module" };
        let Some((name, at)) = entry(entries, "name") else {
            self.report("config::missing", span, format!("a {one} has no name")).help =
                Some("give it one, like `name = \"orders\"`".to_owned());
            return;
        };
        if list == "passes" {
            self.pass(entries, &name, span);
        } else if entry(entries, "required").is_none() && entry(entries, "critical_files").is_none()
        {
            let message = format!("the module {} names no files", quoted(&name));
            self.report("config::missing", span, message).help =
                Some("say which files it needs in `required` or `critical_files`".to_owned());
        }
        if names.contains(&name) {
            let message = format!("there are two {list} with the name {}", quoted(&name));
            self.report("config::duplicate", at, message).help =
                Some("give one of them another name, or join the two".to_owned());
        }
        names.push(name);
    }

    fn pass(&mut self, entries: &DeTable<'_>, name: &str, span: Range<usize>) {
        for needed in ["files", "command", "version"] {
            if entry(entries, needed).is_none() {
                let message = format!("the pass {} has no `{needed}`", quoted(name));
                let example = keys::find("passes", needed).map_or("", |key| key.example);
                self.report("config::missing", span.clone(), message).help =
                    Some(format!("write it like `{example}`"));
            }
        }
    }
}

/// The text of a value, or nothing where it is none, and where it stands.
fn entry(entries: &DeTable<'_>, name: &str) -> Option<(String, Range<usize>)> {
    let (_, value) = entries.iter().find(|(key, _)| key.get_ref() == name)?;
    let text = value.get_ref().as_str().unwrap_or_default();
    Some((text.to_owned(), value.span()))
}

fn iri_fault(text: &str) -> Option<&'static str> {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    let has_scheme = scheme.is_some_and(|scheme| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    });
    let forbidden = |c: char| c <= ' ' || r#"<>"{}|^`\"#.contains(c) || c.is_control();
    match () {
        () if text.contains(forbidden) => Some("holds a character that an IRI can't have"),
        () if !has_scheme => Some("is no absolute IRI"),
        () => None,
    }
}

/// A cautious part of what Turtle and SPARQL allow; nothing stands for `:`.
fn is_prefix(text: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    text.is_empty()
        || text.starts_with(char::is_alphabetic) && text.chars().all(inside) && !text.ends_with('.')
}

/// The text as it would stand in the file, cut where it is long.
fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut short: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    format!("\"{short}\"")
}

fn with_article(kind: &str) -> String {
    match kind {
        "string" => "a text".to_owned(),
        "integer" => "a whole number".to_owned(),
        "array" => "a list".to_owned(),
        other => format!("a {other}"),
    }
}
