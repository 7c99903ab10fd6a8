use std::time::{Duration, Instant};

use evergen_delta::{EncodedQuad, Term, TermId};
use proptest::prelude::*;

use super::{Component, Slot, Template, canonicalize};
use crate::{Limits, TermTable};

/// Statements in a small notation: `a>b` says that node `a` has an edge to node `b`,
/// `a=x` that it has the value `x`, `a>b@g` puts the edge into the graph `g`.
fn templates(text: &str) -> (Vec<Template>, usize) {
    let mut names: Vec<&str> = Vec::new();
    let mut node = |name| {
        let known = names.iter().position(|known| *known == name);
        let index = known.unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        Slot::Node(u32::try_from(index).unwrap())
    };
    let term = |text: &str| Slot::Term(Term::iri(text).id());
    let quads = text
        .split_whitespace()
        .map(|statement| {
            let default = Slot::Term(TermId::DEFAULT_GRAPH);
            if let Some((name, value)) = statement.split_once('=') {
                return [node(name), term("p"), term(value), default];
            }
            let (from, to) = statement.split_once('>').unwrap();
            let (to, graph) = match to.split_once('@') {
                Some((to, graph)) => (to, node(graph)),
                None => (to, default),
            };
            [node(from), term("p"), node(to), graph]
        })
        .collect();
    (quads, names.len())
}

fn canonical(quads: &[Template], nodes: usize) -> Vec<Component> {
    let mut components = canonicalize(quads, nodes, &Limits::default()).unwrap().components;
    components.sort_by_key(Component::digest);
    components
}

/// Renumbers the nodes and reorders the statements by a seed.
fn shuffled(quads: &[Template], nodes: usize, seed: u64) -> Vec<Template> {
    let mut state = seed;
    let mut random = move |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut numbers: Vec<u32> = (0..u32::try_from(nodes).unwrap()).collect();
    for index in (1..numbers.len()).rev() {
        numbers.swap(index, random(index + 1));
    }
    let mut quads: Vec<Template> = quads
        .iter()
        .map(|quad| {
            quad.map(|slot| match slot {
                Slot::Node(node) => Slot::Node(numbers[node as usize]),
                term @ Slot::Term(_) => term,
            })
        })
        .collect();
    for index in (1..quads.len()).rev() {
        quads.swap(index, random(index + 1));
    }
    quads
}

fn check_stable(text: &str) -> Vec<Component> {
    let (quads, nodes) = templates(text);
    let expected = canonical(&quads, nodes);
    for seed in 0..20 {
        assert_eq!(canonical(&shuffled(&quads, nodes, seed), nodes), expected, "{text}");
    }
    expected
}

fn edges(pairs: impl IntoIterator<Item = (usize, usize)>) -> String {
    let edges = pairs.into_iter().map(|(from, to)| format!("n{from}>n{to}"));
    edges.collect::<Vec<_>>().join(" ")
}

/// An edge in each direction.
fn undirected(pairs: impl IntoIterator<Item = (usize, usize)>) -> String {
    edges(pairs.into_iter().flat_map(|(from, to)| [(from, to), (to, from)]))
}

#[test]
fn small_graphs_are_named_by_their_shape() {
    for text in [
        "a=1",
        "a=1 a=2",
        "a>a",
        "a>b b>a",
        "a>b b>c c>d d=end",
        "a>b@g c>b@g",
        "a>b@a",
        "a>b@b b=1",
        "a>b a>c a>d",
        "a>b b>c c>a a=1",
        "a>b@g b>a@g g=1",
    ] {
        assert_eq!(check_stable(text).len(), 1, "{text}");
    }
}

#[test]
fn different_graphs_have_different_names() {
    let digest = |text| check_stable(text)[0].digest();
    for (one, other) in [
        ("a>b b>c", "a>b c>b"),
        ("a>b b>c c>a", "a>b b>c a>c"),
        ("a=1", "a=2"),
        ("a>a", "a>b"),
        ("a>b@g", "a>b@a"),
        ("a>b@a", "a>b@b"),
    ] {
        assert_ne!(digest(one), digest(other), "{one} and {other}");
    }
    // Two triangles and a hexagon look alike from each of their nodes.
    let triangles = "h>a h>b h>c h>d h>e h>f a>b b>c c>a d>e e>f f>d";
    let hexagon = "h>a h>b h>c h>d h>e h>f a>b b>c c>d d>e e>f f>a";
    assert_ne!(digest(triangles), digest(hexagon));
}

