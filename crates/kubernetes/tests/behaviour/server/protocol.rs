//! HTTP: paths, verbs, content types, Status objects.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use hyper::{Method, Request, Response};
use serde_json::{Value, json};

use super::faults::{self, Trouble};
use super::store::{Key, Store};
use super::{NAMESPACE, TOKEN, apply, locked};

type Body = BoxBody<Bytes, io::Error>;

/// A failure as the server tells it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) details: Value,
}

impl Failure {
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: json!({}) }
    }

    /// A field that is not as it has to be.
    pub(crate) fn invalid(name: &str, field: &str, why: &str) -> Self {
        let message = format!("`{name}` is invalid: {field}: {why}");
        let causes = json!([{ "reason": "FieldValueInvalid", "message": why, "field": field }]);
        let details = json!({ "name": name, "causes": causes });
        Self { details, ..Self::new(422, "Invalid", message) }
    }

    fn missing(plural: &str, name: &str) -> Self {
        let message = format!("{plural} \"{name}\" not found");
        let details = json!({ "name": name, "kind": plural });
        Self { details, ..Self::new(404, "NotFound", message) }
    }

    fn to_value(&self) -> Value {
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "details": self.details,
            "code": self.code,
        })
    }
}

pub(super) async fn answer(
    store: Arc<Mutex<Store>>,
    request: Request<Incoming>,
) -> Result<Response<Body>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    if header(AUTHORIZATION) != Some(&format!("Bearer {TOKEN}")) {
        let failure = Failure::new(401, "Unauthorized", "Unauthorized");
        return Ok(said(401, failure.to_value().to_string(), None));
    }
    let Some((key, named)) = Key::of_path(head.uri.path()) else {
        return Ok(said(404, "404 page not found\n".to_owned(), None));
    };
    let verb = match (&head.method, named) {
        (&Method::GET, true) => "get",
        (&Method::GET, false) => "list",
        (&Method::PATCH, true) => "patch",
        (&Method::DELETE, true) => "delete",
        _ => return Ok(said(405, "405 method not allowed\n".to_owned(), None)),
    };
    let trouble = {
        let mut store = locked(&store);
        let slash = if named { "/" } else { "" };
        let asked = format!("{} {}{slash}{}", head.method, key.plural, key.name);
        store.asked.push(asked);
        faults::take(&mut store.faults, verb, &key.plural)
    };
    match &trouble {
        Some(Trouble::Reset) => return Err(io::Error::other("reset")),
        Some(Trouble::Hang(time)) => {
            locked(&store).hanging += 1;
            tokio::time::sleep(*time).await;
        }
        Some(Trouble::Nonsense(text)) => return Ok(said(200, (*text).to_owned(), None)),
        Some(Trouble::Status(code, after)) => {
            let failure = Failure::new(*code, "InternalError", "etcdserver: too much to do");
            return Ok(said(*code, failure.to_value().to_string(), *after));
        }
        Some(Trouble::Race) => locked(&store).touch(&key),
        _ => {}
    }
    let query: Vec<(String, String)> = head.uri.query().map(pairs).unwrap_or_default();
    let content = header(CONTENT_TYPE).unwrap_or_default().to_owned();
    let call = Call { verb, key, query, content, body };
    if let Some(Trouble::Late(time)) = trouble {
        locked(&store).hanging += 1;
        let done = tokio::spawn(async move {
            tokio::time::sleep(time).await;
            let code = call.run(&mut locked(&store)).map_or_else(|failure| failure.code, |_| 200);
            locked(&store).late.push(code);
        });
        done.await.map_err(io::Error::other)?;
        return Err(io::Error::other("nobody is there any more"));
    }
    let (code, text) = match call.run(&mut locked(&store)) {
        Ok(value) => (200, value.to_string()),
        Err(failure) => (failure.code, failure.to_value().to_string()),
    };
    if let Some(Trouble::HangAfterwards(time)) = &trouble {
        tokio::time::sleep(*time).await;
    }
    match trouble {
        Some(Trouble::ResetAfterwards) => Err(io::Error::other("reset")),
        Some(Trouble::Cut) => Ok(cut(&text)),
        _ => Ok(said(code, text, None)),
    }
}

