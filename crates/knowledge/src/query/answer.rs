//! What evaluating a query gives.

use std::cmp::Ordering;
use std::sync::Arc;

use evergen_delta::TermRef;
use smallvec::SmallVec;

use crate::{TrackedReader, Value};

/// One solution: a value, or none, for each column.
pub type Row = SmallVec<[Option<Value>; 2]>;

/// The solutions of a SELECT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// The names of the columns.
    pub variables: Arc<[String]>,
    /// The solutions, in their order.
    pub rows: Vec<Row>,
}

/// What a query gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The solutions of a SELECT.
    Rows(Rows),
    /// The answer of an ASK.
    Boolean(bool),
    /// The triples of a CONSTRUCT, sorted by content, each once.
    Graph(Vec<[Value; 3]>),
}

impl Answer {
    /// The rows of a SELECT; none for other forms.
    pub fn into_rows(self) -> Vec<Row> {
        match self {
            Self::Rows(rows) => rows.rows,
            Self::Boolean(_) | Self::Graph(_) => Vec::new(),
        }
    }
}

/// Puts rows into the order of their content.
pub(super) fn sort(reader: &dyn TrackedReader, rows: &mut [Row]) {
    if rows.len() < 2 {
        return;
    }
    // Mostly the first column decides, so that its terms are looked up once.
    let mut keys: Vec<(Option<TermRef<'_>>, usize)> = Vec::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        let value = row.first().and_then(Option::as_ref);
        keys.push((value.and_then(|value| value.term(reader)), place));
    }
    keys.sort_by(|(left, one), (right, other)| {
        left.cmp(right).then_with(|| compare(reader, &rows[*one], &rows[*other]))
    });
    let order: Vec<usize> = keys.into_iter().map(|(_, place)| place).collect();
    let sorted: Vec<Row> =
        order.into_iter().map(|place| std::mem::take(&mut rows[place])).collect();
    for (row, sorted) in rows.iter_mut().zip(sorted) {
        *row = sorted;
    }
}

pub(super) fn compare(
    reader: &dyn TrackedReader,
    left: &[Option<Value>],
    right: &[Option<Value>],
) -> Ordering {
    left.iter()
        .zip(right)
        .map(|(left, right)| compare_cells(reader, left.as_ref(), right.as_ref()))
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn compare_cells(
    reader: &dyn TrackedReader,
    left: Option<&Value>,
    right: Option<&Value>,
) -> Ordering {
    let ids = (left.map(Value::id), right.map(Value::id));
    if ids.0 == ids.1 {
        return Ordering::Equal;
    }
    let (Some(left), Some(right)) = (left, right) else { return ids.0.cmp(&ids.1) };
    // Terms without a text come first, by their ids.
    left.term(reader).cmp(&right.term(reader)).then(ids.0.cmp(&ids.1))
}