#[test]
fn the_same_statement_twice_counts_once() {
    assert_eq!(check_stable("a=1 a=1 a>b a>b"), check_stable("a=1 a>b"));
}

#[test]
fn copies_stay_apart() {
    let components = check_stable("a>b b=1 c>d d=1 e=1");
    assert_eq!(components.len(), 3);
    let mut distinct = components.clone();
    distinct.dedup();
    assert_eq!(distinct.len(), 2);
}

#[test]
fn graphs_full_of_symmetry_are_named_fast() {
    let square = |size: usize| (0..size).flat_map(move |i| (0..size).map(move |j| (i, j)));
    let before = Instant::now();
    for text in [
        undirected((0..5).flat_map(|i| (0..i).map(move |j| (i, j)))),
        undirected((0..24).flat_map(|i| (0..i).map(move |j| (i, j)))),
        undirected(square(3).map(|(i, j)| (i, 3 + j))),
        undirected(square(12).map(|(i, j)| (i, 12 + j))),
        // A star, and one whose rays have two segments.
        edges((1..200).map(|i| (0, i))),
        edges((1..200).map(|i| (0, i)).chain((1..200).map(|i| (i, 200 + i)))),
        // Cycles, one way and both ways.
        edges((0..400).map(|i| (i, (i + 1) % 400))),
        undirected((0..400).map(|i| (i, (i + 1) % 400))),
        // A grid closed to a torus.
        undirected(square(7).flat_map(|(i, j)| {
            let at = |i: usize, j: usize| i % 7 * 7 + j % 7;
            [(at(i, j), at(i + 1, j)), (at(i, j), at(i, j + 1))]
        })),
        // A full binary tree, and the Petersen graph.
        edges((1..255).map(|i| ((i - 1) / 2, i))),
        undirected((0..5).flat_map(|i| [(i, (i + 1) % 5), (i, i + 5), (i + 5, (i + 2) % 5 + 5)])),
        // Twenty triangles on one node.
        edges((0..20).flat_map(|i| {
            let t = 1 + 3 * i;
            [(0, t), (0, t + 1), (0, t + 2), (t, t + 1), (t + 1, t + 2), (t + 2, t)]
        })),
    ] {
        check_stable(&text);
    }
    // 12 graphs 21 times; a generous bound that an explosion does not keep.
    assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
}

#[test]
fn long_lists_of_alike_items_are_named_fast() {
    let before = Instant::now();
    let (quads, nodes) = list_templates(20_000);
    assert_eq!(canonical(&quads, nodes)[0].nodes(), 20_000);
    assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
}

fn list_templates(length: u32) -> (Vec<Template>, usize) {
    let term = |text: &str| Slot::Term(Term::iri(text).id());
    let graph = Slot::Term(TermId::DEFAULT_GRAPH);
    let quads = (0..length).flat_map(|i| {
        let rest = if i + 1 < length { Slot::Node(i + 1) } else { term("nil") };
        [
            [Slot::Node(i), term("first"), term("x"), graph],
            [Slot::Node(i), term("rest"), rest, graph],
        ]
    });
    (quads.collect(), length as usize)
}

#[test]
fn what_takes_too_long_is_given_up() {
    let text = undirected((0..40).flat_map(|i| (0..i).map(move |j| (i, j))));
    let (quads, nodes) = templates(&text);
    let limits = Limits { max_symmetry_steps: 10_000, ..Limits::default() };
    assert!(canonicalize(&quads, nodes, &limits).is_err());
    let limits = Limits { max_blank_component: 39, ..Limits::default() };
    assert!(canonicalize(&quads, nodes, &limits).is_err());
}

#[test]
fn copies_have_labels_of_their_own() {
    let component = &check_stable("a>b b=1")[0];
    let mut terms = TermTable::new();
    let first = component.instantiate(0, &mut terms).unwrap();
    let second = component.instantiate(1, &mut terms).unwrap();
    let label = |quad: &EncodedQuad| terms.get(quad.subject).unwrap().text().to_owned();
    let digest = component.digest().to_string();
    assert!(first.iter().all(|quad| label(quad).starts_with(&format!("c{digest}n"))));
    assert!(second.iter().all(|quad| label(quad).ends_with("o1")));
    assert_eq!(terms.len(), 4);
}

