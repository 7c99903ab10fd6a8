//! One graph in three orders, so that every pattern is a contiguous range.

use std::collections::{BTreeSet, btree_set};
use std::iter::Peekable;
use std::slice;

use bytes::Bytes;
use evergen_delta::{EncodedQuad, QuadPattern, TermId};

use super::columns::{Owner, cast};
use super::search::Leads;
use super::{bulk, search};

/// Three ids in the sequence of an [`Order`].
pub(super) type Row = [TermId; 3];

/// In which sequence the positions of a statement are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Spo,
    Pos,
    Osp,
}

pub(super) const ORDERS: [Order; 3] = [Order::Spo, Order::Pos, Order::Osp];

impl Order {
    fn row(self, [s, p, o]: Row) -> Row {
        match self {
            Self::Spo => [s, p, o],
            Self::Pos => [p, o, s],
            Self::Osp => [o, s, p],
        }
    }

    fn statement(self, [a, b, c]: Row) -> Row {
        match self {
            Self::Spo => [a, b, c],
            Self::Pos => [c, a, b],
            Self::Osp => [b, c, a],
        }
    }

    /// The order in which the bound positions of a pattern come first, and how many are bound.
    fn for_pattern(pattern: &QuadPattern) -> (Self, Row, usize) {
        let QuadPattern { subject: s, predicate: p, object: o, .. } = *pattern;
        let bound = |id| id != TermId::ANY;
        match (bound(s), bound(p), bound(o)) {
            (true, true, true) => (Self::Spo, [s, p, o], 3),
            (true, true, false) => (Self::Spo, [s, p, o], 2),
            (true, false, true) => (Self::Osp, [o, s, p], 2),
            (true, false, false) => (Self::Spo, [s, p, o], 1),
            (false, true, true) => (Self::Pos, [p, o, s], 2),
            (false, true, false) => (Self::Pos, [p, o, s], 1),
            (false, false, true) => (Self::Osp, [o, s, p], 1),
            (false, false, false) => (Self::Spo, [s, p, o], 0),
        }
    }
}

/// The statements of one graph: sorted runs, which may lie in a mapped file,
/// and what came and went since they were made.
#[derive(Clone, Debug, Default)]
pub(super) struct GraphIndex {
    runs: [Bytes; 3],
    /// Where each predicate begins in the order that begins with predicates, sorted by
    /// predicate; empty where that is not known.
    predicates: Vec<(TermId, usize)>,
    /// The same for subjects and for objects in the orders that begin with these.
    leads: [Leads; 2],
    added: [BTreeSet<Row>; 3],
    /// Statements of the runs that are gone, as subject, predicate, object.
    removed: BTreeSet<Row>,
}

/// Changes below this number are not worth new runs.
const OVERLAY_FLOOR: usize = 1 << 16;
/// With more predicates their beginnings are not remembered.
const MOST_PREDICATES: usize = 1 << 10;

impl GraphIndex {
    /// A graph of the given statements, sorted and distinct.
    pub(super) fn build(statements: Vec<Row>) -> Self {
        let in_order = |order: Order| sorted(statements.iter().map(|row| order.row(*row)));
        let (pos, osp) =
            super::both(statements.len(), || in_order(Order::Pos), || in_order(Order::Osp));
        Self::of([statements, pos, osp].map(|rows| Bytes::from_owner(Owner(rows))))
    }

    /// A graph of runs that were just made.
    fn of(runs: [Bytes; 3]) -> Self {
        let mut graph = Self { runs, ..Self::default() };
        let run = graph.run(Order::Pos);
        let mut predicates = Vec::new();
        let mut start = 0;
        while let Some([predicate, ..]) =
            run.get(start).filter(|_| predicates.len() < MOST_PREDICATES)
        {
            predicates.push((*predicate, start));
            start = search::run_end(run, start, |row| row[0] == *predicate);
        }
        if start == run.len() {
            graph.predicates = predicates;
        }
        graph.leads = [Order::Spo, Order::Osp]
            .map(|order| Leads::of(graph.run(order).iter().map(|row| row[0])));
        graph
    }

