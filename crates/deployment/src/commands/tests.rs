use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::*;
use crate::{
    Hook, HookError, Provenance, ReleaseId, SecretRef, Slot, StagedRelease, StepContext, Version,
};

fn shell(script: &str) -> CommandLine {
    CommandLine::new(["sh", "-c", script])
}

async fn run(line: &CommandLine) -> Result<Finished, CommandError> {
    line.run(&Invocation::default()).await
}

fn text(finished: &Finished) -> String {
    String::from_utf8_lossy(&finished.stdout).trim_end().to_owned()
}

/// The processes whose command line has `needle` in it.
fn alive(needle: &str) -> BTreeSet<u32> {
    let numbers = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let bears = |process: &u32| {
        let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(needle)
    };
    numbers.filter(|process| *process != std::process::id()).filter(bears).collect()
}

async fn until_gone(needle: &str, within: Duration) {
    let until = Instant::now() + within;
    while !alive(needle).is_empty() {
        assert!(Instant::now() < until, "{needle} still runs: {:?}", alive(needle));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn until_there(needle: &str) {
    let until = Instant::now() + Duration::from_secs(5);
    while alive(needle).is_empty() {
        assert!(Instant::now() < until, "{needle} never ran");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn no_shell_looks_at_arguments() {
    let line = CommandLine::new(["printf", "%s|", "a b", "$HOME", "`id`", "*;"]);
    assert_eq!(text(&run(&line).await.unwrap()), "a b|$HOME|`id`|*;|");
}

#[tokio::test]
async fn the_environment_is_clean_but_for_what_is_declared() {
    let line = CommandLine::new(["env"]).with_env("COLOUR", "green");
    let invocation = Invocation::default().with_variable("SHAPE", "round");
    let finished = line.run(&invocation).await.unwrap();
    let known = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "EVERGEN_RUN"];
    let names: Vec<String> = text(&finished)
        .lines()
        .map(|line| line.split('=').next().unwrap().to_owned())
        .filter(|name| !known.contains(&name.as_str()))
        .collect();
    assert_eq!(
        names.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        ["COLOUR", "SHAPE"].into()
    );
}

#[tokio::test]
async fn secrets_reach_the_program_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("password");
    std::fs::write(&kept, "correct horse\n").unwrap();
    let line = shell(
        "cat $FILE; stat -c %a $FILE; echo $FILE; echo $PASSWORD >&2; tr '\\0' ' ' < /proc/$$/cmdline >&2; exit 3",
    )
    .with_secret("PASSWORD", SecretRef::File(kept.clone()))
    .with_secret_file("FILE", SecretRef::File(kept));
    let error = run(&line).await.unwrap_err();
    let shown = format!("{error} {error:?} {line:?}");
    assert!(!shown.contains("correct horse"), "{shown}");
    let CommandError::Failed { status, output, .. } = error else { panic!("{shown}") };
    assert_eq!(status, "exit status 3");
    let lines: Vec<&str> = output.lines().collect();
    assert!(lines[0].starts_with("redacted600"), "{output}");
    let file = lines[1].trim();
    assert!(file.contains("evergen-") && !std::path::Path::new(file).exists(), "{file}");
}

#[tokio::test]
async fn a_secret_is_redacted_where_an_output_is_cut() {
    let secret = "s3cr3t-".repeat(40);
    let invocation = Invocation::default().with_variable("TOKEN", secret);
    for filler in 0..60 {
        let script = format!(
            "printf '%0{filler}d' 0; for i in 1 2 3 4 5 6 7 8 9; do printf %s \"$TOKEN\"; done; exit 1"
        );
        let error = shell(&script).with_output_limit(700).run(&invocation).await.unwrap_err();
        assert!(!error.to_string().replace(&script, "").contains("s3cr3t"), "{filler}: {error}");
    }
}

#[tokio::test]
async fn one_that_hangs_is_gone_with_all_its_children_half_a_second_after_its_deadline() {
    // Each of them has the mark in its command line; two ignore SIGTERM, one left the group.
    let mark = "60.0417";
    let script = format!(
        "trap '' TERM; (trap '' TERM; sleep {mark}) & setsid sleep {mark} & sleep {mark}; sleep {mark}"
    );
    let line = shell(&script).with_timeout(Duration::from_millis(300));
    let began = Instant::now();
    let error = run(&line).await.unwrap_err();
    assert!(matches!(error, CommandError::TimedOut { .. }), "{error:?}");
    assert!(began.elapsed() < Duration::from_millis(1_500), "{:?}", began.elapsed());
    until_gone(mark, Duration::from_millis(500)).await;
}

#[tokio::test]
async fn what_a_successful_one_leaves_behind_is_ended() {
    let mark = "60.0418";
    let script = format!("sleep {mark} & setsid sleep {mark} & echo done");
    let began = Instant::now();
    assert_eq!(text(&run(&shell(&script)).await.unwrap()), "done");
    assert!(began.elapsed() < Duration::from_secs(5));
    until_gone(mark, Duration::from_millis(500)).await;
}

#[tokio::test]
async fn a_dropped_run_leaves_nothing() {
    let mark = "60.0419";
    let script = format!("trap '' TERM; setsid sleep {mark} & sleep {mark}");
    let task = tokio::spawn(async move { run(&shell(&script)).await.is_ok() });
    until_there(mark).await;
    task.abort();
    until_gone(mark, Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_flood_is_bounded_and_its_end_is_shown() {
    let line =
        shell("head -c 50000000 /dev/zero | tr '\\0' x; echo the end").with_output_limit(1_000);
    let finished = run(&line).await.unwrap();
    assert_eq!((finished.stdout.len(), finished.truncated), (1_000, true));
    assert!(finished.output.ends_with("the end") && finished.output.len() < 1_100);
    let endless = CommandLine::new(["yes"]).with_timeout(Duration::from_millis(200));
    assert!(matches!(run(&endless).await.unwrap_err(), CommandError::TimedOut { .. }));
}

#[tokio::test]
async fn input_that_is_not_read_blocks_nothing() {
    let invocation = Invocation::default().with_input(vec![b'x'; 1 << 20]);
    shell("exit 0").run(&invocation).await.unwrap();
    let all = shell("wc -c").run(&invocation).await.unwrap();
    assert_eq!(text(&all), "1048576");
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let shown = |error: CommandError| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", source.unwrap_or_default())
    };
    let missing = run(&CommandLine::new(["evergen-no-such-program"])).await.unwrap_err();
    assert_eq!(
        shown(missing),
        "`evergen-no-such-program` can't be started: No such file or directory (os error 2)"
    );
    let secret = SecretRef::Env("EVERGEN_NO_SUCH_VARIABLE".into());
    let error = run(&shell("true").with_secret("A", secret)).await.unwrap_err();
    assert_eq!(
        shown(error),
        "`sh -c true` can't be started: can't take a secret from the variable `EVERGEN_NO_SUCH_VARIABLE`: it is not set, empty, or not UTF-8"
    );
    assert_eq!(
        CommandLine::new(Vec::<String>::new()).validate().unwrap_err().to_string(),
        "`argv` is ``: the program is missing"
    );
}

fn context(deadline: Duration) -> StepContext {
    let version = Version::parse("1.2.3").unwrap();
    let id = ReleaseId::new(evergen_artifact::Digest::of(b"content"));
    let provenance = Provenance::new(jiff::Timestamp::UNIX_EPOCH, "a test");
    let release = StagedRelease::new(id, version, "/".into(), provenance);
    StepContext::new("staging", 7, Slot::Green, release).with_deadline(deadline)
}

#[tokio::test]
async fn a_hook_knows_its_step_and_ends_by_its_deadline() {
    let told = "echo $EVERGEN_ENVIRONMENT $EVERGEN_DEPLOYMENT $EVERGEN_SLOT $EVERGEN_VERSION $PWD";
    let hook = CommandHook::new("announce", shell(told)).unwrap();
    let report = hook.run(&context(Duration::from_secs(10))).await.unwrap();
    assert_eq!(report.output, "staging 7 green 1.2.3 /");

    let hangs = CommandHook::new("hangs", shell("echo so far; sleep 60.0420")).unwrap();
    let error = hangs.run(&context(Duration::from_millis(200))).await.unwrap_err();
    assert_eq!(error.to_string(), "`hangs` was ended after 0.2 s: so far");
    until_gone("60.0420", Duration::from_millis(500)).await;

    let fails = CommandHook::new("fails", shell("echo no >&2; exit 4")).unwrap();
    let error = fails.run(&context(Duration::from_secs(10))).await.unwrap_err();
    assert_eq!(error.to_string(), "`fails` failed with exit status 4: no");
    let missing = CommandHook::new("missing", CommandLine::new(["evergen-no-such"])).unwrap();
    let error = missing.run(&context(Duration::from_secs(10))).await.unwrap_err();
    assert!(matches!(error, HookError::NotRun { .. }), "{error:?}");
}

#[test]
fn settings_are_read_and_unknown_ones_refused() {
    let line: CommandLine = serde_json::from_str(
        r#"{"argv": ["./check"], "secrets": {"TOKEN": {"env": "T"}}, "timeout": "90s"}"#,
    )
    .unwrap();
    let wanted = CommandLine::new(["./check"])
        .with_secret("TOKEN", SecretRef::Env("T".into()))
        .with_timeout(Duration::from_secs(90));
    assert_eq!(line, wanted);
    assert!(serde_json::from_str::<CommandLine>(r#"{"argv": ["x"], "shell": true}"#).is_err());
}
