//! Against a server with a certificate that nobody has signed.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{build, nobody, target};
use crate::{HealthProbe as _, Verdict};

#[tokio::test]
async fn a_certificate_that_is_not_trusted_does_not_pass() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ])
        .args([
            "-subj",
            "/CN=localhost",
            "-days",
            "2",
            "-keyout",
            &file("key"),
            "-out",
            &file("certificate"),
        ])
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: no `openssl`; install the package of that name");
        return;
    }
    let port = nobody().await.port;
    let mut server = Command::new("openssl")
        .args(["s_server", "-quiet", "-www", "-accept", &port.to_string()])
        .args(["-key", &file("key"), "-cert", &file("certificate")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let tcp = build(&format!(r#"{{"kind": "tcp", "address": "127.0.0.1:{port}"}}"#));
    let until = Instant::now() + Duration::from_secs(5);
    while !tcp.probe(&target(vec![])).await.passes() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let probe = build(&format!(r#"{{"kind": "http", "url": "https://localhost:{port}/"}}"#));
    let verdict = probe.probe(&target(vec![])).await;
    server.kill().unwrap();
    server.wait().unwrap();
    let Verdict::Fail { why } = verdict else { panic!("{verdict}") };
    assert!(why.to_lowercase().contains("certificate"), "{why}");
}
