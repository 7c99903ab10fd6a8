use std::path::Path;

use super::*;

/// Asks a shell, as the program under test and not as ours.
fn shell(folder: &Path, script: &str) -> Request {
    Request {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
        folder: folder.to_path_buf(),
        private: true,
        environment: clean_environment(&[], Home::Own(&folder.join("home"))),
        input: None,
        limits: Limits::default().with_time(Duration::from_secs(5)),
    }
}

async fn check(script: &str) -> Result<Finished, Fault> {
    let folder = tempfile::tempdir().unwrap();
    run(shell(folder.path(), script)).await
}

/// Whether a process with this number is alive and not only a name that nobody asked for.
fn lives(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|text| !text.rsplit(')').next().unwrap_or_default().trim().starts_with('Z'))
}

#[tokio::test]
async fn a_run_gives_its_code_and_all_that_it_wrote() {
    let done = check("echo out; echo err >&2; exit 3").await.unwrap();
    assert_eq!((done.code, &*done.stdout, &*done.stderr), (3, &b"out\n"[..], &b"err\n"[..]));
    let folder = tempfile::tempdir().unwrap();
    let request = Request { input: Some(b"abc"[..].into()), ..shell(folder.path(), "cat") };
    assert_eq!(run(request).await.unwrap().stdout, b"abc");
    let request =
        Request { input: Some(vec![b'x'; 1 << 20].into()), ..shell(folder.path(), "exit 0") };
    assert_eq!(run(request).await.unwrap().code, 0, "not to read its input is no fault");
}

#[tokio::test]
async fn the_environment_holds_what_is_named_and_nothing_else() {
    let done = check("env").await.unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    let known = [
        "PWD",
        "SHLVL",
        "_",
        "OLDPWD",
        "EVERGEN_GATE_RUN",
        "EVERGEN_GATE_OWNER",
        "LANG",
        "LC_ALL",
        "TZ",
        "TERM",
    ];
    let known = known
        .iter()
        .chain(&["NO_COLOR", "PYTHONDONTWRITEBYTECODE", "XDG_CONFIG_HOME", "HOME"])
        .chain(&environment::PASSED);
    let known: Vec<&str> =
        known.copied().chain(environment::FINDERS.map(|(name, _)| name)).collect();
    for line in text.lines() {
        let name = line.split('=').next().unwrap();
        assert!(known.contains(&name), "{line}");
    }
    // The user's own settings are nowhere to be found.
    let home = text.lines().find_map(|line| line.strip_prefix("HOME=")).unwrap();
    assert_ne!(Some(home.into()), std::env::var_os("HOME"));
    assert!(Path::new(home).ends_with("home"), "{home}");
}

#[tokio::test]
async fn breakdowns_have_their_own_names() {
    let crash = check("echo dying >&2; kill -SEGV $$").await.unwrap_err();
    assert_eq!(crash.to_string(), "signal 11 ended it: dying");
    let folder = tempfile::tempdir().unwrap();
    let mut flood = shell(folder.path(), "yes");
    flood.limits.output = 100_000;
    let flood = run(flood).await.unwrap_err();
    assert_eq!(flood.to_string(), "it wrote more than 100000 bytes to standard output");
    let missing = Request { program: "/no/such".into(), ..shell(folder.path(), "") };
    assert_eq!(run(missing).await.unwrap_err().kind(), "tool_missing");
    let gone = Request { folder: "/no/such".into(), ..shell(folder.path(), "") };
    assert_eq!(run(gone).await.unwrap_err().kind(), "infra");
}

/// Each of these hides from another of the ways by which processes are found.
const HIDERS: [&str; 5] = [
    "sleep 100 & echo $! > pid; sleep 100",
    "setsid sleep 100 & echo $! > pid; sleep 100",
    "(setsid sh -c 'sleep 100 & echo $! > pid; exit' >/dev/null 2>&1 &); sleep 100",
    "env -i setsid sleep 100 >/dev/null 2>&1 & echo $! > pid; sleep 100",
    "trap '' TERM HUP INT; sleep 100 & echo $! > pid; wait",
];

#[tokio::test]
async fn nothing_of_a_run_outlives_its_deadline_by_half_a_second() {
    for script in HIDERS {
        let folder = tempfile::tempdir().unwrap();
        let mut request = shell(folder.path(), script);
        request.limits.time = Duration::from_millis(300);
        let started = Instant::now();
        let fault = run(request).await.unwrap_err();
        assert_eq!(fault, Fault::Timeout { limit_ms: 300 }, "{script}");
        assert!(
            started.elapsed() < Duration::from_millis(800),
            "{script}: {:?}",
            started.elapsed()
        );
        let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
        assert!(!lives(pid.trim()), "{script}");
    }
}

