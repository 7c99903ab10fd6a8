use std::collections::BTreeSet;

use evergen_delta::{Delta, EncodedQuad, QuadPattern, Term, TermId};
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
