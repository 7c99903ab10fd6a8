use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::DependencyGraph;

/// Reads `app: lib base; lib: base` as dependents with what they depend on.
fn graph(text: &str) -> DependencyGraph<String> {
    let mut graph = DependencyGraph::new();
    for line in text.split(';').map(str::trim).filter(|line| !line.is_empty()) {
        let (dependent, dependencies) = line.split_once(':').unwrap_or((line, ""));
        graph.add_node(dependent.to_owned());
        for dependency in dependencies.split_whitespace() {
            graph.add_dependency(dependent.to_owned(), dependency.to_owned()).unwrap();
        }
    }
    graph
}

fn check_affected(text: &str, changed: &str, expected: &str) {
    let changed: Vec<String> = changed.split_whitespace().map(str::to_owned).collect();
    assert_eq!(graph(text).affected(&changed).join(" "), expected);
}

fn check_refused(text: &str, dependent: &str, dependency: &str) -> String {
    let mut graph = graph(text);
    let before = format!("{:?}", content(&graph));
    let refused = graph.add_dependency(dependent.to_owned(), dependency.to_owned()).unwrap_err();
    assert_eq!(format!("{:?}", content(&graph)), before, "a refused edge changes nothing");
    refused.to_string()
}

fn content<K: Clone + Ord + std::hash::Hash>(graph: &DependencyGraph<K>) -> Vec<(K, Vec<K>)> {
    let dependencies = |key| graph.dependencies(key).into_iter().cloned().collect();
    graph.keys().into_iter().map(|key| (key.clone(), dependencies(key))).collect()
}

#[test]
fn a_change_reaches_what_was_built_from_it() {
    check_affected("app: lib; lib: base; doc: base", "lib", "lib app");
}

#[test]
fn a_change_does_not_reach_what_it_was_built_from() {
    check_affected("app: lib; lib: base; doc: base", "app", "app");
}

#[test]
fn each_affected_node_comes_once_after_all_it_depends_on() {
    check_affected("app: lib base; lib: base util; util: base", "base", "base util lib app");
}

#[test]
fn a_changed_node_comes_after_another_that_it_depends_on() {
    check_affected("a: b; b: c; d", "a c d", "c d b a");
}

#[test]
fn unknown_keys_affect_nothing() {
    check_affected("app: lib", "nobody", "");
}

#[test]
fn the_edge_that_would_close_a_cycle_is_refused_and_the_cycle_is_printed_in_full() {
    insta::assert_snapshot!(
        check_refused("b: c; c: a", "a", "b"),
        @"the dependency would close a cycle: a -> b -> c -> a"
    );
}

#[test]
fn of_several_cycles_a_shortest_is_printed() {
    insta::assert_snapshot!(
        check_refused("a: b c; b: d; c: e; e: d; d: f", "f", "a"),
        @"the dependency would close a cycle: f -> a -> b -> d -> f"
    );
}

#[test]
fn a_node_does_not_depend_on_itself() {
    let expected = "the dependency would close a cycle: a -> a";
    assert_eq!(check_refused("a: b", "a", "a"), expected);
    assert_eq!(check_refused("", "a", "a"), expected);
}

#[test]
fn removing_an_edge_makes_room_for_its_opposite() {
    let mut graph = graph("a: b; b: c");
    assert!(graph.remove_dependency(&"b".to_owned(), &"c".to_owned()));
    assert!(!graph.remove_dependency(&"b".to_owned(), &"c".to_owned()));
    assert_eq!(graph.add_dependency("c".to_owned(), "a".to_owned()), Ok(true));
    assert_eq!(graph.add_dependency("c".to_owned(), "a".to_owned()), Ok(false));
    assert_eq!(graph.edge_count(), 2);
}

#[test]
fn removing_a_node_removes_its_edges() {
    let mut graph = graph("a: b; b: c; d: b");
    assert!(graph.remove_node(&"b".to_owned()));
    assert!(!graph.contains(&"b".to_owned()));
    assert_eq!(graph.edge_count(), 0);
    assert_eq!(graph.add_dependency("c".to_owned(), "a".to_owned()), Ok(true));
}

#[test]
fn a_chain_says_why_a_change_reaches_a_node() {
    let graph = graph("app: lib util; lib: base; util: core; core: base");
    let chain = |from: &str, to: &str| graph.chain(&from.to_owned(), &to.to_owned());
    assert_eq!(chain("app", "base").unwrap().join(" -> "), "app -> lib -> base");
    assert_eq!(chain("base", "app"), None);
    assert_eq!(chain("app", "nobody"), None);
}

#[test]
fn a_long_chain_costs_no_work_in_either_direction() {
    let mut graph = DependencyGraph::new();
    for node in 0..20_000 {
        graph.add_dependency(node + 1, node).unwrap();
    }
    for node in 0..20_000 {
        graph.add_dependency(-node - 1, -node - 2).unwrap();
    }
    assert_eq!(graph.order_work(), 0);
}

