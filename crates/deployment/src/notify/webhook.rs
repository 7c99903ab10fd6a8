use std::time::Duration;

use evergen_resilience::{Retry, RetryPolicy};
use futures::future::{BoxFuture, FutureExt as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ureq::http::Uri;

use super::delivery::{SendError, failed, patience, retry, send};
use super::signature::{SIGNATURE_HEADER, TIMESTAMP_HEADER, signature};
use crate::http::{Request, parse_url};
use crate::{Notice, Notifier, NotifyError, SecretRef, SettingError};

/// Where a webhook goes, and by which key it is signed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub struct WebhookSettings {
    /// Where it goes.
    pub url: String,
    /// The key of its [signature](crate::signature()).
    pub key: SecretRef,
    /// How long one try may take.
    #[serde(
        default = "some_seconds",
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required"
    )]
    pub timeout: Duration,
    /// When to try again; four tries within half a minute by default.
    #[serde(default = "patience")]
    pub retry: RetryPolicy,
}

pub(super) fn some_seconds() -> Duration {
    Duration::from_secs(5)
}

impl WebhookSettings {
    /// A webhook with the default patience.
    pub fn new(url: impl Into<String>, key: SecretRef) -> Self {
        Self { url: url.into(), key, timeout: some_seconds(), retry: patience() }
    }
}

/// Posts each [`Notice`] as JSON, signed, with its id in `x-evergen-delivery`.
#[derive(Clone, Debug)]
pub struct WebhookNotifier {
    name: String,
    url: Uri,
    settings: WebhookSettings,
    retry: Retry,
}

impl WebhookNotifier {
    /// A webhook with these settings.
    ///
    /// # Errors
    /// Names the field, its value and what is wrong with it.
    pub fn new(name: impl Into<String>, settings: &WebhookSettings) -> Result<Self, SettingError> {
        let url = parse_url("url", &settings.url)?;
        let retry = retry(settings.retry)?;
        Ok(Self { name: name.into(), url, settings: settings.clone(), retry })
    }

    /// Each try is signed anew, with the time it is made at.
    async fn post(&self, notice: &Notice) -> Result<(), SendError> {
        let key = self.settings.key.resolve()?;
        let body =
            serde_json::to_vec(notice).map_err(|error| SendError::Nonsense(error.to_string()))?;
        let seconds = Timestamp::now().as_second();
        let signed = signature(&key, seconds, &body);
        let request = Request::post(self.url.clone(), self.settings.timeout, body)
            .with_header("content-type", "application/json")
            .with_header("x-evergen-event", "deployment")
            .with_header("x-evergen-delivery", notice.id.as_str())
            .with_header(TIMESTAMP_HEADER, seconds.to_string())
            .with_header(SIGNATURE_HEADER, signed);
        send(request).await.map(|_| ())
    }
}

impl Notifier for WebhookNotifier {
    fn name(&self) -> &str {
        &self.name
    }

    fn notify<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), NotifyError>> {
        async move {
            let sent = self.retry.run(|_| self.post(notice)).await;
            sent.map_err(|error| failed(&self.name, error))
        }
        .boxed()
    }
}