    /// The graph that [`runs`](Self::runs) described; `None` if a run is not whole rows.
    pub(super) fn from_runs(runs: [Bytes; 3]) -> Option<Self> {
        let lengths = [0, 1, 2].map(|index| cast::<Row>(&runs[index]).map(<[Row]>::len));
        let same = lengths.iter().all(|length| length.is_some() && *length == lengths[0]);
        same.then(|| Self { runs, ..Self::default() })
    }

    /// The sorted runs, with nothing beside them.
    pub(super) fn runs(&self) -> [Bytes; 3] {
        if self.added[0].is_empty() && self.removed.is_empty() {
            return self.runs.clone();
        }
        ORDERS.map(|order| {
            let rows: Vec<Row> = self.range(order, [TermId::ANY; 3], 0).collect();
            Bytes::from_owner(Owner(rows))
        })
    }

    pub(super) fn len(&self) -> usize {
        self.run(Order::Spo).len() - self.removed.len() + self.added[0].len()
    }

    pub(super) fn contains(&self, statement: &Row) -> bool {
        self.added[0].contains(statement)
            || (self.in_run(statement) && !self.removed.contains(statement))
    }

    /// Adds a statement; whether it was new.
    pub(super) fn insert(&mut self, statement: Row) -> bool {
        if self.in_run(&statement) {
            return self.removed.remove(&statement);
        }
        let new = self.added[0].insert(statement);
        if new {
            for order in [Order::Pos, Order::Osp] {
                self.added[order as usize].insert(order.row(statement));
            }
        }
        new
    }

    /// Takes a statement out; whether it was there.
    pub(super) fn remove(&mut self, statement: Row) -> bool {
        if self.in_run(&statement) {
            return self.removed.insert(statement);
        }
        let known = self.added[0].remove(&statement);
        if known {
            for order in [Order::Pos, Order::Osp] {
                self.added[order as usize].remove(&order.row(statement));
            }
        }
        known
    }

    /// Makes new runs once the changes since the last ones weigh too much.
    pub(super) fn compact_if_due(&mut self) {
        let changes = self.added[0].len() + self.removed.len();
        if changes > OVERLAY_FLOOR.max(self.run(Order::Spo).len() / 8) {
            *self = Self::of(self.runs());
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        // A B-tree of 24-byte rows is about two thirds full.
        let overlay = self.added.iter().map(BTreeSet::len).sum::<usize>() + self.removed.len();
        self.runs.iter().map(Bytes::len).sum::<usize>()
            + self.predicates.capacity() * 16
            + self.leads.iter().map(Leads::memory_bytes).sum::<usize>()
            + overlay * 36
    }

    pub(super) fn matching(&self, pattern: &QuadPattern, graph: TermId) -> GraphQuads<'_> {
        let (order, prefix, bound) = Order::for_pattern(pattern);
        GraphQuads { rows: self.range(order, prefix, bound), order, graph }
    }

    fn run(&self, order: Order) -> &[Row] {
        cast(&self.runs[order as usize]).unwrap_or_default()
    }

    fn in_run(&self, statement: &Row) -> bool {
        let run = self.run(Order::Spo);
        !run.is_empty() && !self.base_range(Order::Spo, statement, 3).is_empty()
    }

    /// The rows that begin with the first `bound` ids of `prefix`.
    fn base_range(&self, order: Order, prefix: &Row, bound: usize) -> &[Row] {
        let run = self.run(order);
        let leads = match order {
            Order::Spo => &self.leads[0],
            Order::Osp => &self.leads[1],
            Order::Pos if bound > 0 && !self.predicates.is_empty() => {
                return self.predicate_range(prefix, bound);
            }
            Order::Pos => return base_range(run, order, prefix, bound),
        };
        if leads.is_empty() || bound == 0 {
            return base_range(run, order, prefix, bound);
        }
        let run = leads.part(run, prefix[0]);
        let start = run.partition_point(|row| row[..bound] < prefix[..bound]);
        let end = search::run_end(run, start, |row| row[..bound] == prefix[..bound]);
        &run[start..end]
    }

