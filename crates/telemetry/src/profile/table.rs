//! Time by kind and subject.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use crate::event::EventKind;
use crate::numbers::float;
use crate::profile::nesting::Nested;

/// The time of one kind of work, or of one subject of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ProfileRow {
    /// What was done.
    pub kind: EventKind,
    /// To what.
    pub subject: Option<String>,
    /// How often.
    pub count: u64,
    /// The whole time, with what lies inside.
    pub total: Duration,
    /// Without what lies inside.
    pub own: Duration,
    /// The longest single time.
    pub longest: Duration,
    /// The share in all time of its own that there is, from 0 to 1.
    pub share: f64,
}

pub(super) fn rows(nested: &[Nested<'_>]) -> Vec<ProfileRow> {
    let mut rows: BTreeMap<(EventKind, Option<&str>), ProfileRow> = BTreeMap::new();
    for Nested { span, own, .. } in nested {
        let row = rows.entry((span.kind, span.subject.as_deref())).or_insert_with(|| ProfileRow {
            kind: span.kind,
            subject: span.subject.clone(),
            count: 0,
            total: Duration::ZERO,
            own: Duration::ZERO,
            longest: Duration::ZERO,
            share: 0.0,
        });
        row.count += 1;
        row.total += span.took;
        row.own += *own;
        row.longest = row.longest.max(span.took);
    }
    let all: Duration = rows.values().map(|row| row.own).sum();
    let mut rows: Vec<_> = rows.into_values().collect();
    for row in &mut rows {
        row.share = if all.is_zero() { 0.0 } else { row.own.as_secs_f64() / all.as_secs_f64() };
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.own));
    rows
}

pub(super) fn text(rows: &[ProfileRow]) -> String {
    let mut text = String::new();
    let mut line = |cells: [&str; 7]| {
        let [own, share, total, count, mean, longest, name] = cells;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{own:>10} {share:>6} {total:>10} {count:>8} {mean:>10} {longest:>10}  {name}"
        );
    };
    line(["own", "share", "total", "count", "mean", "longest", "what"]);
    for row in rows {
        let mean = row.total.as_secs_f64() / float(row.count.max(1));
        let rest = if row.own < row.total { "rest of " } else { "" };
        let name = match &row.subject {
            Some(subject) => format!("{rest}{} {subject}", row.kind),
            None => format!("{rest}{}", row.kind),
        };
        line([
            &milliseconds(row.own.as_secs_f64()),
            &format!("{:.1} %", row.share * 100.0),
            &milliseconds(row.total.as_secs_f64()),
            &row.count.to_string(),
            &milliseconds(mean),
            &milliseconds(row.longest.as_secs_f64()),
            &name,
        ]);
    }
    text
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.2} ms", seconds * 1e3)
}
