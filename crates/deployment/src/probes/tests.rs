use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::{
    CommandLine, Endpoint, HealthProbe, ProbeTarget, Provenance, ReleaseId, Slot, StagedRelease,
    StepContext, Verdict, Version,
};

mod prometheus;
#[cfg(feature = "tls")]
mod tls;

fn target(endpoints: Vec<Endpoint>) -> ProbeTarget {
    let version = Version::parse("1.2.3").unwrap();
    let id = ReleaseId::new(evergen_artifact::Digest::of(b"content"));
    let provenance = Provenance::new(jiff::Timestamp::UNIX_EPOCH, "a test");
    let release = StagedRelease::new(id, version, "/".into(), provenance);
    ProbeTarget::new(StepContext::new("staging", 7, Slot::Green, release), endpoints)
}

/// A server that gives `answer` to whatever it is asked, after a pause.
async fn server(answer: &'static str, pause: Duration) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            tokio::time::sleep(pause).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    Endpoint::http("127.0.0.1", port).unwrap()
}

/// A port that was free a moment ago.
async fn nobody() -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Endpoint::http("127.0.0.1", listener.local_addr().unwrap().port()).unwrap()
}

const WELL: &str =
    "HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{\"status\":\"up\"}";
const BROKEN: &str =
    "HTTP/1.1 503 Busy\r\nContent-Length: 8\r\nConnection: close\r\n\r\nno\n\ndisk";
const LOGIN: &str =
    "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const NONSENSE: &str = "SSH-2.0-OpenSSH\r\n";

fn build(settings: &str) -> Box<dyn HealthProbe> {
    let settings: ProbeSettings = serde_json::from_str(settings).unwrap();
    settings.build("check").unwrap()
}

/// What the probe says of a server, without its port.
async fn verdict(settings: &str, answer: &'static str, pause: Duration) -> String {
    let endpoint = server(answer, pause).await;
    let port = endpoint.port.to_string();
    let verdict = build(settings).probe(&target(vec![endpoint])).await;
    verdict.to_string().replace(&port, "PORT")
}

const NONE: Duration = Duration::ZERO;

#[tokio::test]
async fn http_looks_at_status_body_and_redirects() {
    let plain = r#"{"kind": "http", "url": "/health"}"#;
    assert_eq!(verdict(plain, WELL, NONE).await, "passes");
    assert_eq!(verdict(plain, BROKEN, NONE).await, "fails: it answered 503, not 200-299: no disk");
    assert_eq!(
        verdict(plain, LOGIN, NONE).await,
        "fails: it answered 302, not 200-299, a redirect to /login; 0 are followed"
    );
    let nonsense = verdict(plain, NONSENSE, NONE).await;
    assert!(nonsense.starts_with("fails: no answer from http://127.0.0.1:PORT: "), "{nonsense}");
    let other = r#"{"kind": "http", "url": "/health", "status": [302, "500-599"]}"#;
    assert_eq!(verdict(other, LOGIN, NONE).await, "passes");
    assert_eq!(verdict(other, BROKEN, NONE).await, "passes");
    let contains = r#"{"kind": "http", "url": "/", "body_contains": "ready"}"#;
    assert_eq!(
        verdict(contains, WELL, NONE).await,
        r#"fails: its answer does not contain `ready`: {"status":"up"}"#
    );
    let matches = r#"{"kind": "http", "url": "/", "body_matches": "\"status\":\\s*\"(up|ok)\""}"#;
    assert_eq!(verdict(matches, WELL, NONE).await, "passes");
}

#[tokio::test]
async fn http_looks_at_the_time() {
    let pause = Duration::from_millis(120);
    let limited = r#"{"kind": "http", "url": "/", "max_latency": "20ms"}"#;
    let late = verdict(limited, WELL, pause).await;
    assert!(late.starts_with("fails: it took 1") && late.ends_with("20 ms are allowed"), "{late}");
    let impatient = r#"{"kind": "http", "url": "/", "timeout": "50ms"}"#;
    assert_eq!(
        verdict(impatient, WELL, pause).await,
        "fails: no answer from http://127.0.0.1:PORT within 0.05 s"
    );
}

