use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use evergen_deployment::BoxError;
use evergen_resilience::{Retry, RetryError, SettingsError};
use http_body_util::{BodyExt as _, Limited};
use hyper::header::RETRY_AFTER;
use hyper::{Request, StatusCode};
use kube::api::{DeleteParams, GetParams, ListParams, Patch, PatchParams};
use kube::client::Body;
use kube::core::Status;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::connect::{Connected, connect, no_credentials};
use super::error::ClusterError;
use super::kind::Kind;
use super::settings::ClusterSettings;

/// Under this name the API server knows who set a field.
pub(crate) const MANAGER: &str = "evergen";

/// No answer that we ask for is longer.
const LARGEST: usize = 16 * 1024 * 1024;

/// A namespace of a cluster. Cheap to clone; clones share the connection.
///
/// Nothing is read or connected before the first call. Each call has an end, and is tried again
/// where that may help: all that we send may be sent twice.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    settings: ClusterSettings,
    retry: Retry,
    connected: OnceCell<Connected>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cluster").field("settings", &self.inner.settings).finish()
    }
}

/// What is asked of the API server, for messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    verb: &'static str,
    kind: Kind,
    name: &'a str,
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, kind, name } = self;
        write!(formatter, "{verb} {}", kind.plural())?;
        if name.is_empty() { Ok(()) } else { write!(formatter, " `{name}`") }
    }
}

/// What came back.
struct Answer {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Bytes,
}

impl Cluster {
    /// The namespace that the settings name. Nothing is read yet.
    ///
    /// # Errors
    /// A setting is out of range.
    pub fn new(settings: ClusterSettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        let retry = Retry::new(settings.retry)?;
        let connected = OnceCell::new();
        Ok(Self { inner: Arc::new(Inner { settings, retry, connected }) })
    }

    /// The name of the namespace.
    ///
    /// # Errors
    /// It is that of a context, and the kubeconfig can't be read.
    pub async fn namespace(&self) -> Result<&str, ClusterError> {
        Ok(&self.connected().await?.namespace)
    }

    async fn connected(&self) -> Result<&Connected, ClusterError> {
        self.inner.connected.get_or_try_init(|| connect(&self.inner.settings)).await
    }

    /// One object; none if it isn't there.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        kind: Kind,
        name: &str,
    ) -> Result<Option<T>, ClusterError> {
        let call = Call { verb: "get", kind, name };
        self.ask(call, |path| path.get(name, &GetParams::default())).await
    }

    /// All objects that have these labels.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        kind: Kind,
        labels: &str,
    ) -> Result<Vec<T>, ClusterError> {
        #[derive(serde::Deserialize)]
        struct List<T> {
            items: Option<Vec<T>>,
        }
        let call = Call { verb: "list", kind, name: "" };
        let list = self.ask(call, |path| path.list(&ListParams::default().labels(labels)));
        Ok(list.await?.and_then(|list: List<T>| list.items).unwrap_or_default())
    }

    /// Makes an object what `value` says, or makes it; fields of ours that it does not name go.
    /// Fields that others have set meanwhile become ours.
    pub(crate) async fn apply(
        &self,
        kind: Kind,
        name: &str,
        value: &Value,
    ) -> Result<Value, ClusterError> {
        let call = Call { verb: "patch", kind, name };
        let how = PatchParams::apply(MANAGER).force();
        let applied = self.ask(call, |path| path.patch(name, &how, &Patch::Apply(value))).await?;
        applied.ok_or_else(|| ClusterError::Refused {
            call: call.to_string(),
            status: 404,
            message: "the namespace is not there".to_owned(),
        })
    }

    /// Changes the fields of an object that `value` names; none if there is no such object.
    pub(crate) async fn merge<T: DeserializeOwned>(
        &self,
        kind: Kind,
        name: &str,
        value: &Value,
    ) -> Result<Option<T>, ClusterError> {
        let call = Call { verb: "patch", kind, name };
        let how = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        self.ask(call, |path| path.patch(name, &how, &Patch::Merge(value))).await
    }

    /// Removes an object. One that isn't there is removed.
    pub(crate) async fn delete(
        &self,
        kind: Kind,
        name: &str,
        how: &DeleteParams,
    ) -> Result<(), ClusterError> {
        let call = Call { verb: "delete", kind, name };
        self.ask::<Value>(call, |path| path.delete(name, how)).await.map(|_| ())
    }

    /// Sends a request until it is answered or there is no point in it.
    async fn ask<T: DeserializeOwned>(
        &self,
        call: Call<'_>,
        request: impl FnOnce(
            kube::core::Request,
        ) -> Result<Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Option<T>, ClusterError> {
        let connected = self.connected().await?;
        let path = kube::core::Request::new(call.kind.path(&connected.namespace));
        let request = request(path).map_err(|error| ClusterError::Invalid {
            call: call.to_string(),
            why: error.to_string(),
        })?;
        let tried = self.inner.retry.run(|_| async {
            let sent =
                timeout(self.inner.settings.patience, send(connected, call, request.clone()));
            let answer = sent.await.unwrap_or_else(|_| Err(self.late(call)))?;
            understood(call, &connected.namespace, &answer)
        });
        let body = tried
            .await
            .map_err(|RetryError { last, .. }| last.unwrap_or_else(|| self.late(call)))?;
        let Some(body) = body else { return Ok(None) };
        serde_json::from_slice(&body).map(Some).map_err(|error| nonsense(call, &error))
    }

    fn late(&self, call: Call<'_>) -> ClusterError {
        ClusterError::Late { call: call.to_string(), patience: self.inner.settings.patience }
    }
}