fn said(code: u16, text: String, retry_after: Option<u64>) -> Response<Body> {
    let body = Full::new(Bytes::from(text)).map_err(|never: Infallible| match never {}).boxed();
    let response = Response::builder().status(code).header(CONTENT_TYPE, "application/json");
    let response = match retry_after {
        Some(seconds) => response.header(RETRY_AFTER, seconds),
        None => response,
    };
    response.body(body).unwrap()
}

/// Half of an answer.
fn cut(text: &str) -> Response<Body> {
    let half = Bytes::copy_from_slice(&text.as_bytes()[..text.len() / 2]);
    let frames = [Ok(Frame::data(half)), Err(io::Error::other("reset"))];
    let body = StreamBody::new(futures::stream::iter(frames));
    Response::builder().status(200).body(body.boxed()).unwrap()
}

/// The pairs of a query; of its escapes, those that selectors have.
fn pairs(query: &str) -> Vec<(String, String)> {
    let plain = |text: &str| {
        text.replace("%3D", "=").replace("%2C", ",").replace("%2F", "/").replace('+', " ")
    };
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (plain(key), plain(value))).collect()
}

struct Call {
    verb: &'static str,
    key: Key,
    query: Vec<(String, String)>,
    content: String,
    body: Bytes,
}

impl Call {
    fn query(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn run(&self, store: &mut Store) -> Result<Value, Failure> {
        let Key { plural, name, .. } = &self.key;
        if store.forbidden.contains(&(self.verb.to_owned(), plural.clone())) {
            let message = format!(
                "{plural} \"{name}\" is forbidden: User \"tester\" cannot {} resource \"{plural}\"",
                self.verb
            );
            return Err(Failure::new(403, "Forbidden", message));
        }
        if let Some(why) = store.not_admitted.as_ref().filter(|_| self.verb == "patch") {
            let message = format!("{plural} \"{name}\" is forbidden: {why}");
            return Err(Failure::new(403, "Forbidden", message));
        }
        if !store.serves(plural) {
            return Err(Failure::new(
                404,
                "NotFound",
                "the server could not find the requested resource",
            ));
        }
        let missing = || Failure::missing(plural, name);
        match self.verb {
            "get" => store.get(plural, name).cloned().ok_or_else(missing),
            "list" => {
                let items = store.list(plural, self.query("labelSelector").unwrap_or_default());
                Ok(json!({ "kind": "List", "apiVersion": "v1", "metadata": {}, "items": items }))
            }
            "delete" => self.delete(store).ok_or_else(missing)?,
            _ => self.patch(store),
        }
    }

    fn patch(&self, store: &mut Store) -> Result<Value, Failure> {
        let patch: Value = serde_json::from_slice(&self.body)
            .map_err(|error| Failure::new(400, "BadRequest", error.to_string()))?;
        if self.key.namespace != NAMESPACE {
            return Err(Failure::missing("namespaces", &self.key.namespace));
        }
        let manager = self.query("fieldManager");
        match self.content.as_str() {
            "application/apply-patch+yaml" => {
                let Some(manager) = manager else {
                    let why = "is required for apply patch";
                    return Err(Failure::invalid(&self.key.name, "fieldManager", why));
                };
                let force = self.query("force") == Some("true");
                apply::apply(store, &self.key, &patch, manager, force)
            }
            "application/merge-patch+json" => {
                if store.get(&self.key.plural, &self.key.name).is_none() {
                    return Err(Failure::missing(&self.key.plural, &self.key.name));
                }
                apply::merge(store, &self.key, &patch, manager.unwrap_or("unknown"))
            }
            other => Err(Failure::new(415, "UnsupportedMediaType", other)),
        }
    }

    fn delete(&self, store: &mut Store) -> Option<Result<Value, Failure>> {
        let known = store.get(&self.key.plural, &self.key.name)?;
        let how: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        for field in ["uid", "resourceVersion"] {
            let wanted = &how["preconditions"][field];
            if !wanted.is_null() && *wanted != known["metadata"][field] {
                let message = format!("Precondition failed: {field} in precondition is another");
                return Some(Err(Failure::new(409, "Conflict", message)));
            }
        }
        store.remove(&self.key.plural, &self.key.name, how["gracePeriodSeconds"] == 0);
        Some(Ok(json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" })))
    }
}
