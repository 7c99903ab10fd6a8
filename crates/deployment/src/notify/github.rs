use std::time::Duration;

use evergen_resilience::{Retry, RetryPolicy};
use futures::future::{BoxFuture, FutureExt as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::delivery::{SendError, failed, patience, retry, send};
use super::webhook::some_seconds;
use crate::commands::setting;
use crate::http::{Request, Response, encoded, parse_url};
use crate::{Notice, NoticeKind, Notifier, NotifyError, SecretRef, SettingError};

/// Which repository of GitHub is told of deployments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub struct GithubSettings {
    /// As `owner/name`.
    pub repository: String,
    /// A token that may write deployments.
    pub token: SecretRef,
    /// The branch, tag or commit that a version was made of; `${version}` in it is replaced.
    #[serde(default = "version", rename = "ref")]
    pub reference: String,
    /// Where the API is; another one for GitHub Enterprise.
    #[serde(default = "api")]
    pub api: String,
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

fn version() -> String {
    "${version}".to_owned()
}

fn api() -> String {
    "https://api.github.com".to_owned()
}

impl GithubSettings {
    /// A repository whose tags are the versions, on github.com.
    pub fn new(repository: impl Into<String>, token: SecretRef) -> Self {
        let (reference, timeout, retry) = (version(), some_seconds(), patience());
        Self { repository: repository.into(), token, reference, api: api(), timeout, retry }
    }

    /// Asks another API, as that of GitHub Enterprise.
    #[must_use]
    pub fn with_api(mut self, api: impl Into<String>) -> Self {
        self.api = api.into();
        self
    }

    /// Says which branch, tag or commit a version was made of.
    #[must_use]
    pub fn with_reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = reference.into();
        self
    }
}

/// Shows deployments at GitHub: one deployment there for each of ours, with its statuses.
///
/// Ours is found again by its number, which stands in the payload of the one there; so a
/// notice that comes after a restart goes to the same.
#[derive(Clone, Debug)]
pub struct GithubNotifier {
    name: String,
    settings: GithubSettings,
    retry: Retry,
}

impl GithubNotifier {
    /// A notifier with these settings.
    ///
    /// # Errors
    /// Names the field, its value and what is wrong with it.
    pub fn new(name: impl Into<String>, settings: &GithubSettings) -> Result<Self, SettingError> {
        let repository = &settings.repository;
        let fits = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let good =
            repository.split_once('/').is_some_and(|(owner, name)| fits(owner) && fits(name));
        setting("repository", repository, good, "it is written as `owner/name`")?;
        setting("ref", &settings.reference, !settings.reference.is_empty(), "it is empty")?;
        parse_url("api", &settings.api)?;
        let retry = retry(settings.retry)?;
        Ok(Self { name: name.into(), settings: settings.clone(), retry })
    }

    async fn tell(&self, notice: &Notice) -> Result<(), SendError> {
        let deployment = match self.find(notice).await? {
            Some(deployment) => deployment,
            None => self.create(notice).await?,
        };
        let description: String = notice.text.chars().take(140).collect();
        let status = json!({
            "state": state(notice.kind),
            "description": description,
            "environment": notice.environment,
            "auto_inactive": true,
        });
        let path = format!("deployments/{}/statuses", deployment.id);
        self.send(&path, Some(&status)).await.map(|_| ())
    }

    async fn find(&self, notice: &Notice) -> Result<Option<Remote>, SendError> {
        let environment = encoded(&notice.environment);
        let path = format!("deployments?environment={environment}&task=deploy&per_page=30");
        let known: Vec<Remote> = parsed(&self.send(&path, None).await?)?;
        let ours = key(notice);
        Ok(known.into_iter().find(|remote| remote.payload.get("evergen") == Some(&json!(ours))))
    }

    async fn create(&self, notice: &Notice) -> Result<Remote, SendError> {
        let reference = self.settings.reference.replace("${version}", &notice.version.to_string());
        let wanted = json!({
            "ref": reference,
            "task": "deploy",
            // Whether it may be deployed was decided before.
            "auto_merge": false,
            "required_contexts": [],
            "environment": notice.environment,
            "payload": { "evergen": key(notice) },
        });
        parsed(&self.send("deployments", Some(&wanted)).await?)
    }

    async fn send(&self, path: &str, body: Option<&Value>) -> Result<Response, SendError> {
        let token = self.settings.token.resolve()?;
        let api = self.settings.api.trim_end_matches('/');
        let url = format!("{api}/repos/{}/{path}", self.settings.repository);
        let url = parse_url("api", &url).map_err(|error| SendError::Nonsense(error.to_string()))?;
        let timeout = self.settings.timeout;
        let request = match body {
            Some(body) => Request::post(url, timeout, body.to_string().into_bytes())
                .with_header("content-type", "application/json"),
            None => Request::get(url, timeout),
        };
        let request = request
            .with_header("accept", "application/vnd.github+json")
            .with_header("x-github-api-version", "2022-11-28")
            .with_header("authorization", format!("Bearer {}", token.expose()));
        send(request).await
    }
}

/// A deployment at GitHub.
#[derive(Deserialize)]
struct Remote {
    id: u64,
    /// An object if it is ours, and of others anything.
    #[serde(default)]
    payload: Value,
}

fn key(notice: &Notice) -> String {
    format!("{}/{}", notice.environment, notice.deployment)
}

fn parsed<T: DeserializeOwned>(response: &Response) -> Result<T, SendError> {
    serde_json::from_slice(&response.body)
        .map_err(|error| SendError::Nonsense(format!("the answer is not one of GitHub's: {error}")))
}

fn state(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Started => "in_progress",
        NoticeKind::Waiting => "pending",
        NoticeKind::Succeeded => "success",
        NoticeKind::Failed | NoticeKind::RolledBack => "failure",
        NoticeKind::Incident => "error",
    }
}

impl Notifier for GithubNotifier {
    fn name(&self) -> &str {
        &self.name
    }

    fn notify<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), NotifyError>> {
        async move {
            let told = self.retry.run(|_| self.tell(notice)).await;
            told.map_err(|error| failed(&self.name, error))
        }
        .boxed()
    }
}