#[test]
fn only_nodes_between_the_two_ends_of_an_edge_are_visited() {
    let mut graph = DependencyGraph::new();
    for node in 0..10_000 {
        graph.add_dependency(node + 1, node).unwrap();
    }
    for node in 20_000..30_000 {
        graph.add_dependency(node + 1, node).unwrap();
    }
    // The second chain ranks above the first. Visited are 20_001 to 20_010 on the
    // way down and 9_998 to 10_000 on the way up.
    graph.add_dependency(9_998, 20_010).unwrap();
    assert_eq!(graph.order_work(), 13);
    // Visited are 9_999, 9_998 and 20_010 to 20_006.
    assert!(graph.add_dependency(20_005, 9_999).is_err());
    assert_eq!(graph.order_work(), 20);
}

#[test]
fn what_is_affected_is_found_without_looking_at_the_rest() {
    let mut graph = DependencyGraph::new();
    for node in 0..5_000 {
        graph.add_dependency(node + 1, node).unwrap();
        graph.add_dependency(node + 1, -1).unwrap();
    }
    let mut visits = 0;
    assert_eq!(graph.reach(&[4_997], || visits += 1), [4_997, 4_998, 4_999, 5_000]);
    assert_eq!(visits, 4);
}

/// The same graph without any cleverness.
type Plain = BTreeMap<u8, BTreeSet<u8>>;

fn reaches(plain: &Plain, from: u8, to: u8) -> bool {
    from == to
        || plain.get(&from).is_some_and(|next| next.iter().any(|next| reaches(plain, *next, to)))
}

#[derive(Clone, Debug)]
enum Step {
    Depend(u8, u8),
    Release(u8, u8),
    Remove(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let node = || 0_u8..12;
    prop_oneof![
        8 => (node(), node()).prop_map(|(from, to)| Step::Depend(from, to)),
        2 => (node(), node()).prop_map(|(from, to)| Step::Release(from, to)),
        1 => node().prop_map(Step::Remove),
    ]
}

fn apply(graph: &mut DependencyGraph<u8>, plain: &mut Plain, step: &Step) {
    match *step {
        Step::Depend(from, to) => match graph.add_dependency(from, to) {
            Ok(new) => {
                assert!(!reaches(plain, to, from), "{from} -> {to} closes a cycle");
                plain.entry(to).or_default();
                assert_eq!(plain.entry(from).or_default().insert(to), new);
            }
            Err(refused) => {
                let cycle = refused.cycle();
                assert_eq!((cycle[0], cycle[1], cycle[cycle.len() - 1]), (from, to, from));
                assert!(cycle[1..].windows(2).all(|edge| plain[&edge[0]].contains(&edge[1])));
            }
        },
        Step::Release(from, to) => {
            let known = plain.get_mut(&from).is_some_and(|next| next.remove(&to));
            assert_eq!(graph.remove_dependency(&from, &to), known);
        }
        Step::Remove(node) => {
            assert_eq!(graph.remove_node(&node), plain.remove(&node).is_some());
            for next in plain.values_mut() {
                next.remove(&node);
            }
        }
    }
}

proptest! {
    #[test]
    fn the_graph_is_the_plain_graph_without_cycles(
        steps in prop::collection::vec(step(), 0..80),
        changed in prop::collection::vec(0_u8..12, 0..4),
    ) {
        let (mut graph, mut plain) = (DependencyGraph::new(), Plain::new());
        for step in &steps {
            apply(&mut graph, &mut plain, step);
            for edge in graph.edges.keys() {
                prop_assert!(graph.rank(edge.1) < graph.rank(edge.0));
            }
        }
        let expected: Vec<(u8, Vec<u8>)> =
            plain.iter().map(|(key, next)| (*key, next.iter().copied().collect())).collect();
        prop_assert_eq!(content(&graph), expected);

        let affected = graph.affected(&changed);
        let reached: BTreeSet<u8> = plain.keys().copied()
            .filter(|node| changed.iter().any(|one| plain.contains_key(one) && reaches(&plain, *node, *one)))
            .collect();
        prop_assert_eq!(affected.iter().copied().collect::<BTreeSet<u8>>(), reached);
        for (place, node) in affected.iter().enumerate() {
            prop_assert!(affected[place + 1..].iter().all(|later| *later != *node && !reaches(&plain, *node, *later)));
        }
    }

    #[test]
    fn what_comes_out_does_not_depend_on_the_order_of_edges(
        edges in prop::collection::vec((0_u8..12, 0_u8..12), 0..40).prop_map(|edges| {
            edges.into_iter().filter(|(from, to)| from > to).collect::<Vec<_>>()
        }),
        changed in prop::collection::vec(0_u8..12, 0..4),
    ) {
        let (mut one, mut other) = (DependencyGraph::new(), DependencyGraph::new());
        for (from, to) in &edges {
            one.add_dependency(*from, *to).unwrap();
        }
        for (from, to) in edges.iter().rev() {
            other.add_dependency(*from, *to).unwrap();
        }
        prop_assert_eq!(one.affected(&changed), other.affected(&changed));
        prop_assert_eq!(one.schedule().ready(), other.schedule().ready());
        prop_assert_eq!(one.statistics(|_| None), other.statistics(|_| None));
        let plain = |_: &u8| crate::Description::default();
        prop_assert_eq!(one.export(plain).to_svg(100), other.export(plain).to_svg(100));
    }
}