#[test]
fn damaged_components_are_not_read() {
    let component = &check_stable("a>b b=1")[0];
    let mut bytes = Vec::new();
    component.encode(&mut bytes);
    let mut rest = &bytes[..];
    assert_eq!(Component::decode(&mut rest).as_ref(), Some(component));
    assert!(rest.is_empty());
    for length in 0..bytes.len() {
        assert_eq!(Component::decode(&mut &bytes[..length]), None);
    }
    for index in 16..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[index] ^= 0xff;
        let _ = Component::decode(&mut &damaged[..]);
    }
}

/// The digest that the first release gave. A new one makes every stored name foreign,
/// so that it comes with a new version of the state format.
#[test]
fn digests_stay_the_same_over_releases() {
    let digests: Vec<String> = ["a=1", "a>b b>c c>a a=1", "a>b a>c a>d", "a>b@g b>a@g"]
        .iter()
        .map(|text| check_stable(text)[0].digest().to_string())
        .collect();
    insta::assert_snapshot!(digests.join("\n"));
}

/// All bijections of up to five nodes: the plain definition of being the same.
fn is_isomorphic(one: &[Template], other: &[Template], nodes: usize) -> bool {
    fn permutations(size: u32) -> Vec<Vec<u32>> {
        if size == 0 {
            return vec![vec![]];
        }
        let shorter = permutations(size - 1);
        let insert = |at: usize| {
            shorter.iter().map(move |rest| {
                let mut longer = rest.clone();
                longer.insert(at, size - 1);
                longer
            })
        };
        (0..size as usize).flat_map(insert).collect()
    }
    let set = |quads: &[Template], numbers: &[u32]| {
        let mut quads: Vec<Template> = quads
            .iter()
            .map(|quad| {
                quad.map(|slot| match slot {
                    Slot::Node(node) => Slot::Node(numbers[node as usize]),
                    term @ Slot::Term(_) => term,
                })
            })
            .collect();
        quads.sort_unstable();
        quads.dedup();
        quads
    };
    let size = u32::try_from(nodes).unwrap();
    let identity: Vec<u32> = (0..size).collect();
    let wanted = set(other, &identity);
    permutations(size).iter().any(|numbers| set(one, numbers) == wanted)
}

fn random_quads(nodes: u32, most: usize) -> impl Strategy<Value = Vec<Template>> {
    let node = move || (0..nodes).prop_map(Slot::Node);
    let term = || (0_u64..2).prop_map(|id| Slot::Term(TermId::from_raw(1000 + id)));
    let object = prop_oneof![4 => node(), 1 => term()];
    let graph = prop_oneof![
        6 => Just(Slot::Term(TermId::DEFAULT_GRAPH)),
        1 => node()
    ];
    prop::collection::vec(
        (node(), term(), object, graph).prop_map(|(s, p, o, g)| [s, p, o, g]),
        1..most,
    )
}

proptest! {
    #[test]
    fn labels_and_order_have_no_influence(
        quads in random_quads(12, 30),
        seed in any::<u64>(),
    ) {
        prop_assert_eq!(canonical(&shuffled(&quads, 12, seed), 12), canonical(&quads, 12));
    }

    #[test]
    fn equal_names_mean_isomorphic(one in random_quads(4, 7), other in random_quads(4, 7)) {
        let same = is_isomorphic(&one, &other, 4);
        prop_assert_eq!(canonical(&one, 4) == canonical(&other, 4), same);
    }

    #[test]
    fn regular_graphs_are_named_by_their_shape(
        steps in prop::collection::btree_set(1_usize..9, 1..4),
        size in 6_usize..18,
        seed in any::<u64>(),
    ) {
        // Circulant graphs: every node looks like every other.
        let text = undirected((0..size).flat_map(|i| {
            steps.iter().map(move |step| (i, (i + step) % size)).collect::<Vec<_>>()
        }));
        let (quads, nodes) = templates(&text);
        prop_assert_eq!(canonical(&shuffled(&quads, nodes, seed), nodes), canonical(&quads, nodes));
    }
}