#[tokio::test]
async fn every_endpoint_must_pass_and_none_is_no_data() {
    let probe = build(r#"{"kind": "http", "url": "/"}"#);
    let (well, broken) = (server(WELL, NONE).await, server(BROKEN, NONE).await);
    assert!(!probe.probe(&target(vec![well.clone(), broken])).await.passes());
    assert!(probe.probe(&target(vec![well.clone(), well])).await.passes());
    assert_eq!(probe.probe(&target(vec![])).await, Verdict::no_data("the slot has no endpoint"));
    let gone = probe.probe(&target(vec![nobody().await])).await;
    assert!(matches!(gone, Verdict::Fail { .. }), "{gone}");
    let unknown = build(r#"{"kind": "http", "url": "http://no-such-host.invalid/"}"#);
    let verdict = unknown.probe(&target(vec![])).await;
    assert!(!verdict.passes(), "{verdict}");
}

#[tokio::test]
async fn tcp_wants_a_connection() {
    let probe = build(r#"{"kind": "tcp"}"#);
    assert!(probe.probe(&target(vec![server(WELL, NONE).await])).await.passes());
    assert!(matches!(probe.probe(&target(vec![nobody().await])).await, Verdict::Fail { .. }));
    assert!(matches!(probe.probe(&target(vec![])).await, Verdict::NoData { .. }));
}

#[tokio::test]
async fn a_command_passes_fails_or_has_no_data() {
    let say = |script: &str| {
        let command = CommandLine::new(["sh", "-c", script]).with_timeout(Duration::from_secs(1));
        CommandProbe::new("check", command).unwrap()
    };
    let at = target(vec![Endpoint::http("127.0.0.1", 8080).unwrap()]);
    let pass = say("test \"$EVERGEN_ENDPOINT $EVERGEN_SLOT\" = 'http://127.0.0.1:8080 green'");
    assert!(pass.probe(&at).await.passes());
    assert!(matches!(say("exit 1").probe(&at).await, Verdict::Fail { .. }));
    assert!(matches!(say("sleep 9").probe(&at).await, Verdict::Fail { .. }));
    assert_eq!(say("echo not yet; exit 75").probe(&at).await, Verdict::no_data("not yet"));
    let missing = CommandProbe::new("check", CommandLine::new(["evergen-no-such"])).unwrap();
    let verdict = missing.probe(&at).await;
    assert!(matches!(verdict, Verdict::Impossible { .. }), "{verdict}");
    // It is told at once, not after a minute of patience.
    let patience = Patience::new(1, Duration::from_secs(1), Duration::from_mins(1));
    let begin = Instant::now();
    let waited = wait_for_health(&missing, &at, &patience).await.to_string();
    assert!(waited.starts_with("can't be asked: `evergen-no-such` can't be started"), "{waited}");
    assert!(begin.elapsed() < Duration::from_secs(30));
}

#[test]
fn settings_that_make_no_sense_name_field_and_value() {
    let error = |settings: &str| {
        let settings: ProbeSettings = serde_json::from_str(settings).unwrap();
        settings.build("check").err().unwrap().to_string()
    };
    let all = [
        error(r#"{"kind": "http", "url": "localhost:80"}"#),
        error(r#"{"kind": "http", "url": "http://"}"#),
        error(r#"{"kind": "http", "url": "http://a b/"}"#),
        error(r#"{"kind": "http", "url": "ftp://host/"}"#),
        error(r#"{"kind": "http", "url": "http://me:pw@host/"}"#),
        error(r#"{"kind": "http", "url": "/", "body_matches": "("}"#),
        error(r#"{"kind": "http", "url": "/", "timeout": "2h"}"#),
        error(r#"{"kind": "http", "url": "/", "status": []}"#),
        error(r#"{"kind": "tcp", "address": "host"}"#),
        error(
            r#"{"kind": "metric", "url": "prometheus", "query": "up", "must_be": "below", "threshold": 1}"#,
        ),
        error(
            r#"{"kind": "metric", "url": "http://prometheus", "query": " ", "must_be": "below", "threshold": 1}"#,
        ),
        error(r#"{"kind": "command", "argv": []}"#),
    ];
    insta::assert_snapshot!(all.join("\n"), @r"
    `url` is `localhost:80`: its scheme is not `http` or `https`
    `url` is `http://`: it is no URL (empty string); one looks like `http://host:port/path`
    `url` is `http://a b/`: it is no URL (invalid uri character); one looks like `http://host:port/path`
    `url` is `ftp://host/`: its scheme is not `http` or `https`
    `url` is `http://host`: a password in a URL is shown by logs; use a token by reference
    `body_matches` is `(`: regex parse error:
        (
        ^
    error: unclosed group
    `timeout` is `7200s`: allowed is 1ms to 1h
    `status` is ``: no status would pass
    `address` is `host`: it is no `host:port`
    `url` is `prometheus`: its scheme is not `http` or `https`
    `query` is ` `: it is empty
    `argv` is ``: the program is missing
    ");
    let status =
        serde_json::from_str::<ProbeSettings>(r#"{"kind": "http", "url": "/", "status": ["2xx"]}"#);
    assert!(
        status.unwrap_err().to_string().starts_with("`status` is `2xx`: a status is 100 to 599")
    );
}

/// Says what it is told to, in turn; the last one for ever.
struct Script(Vec<Verdict>, AtomicU32);

impl HealthProbe for Script {
    fn name(&self) -> &'static str {
        "script"
    }

    fn probe<'a>(&'a self, _target: &'a ProbeTarget) -> BoxFuture<'a, Verdict> {
        let turn = self.1.fetch_add(1, Ordering::SeqCst) as usize;
        let verdict = self.0[turn.min(self.0.len() - 1)].clone();
        async move { verdict }.boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn health_is_a_streak_within_a_deadline() {
    let wait = async |verdicts: Vec<Verdict>| {
        let script = Arc::new(Script(verdicts, AtomicU32::new(0)));
        let patience = Patience::new(3, Duration::from_secs(1), Duration::from_secs(10));
        let verdict = wait_for_health(&script, &target(vec![]), &patience).await;
        (verdict.to_string(), script.1.load(Ordering::SeqCst))
    };
    let (pass, fail) = (Verdict::Pass, Verdict::fail("down"));
    let none = Verdict::no_data("no value");
    let broken_twice = vec![pass.clone(), fail.clone(), pass.clone(), none.clone(), pass.clone()];
    assert_eq!(wait(broken_twice).await, ("passes".into(), 7));
    assert_eq!(wait(vec![pass.clone(), fail]).await, ("fails: still, after 10 s: down".into(), 10));
    assert_eq!(wait(vec![none]).await, ("has no data: still, after 10 s: no value".into(), 10));
    let restless = [pass.clone(), pass, Verdict::fail("now and then")];
    let restless: Vec<Verdict> = restless.into_iter().cycle().take(27).collect();
    assert_eq!(wait(restless).await.0, "fails: it passed 1 times in a row after 10 s, not 3 times");
}
