use crate::api::Deployment;

/// How far a Deployment is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rollout {
    /// All pods are of the newest template and take requests.
    Ready,
    /// Not yet.
    Waiting(String),
    /// The controller has given up.
    Failed(String),
}

/// Whether a Deployment that has come up still takes requests: as many of its pods as its own
/// strategy wants. One that is replaced, or not ready for a moment, does not count where there are
/// others.
pub(crate) fn availability(deployment: &Deployment) -> Rollout {
    let status = &deployment.status;
    // One that was just scaled up is called available as long as it was to have no pods.
    let available = status.available_replicas > 0
        && status.conditions.iter().any(|condition| condition.is("Available", "True"));
    if available { Rollout::Ready } else { rollout(deployment) }
}

/// Whether all pods are there, by what the Deployment's controller has written down of the newest
/// generation.
pub(crate) fn rollout(deployment: &Deployment) -> Rollout {
    let (wanted, status) = (deployment.wanted(), &deployment.status);
    if status.observed_generation < deployment.metadata.generation {
        return Rollout::Waiting("the Deployment's controller has not seen it yet".to_owned());
    }
    let of = |r#type: &str, state: &str| {
        status.conditions.iter().find(|condition| condition.is(r#type, state))
    };
    if let Some(over) = of("Progressing", "False")
        && over.reason == "ProgressDeadlineExceeded"
    {
        return Rollout::Failed(format!("its progress deadline is exceeded: {}", over.message));
    }
    if status.updated_replicas < wanted
        && let Some(failure) = of("ReplicaFailure", "True")
    {
        return Rollout::Waiting(format!("pods can't be made: {}", failure.message));
    }
    if status.updated_replicas < wanted || status.replicas > status.updated_replicas {
        let (updated, all) = (status.updated_replicas, status.replicas);
        return Rollout::Waiting(format!(
            "{updated} of {wanted} pods are of the newest template, {all} are there"
        ));
    }
    if status.available_replicas < wanted {
        let available = status.available_replicas;
        return Rollout::Waiting(format!("{available} of {wanted} pods take requests"));
    }
    Rollout::Ready
}
