//! Which tool mends what: data and arguments.

use std::collections::BTreeSet;

use super::{Reach, ToolHealer, dependency, healer};
use crate::adapters::{
    biome, biome_format, black, cargo_audit, gofmt, ruff_check, ruff_format, rustfmt,
};
use crate::{Finding, FixClass, Invocation, Job, ToolAdapter};

/// Every healer that asks a tool, in no order: classes say which comes first.
pub(super) fn all() -> Vec<ToolHealer> {
    vec![
        ruff("ruff: unused", FixClass::Unused, |finding| {
            is_unused(finding) && has_fix(finding, true)
        }),
        ruff("ruff: fixes", FixClass::Lint, |finding| {
            !is_unused(finding) && !is_import(finding) && has_fix(finding, true)
        }),
        ruff("ruff: imports", FixClass::Imports, |finding| {
            is_import(finding) && has_fix(finding, true)
        }),
        ruff_unsafely(),
        layout("ruff format", &ruff_format(), |job, _| {
            vec![own_cache(
                job,
                Invocation::new(["format", "--"]).with(job.paths()),
                "RUFF_CACHE_DIR",
            )]
        }),
        layout("black", &black(), |job, _| {
            vec![own_cache(
                job,
                Invocation::new(["--quiet", "--"]).with(job.paths()),
                "BLACK_CACHE_DIR",
            )]
        }),
        layout("rustfmt", &rustfmt(), |job, _| {
            vec![Invocation::new(["--edition", "2024", "--"]).with(job.paths())]
        }),
        layout("gofmt", &gofmt(), |job, _| vec![Invocation::new(["-w"]).with(job.paths())]),
        layout("biome format", &biome_format(), |job, _| {
            vec![Invocation::new(["format", "--write", "--colors=off"]).with(job.paths())]
        }),
        biome_lint("biome: fixes", false),
        biome_lint("biome: fixes, unsafe ones too", true),
        dependency::cargo_update(&cargo_audit()),
    ]
}

fn own_cache(job: &Job<'_>, run: Invocation, variable: &str) -> Invocation {
    run.with_variable(variable, job.cache.to_string_lossy())
}

fn has_fix(finding: &Finding, safe: bool) -> bool {
    finding.fix.as_ref().is_some_and(|fix| fix.safe == safe)
}

/// Imports and names that nobody uses.
fn is_unused(finding: &Finding) -> bool {
    ["F401", "F841", "F811", "RUF059", "B007"].contains(&finding.rule.as_str())
}

/// ruff's own sorting of imports: `I001`, `I002`.
fn is_import(finding: &Finding) -> bool {
    finding.rule.strip_prefix('I').is_some_and(|rest| rest.bytes().all(|it| it.is_ascii_digit()))
}

fn rules(findings: &[Finding]) -> String {
    let rules: BTreeSet<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
    rules.into_iter().collect::<Vec<_>>().join(",")
}

fn ruff(name: &str, class: FixClass, takes: fn(&Finding) -> bool) -> ToolHealer {
    let adapter = ruff_check();
    let gate = adapter.info().name.clone();
    let healer = healer(name, class, &gate, &["py", "pyi"], adapter.tool().clone());
    ToolHealer {
        takes,
        reach: Reach::Lines,
        run: |job, findings| fix(job, findings, false),
        ..healer
    }
}

fn ruff_unsafely() -> ToolHealer {
    let one = ruff("ruff: fixes, unsafe ones too", FixClass::Lint, |it| has_fix(it, false));
    let info = one.info.clone().unsafely();
    ToolHealer { info, run: |job, findings| fix(job, findings, true), ..one }
}

/// Only the rules of the findings: what else the settings ask for is another repair.
fn fix(job: &Job<'_>, findings: &[Finding], unsafely: bool) -> Vec<Invocation> {
    let choice = if unsafely { "--unsafe-fixes" } else { "--no-unsafe-fixes" };
    let run = Invocation::new(["check", "--fix", "--exit-zero", "--quiet", choice, "--select"])
        .with([rules(findings)])
        .with(["--"])
        .with(job.paths());
    vec![own_cache(job, run, "RUFF_CACHE_DIR")]
}

fn layout(
    name: &str,
    adapter: &impl ToolAdapter,
    run: fn(&Job<'_>, &[Finding]) -> Vec<Invocation>,
) -> ToolHealer {
    let info = adapter.info();
    let healer = healer(name, FixClass::Format, &info.name, &[], adapter.tool().clone());
    let mut own = healer.info.clone();
    own.scope = info.scope.clone();
    ToolHealer { info: own, takes: |finding| finding.rule == "unformatted", run, ..healer }
}

pub(super) const SCRIPTS: &[&str] = &["ts", "tsx", "js", "jsx", "mjs", "cjs", "mts", "cts"];

fn biome_lint(name: &str, unsafely: bool) -> ToolHealer {
    let adapter = biome();
    let gate = adapter.info().name.clone();
    let healer = healer(name, FixClass::Lint, &gate, SCRIPTS, adapter.tool().clone());
    let info = if unsafely { healer.info.clone().unsafely() } else { healer.info.clone() };
    let run: fn(&Job<'_>, &[Finding]) -> Vec<Invocation> =
        if unsafely { |job, it| write(job, it, true) } else { |job, it| write(job, it, false) };
    let takes: fn(&Finding) -> bool =
        if unsafely { |it| has_fix(it, false) } else { |it| has_fix(it, true) };
    // What is left over in the files is the gate's business, not this run's.
    ToolHealer { info, takes, reach: Reach::Lines, run, ends_with: &[0, 1], ..healer }
}

fn write(job: &Job<'_>, findings: &[Finding], unsafely: bool) -> Vec<Invocation> {
    let of_rule = |finding: &Finding| finding.rule.strip_prefix("lint/").map(str::to_owned);
    let rules: BTreeSet<String> = findings.iter().filter_map(of_rule).collect();
    let choice = if unsafely { &["--unsafe"][..] } else { &[] };
    let run = Invocation::new(["lint", "--write", "--colors=off"])
        .with(choice)
        .with(rules.iter().map(|rule| format!("--only={rule}")))
        .with(job.paths());
    vec![run]
}
