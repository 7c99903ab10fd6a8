use std::time::Duration;

use evergen_deployment::BoxError;
use evergen_resilience::{Advice, Retryable};

/// The API server did not do what it was asked for. No variant shows a token, a certificate or
/// anything of a Secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// Kubeconfig and environment don't say where the cluster is, or who we are.
    #[error("it is not known how to reach the cluster: {why}")]
    NoAccess {
        /// What is missing or wrong.
        why: String,
    },
    /// Nobody answers, or a connection broke; trying again may help.
    #[error("can't {call}, as the API server can't be reached")]
    Unreachable {
        /// What was asked.
        call: String,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// No answer came in time; what was asked may have been done all the same.
    #[error("can't {call}: the API server did not answer within {} s", patience.as_secs_f64())]
    Late {
        /// What was asked.
        call: String,
        /// How long was waited.
        patience: Duration,
    },
    /// The server does not know us (401).
    #[error(
        "can't {call}: the API server does not know who asks (401); look at the user of the \
         kubeconfig's context, its token may have expired"
    )]
    Unauthorized {
        /// What was asked.
        call: String,
    },
    /// The server knows us, and we may not (403).
    #[error(
        "may not {call} (403); a role must allow the verb `{verb}` on `{resource}` of the API \
         group `{group}` in namespace `{namespace}`: {message}"
    )]
    Forbidden {
        /// What was asked.
        call: String,
        /// The verb that a role must allow.
        verb: &'static str,
        /// On what.
        resource: &'static str,
        /// Its API group; empty for the core.
        group: &'static str,
        /// Where.
        namespace: String,
        /// What the server says of it.
        message: String,
    },
    /// The server has no such kind of objects (404).
    #[error("can't {call}: {why}")]
    NoSuchKind {
        /// What was asked.
        call: String,
        /// What is not installed.
        why: &'static str,
    },
    /// Somebody else changed the object in between (409).
    #[error("can't {call}, as somebody else changed it in between (409): {message}")]
    Conflict {
        /// What was asked.
        call: String,
        /// What the server says of it.
        message: String,
    },
    /// The object is not as the server takes it (400 or 422).
    #[error("the API server refuses to {call}: {why}")]
    Invalid {
        /// What was asked.
        call: String,
        /// What the server says of it, with each field.
        why: String,
    },
    /// The server has too much to do or is broken (429 or 5xx); trying again may help.
    #[error("can't {call}: the API server answers {status}: {message}")]
    Busy {
        /// What was asked.
        call: String,
        /// The status.
        status: u16,
        /// What the server says of it.
        message: String,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The server refuses for another reason.
    #[error("can't {call}: the API server answers {status}: {message}")]
    Refused {
        /// What was asked.
        call: String,
        /// The status.
        status: u16,
        /// What the server says of it.
        message: String,
    },
    /// Its answer is no answer.
    #[error("the API server's answer to {call} makes no sense: {why}")]
    Nonsense {
        /// What was asked.
        call: String,
        /// What is wrong with it.
        why: String,
    },
}

impl ClusterError {
    /// Whether asking again later may help, without anybody changing anything.
    pub fn may_pass(&self) -> bool {
        self.advice() != Advice::Stop
    }
}

impl Retryable for ClusterError {
    fn advice(&self) -> Advice {
        match self {
            Self::Busy { retry_after: Some(pause), .. } => Advice::RetryAfter(*pause),
            Self::Busy { .. }
            | Self::Unreachable { .. }
            | Self::Late { .. }
            | Self::Nonsense { .. } => Advice::Retry,
            _ => Advice::Stop,
        }
    }
}
