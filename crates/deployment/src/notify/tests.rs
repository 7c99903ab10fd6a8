use std::sync::{Arc, Mutex};
use std::time::Duration;

use evergen_resilience::RetryPolicy;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::{CommandLine, Notice, NoticeKind, Notifier, Secret, SecretRef, Version};

/// A request as it arrived.
#[derive(Clone, Debug)]
struct Arrived {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Arrived {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

type Answer = (u16, &'static str, String);

/// A server that answers each request by a function of it and keeps them all.
struct Server {
    url: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Server {
    async fn new(answer: impl Fn(usize, &Arrived) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&arrived);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = Vec::new();
                let request = loop {
                    let mut buffer = [0; 4096];
                    let Ok(count @ 1..) = stream.read(&mut buffer).await else { break None };
                    bytes.extend_from_slice(&buffer[..count]);
                    if let Some(request) = parse(&bytes) {
                        break Some(request);
                    }
                };
                let Some(request) = request else { continue };
                let (status, headers, body) = {
                    let mut kept = kept.lock().unwrap();
                    kept.push(request.clone());
                    answer(kept.len(), &request)
                };
                let length = body.len();
                let text = format!(
                    "HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                let _ = stream.write_all(text.as_bytes()).await;
            }
        });
        Self { url, arrived }
    }

    fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }
}

fn parse(bytes: &[u8]) -> Option<Arrived> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let line = lines.next()?.to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let body = bytes[end + 4..].to_vec();
    (body.len() >= length).then_some(Arrived { line, headers, body })
}

fn notice(kind: NoticeKind) -> Notice {
    let version = Version::parse("1.2.3").unwrap();
    Notice::new("staging", 7, version, kind, Timestamp::UNIX_EPOCH).with_text("1.2.3 is live")
}

fn secret(folder: &tempfile::TempDir) -> SecretRef {
    let path = folder.path().join("secret");
    std::fs::write(&path, "t0ken-of-mine\n").unwrap();
    SecretRef::File(path)
}

fn fast() -> RetryPolicy {
    RetryPolicy::exponential(Duration::from_millis(5)).with_max_tries(4)
}

fn webhook(url: &str, key: SecretRef) -> WebhookNotifier {
    let mut settings = WebhookSettings::new(url, key);
    settings.retry = fast();
    WebhookNotifier::new("hook", &settings).unwrap()
}

fn shown(error: &crate::NotifyError) -> String {
    format!("{error}: {}", error.source)
}

#[tokio::test]
async fn a_webhook_is_signed_and_tried_again_with_the_same_id() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|number, _| {
        let status = if number < 3 { 503 } else { 204 };
        (status, "", String::new())
    })
    .await;
    let hook = webhook(&server.url, secret(&folder));
    let notice = notice(NoticeKind::Succeeded);
    hook.notify(&notice).await.unwrap();
    let arrived = server.arrived();
    assert_eq!(arrived.len(), 3);
    for request in &arrived {
        assert_eq!(request.line, "POST / HTTP/1.1");
        assert_eq!(request.header("x-evergen-delivery"), "staging/7/succeeded");
        let seconds: i64 = request.header(TIMESTAMP_HEADER).parse().unwrap();
        assert!((Timestamp::now().as_second() - seconds).abs() < 60);
        let wanted = signature(&Secret::new("t0ken-of-mine"), seconds, &request.body);
        assert_eq!(request.header(SIGNATURE_HEADER), wanted);
        let told: Notice = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(told, notice);
    }
}

#[tokio::test]
async fn what_is_refused_is_not_tried_again_and_shows_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|_, _| (401, "", "who are you?".into())).await;
    let hook = webhook(&format!("{}/in/secret-path", server.url), secret(&folder));
    let error = hook.notify(&notice(NoticeKind::Failed)).await.unwrap_err();
    let wanted =
        format!("`hook` did not deliver the notice: {} answered 401: who are you?", server.url);
    assert_eq!((shown(&error), server.arrived().len()), (wanted, 1));
    assert!(!format!("{hook:?}").contains("t0ken"));
}

#[test]
fn the_signature_is_that_of_other_implementations() {
    // By Python's hmac module.
    let given = signature(&Secret::new("key"), 1_700_000_000, b"{}");
    assert_eq!(given, "sha256=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae");
}

#[tokio::test]
async fn a_command_reads_the_notice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("told");
    let command = CommandLine::new(["sh", "-c", "cat > \"$0\"", path.to_str().unwrap()]);
    let notice = notice(NoticeKind::RolledBack);
    CommandNotifier::new("tell", command).unwrap().notify(&notice).await.unwrap();
    let told: Notice = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(told, notice);
}

