use std::time::Duration;

use super::{
    HealthInput, HealthProblem, HealthRules, HealthStatus, ResourceProbe, Resources,
    SystemResources,
};
use crate::scheduler::Component;

fn interval() -> HealthInput {
    HealthInput {
        interval: Duration::from_mins(1),
        cycles: 10,
        average_cycle: Duration::from_secs(1),
        target: Duration::from_secs(30),
        had_work: true,
        succeeded: 99,
        failed: 1,
        ..HealthInput::default()
    }
}

fn check(input: &HealthInput, status: HealthStatus, kinds: &[HealthProblem]) {
    let report = HealthRules::default().judge(input);
    let found: Vec<HealthProblem> = report.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!((report.status, &*found), (status, kinds), "{report:?}");
}

#[test]
fn one_failure_in_a_hundred_is_healthy() {
    check(&interval(), HealthStatus::Healthy, &[]);
    check(&HealthInput::default(), HealthStatus::Healthy, &[]);
}

#[test]
fn a_success_rate_below_nine_in_ten_is_warned_of() {
    let input = HealthInput { succeeded: 90, failed: 10, ..interval() };
    check(&input, HealthStatus::Healthy, &[]);
    let input = HealthInput { succeeded: 89, failed: 11, ..interval() };
    check(&input, HealthStatus::Warning, &[HealthProblem::SuccessLow]);
}

#[test]
fn slow_cycles_are_warned_of_and_a_standstill_is_alerted() {
    let input = HealthInput { average_cycle: Duration::from_secs(31), ..interval() };
    check(&input, HealthStatus::Warning, &[HealthProblem::CyclesSlow]);
    let input = HealthInput { cycles: 0, ..interval() };
    check(&input, HealthStatus::Alert, &[HealthProblem::Stalled]);
    check(&HealthInput { had_work: false, ..input }, HealthStatus::Healthy, &[]);
}

#[test]
fn a_failing_component_or_log_is_named() {
    let input = HealthInput { open_breakers: vec![Component::Deployment], ..interval() };
    check(&input, HealthStatus::Warning, &[HealthProblem::BreakerOpen]);
    let report = HealthRules::default().judge(&input);
    assert!(report.findings[0].text.contains("deployment"), "{report:?}");
    for (failed_errands, failed_reads) in [(3, 0), (0, 1)] {
        let input = HealthInput { failed_errands, failed_reads, ..interval() };
        check(&input, HealthStatus::Alert, &[HealthProblem::LogFailing]);
    }
}

#[test]
fn exhaustion_is_critical_and_the_worst_comes_first() {
    let resources = Resources::unknown().with_memory(4, 100).with_disk(1, 100);
    let input = HealthInput { resources, succeeded: 0, failed: 5, ..interval() };
    let kinds = [HealthProblem::MemoryLow, HealthProblem::DiskLow, HealthProblem::SuccessLow];
    check(&input, HealthStatus::Critical, &kinds);
}

/// The system's cache of files fills a control group to its limit, and gives way when asked.
#[test]
fn a_full_cache_of_files_is_no_exhaustion() {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 900 kB\n"),
        ("proc/self/cgroup", "0::/\n"),
        ("sys/fs/cgroup/memory.max", "409600\n"),
        ("sys/fs/cgroup/memory.current", "409000\n"),
        ("sys/fs/cgroup/memory.stat", "anon 1000\ninactive_file 307200\n"),
    ] {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut probe = SystemResources::new("/");
    probe.memory = evergen_resilience::MemoryProbe::below(root.path());
    let resources = probe.look();
    assert_eq!(resources.memory_total, Some(409_600));
    assert_eq!(resources.memory_free, Some(409_600 - (409_000 - 307_200)));
    let resources = resources.with_disk(50, 100);
    check(&HealthInput { resources, ..interval() }, HealthStatus::Healthy, &[]);
}

#[cfg(target_os = "linux")]
#[test]
fn this_system_tells_what_it_has() {
    let resources = SystemResources::new("/").look();
    assert!(resources.memory_free.unwrap() <= resources.memory_total.unwrap());
    assert!(resources.memory_used.unwrap() > 0);
    assert!(resources.disk_free.unwrap() <= resources.disk_total.unwrap());
    assert_eq!(SystemResources::new("/no/such/folder").look().disk_free, None);
}