#[tokio::test]
async fn what_a_program_leaves_behind_ends_with_it() {
    for script in [
        "sleep 100 >/dev/null 2>&1 & echo $! > pid; exit 0",
        "setsid sleep 100 >/dev/null 2>&1 & echo $! > pid; exit 0",
        "env -i setsid sleep 100 >/dev/null 2>&1 & echo $! > pid; exit 0",
    ] {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(run(shell(folder.path(), script)).await.unwrap().code, 0, "{script}");
        let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
        assert!(!lives(pid.trim()), "{script}");
    }
}

#[tokio::test]
async fn output_that_somebody_still_writes_is_not_taken_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let held = run(shell(folder.path(), "sleep 100 & echo $! > pid; exit 0")).await.unwrap_err();
    assert!(held.to_string().contains("went on with its output"), "{held}");
    let killed = run(shell(folder.path(), "sleep 100 & kill -KILL $$")).await.unwrap_err();
    assert_eq!(killed.kind(), "crash");
    let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
    assert!(!lives(pid.trim()));
}

#[tokio::test]
async fn a_run_that_is_given_up_ends() {
    let folder = tempfile::tempdir().unwrap();
    let script = "setsid sleep 100 >/dev/null 2>&1 & echo $! > pid.new; mv pid.new pid; sleep 100";
    let running = tokio::spawn(run(shell(folder.path(), script)));
    let file = folder.path().join("pid");
    let patience = Instant::now();
    while !file.exists() {
        assert!(patience.elapsed() < Duration::from_secs(5));
        tokio::task::yield_now().await;
    }
    running.abort();
    let _ = running.await;
    let pid = std::fs::read_to_string(file).unwrap();
    while lives(pid.trim()) {
        assert!(patience.elapsed() < Duration::from_secs(5), "it lives");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn memory_is_that_of_all_processes_together() {
    let folder = tempfile::tempdir().unwrap();
    // Two children that hold some tens of megabytes each, in the shell's own words.
    let hog = "x=$(head -c 40000000 /dev/zero | tr '\\0' x); sleep 5";
    let mut request = shell(folder.path(), &format!("sh -c \"{hog}\" & sh -c \"{hog}\"; wait"));
    request.limits.memory = 60_000_000;
    let fault = run(request).await.unwrap_err();
    let how = Crash::Memory { limit_bytes: 60_000_000 };
    assert_eq!(fault, Fault::Crash { how, said: String::new() });
}

/// Whoever else works in the folder of a run, or starts while it runs, is left alone.
#[tokio::test]
async fn nobody_elses_processes_are_touched() {
    let folder = tempfile::tempdir().unwrap();
    let mut request = shell(folder.path(), "sleep 0.3 & wait");
    request.limits.time = Duration::from_millis(400);
    for private in [false, true] {
        let request = Request { private, ..request.clone() };
        let running = tokio::spawn(run(request));
        tokio::task::yield_now().await;
        let mut own = Command::new("/bin/sleep");
        let mut own = own.arg("30").current_dir(folder.path()).kill_on_drop(true).spawn().unwrap();
        let mut cleared = Command::new("/bin/sleep");
        let cleared = cleared.arg("30").env_clear().process_group(0).current_dir(folder.path());
        let mut cleared = cleared.kill_on_drop(true).spawn().unwrap();
        assert_eq!(running.await.unwrap().unwrap().code, 0);
        assert_eq!(own.try_wait().unwrap(), None);
        assert_eq!(cleared.try_wait().unwrap(), None);
    }
    // An orphan of somebody else's, in a folder that others use too.
    let stranger = "env -i setsid sh -c 'sleep 30 >/dev/null 2>&1 & echo $! > stranger' & wait";
    let mut starts = Command::new("/bin/sh");
    let request = Request { private: false, ..shell(folder.path(), "sleep 0.2") };
    let running = tokio::spawn(run(request));
    tokio::task::yield_now().await;
    assert!(
        starts.args(["-c", stranger]).current_dir(folder.path()).status().await.unwrap().success()
    );
    assert_eq!(running.await.unwrap().unwrap().code, 0);
    let pid = std::fs::read_to_string(folder.path().join("stranger")).unwrap();
    assert!(lives(pid.trim()), "{pid}");
    let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}
