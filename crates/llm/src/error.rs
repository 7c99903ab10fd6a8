use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use evergen_resilience::{Advice, Retryable, StopReason};

/// Why there is no answer. [`Retryable::advice`] says whether asking again may help, and when.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LlmError {
    /// The question makes no sense.
    #[error("`{field}` of the request: {reason}")]
    InvalidRequest {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The provider does not know us.
    #[error("the provider does not accept our credentials")]
    Unauthorized,
    /// The question is longer than the model can read.
    #[error("the request has about {tokens} tokens, and the model reads {limit}")]
    ContextTooLong {
        /// How long it is.
        tokens: u64,
        /// How long it may be.
        limit: u64,
    },
    /// The provider does not answer such a question.
    #[error("the provider refuses to answer: {reason}")]
    ContentRefused {
        /// What it says.
        reason: String,
    },
    /// We ask too often.
    #[error("the provider limits how often we may ask")]
    RateLimited {
        /// When to ask again, if the provider says so.
        retry_after: Option<Duration>,
    },
    /// The provider cannot answer at the moment.
    #[error("the provider is overloaded or down")]
    Overloaded {
        /// When to ask again, if the provider says so.
        retry_after: Option<Duration>,
    },
    /// The provider cannot be reached.
    #[error("the connection to the provider failed")]
    Connection(#[source] Box<dyn Error + Send + Sync>),
    /// Nothing came in time.
    #[error("nothing came back within {after:?}")]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// A stream ended without its end.
    #[error("the answer broke off")]
    Interrupted,
    /// The provider answered something that is no answer.
    #[error("the provider's answer cannot be read: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// The provider failed lately, and is not asked for a while.
    #[error("{provider} is not asked for another {retry_after:?}, because it failed lately")]
    Unavailable {
        /// The provider.
        provider: String,
        /// When it will be asked again.
        retry_after: Duration,
    },
    /// It was tried several times.
    #[error("gave up after {tries} tries: {reason}")]
    GaveUp {
        /// How often.
        tries: u32,
        /// Why not more often.
        reason: StopReason,
        /// What the last one failed with.
        #[source]
        last: Box<LlmError>,
    },
    /// A script has no further answer.
    #[error("the script has only {answers} answers")]
    ScriptExhausted {
        /// How many it had.
        answers: usize,
    },
    /// The question was never recorded.
    #[error("nothing is recorded for {digest} in {}", folder.display())]
    NotRecorded {
        /// The digest of the question.
        digest: String,
        /// Where was looked.
        folder: PathBuf,
    },
    /// A recording was changed after it was made.
    #[error("the recording {} is damaged: {reason}", path.display())]
    RecordingDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A recording cannot be read or written.
    #[error("cannot access the recording {}", path.display())]
    RecordingIo {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        #[source]
        source: io::Error,
    },
}

impl LlmError {
    /// Whether it speaks against the health of the provider. A breaker counts these.
    #[must_use]
    pub fn is_failure_of_provider(&self) -> bool {
        match self {
            Self::Overloaded { .. }
            | Self::Connection(_)
            | Self::TimedOut { .. }
            | Self::Interrupted
            | Self::Malformed { .. } => true,
            Self::GaveUp { last, .. } => last.is_failure_of_provider(),
            _ => false,
        }
    }
}

impl Retryable for LlmError {
    fn advice(&self) -> Advice {
        match self {
            Self::RateLimited { retry_after } | Self::Overloaded { retry_after } => {
                retry_after.map_or(Advice::Retry, Advice::RetryAfter)
            }
            Self::Unavailable { retry_after, .. } => Advice::RetryAfter(*retry_after),
            Self::Connection(_)
            | Self::TimedOut { .. }
            | Self::Interrupted
            | Self::Malformed { .. } => Advice::Retry,
            Self::GaveUp { last, .. } => last.advice(),
            Self::InvalidRequest { .. }
            | Self::Unauthorized
            | Self::ContextTooLong { .. }
            | Self::ContentRefused { .. }
            | Self::ScriptExhausted { .. }
            | Self::NotRecorded { .. }
            | Self::RecordingDamaged { .. }
            | Self::RecordingIo { .. } => Advice::Stop,
        }
    }
}
