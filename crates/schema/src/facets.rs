//! What limits the literals of a datatype.

use std::cmp::Ordering;

use serde::Serialize;

use crate::{Text, regex};

/// Limits of literals; what is none or empty limits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Facets {
    /// Regular expressions, all of which a value matches.
    pub patterns: Vec<Pattern>,
    /// The smallest value, in its lexical form.
    pub min_inclusive: Option<Text>,
    /// The largest value.
    pub max_inclusive: Option<Text>,
    /// A bound below all values.
    pub min_exclusive: Option<Text>,
    /// A bound above all values.
    pub max_exclusive: Option<Text>,
    /// The fewest characters (bytes of binary data).
    pub min_length: Option<u32>,
    /// The most characters.
    pub max_length: Option<u32>,
    /// The most digits of a decimal.
    pub total_digits: Option<u32>,
    /// The most digits behind the point.
    pub fraction_digits: Option<u32>,
    /// The languages that a value may have.
    pub languages: Vec<Text>,
}

/// A regular expression.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Pattern {
    /// The expression, in the dialect of XML Schema.
    pub text: Text,
    /// SPARQL's flags.
    pub flags: Text,
    /// Whether the whole value must match (a facet of XML Schema), or a part of it (SHACL).
    pub is_whole: bool,
    /// The same in words that the engines of all common languages share; none where there
    /// are none, or the expression is broken. The flag `i` still holds.
    pub portable: Option<Text>,
}

impl Pattern {
    pub(crate) fn new(text: Text, flags: Text, is_whole: bool) -> Self {
        let portable = regex::portable(&text, &flags, is_whole).map(Text::from);
        Self { text, flags, is_whole, portable }
    }
}

impl Facets {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Two limits that no value meets, in words.
    pub(crate) fn contradiction(&self) -> Option<String> {
        let values = [
            (&self.min_inclusive, &self.max_inclusive, false, "at least", "at most"),
            (&self.min_inclusive, &self.max_exclusive, true, "at least", "less than"),
            (&self.min_exclusive, &self.max_inclusive, true, "more than", "at most"),
            (&self.min_exclusive, &self.max_exclusive, true, "more than", "less than"),
        ];
        let of_values = values.iter().find_map(|(min, max, is_open, from, to)| {
            let (min, max) = (min.as_ref()?, max.as_ref()?);
            let order = compare_surely(min, max)?;
            let is_empty = order == Ordering::Greater || *is_open && order == Ordering::Equal;
            is_empty.then(|| format!("{from} {min} and {to} {max}"))
        });
        let of_lengths = || {
            let (min, max) = (self.min_length?, self.max_length?);
            (min > max).then(|| format!("at least {min} and at most {max} characters long"))
        };
        of_values.or_else(of_lengths)
    }

    /// Both limits at once: of two bounds the stricter one.
    pub(crate) fn and(&mut self, other: &Self) {
        for pattern in &other.patterns {
            if !self.patterns.contains(pattern) {
                self.patterns.push(pattern.clone());
            }
        }
        self.patterns.sort();
        stricter(&mut self.min_inclusive, other.min_inclusive.as_ref(), Ordering::Greater);
        stricter(&mut self.min_exclusive, other.min_exclusive.as_ref(), Ordering::Greater);
        stricter(&mut self.max_inclusive, other.max_inclusive.as_ref(), Ordering::Less);
        stricter(&mut self.max_exclusive, other.max_exclusive.as_ref(), Ordering::Less);
        self.min_length = self.min_length.max(other.min_length);
        self.max_length = least(self.max_length, other.max_length);
        self.total_digits = least(self.total_digits, other.total_digits);
        self.fraction_digits = least(self.fraction_digits, other.fraction_digits);
        if self.languages.is_empty() {
            self.languages.clone_from(&other.languages);
        } else if self.languages.iter().any(|language| other.languages.contains(language)) {
            self.languages.retain(|language| other.languages.contains(language));
        }
    }
}

/// The smaller one of two bounds, either of which may be missing.
pub(crate) fn least(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn stricter(bound: &mut Option<Text>, other: Option<&Text>, wanted: Ordering) {
    let Some(other) = other else { return };
    if bound.as_ref().is_none_or(|bound| compare(other, bound) == wanted) {
        *bound = Some(other.clone());
    }
}

/// Whether a text can be the lexical form of a number, a time or a duration: of what has others
/// below and above it.
pub(crate) fn can_bound(text: &str) -> bool {
    let text = text.trim();
    let is_of_time = |byte: u8| byte.is_ascii_digit() || b"-+:.TZPYMDHS".contains(&byte);
    text.parse::<f64>().is_ok_and(|number| !number.is_nan())
        || text.bytes().all(is_of_time) && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Which of two bounds is larger, where that is certain: of numbers, and of texts that are
/// written to one pattern, as dates without a zone are.
pub(crate) fn compare_surely(one: &str, other: &str) -> Option<Ordering> {
    let is_number = |text: &str| text.parse::<f64>().is_ok_and(f64::is_finite);
    let is_dated = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_digit() || b"-:.T".contains(&byte))
            && text.starts_with(|first: char| first.is_ascii_digit())
    };
    let is_sure = is_number(one) && is_number(other)
        || one.len() == other.len() && is_dated(one) && is_dated(other);
    is_sure.then(|| compare(one, other))
}

/// Numbers by value, everything else (dates, times) by text.
fn compare(one: &str, other: &str) -> Ordering {
    if let (Ok(one), Ok(other)) = (one.parse::<i128>(), other.parse::<i128>()) {
        return one.cmp(&other);
    }
    match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(one), Ok(other)) => one.total_cmp(&other),
        _ => one.cmp(other),
    }
}
