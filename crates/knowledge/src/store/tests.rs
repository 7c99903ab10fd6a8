use std::collections::BTreeSet;

use evergen_delta::{Delta, EncodedQuad, QuadPattern, Term, TermId, TermRef};
use proptest::prelude::*;

use super::Store;
use crate::{Snapshot, TrackedReader};

fn term(number: u8) -> Term {
    match number % 3 {
        0 => Term::iri(format!("http://example.org/{number}")),
        1 => Term::tagged(number.to_string(), "en"),
        _ => Term::Blank(format!("b{number}")),
    }
}

type Spelled = (u8, u8, u8, Option<u8>);

fn quad((s, p, o, g): Spelled) -> EncodedQuad {
    let graph = g.map_or(TermId::DEFAULT_GRAPH, |g| term(g).id());
    EncodedQuad::new(term(s).id(), term(p).id(), term(o).id(), graph)
}

fn spelled() -> impl Strategy<Value = Spelled> {
    (0_u8..5, 0_u8..5, 0_u8..5, prop::option::weighted(0.3, 0_u8..3))
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<Spelled>),
    Remove(Vec<Spelled>),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let quads = || prop::collection::vec(spelled(), 0..6);
    prop_oneof![quads().prop_map(Step::Insert), quads().prop_map(Step::Remove), Just(Step::Restart)]
}

