//! gofmt and `go vet`.

use super::projects::{each, run_in, unsaid};
use super::ready::{ReadyAdapter, info, reading, text, versions, within};
use crate::{
    Canary, Cost, ExitContract, Fault, Finding, GateKind, Invocation, Job, Limits, Needs, Reading,
    Region, ToolOutput, ToolSpec,
};

const SETTINGS: &[&str] = &["go.mod", "**/go.mod", "go.sum", "**/go.sum"];

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

/// Likely mistakes, by `go vet`: in each module, over all of its packages.
pub fn go_vet() -> ReadyAdapter {
    let module = "module canary\n\ngo 1.19\n";
    let vet = reading(info("go vet", GateKind::Lint, &["go"], "json 1"), SETTINGS);
    ReadyAdapter {
        info: within(vet, "go.mod", &["**/go.mod"]).needing(Needs::Tree).with_cost(Cost::Moderate),
        tool: ToolSpec::new("go", "Install it from https://go.dev.")
            .with_version_arguments(["version"])
            .with_versions(versions("1.18", "2"))
            .passing("GOMODCACHE"),
        contract: ExitContract::new([0], [0]),
        limits: Limits::default(),
        canaries: vec![
            Canary::red(
                "canary.go",
                "package a\n\nimport \"fmt\"\n\nfunc F() { fmt.Printf(\"%d\", \"x\") }\n",
            )
            .by_rule("printf")
            .with_file("go.mod", module),
            Canary::green("canary.go", "package a\n\nfunc F() {}\n").with_file("go.mod", module),
        ],
        run: |job| {
            let run = Invocation::new(["vet", "-json", "./..."])
                .with_variable("GOCACHE", job.cache.to_string_lossy())
                .with_variable("GOFLAGS", "-mod=mod");
            run_in(&each(job, "go.mod"), &run)
        },
        read: read_vet,
    }
}

/// Lines with `# package`, and after each an object: package, analyser, findings. It ends with 0 also
/// where nobody could read what it wrote.
fn read_vet(job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let said = text("its report", &output.stderr)?;
    // Each package is named, also one in which nothing is found.
    if !said.lines().any(|line| line.starts_with("# ")) {
        return Err(Fault::unparsable("its report", "no package is in it"));
    }
    let objects: String =
        said.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    let mut findings = Vec::new();
    for object in serde_json::Deserializer::from_str(&objects).into_iter::<serde_json::Value>() {
        let object = object.map_err(|error| Fault::unparsable("its report", error))?;
        let packages = object.as_object().into_iter().flatten();
        for (rule, found) in
            packages.flat_map(|(_, by_rule)| by_rule.as_object().into_iter().flatten())
        {
            for one in found.as_array().into_iter().flatten() {
                findings.push(
                    vet_finding(rule, one).ok_or_else(|| Fault::unparsable("its report", one))?,
                );
            }
        }
    }
    unsaid(findings, job, ("go.mod", &each(job, "go.mod")), output)
}

fn vet_finding(rule: &str, one: &serde_json::Value) -> Option<Finding> {
    let mut place = one["posn"].as_str()?.rsplitn(3, ':');
    let (column, line, file) = (place.next()?, place.next()?, place.next()?);
    let region = Region::at(line.parse().ok()?, column.parse().ok()?);
    Some(Finding::error(rule, one["message"].as_str()?).in_file(file).at(region))
}
