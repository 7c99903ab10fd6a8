//! The laws that everything above relies on.

use std::collections::BTreeSet;

use evergen_delta::{Delta, EncodedQuad, QuadPattern, Term, TermId};
use proptest::prelude::*;

fn id() -> impl Strategy<Value = TermId> {
    (300_u64..306).prop_map(TermId::from_raw)
}

fn quad() -> impl Strategy<Value = EncodedQuad> {
    (id(), id(), id(), prop_oneof![Just(TermId::DEFAULT_GRAPH), id()])
        .prop_map(|(s, p, o, g)| EncodedQuad::new(s, p, o, g))
}

fn pattern() -> impl Strategy<Value = QuadPattern> {
    let open = || prop_oneof![Just(TermId::ANY), id()];
    let graph = prop_oneof![Just(TermId::ANY), Just(TermId::DEFAULT_GRAPH), id()];
    (open(), open(), open(), graph).prop_map(|(subject, predicate, object, graph)| QuadPattern {
        subject,
        predicate,
        object,
        graph,
    })
}

fn state() -> impl Strategy<Value = BTreeSet<EncodedQuad>> {
    prop::collection::btree_set(quad(), 0..12)
}

fn difference(old: &BTreeSet<EncodedQuad>, new: &BTreeSet<EncodedQuad>) -> Delta {
    Delta {
        inserted: new.difference(old).copied().collect(),
        removed: old.difference(new).copied().collect(),
    }
}

proptest! {
    #[test]
    fn the_probes_of_a_quad_are_exactly_the_patterns_that_match_it(quad in quad(), pattern in pattern()) {
        prop_assert_eq!(pattern.matches(&quad), quad.probes().any(|probe| probe == pattern));
    }

    #[test]
    fn changes_in_a_row_net_to_the_difference_of_their_ends(a in state(), b in state(), c in state()) {
        let mut net = difference(&a, &b);
        net.then(difference(&b, &c));
        prop_assert_eq!(net, difference(&a, &c));
    }

    #[test]
    fn a_change_and_its_inverse_are_nothing(a in state(), b in state()) {
        let mut net = difference(&a, &b);
        net.then(difference(&a, &b).inverted());
        prop_assert!(net.is_empty());
    }

    #[test]
    fn terms_that_differ_have_different_ids(a in "[a-c]{0,2}", b in "[a-c]{0,2}") {
        let forms = |text: &str| vec![
            Term::iri(text), Term::Blank(text.to_owned()), Term::literal(text), Term::tagged(text, "en"),
            Term::tagged("x", text), Term::typed(text, "http://example.org/t"), Term::typed("x", text),
        ];
        for left in forms(&a) {
            for right in forms(&b) {
                prop_assert_eq!(left == right, left.id() == right.id());
            }
        }
    }
}

#[test]
fn ids_are_the_same_in_every_release() {
    // Persisted state and lock files hold these numbers: a change here needs a
    // new version of both formats.
    assert_eq!(Term::iri("http://example.org/a").id().to_raw(), 13_555_265_856_195_202_800);
    assert_eq!(Term::literal("a").id().to_raw(), 18_322_420_872_692_968_283);
    assert_eq!(Term::tagged("a", "EN").id().to_raw(), 13_181_061_452_950_419_016);
}

#[test]
fn terms_are_written_as_n_triples_writes_them() {
    assert_eq!(Term::tagged("a \"b\"\n", "en-GB").to_string(), "\"a \\\"b\\\"\\n\"@en-gb");
    assert_eq!(
        Term::typed("1", "http://www.w3.org/2001/XMLSchema#integer").to_string(),
        "\"1\"^^<http://www.w3.org/2001/XMLSchema#integer>"
    );
    assert_eq!(Term::iri("http://example.org/a").to_string(), "<http://example.org/a>");
}

#[test]
fn a_delta_of_spelled_out_quads_survives_json() {
    let quad = evergen_delta::Quad {
        subject: Term::iri("http://example.org/a"),
        predicate: Term::iri("http://example.org/p"),
        object: Term::literal("x"),
        graph: None,
    };
    let mut delta = Delta::default();
    delta.insert(quad);
    let json = serde_json::to_string(&delta).unwrap();
    assert_eq!(serde_json::from_str::<Delta<evergen_delta::Quad>>(&json).unwrap(), delta);
}