fn check(snapshot: &Snapshot, expected: &BTreeSet<EncodedQuad>) {
    assert_eq!(snapshot.len(), expected.len());
    let ids: Vec<TermId> =
        std::iter::once(TermId::ANY).chain((0..5).map(|n| term(n).id())).collect();
    for &subject in &ids {
        for &predicate in &ids {
            for &object in &ids {
                for graph in [TermId::ANY, TermId::DEFAULT_GRAPH, term(0).id()] {
                    let pattern = QuadPattern { subject, predicate, object, graph };
                    let found: Vec<EncodedQuad> = snapshot.quads(pattern).collect();
                    let distinct: BTreeSet<EncodedQuad> = found.iter().copied().collect();
                    assert_eq!(found.len(), distinct.len());
                    let wanted = expected.iter().copied().filter(|quad| pattern.matches(quad));
                    assert_eq!(distinct, wanted.collect());
                    let scratch =
                        Store::build(crate::TermTable::new(), expected.iter().copied().collect());
                    let fresh: Vec<EncodedQuad> = scratch.snapshot().quads(pattern).collect();
                    assert_eq!(found, fresh, "the order must not tell how the state came about");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_history_reads_like_its_last_state(
        first in prop::collection::vec(spelled(), 0..12),
        steps in prop::collection::vec(step(), 0..6),
    ) {
        let mut expected: BTreeSet<EncodedQuad> = first.iter().copied().map(quad).collect();
        let mut store = Store::build(crate::TermTable::new(), expected.iter().copied().collect());
        for number in 0..5 {
            store.intern(term(number).as_ref()).unwrap();
        }
        for step in steps {
            let mut delta = Delta::default();
            match step {
                Step::Insert(quads) => delta.inserted = quads.into_iter().map(quad).collect(),
                Step::Remove(quads) => delta.removed = quads.into_iter().map(quad).collect(),
                Step::Restart => {
                    store = Store::from_sections(store.snapshot().to_sections([])).unwrap();
                }
            }
            let before = expected.clone();
            expected.extend(&delta.inserted);
            expected.retain(|quad| !delta.removed.contains(quad));
            let net = store.apply(&delta);
            prop_assert_eq!(net.inserted, expected.difference(&before).copied().collect());
            prop_assert_eq!(net.removed, before.difference(&expected).copied().collect());
            for quad in &expected {
                let decoded = store.snapshot().decode(quad);
                prop_assert!(decoded.is_none_or(|decoded| decoded.encode() == *quad));
            }
        }
        check(&store.snapshot(), &expected);
    }
}

#[test]
fn a_snapshot_keeps_its_state() {
    let mut store = Store::new();
    let quad = quad((0, 3, 1, None));
    let mut delta = Delta::default();
    delta.insert(quad);
    let before = store.snapshot();
    store.apply(&delta);
    assert!(before.is_empty());
    assert!(store.snapshot().contains(&quad));
}

#[test]
fn terms_come_back_as_they_went_in() {
    let mut store = Store::new();
    let terms = [
        Term::iri("http://example.org/a"),
        Term::Blank("x".into()),
        Term::literal("a\nb"),
        Term::tagged("a", "en-GB"),
        Term::typed("1", "http://www.w3.org/2001/XMLSchema#integer"),
    ];
    let mut delta = Delta::default();
    for term in &terms {
        let id = store.intern(term.as_ref()).unwrap();
        delta.insert(EncodedQuad::new(id, id, id, TermId::DEFAULT_GRAPH));
    }
    store.apply(&delta);
    let again = Store::from_sections(store.snapshot().to_sections([])).unwrap().snapshot();
    for term in &terms {
        assert_eq!(store.snapshot().term(term.id()), Some(term.as_ref()));
        assert_eq!(again.term(term.id()), Some(term.as_ref()));
    }
}

/// Numbers that look like chance, always the same ones.
fn scattered(count: u64, seed: u64) -> impl Iterator<Item = u64> {
    (0..count).map(move |number| {
        let mixed = (number + seed * 1_000_003).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    })
}

#[test]
fn many_rows_are_sorted_as_any_are() {
    // Columns of hashes, of few hashes, of small numbers, and of one number.
    let columns: [fn(u64) -> u64; 4] =
        [|n| n, |n| (n % 3).wrapping_mul(0x9e37_79b9_7f4a_7c15), |n| n % 1000, |_| 7];
    for first in columns {
        for second in columns {
            for last in columns {
                let mut rows: Vec<[u64; 3]> =
                    scattered(3000, 1).map(|n| [first(n), second(n >> 7), last(n >> 13)]).collect();
                let mut expected = rows.clone();
                expected.sort_unstable();
                super::bulk::sort(&mut rows);
                assert_eq!(rows, expected);
            }
        }
    }
}

#[test]
fn a_store_merged_of_many_terms_reads_as_one_that_grew() {
    let number = |n: u64, of: u64| Term::iri(format!("http://example.org/{}", n % of));
    let mut tables = vec![crate::TermTable::new(), crate::TermTable::new()];
    let mut quads = Vec::new();
    for (index, n) in scattered(20_000, 2).enumerate() {
        let terms = [number(n, 5000), number(n >> 17, 11), number(n >> 31, 2000)];
        let [s, p, o] = terms.map(|term| tables[index % 2].intern(term.as_ref()).unwrap());
        quads.push(EncodedQuad::new(s, p, o, TermId::DEFAULT_GRAPH));
    }
    quads.extend_from_within(..100);
    let distinct: BTreeSet<EncodedQuad> = quads.iter().copied().collect();
    let (store, repeated) = Store::merge(&tables, quads.clone()).unwrap();
    let copies: usize = repeated.iter().map(|(_, others)| *others as usize).sum();
    assert_eq!((store.snapshot().len(), copies), (distinct.len(), quads.len() - distinct.len()));
    let mapped = Store::from_sections(store.snapshot().to_sections([])).unwrap();
    let absent = Term::iri("http://example.org/none").id();
    for snapshot in [store.snapshot(), mapped.snapshot()] {
        for quad in quads.iter().step_by(400) {
            for open in 0..7 {
                let pick = |bit: u8, id| if open & bit == 0 { Some(id) } else { None };
                let pattern = QuadPattern::default_graph(
                    pick(1, quad.subject),
                    pick(2, quad.predicate),
                    pick(4, quad.object),
                );
                let found: BTreeSet<EncodedQuad> = snapshot.quads(pattern).collect();
                let wanted = distinct.iter().copied().filter(|quad| pattern.matches(quad));
                assert_eq!(found, wanted.collect());
            }
            assert_eq!(snapshot.term(quad.object).map(TermRef::id), Some(quad.object));
        }
        for place in 0..3 {
            let at = |own| (own == place).then_some(absent);
            let pattern = QuadPattern::default_graph(at(0), at(1), at(2));
            assert_eq!(snapshot.quads(pattern).count(), 0);
        }
        assert_eq!(snapshot.term(absent), None);
    }
}
