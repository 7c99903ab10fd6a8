use std::fs;

use proptest::prelude::*;

use super::*;

const MEMINFO: &str = "MemTotal:       16000000 kB\nMemFree:          500000 kB\n\
    MemAvailable:    4000000 kB\nBuffers:           10000 kB\n";

#[track_caller]
fn check_used(reading: Option<MemoryReading>, expected: &str) {
    let used = reading.map(|reading| format!("{:.2} {:?}", reading.used(), reading.source));
    assert_eq!(used.as_deref().unwrap_or("none"), expected);
}

#[test]
fn what_the_system_says_is_read() {
    check_used(parse_meminfo(MEMINFO), "0.75 System");
    check_used(parse_meminfo("MemTotal: 16000000 kB\n"), "none");
    check_used(parse_meminfo("MemTotal: x kB\nMemAvailable: 1 kB\n"), "none");
    check_used(parse_meminfo("MemTotal: 0 kB\nMemAvailable: 0 kB\n"), "1.00 System");
}

#[test]
fn what_a_control_group_says_is_read() {
    check_used(parse_cgroup("1000\n", "900\n", "anon 5\ninactive_file 400\n"), "0.50 ControlGroup");
    check_used(parse_cgroup("1000\n", "900\n", ""), "0.90 ControlGroup");
    check_used(parse_cgroup("1000\n", "1200\n", ""), "1.00 ControlGroup");
    check_used(parse_cgroup("max\n", "900\n", ""), "none");
    assert_eq!(cgroup_folder("0::/user.slice/app\n"), Some("user.slice/app"));
    assert_eq!(cgroup_folder("4:memory:/x\n0::/\n"), Some(""));
    assert_eq!(cgroup_folder("0::/../other\n"), None);
}

#[test]
fn the_tightest_bound_counts() {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let probe = MemoryProbe::below(root.path());
    assert!(matches!(probe.read(), Err(ProbeError::Io { .. })));
    write("proc/meminfo", "nonsense");
    assert!(matches!(probe.read(), Err(ProbeError::Form { .. })));
    write("proc/meminfo", MEMINFO);
    check_used(probe.read().ok(), "0.75 System");
    write("proc/self/cgroup", "0::/slice/app\n");
    write("sys/fs/cgroup/slice/app/memory.max", "max\n");
    write("sys/fs/cgroup/slice/app/memory.current", "10\n");
    check_used(probe.read().ok(), "0.75 System");
    write("sys/fs/cgroup/slice/memory.max", "1000\n");
    write("sys/fs/cgroup/slice/memory.current", "950\n");
    check_used(probe.read().ok(), "0.95 ControlGroup");
}

#[test]
fn this_system_can_be_read() {
    let reading = MemoryProbe::system().read().unwrap();
    assert!(reading.limit > 0 && (0.0..=1.0).contains(&reading.used()), "{reading:?}");
}

#[test]
fn pressure_does_not_flicker() {
    let mut gauge = PressureGauge::new(GaugeSettings::default()).unwrap();
    let mut at = |percent: u64| {
        let available = 100 - percent;
        gauge.observe(MemoryReading { limit: 100, available, source: MemorySource::System })
    };
    let told: Vec<_> =
        [50, 89, 90, 85, 95, 81, 80, 85].map(&mut at).into_iter().flatten().collect();
    assert_eq!(told, [Pressure::High, Pressure::Normal]);
    let error = GaugeSettings::new(0.5, 0.6).validate().unwrap_err().to_string();
    assert_eq!(error, "`low` is 0.6; allowed is 0 to below `high`");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(one in ".{0,80}", two in "[0-9a-z \n:]{0,80}", three: String) {
        let readings = [parse_meminfo(&one), parse_meminfo(&two), parse_cgroup(&one, &two, &three)];
        for reading in readings.into_iter().flatten() {
            prop_assert!((0.0..=1.0).contains(&reading.used()));
        }
        if let Some(folder) = cgroup_folder(&two) {
            prop_assert!(!folder.starts_with('/'));
        }
    }
}