fn github(server: &Server, token: SecretRef) -> GithubNotifier {
    let mut settings = GithubSettings::new("acme/shop", token)
        .with_api(&*server.url)
        .with_reference("v${version}");
    settings.retry = fast();
    GithubNotifier::new("github", &settings).unwrap()
}

#[tokio::test]
async fn github_gets_one_deployment_and_its_statuses() {
    let folder = tempfile::tempdir().unwrap();
    let made = Arc::new(Mutex::new(Vec::<Value>::new()));
    let known = Arc::clone(&made);
    let server = Server::new(move |_, request| {
        let mut known = known.lock().unwrap();
        if request.line.starts_with("GET ") {
            return (200, "", Value::Array(known.clone()).to_string());
        }
        if request.line.contains("/statuses ") {
            return (201, "", "{}".into());
        }
        let deployment = json!({"id": 42, "payload": request.json()["payload"]});
        known.push(json!({"id": 41, "payload": "of another"}));
        known.push(deployment.clone());
        (201, "", deployment.to_string())
    })
    .await;
    let github = github(&server, secret(&folder));
    for kind in [NoticeKind::Started, NoticeKind::Succeeded] {
        github.notify(&notice(kind)).await.unwrap();
    }
    let arrived = server.arrived();
    let lines: Vec<&str> = arrived.iter().map(|request| request.line.as_str()).collect();
    let find =
        "GET /repos/acme/shop/deployments?environment=staging&task=deploy&per_page=30 HTTP/1.1";
    let status = "POST /repos/acme/shop/deployments/42/statuses HTTP/1.1";
    assert_eq!(lines, [find, "POST /repos/acme/shop/deployments HTTP/1.1", status, find, status]);
    assert!(
        arrived.iter().all(|request| request.header("authorization") == "Bearer t0ken-of-mine")
    );
    let wanted = json!({
        "ref": "v1.2.3", "task": "deploy", "auto_merge": false, "required_contexts": [],
        "environment": "staging", "payload": {"evergen": "staging/7"},
    });
    assert_eq!(arrived[1].json(), wanted);
    assert_eq!(arrived[2].json()["state"], "in_progress");
    let wanted = json!({
        "state": "success", "description": "1.2.3 is live", "environment": "staging", "auto_inactive": true,
    });
    assert_eq!(arrived[4].json(), wanted);
}

#[tokio::test]
async fn github_says_when_to_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|number, request| {
        if number == 1 {
            return (403, "Retry-After: 0\r\n", "secondary rate limit".into());
        }
        let body = if request.line.starts_with("GET ") { "[]" } else { r#"{"id": 1}"# };
        (200, "", body.into())
    })
    .await;
    github(&server, secret(&folder)).notify(&notice(NoticeKind::Started)).await.unwrap();
    assert_eq!(server.arrived().len(), 4);
}

#[tokio::test]
async fn what_is_not_delivered_is_told_and_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let well = Server::new(|_, _| (200, "", String::new())).await;
    let gone = SecretRef::File("/no/such/secret".into());
    let hangs = CommandLine::new(["sleep", "60"]).with_timeout(Duration::from_mins(1));
    let notifiers: Vec<Box<dyn Notifier>> = vec![
        Box::new(webhook(&well.url, secret(&folder))),
        Box::new(webhook(&well.url, gone)),
        Box::new(CommandNotifier::new("slow", hangs).unwrap()),
    ];
    let left = deliver(&notifiers, &notice(NoticeKind::Started), Duration::from_millis(700)).await;
    let left: Vec<String> = left
        .iter()
        .map(|left| format!("{} {}: {}", left.notifier, left.notice, left.why))
        .collect();
    assert_eq!(
        left,
        [
            "hook staging/7/started: can't take a secret from the file `/no/such/secret`: No such file or directory (os error 2)",
            "slow staging/7/started: it took longer than 0.7 s",
        ]
    );
    assert_eq!(well.arrived().len(), 1);
}

#[test]
fn settings_that_make_no_sense_name_field_and_value() {
    let key = SecretRef::Env("KEY".into());
    let error = WebhookNotifier::new("hook", &WebhookSettings::new("example.org", key.clone()));
    assert_eq!(
        error.unwrap_err().to_string(),
        "`url` is `example.org`: its scheme is not `http` or `https`"
    );
    let error =
        GithubNotifier::new("github", &GithubSettings::new("shop", key).with_api("http://h"));
    assert_eq!(
        error.unwrap_err().to_string(),
        "`repository` is `shop`: it is written as `owner/name`"
    );
}
