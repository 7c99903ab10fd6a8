use std::time::Duration;

use crate::{DependencyGraph, Statistics};

/// Edges as `dependent dependency`, durations in milliseconds.
fn check(
    edges: &[(&'static str, &'static str)],
    millis: &[(&str, u64)],
) -> Statistics<&'static str> {
    let mut graph = DependencyGraph::new();
    for (dependent, dependency) in edges {
        graph.add_dependency(*dependent, *dependency).unwrap();
    }
    graph.statistics(|key| {
        millis.iter().find(|(known, _)| known == key).map(|(_, time)| Duration::from_millis(*time))
    })
}

const EDGES: [(&str, &str); 5] =
    [("app", "lib"), ("app", "gui"), ("lib", "base"), ("gui", "base"), ("doc", "base")];

#[test]
fn the_critical_path_is_the_chain_that_takes_longest() {
    let times = [("app", 5), ("lib", 10), ("gui", 30), ("base", 1), ("doc", 34)];
    assert_eq!(
        check(&EDGES, &times),
        Statistics {
            nodes: 5,
            edges: 5,
            depth: 3,
            widest_wave: 3,
            measured: 5,
            total: Duration::from_millis(80),
            critical_path: vec!["base", "gui", "app"],
            critical_duration: Duration::from_millis(36),
        }
    );
}

#[test]
fn without_durations_the_critical_path_is_a_longest_chain() {
    let found = check(&EDGES, &[]);
    assert_eq!(found.critical_path, ["base", "gui", "app"]);
    assert_eq!((found.measured, found.critical_duration), (0, Duration::ZERO));
}

#[test]
fn an_empty_graph_has_no_depth() {
    let found = check(&[], &[]);
    assert_eq!((found.nodes, found.depth, found.widest_wave), (0, 0, 0));
    assert!(found.critical_path.is_empty());
}
