use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::Subject;

fn measured(times_ms: impl IntoIterator<Item = u64>, failed: usize) -> Measured {
    let good = times_ms.into_iter().map(|ms| Ok(Duration::from_millis(ms)));
    let bad = std::iter::repeat_n(Err("status 500".to_owned()), failed);
    Measured { answers: good.chain(bad).collect(), took: Duration::from_secs(1), files: 1 }
}

fn check(settings: &PerformanceSettings, measured: &Measured, expected: &str) {
    let said = match judge(settings, measured) {
        Outcome::Error(fault) => format!("{}: {fault}", fault.kind()),
        outcome if outcome.findings().is_empty() => "pass".to_owned(),
        outcome => {
            let lines: Vec<String> = outcome.findings().iter().map(ToString::to_string).collect();
            lines.join("\n")
        }
    };
    assert_eq!(said, expected);
}

fn settings() -> PerformanceSettings {
    PerformanceSettings::of_url("http://localhost/")
        .with_max_response_time(Duration::from_millis(195))
}

#[test]
fn a_pass_needs_the_upper_bound_below_the_limit() {
    check(&settings(), &measured(1..=150, 0), "pass");
    let unsure = "error[response-time]: upper bound of p95 with 95 % confidence is 196.0 ms, more than 195.0 ms (in the sample: 190.0 ms); more questions may show that it is not";
    check(&settings(), &measured(1..=200, 0), unsure);
    let sure = "error[response-time]: upper bound of p95 with 95 % confidence is 500.0 ms, more than 195.0 ms (in the sample: 500.0 ms)";
    check(&settings(), &measured([500; 200], 0), sure);
}

#[test]
fn no_data_and_too_little_of_it_are_errors() {
    let none = "infra: no question was asked";
    check(&settings(), &Measured::default(), none);
    let unanswered = "infra: none of 80 questions was answered: status 500";
    check(&settings(), &measured([], 80), unanswered);
    let few = "partial: it looked at 58 of 59 questions that the upper bound of p95 with 95 % confidence needs";
    check(&settings(), &measured([1; 58], 0), few);
}

#[test]
fn a_question_without_an_answer_is_a_finding_and_slower_than_any() {
    let said = "error[failed-questions]: 1 of 200 questions had no good answer: status 500";
    check(&settings(), &measured([1; 199], 1), said);
    let lenient = settings().with_max_failed_share(0.5);
    check(&lenient, &measured([1; 199], 1), "pass");
    let forever = "error[response-time]: upper bound of p95 with 95 % confidence is for ever, more than 195.0 ms (in the sample: 1.0 ms); more questions may show that it is not";
    check(&lenient, &measured([1; 192], 8), forever);
}

#[test]
fn a_throughput_is_held_against_its_limit() {
    check(&settings().with_min_throughput(100.0), &measured([1; 100], 0), "pass");
    let said = "error[throughput]: 100.0 answers in a second, less than 101.0";
    check(&settings().with_min_throughput(101.0), &measured([1; 100], 0), said);
}

#[test]
fn settings_that_nobody_meant_are_refused() {
    let refused = |settings: PerformanceSettings| PerformanceGate::new(settings).unwrap_err().field;
    let base = || PerformanceSettings::of_url("http://localhost:1/");
    assert_eq!(refused(base().with_load(0, 1)), "concurrency");
    assert_eq!(refused(base().with_load(1, 0)), "questions");
    assert_eq!(refused(base().judging(100.0, 0.95)), "percentile");
    assert_eq!(refused(base().judging(f64::NAN, 0.95)), "percentile");
    assert_eq!(refused(base().judging(95.0, 1.0)), "confidence");
    assert_eq!(refused(base().with_max_failed_share(1.0)), "max_failed_share");
    assert_eq!(refused(base().with_min_throughput(-1.0)), "min_throughput");
    assert_eq!(refused(base().with_patience(Duration::ZERO)), "patience");
    for url in [
        "https://a/",
        "a",
        "http://",
        "http://me:x@a/",
        "http://a/ b",
        "http://a:99999/",
        "http://a\r\nb/",
    ] {
        assert_eq!(refused(PerformanceSettings::of_url(url)), "url", "{url}");
    }
    for url in ["http://a", "http://a:1?x", "http://[::1]:80/", "http://[::1]"] {
        assert!(PerformanceGate::new(PerformanceSettings::of_url(url)).is_ok(), "{url}");
    }
}

async fn ask(settings: PerformanceSettings) -> Outcome {
    let gate = PerformanceGate::new(settings).unwrap();
    let subject = Subject::of_files([("a.txt", &b"x"[..])]);
    gate.examine(Examination::of(&subject, gate.info()).unwrap()).await
}

