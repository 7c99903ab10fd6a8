use std::time::Duration;

use super::{Advice, Evidence, recommend};

fn seen() -> Evidence {
    Evidence {
        cycles: 100,
        max_concurrent: 4,
        saturation: 0.5,
        processors_busy: Some(0.5),
        average_cycle: Duration::from_secs(40),
        target: Duration::from_secs(30),
        tries: 1_000,
        task_timeout: Duration::from_secs(10),
        p95_task: Duration::from_secs(6),
        ..Evidence::default()
    }
}

fn check(evidence: &Evidence, expected: &[Advice]) {
    let found: Vec<Advice> = recommend(evidence).into_iter().map(|it| it.advice).collect();
    assert_eq!(found, expected);
}

#[test]
fn nothing_is_recommended_without_reason_or_without_enough_cycles() {
    check(&seen(), &[]);
    check(&Evidence { cycles: 9, saturation: 1.0, ..seen() }, &[]);
    check(&Evidence { saturation: 1.0, processors_busy: None, ..seen() }, &[]);
}

#[test]
fn busy_workers_on_idle_processors_want_company() {
    let evidence = Evidence { saturation: 0.95, processors_busy: Some(0.2), ..seen() };
    check(&evidence, &[Advice::MoreWorkers { from: 4, to: 8 }]);
    let evidence = Evidence { saturation: 0.95, processors_busy: Some(0.97), ..seen() };
    check(&evidence, &[Advice::ScaleOut]);
}

#[test]
fn the_template_that_takes_most_is_named() {
    let rendering = vec![
        ("class.rs".to_owned(), Duration::from_secs(1)),
        ("report.html".to_owned(), Duration::from_secs(9)),
    ];
    let evidence = Evidence { rendering, ..seen() };
    check(&evidence, &[Advice::SimplerTemplate { generator: "report.html".to_owned() }]);
    let advice = &recommend(&evidence)[0];
    assert!(advice.evidence.contains("90 %"), "{advice:?}");
}

#[test]
fn work_that_changes_nothing_wants_a_cache_and_close_timeouts_more_time() {
    check(&Evidence { rendered: 1_000, unchanged: 900, ..seen() }, &[Advice::Cache]);
    let late = Evidence { timeouts: 100, ..seen() };
    check(&late, &[Advice::LongerTimeout { from_ms: 10_000, to_ms: 20_000 }]);
    // What hangs would hang longer.
    check(&Evidence { p95_task: Duration::from_millis(10), ..late }, &[]);
}
