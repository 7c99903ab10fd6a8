use serde_json::{Value, json};

use super::pods::reasons;
use super::rollout::{Rollout, rollout};

fn judged(status: &Value) -> String {
    let deployment = json!({
        "metadata": { "generation": 3 }, "spec": { "replicas": 2 }, "status": status,
    });
    match rollout(&serde_json::from_value(deployment).unwrap()) {
        Rollout::Ready => "ready".to_owned(),
        Rollout::Waiting(why) => format!("waits: {why}"),
        Rollout::Failed(why) => format!("failed: {why}"),
    }
}

#[test]
fn a_status_counts_only_for_the_generation_that_it_is_of() {
    let of = |generation: i64| {
        json!({
            "observedGeneration": generation, "replicas": 2, "updatedReplicas": 2,
            "availableReplicas": 2,
        })
    };
    assert_eq!(judged(&of(2)), "waits: the Deployment's controller has not seen it yet");
    assert_eq!(judged(&of(3)), "ready");
    assert_eq!(judged(&json!({})), "waits: the Deployment's controller has not seen it yet");
}

#[test]
fn old_pods_and_a_quota_are_waited_for() {
    let old = json!({
        "observedGeneration": 3, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 3,
    });
    assert_eq!(judged(&old), "waits: 2 of 2 pods are of the newest template, 3 are there");
    let quota = json!({
        "observedGeneration": 3,
        "conditions": [{ "type": "ReplicaFailure", "status": "True", "message": "exceeded quota" }],
    });
    assert_eq!(judged(&quota), "waits: pods can't be made: exceeded quota");
    let over = json!({
        "observedGeneration": 3, "replicas": 2, "updatedReplicas": 2,
        "conditions": [{
            "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
            "message": "timed out",
        }],
    });
    assert_eq!(judged(&over), "failed: its progress deadline is exceeded: timed out");
}

#[test]
fn each_reason_is_told_once_and_not_too_many() {
    let pod = |reason: &str| {
        let state = json!({ "waiting": { "reason": reason } });
        let pod = json!({ "status": { "containerStatuses": [{ "name": "a", "state": state }] } });
        serde_json::from_value(pod).unwrap()
    };
    let two = [pod("ErrImagePull"), pod("ErrImagePull"), pod("ContainerCreating")];
    assert_eq!(reasons(&two), "container `a`: ErrImagePull");
    let many: Vec<_> = (0..9).map(|number| pod(&format!("R{number}"))).collect();
    assert!(reasons(&many).ends_with("container `a`: R5; and 3 more"), "{}", reasons(&many));
    let unscheduled = json!({
        "status": {
            "conditions": [{ "type": "PodScheduled", "status": "False", "message": "0/3 nodes" }],
        },
    });
    let unscheduled = serde_json::from_value(unscheduled).unwrap();
    assert_eq!(reasons(&[unscheduled]), "no node takes it: 0/3 nodes");
}