/// A server that answers each connection with `answer`, and counts how many are open at once.
async fn server(answer: &'static str, pause: Duration) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let most = Arc::new(AtomicUsize::new(0));
    let counter = most.clone();
    tokio::spawn(async move {
        let open = Arc::new(AtomicUsize::new(0));
        while let Ok((mut stream, _)) = listener.accept().await {
            let (open, most) = (open.clone(), counter.clone());
            tokio::spawn(async move {
                most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let mut question = [0; 1024];
                let _ = stream.read(&mut question).await;
                tokio::time::sleep(pause).await;
                open.fetch_sub(1, Ordering::SeqCst);
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    (url, most)
}

const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn an_address_is_asked_by_so_many_at_once_and_measured() {
    let (url, most) = server(GOOD, Duration::from_millis(3)).await;
    let outcome = ask(PerformanceSettings::of_url(url).with_load(5, 100)).await;
    let Outcome::Pass(coverage) = outcome else { panic!("{outcome:?}") };
    assert!((coverage.measures[PerformanceGate::QUESTIONS] - 100.0).abs() < 1e-9);
    assert!(coverage.measures[Coverage::RESPONSE_TIME] >= 3.0, "{coverage:?}");
    assert!(coverage.measures[Coverage::THROUGHPUT] > 1.0);
    assert!(most.load(Ordering::SeqCst) <= 5);
}

#[tokio::test]
async fn answers_that_are_none_are_no_data() {
    for (answer, why) in [
        ("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "status 500"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "breaks off in its body"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "breaks off in its body"),
        ("HTTP/1.1 200 OK\r\n", "breaks off in its head"),
        ("SSH-2.0-x\r\n\r\n", "no HTTP"),
        ("", "breaks off in its head"),
    ] {
        let (url, _) = server(answer, Duration::ZERO).await;
        let outcome = ask(PerformanceSettings::of_url(url).with_load(2, 60)).await;
        let Outcome::Error(fault) = outcome else { panic!("{answer:?}: {outcome:?}") };
        assert!(fault.to_string().contains(why), "{answer:?}: {fault}");
    }
    let nobody = ask(PerformanceSettings::of_url("http://127.0.0.1:1/").with_load(2, 60)).await;
    assert!(matches!(nobody, Outcome::Error(Fault::Infra { .. })), "{nobody:?}");
}

#[tokio::test]
async fn a_command_is_run_and_measured() {
    let command = |script: &str| {
        PerformanceSettings::of_command("/bin/sh", ["-c", script]).with_load(2, 60).with_warm_up(0)
    };
    let outcome = ask(command("test -f a.txt")).await;
    assert!(matches!(outcome, Outcome::Pass(_)), "{outcome:?}");
    let failing = ask(command("echo no >&2; exit 3")).await;
    assert!(
        matches!(&failing, Outcome::Error(fault) if fault.to_string().contains("code 3: no")),
        "{failing:?}"
    );
    let missing = ask(PerformanceSettings::of_command("/no/such", ["x"])).await;
    assert!(matches!(missing, Outcome::Error(Fault::ToolMissing { .. })), "{missing:?}");
}

#[tokio::test]
async fn time_bounds_a_load_whatever_the_number_of_questions() {
    let (url, _) = server(GOOD, Duration::from_millis(20)).await;
    let started = Instant::now();
    let settings = PerformanceSettings::of_url(url)
        .with_load(2, 1_000_000)
        .with_warm_up(0)
        .at_most(Duration::from_millis(200));
    // Some twenty answers are too few to say anything.
    let outcome = ask(settings).await;
    assert!(matches!(outcome, Outcome::Error(Fault::Partial { .. })), "{outcome:?}");
    assert!(started.elapsed() < Duration::from_secs(2));
}

/// A real server as a process, on a port that was free a moment ago.
#[tokio::test]
async fn a_server_is_started_before_and_ended_after() {
    let Some(python) = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join("python3"))
        .find(|path| path.is_file())
    else {
        println!("skipped: python3 is missing; install it with `cargo xtask setup`");
        return;
    };
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let server = ServerSettings::new(
        python,
        ["-m", "http.server", "--bind", "127.0.0.1", &port.to_string()],
    );
    let settings = PerformanceSettings::of_url(format!("http://127.0.0.1:{port}/a.txt"))
        .with_server(server)
        .with_load(2, 70);
    let outcome = ask(settings).await;
    assert!(matches!(outcome, Outcome::Pass(_)), "{outcome:?}");
    let patience = Instant::now();
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
        assert!(patience.elapsed() < Duration::from_secs(2), "the server lives");
    }
}

#[tokio::test]
async fn a_server_that_ends_or_never_is_ready_is_an_error() {
    let server = |script: &str| {
        let server = ServerSettings::new("/bin/sh", ["-c", script]);
        let server = server.ready_within(Duration::from_millis(150));
        ask(PerformanceSettings::of_url("http://127.0.0.1:1/").with_server(server))
    };
    let ended = server("echo broken >&2; exit 7").await;
    assert!(
        matches!(&ended, Outcome::Error(fault) if fault.to_string().contains("broken")),
        "{ended:?}"
    );
    let silent = server("sleep 60").await;
    assert!(
        matches!(&silent, Outcome::Error(fault) if fault.to_string().contains("not ready")),
        "{silent:?}"
    );
}
