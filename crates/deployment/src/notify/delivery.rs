use std::time::Duration;

use evergen_resilience::{Advice, Retry, RetryError, RetryPolicy, Retryable, StopReason};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::http::{HttpError, Request, Response, beginning};
use crate::{BoxError, Notice, Notifier, NotifyError, SecretError, SettingError};

/// A notice that did not reach somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Undelivered {
    /// The notifier.
    pub notifier: String,
    /// The notice's id.
    pub notice: String,
    /// Why; redacted.
    pub why: String,
}

/// Tells a notice to all notifiers at the same time, and says which did not deliver it. A
/// notifier that takes longer than `within` is given up. There is no error: a deployment
/// goes on whether it is heard of or not.
pub async fn deliver(
    notifiers: &[impl Notifier],
    notice: &Notice,
    within: Duration,
) -> Vec<Undelivered> {
    let told = notifiers.iter().map(|notifier| tell(notifier, notice, within));
    futures::future::join_all(told).await.into_iter().flatten().collect()
}

async fn tell(notifier: &dyn Notifier, notice: &Notice, within: Duration) -> Option<Undelivered> {
    let why = match timeout(within, notifier.notify(notice)).await {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => chain(&error.source),
        Err(_) => format!("it took longer than {} s", within.as_secs_f64()),
    };
    let name = notifier.name().to_owned();
    tracing::warn!(notifier = name, notice = notice.id, why, "a notice was not delivered");
    Some(Undelivered { notifier: name, notice: notice.id.clone(), why })
}

fn chain(error: &BoxError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// Why a request of a notifier came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error(transparent)]
    NoAnswer(#[from] HttpError),
    #[error("{to} answered {status}: {body}")]
    Refused { to: String, status: u16, body: String, retry_after: Option<Duration> },
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("{0}")]
    Nonsense(String),
}

impl Retryable for SendError {
    fn advice(&self) -> Advice {
        match self {
            Self::Refused { retry_after: Some(pause), status: 403 | 429 | 500.., .. } => {
                Advice::RetryAfter(*pause)
            }
            Self::NoAnswer(_) | Self::Refused { status: 408 | 425 | 429 | 500.., .. } => {
                Advice::Retry
            }
            Self::Refused { .. } | Self::Secret(_) | Self::Nonsense(_) => Advice::Stop,
        }
    }
}

/// Sends a request, and takes any status but 2xx for an error.
pub(super) async fn send(request: Request) -> Result<Response, SendError> {
    let to = crate::http::shown(&request.url);
    let response = request.send().await?;
    if (200..300).contains(&response.status) {
        return Ok(response);
    }
    let (status, retry_after) = (response.status, response.retry_after);
    Err(SendError::Refused { to, status, body: beginning(&response.body), retry_after })
}

/// Half a second, doubled, four tries within half a minute.
pub(super) fn patience() -> RetryPolicy {
    RetryPolicy::exponential(Duration::from_millis(500))
        .with_max_tries(4)
        .with_total(Duration::from_secs(30))
}

pub(super) fn retry(policy: RetryPolicy) -> Result<Retry, SettingError> {
    Retry::new(policy).map_err(|error| {
        SettingError::new(error.field, &error.value, format!("allowed is {}", error.allowed))
    })
}

pub(super) fn failed(notifier: &str, error: RetryError<SendError>) -> NotifyError {
    // Of a single try nothing has to be told but what it said.
    let source: BoxError = match error {
        RetryError { reason: StopReason::NotRetryable, last: Some(last), .. } => last.into(),
        error => error.into(),
    };
    NotifyError { notifier: notifier.to_owned(), source }
}