async fn send(
    connected: &Connected,
    call: Call<'_>,
    request: Request<Vec<u8>>,
) -> Result<Answer, ClusterError> {
    let unreachable =
        |source: BoxError| ClusterError::Unreachable { call: call.to_string(), source };
    let response = connected.client.send(request.map(Body::from)).await;
    let response = response.map_err(|error| match error {
        kube::Error::Auth(error) => ClusterError::NoAccess { why: no_credentials(&error) },
        kube::Error::Service(source) => unreachable(source),
        error => unreachable(error.into()),
    })?;
    let status = response.status();
    let retry_after = response.headers().get(RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let body = Limited::new(response.into_body(), LARGEST).collect().await.map_err(unreachable)?;
    let retry_after = retry_after.map(Duration::from_secs);
    Ok(Answer { status, retry_after, body: body.to_bytes() })
}

/// The body of a good answer; none if there is no such object.
fn understood(
    call: Call<'_>,
    namespace: &str,
    answer: &Answer,
) -> Result<Option<Bytes>, ClusterError> {
    if answer.status.is_success() {
        // What is cut short or no JSON at all is asked for again; what it says is looked at later.
        let checked: Result<serde::de::IgnoredAny, _> = serde_json::from_slice(&answer.body);
        return checked.map(|_| Some(answer.body.clone())).map_err(|error| nonsense(call, &error));
    }
    let status: Option<Status> = serde_json::from_slice(&answer.body).ok();
    if answer.status == StatusCode::NOT_FOUND {
        return absent(call, status.as_ref());
    }
    let call_name = call.to_string();
    let message = message(call, status.as_ref());
    Err(match answer.status.as_u16() {
        401 => ClusterError::Unauthorized { call: call_name },
        403 if is_of_a_role(status.as_ref()) => ClusterError::Forbidden {
            call: call_name,
            verb: status.as_ref().and_then(|it| denied(&it.message)).unwrap_or(call.verb),
            resource: call.kind.plural(),
            group: call.kind.group(),
            namespace: namespace.to_owned(),
            message,
        },
        409 => ClusterError::Conflict { call: call_name, message },
        400 | 422 => ClusterError::Invalid { call: call_name, why: message },
        code @ (408 | 429 | 500..) => {
            let retry_after = answer.retry_after;
            ClusterError::Busy { call: call_name, status: code, message, retry_after }
        }
        code => ClusterError::Refused { call: call_name, status: code, message },
    })
}

/// Whether a 403 says that no role allows it: a quota, an admission and a namespace that is being
/// removed have the same status, and a role helps with none of them.
fn is_of_a_role(status: Option<&Status>) -> bool {
    let said = status.map(|status| status.message.as_str()).unwrap_or_default();
    said.is_empty() || denied(said).is_some()
}

/// The verb that no role allows: for a patch that makes an object, it is another one.
fn denied(said: &str) -> Option<&'static str> {
    let verb = said.split_once("cannot ")?.1.split_once(" resource")?.0;
    ["get", "list", "patch", "create", "delete"].into_iter().find(|known| *known == verb)
}

/// A 404: the object is not there, or the server has no such kind, or there is no namespace.
fn absent(call: Call<'_>, status: Option<&Status>) -> Result<Option<Bytes>, ClusterError> {
    let details = status.and_then(|status| status.details.as_ref());
    match details {
        Some(details) if details.kind == "namespaces" => Err(ClusterError::Refused {
            call: call.to_string(),
            status: 404,
            message: message(call, status),
        }),
        Some(details) if !details.name.is_empty() => Ok(None),
        _ => {
            let why = if call.kind == Kind::HttpRoute {
                "the Gateway API (`gateway.networking.k8s.io/v1`) is not installed in the cluster"
            } else {
                "the server has no such kind of objects; is this the API server of a cluster?"
            };
            Err(ClusterError::NoSuchKind { call: call.to_string(), why })
        }
    }
}

/// What the server says of a failure, with the fields that it names. Of a Secret nothing is
/// repeated: what the server complains about may be what is in it.
fn message(call: Call<'_>, status: Option<&Status>) -> String {
    let Some(status) = status else { return "it says no more".to_owned() };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    if call.kind == Kind::Secret {
        let fields: Vec<&str> = causes.map(|cause| cause.field.as_str()).collect();
        return format!("its fields {}; more is not shown of a Secret", fields.join(", "));
    }
    let causes: Vec<String> =
        causes.take(8).map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
    let text = if causes.is_empty() { words(&status.message) } else { causes.join("; ") };
    if text.is_empty() { words(&status.reason) } else { text }
}

fn nonsense(call: Call<'_>, error: &serde_json::Error) -> ClusterError {
    let place = format!("at line {}, column {}", error.line(), error.column());
    let why = match error.classify() {
        serde_json::error::Category::Eof => "it ends in the middle".to_owned(),
        serde_json::error::Category::Data => format!("it is no such object, {place}"),
        _ => format!("it is no JSON, {place}"),
    };
    ClusterError::Nonsense { call: call.to_string(), why }
}

/// The beginning of a text of somebody else's, in one line.
pub(crate) fn words(text: &str) -> String {
    const MOST: usize = 400;
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = line.chars().take(MOST).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}
