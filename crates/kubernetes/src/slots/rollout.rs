use std::time::Duration;

use tokio::time::Instant;

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

/// How long a Deployment that is brought up has made no progress. Its controller does not look at
/// the progress deadline of one that was complete, and one without pods is.
pub(crate) struct Progress {
    counts: (u32, u32),
    since: Instant,
}

impl Progress {
    pub(crate) fn begun() -> Self {
        Self { counts: (0, 0), since: Instant::now() }
    }

    /// Whether there was no more of it for as long as the Deployment itself allows.
    pub(crate) fn is_over(&mut self, deployment: Option<&Deployment>) -> bool {
        let Some(Deployment { spec, status, .. }) = deployment else { return false };
        let counts = (status.updated_replicas, status.available_replicas);
        if counts != self.counts {
            (self.counts, self.since) = (counts, Instant::now());
        }
        let most = spec.progress_deadline_seconds.map(Duration::from_secs);
        most.is_some_and(|most| self.since.elapsed() > most)
    }
}

/// Whether a Deployment that has come up still takes requests. A pod that is replaced, or not
/// ready for a moment, does not count where there is another one.
pub(crate) fn availability(deployment: &Deployment) -> Rollout {
    let takes_requests = deployment.status.available_replicas > 0;
    if takes_requests { Rollout::Ready } else { rollout(deployment) }
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
