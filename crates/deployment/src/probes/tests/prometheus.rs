//! Against a real Prometheus.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{build, nobody, server, target};
use crate::{HealthProbe, Verdict};

/// A Prometheus that scrapes itself every 100 ms; ended when it is dropped.
struct Prometheus {
    process: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn prometheus() -> Option<Prometheus> {
    if !["/usr/bin", "/usr/local/bin"]
        .iter()
        .any(|folder| Path::new(folder).join("prometheus").exists())
    {
        println!("skipped: no `prometheus`; install the package of that name");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let address = nobody().await.authority();
    let settings = folder.path().join("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}\nscrape_configs:\n- job_name: self\n  static_configs: [{{targets: ['{address}']}}]\n"
    );
    std::fs::write(&settings, text).unwrap();
    let process = Command::new("prometheus")
        .arg(format!("--config.file={}", settings.display()))
        .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Some(Prometheus { process, url: format!("http://{address}"), _folder: folder })
}

fn probe(url: &str, query: &str, must_be: &str, threshold: f64) -> Box<dyn HealthProbe> {
    let settings = serde_json::json!({
        "kind": "metric", "url": url, "query": query, "must_be": must_be, "threshold": threshold,
    });
    build(&settings.to_string())
}

#[tokio::test]
async fn a_real_prometheus_is_asked() {
    let Some(prometheus) = prometheus().await else { return };
    let at = target(vec![]);
    let ask = async |query: &str, must_be: &str, threshold: f64| {
        probe(&prometheus.url, query, must_be, threshold).probe(&at).await
    };
    let until = Instant::now() + Duration::from_secs(20);
    while !ask("up{job=\"self\"}", "at_least", 1.0).await.passes() {
        assert!(Instant::now() < until, "it never scraped itself");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(ask("up", "below", 1.0).await, Verdict::fail("`up` is 1, not below 1"));
    assert!(ask("scalar(up) + 1", "at_most", 2.0).await.passes());
    assert_eq!(
        ask("up{slot=\"${slot}\"}", "above", 0.0).await,
        Verdict::no_data("the query gives no value")
    );
    assert_eq!(
        ask("up / 0 * 0", "above", 0.0).await,
        Verdict::no_data("the query gives a value that is no number")
    );
    assert_eq!(
        ask("up[1m]", "above", 0.0).await,
        Verdict::no_data("the query gives a matrix, not a vector or a scalar")
    );
    let wrong = ask("up{", "above", 0.0).await.to_string();
    assert!(wrong.starts_with("has no data: Prometheus refuses the query: "), "{wrong}");
}

#[tokio::test]
async fn what_is_no_prometheus_gives_no_data() {
    let at = target(vec![]);
    let other = server(super::WELL, Duration::ZERO).await.to_string();
    let verdict = probe(&other, "up", "above", 0.0).probe(&at).await;
    assert!(matches!(&verdict, Verdict::NoData { .. }), "{verdict}");
    let gone = nobody().await.to_string();
    let verdict = probe(&gone, "up", "above", 0.0).probe(&at).await;
    assert!(matches!(&verdict, Verdict::NoData { .. }), "{verdict}");
}
