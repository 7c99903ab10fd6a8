//! gofmt.

use super::ready::{ReadyAdapter, info, text};
use crate::{
    Canary, ExitContract, Fault, Finding, GateKind, Invocation, Job, Limits, Reading, ToolOutput,
    ToolSpec,
};

/// The layout of gofmt, which ends with 0 whether it lists files or not.
pub fn gofmt() -> ReadyAdapter {
    let tool = ToolSpec::new("gofmt", "Install it with Go, from https://go.dev.");
    ReadyAdapter {
        info: info("gofmt", GateKind::Format, &["go"], "list 2"),
        // It has no version of its own, and is of the Go beside it.
        tool: tool.with_version_arguments(["-h"]).with_version_by("go", ["version"]),
        contract: ExitContract::new([0], [0]),
        limits: Limits::default(),
        canaries: vec![
            Canary::red("canary.go", "package a\nfunc f( ) {}\n").by_rule("unformatted"),
            Canary::green("canary.go", "package a\n\nfunc f() {}\n"),
        ],
        run: |job| {
            let control = Invocation::new(["-l"]).with_input(&b"package a\nfunc f( ) {}\n"[..]);
            vec![Invocation::new(["-l"]).with(job.paths()), control]
        },
        read: read_gofmt,
    }
}

/// An empty list is what it writes if all is well, and what is left if nobody could read what it
/// wrote: it does not mind that writing fails. So a second run must list what is laid out wrong.
fn read_gofmt(job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let listed = text("its list of files", &output.stdout)?;
    if output.invocation > 0 {
        let is_heard = listed.trim_end() == "<standard input>";
        let silent = || Fault::unparsable("its list of files", "a planted mistake is not in it");
        return if is_heard { Ok(Reading::default()) } else { Err(silent()) };
    }
    let strange = |line: &&str| !job.files.iter().any(|file| line.ends_with(file.path()));
    if let Some(line) = listed.lines().find(strange) {
        return Err(Fault::unparsable("its list of files", line));
    }
    let wrong = |file: &str| {
        Finding::error("unformatted", "gofmt would lay this file out differently").in_file(file)
    };
    Ok(Reading::unsaid(listed.lines().map(wrong).collect(), job))
}