    /// The rows of a predicate that begin with the first `bound` ids of `prefix`.
    fn predicate_range(&self, prefix: &Row, bound: usize) -> &[Row] {
        let run = self.run(Order::Pos);
        let found = self.predicates.binary_search_by_key(&prefix[0], |(predicate, _)| *predicate);
        let Ok(index) = found else { return &[] };
        let end = self.predicates.get(index + 1).map_or(run.len(), |(_, start)| *start);
        let run = &run[self.predicates[index].1..end];
        if bound < 2 {
            return run;
        }
        // What follows a predicate is spread evenly again.
        let start = search::lower_bound(run, prefix[1], |row| row[1]);
        let end = search::run_end(run, start, |row| row[..bound] == prefix[..bound]);
        &run[start..end]
    }

    fn range(&self, order: Order, prefix: Row, bound: usize) -> Merged<'_> {
        let mut low = [TermId::from_raw(0); 3];
        let mut high = [TermId::from_raw(u64::MAX); 3];
        low[..bound].copy_from_slice(&prefix[..bound]);
        high[..bound].copy_from_slice(&prefix[..bound]);
        Merged {
            run: self.base_range(order, &prefix, bound).iter(),
            added: self.added[order as usize].range(low..=high).peekable(),
            removed: &self.removed,
            order,
        }
    }
}

fn sorted(rows: impl Iterator<Item = Row>) -> Vec<Row> {
    let mut rows: Vec<Row> = rows.collect();
    bulk::sort(&mut rows);
    rows
}

/// The rows that begin with the first `bound` ids of `prefix`.
fn base_range<'a>(run: &'a [Row], order: Order, prefix: &Row, bound: usize) -> &'a [Row] {
    if bound == 0 {
        return run;
    }
    let wanted = &prefix[..bound];
    let start = if order == Order::Pos {
        // Predicates are few: their ids say nothing about positions.
        run.partition_point(|row| row[..bound] < *wanted)
    } else {
        let first = search::lower_bound(run, prefix[0], |row| row[0]);
        let end = search::run_end(run, first, |row| row[0] == prefix[0]);
        first + run[first..end].partition_point(|row| row[..bound] < *wanted)
    };
    let end = search::run_end(run, start, |row| row[..bound] == *wanted);
    &run[start..end]
}

/// A range of a run and of what was added, merged in order, without what is gone.
#[derive(Clone, Debug)]
struct Merged<'a> {
    run: slice::Iter<'a, Row>,
    added: Peekable<btree_set::Range<'a, Row>>,
    removed: &'a BTreeSet<Row>,
    order: Order,
}

impl Iterator for Merged<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            let from_run = self.run.as_slice().first();
            match (from_run, self.added.peek()) {
                (Some(row), Some(added)) if *added < row => return self.added.next().copied(),
                (None, _) => return self.added.next().copied(),
                (Some(row), _) => {
                    self.run.next();
                    let gone = !self.removed.is_empty()
                        && self.removed.contains(&self.order.statement(*row));
                    if !gone {
                        return Some(*row);
                    }
                }
            }
        }
    }
}

/// The quads of one graph that match a pattern.
#[derive(Clone, Debug)]
pub(super) struct GraphQuads<'a> {
    rows: Merged<'a>,
    order: Order,
    graph: TermId,
}

impl Iterator for GraphQuads<'_> {
    type Item = EncodedQuad;

    fn next(&mut self) -> Option<EncodedQuad> {
        let [s, p, o] = self.order.statement(self.rows.next()?);
        Some(EncodedQuad::new(s, p, o, self.graph))
    }
}
