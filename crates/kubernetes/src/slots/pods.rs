use std::collections::BTreeSet;

use crate::api::{ContainerStatus, Pod, words};

/// How many reasons are told.
const MOST: usize = 6;

/// Whether a pod still runs, or may.
pub(crate) fn is_left(pod: &Pod) -> bool {
    !["Succeeded", "Failed"].contains(&pod.status.phase.as_str())
}

/// What is known of a pod that nothing else is called.
pub(crate) fn identity(pod: &Pod) -> String {
    format!("pod/{}@{}", pod.metadata.name, pod.metadata.uid)
}

/// What is not as it should be, with the reasons that pods tell.
pub(crate) fn because(why: &str, pods: &[Pod]) -> String {
    let reasons = reasons(pods);
    if reasons.is_empty() { why.to_owned() } else { format!("{why}: {reasons}") }
}

/// Why pods don't take requests, each reason once; empty if they say nothing.
pub(crate) fn reasons(pods: &[Pod]) -> String {
    let all: BTreeSet<String> = pods.iter().flat_map(of_pod).collect();
    let mut reasons: Vec<String> = all.iter().take(MOST).cloned().collect();
    if all.len() > MOST {
        reasons.push(format!("and {} more", all.len() - MOST));
    }
    reasons.join("; ")
}

fn of_pod(pod: &Pod) -> Vec<String> {
    let status = &pod.status;
    let containers = status.init_container_statuses.iter().chain(&status.container_statuses);
    let mut reasons: Vec<String> = containers.filter_map(of_container).collect();
    let unscheduled = status.conditions.iter().find(|it| it.is("PodScheduled", "False"));
    reasons.extend(unscheduled.map(|it| format!("no node takes it: {}", words(&it.message))));
    if reasons.is_empty() {
        let unready = status.conditions.iter().find(|it| it.is("Ready", "False"));
        reasons.extend(unready.map(|it| format!("it is not ready: {}", words(&it.message))));
    }
    reasons
}

fn of_container(container: &ContainerStatus) -> Option<String> {
    let name = &container.name;
    let ended = container.state.terminated.as_ref().or(container.last_state.terminated.as_ref());
    let ended = ended.filter(|ended| ended.exit_code != 0 || container.restart_count > 0);
    let ended = ended.map(|ended| {
        let times = container.restart_count;
        format!(
            "it ended with {} ({}), and was started again {times} times",
            ended.exit_code, ended.reason
        )
    });
    let waiting = container.state.waiting.as_ref();
    // A container that is being made waits, too, and there is nothing wrong with it.
    let waiting = waiting.filter(|waiting| {
        !["", "ContainerCreating", "PodInitializing"].contains(&waiting.reason.as_str())
    });
    let waiting = waiting.map(|waiting| {
        let message = words(&waiting.message);
        if message.is_empty() {
            waiting.reason.clone()
        } else {
            format!("{}: {message}", waiting.reason)
        }
    });
    let all: Vec<String> = waiting.into_iter().chain(ended).collect();
    (!all.is_empty()).then(|| format!("container `{name}`: {}", all.join(", ")))
}
