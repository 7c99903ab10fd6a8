use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::{DependencyGraph, NodeState, Progress};

fn graph(edges: &[(&'static str, &'static str)]) -> DependencyGraph<&'static str> {
    let mut graph = DependencyGraph::new();
    for (dependent, dependency) in edges {
        graph.add_dependency(*dependent, *dependency).unwrap();
    }
    graph
}

/// A diamond, and a chain beside it.
fn diamond() -> DependencyGraph<&'static str> {
    graph(&[("app", "lib"), ("app", "gui"), ("lib", "base"), ("gui", "base"), ("page", "doc")])
}

#[test]
fn a_node_runs_as_soon_as_its_own_dependencies_are_complete() {
    let mut work = diamond().schedule();
    assert_eq!(work.ready(), ["base", "doc"]);
    assert!(work.ready().is_empty(), "a node is handed out once");
    assert_eq!(work.complete(&"base").unwrap(), ["gui", "lib"]);
    assert!(work.complete(&"gui").unwrap().is_empty());
    assert_eq!(work.complete(&"lib").unwrap(), ["app"], "though `doc` is still running");
    assert_eq!(work.progress(), Progress { pending: 1, running: 2, complete: 3, failed: 0 });
    assert_eq!(work.complete(&"doc").unwrap(), ["page"]);
    work.complete(&"page").unwrap();
    assert!(!work.is_finished());
    work.complete(&"app").unwrap();
    assert!(work.is_finished());
}

#[test]
fn a_failure_takes_its_dependents_along_and_leaves_the_others_running() {
    let mut work = diamond().schedule();
    work.ready();
    let lost = work.fail(&"base", "the disk is full").unwrap();
    let lost: Vec<String> = lost.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lost.join("\n"), @r"
    `gui` was not run: it needs `base`, which failed: the disk is full
    `lib` was not run: it needs `base`, which failed: the disk is full
    `app` was not run: it needs `gui`, and `base` failed: the disk is full
    ");
    insta::assert_snapshot!(work.failures()[0], @"`base` failed: the disk is full");
    assert_eq!(work.state(&"doc"), Some(NodeState::Running));
    assert_eq!(work.complete(&"doc").unwrap(), ["page"]);
    work.complete(&"page").unwrap();
    assert!(work.is_finished());
}

#[test]
fn what_was_lost_already_is_not_lost_again() {
    let mut work = diamond().schedule();
    work.ready();
    work.complete(&"base").unwrap();
    assert_eq!(work.fail(&"gui", "no display").unwrap().len(), 1);
    assert!(work.fail(&"lib", "no space").unwrap().is_empty());
    assert_eq!(work.failures().iter().find(|lost| lost.node == "app").unwrap().root, "gui");
    assert_eq!(work.progress().failed, 3);
}

#[test]
fn what_lies_outside_the_chosen_nodes_counts_as_done() {
    let graph = diamond();
    let mut work = graph.schedule_of(&graph.affected(&["gui"]));
    assert_eq!(work.ready(), ["gui"]);
    assert_eq!(work.complete(&"gui").unwrap(), ["app"]);
}

#[test]
fn a_report_on_a_node_that_does_not_run_is_refused() {
    let mut work = diamond().schedule();
    let mut refused = vec![work.complete(&"base").unwrap_err().to_string()];
    work.ready();
    refused.push(work.complete(&"nobody").unwrap_err().to_string());
    refused.push(work.fail(&"app", "").unwrap_err().to_string());
    work.complete(&"base").unwrap();
    refused.push(work.complete(&"base").unwrap_err().to_string());
    work.fail(&"lib", "").unwrap();
    refused.push(work.complete(&"app").unwrap_err().to_string());
    insta::assert_snapshot!(refused.join("\n"), @r"
    `base` has not been handed out
    `nobody` is not in the schedule
    `app` is waiting for its dependencies
    `base` is complete already
    `app` has failed already
    ");
}

#[test]
fn an_empty_schedule_is_finished() {
    assert!(graph(&[]).schedule().is_finished());
}

proptest! {
    #[test]
    fn every_node_runs_after_its_dependencies_or_is_lost_with_one(
        edges in prop::collection::vec((0_u8..16, 0_u8..16), 0..60),
        choices in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..5), 16),
    ) {
        let mut graph = DependencyGraph::new();
        for node in 0..16 {
            graph.add_node(node);
        }
        for (from, to) in edges.into_iter().filter(|(from, to)| from > to) {
            graph.add_dependency(from, to).unwrap();
        }
        let mut work = graph.schedule();
        let mut running = work.ready();
        let (mut complete, mut broken, mut lost) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for (choice, outcome) in choices {
            for node in &running {
                prop_assert!(graph.dependencies(node).into_iter().all(|one| complete.contains(one)));
            }
            if running.is_empty() {
                break;
            }
            let node = running.swap_remove(choice.index(running.len()));
            if outcome == 0 {
                broken.insert(node);
                lost.extend(work.fail(&node, "").unwrap().into_iter().map(|failure| failure.node));
            } else {
                complete.insert(node);
                running.extend(work.complete(&node).unwrap());
            }
        }
        prop_assert!(work.is_finished());
        let roots: Vec<u8> = broken.iter().copied().collect();
        let reached: BTreeSet<u8> = graph.affected(&roots).into_iter().collect();
        prop_assert_eq!(&lost, &reached.difference(&broken).copied().collect());
        prop_assert_eq!(complete.len() + broken.len() + lost.len(), 16);
    }
}
