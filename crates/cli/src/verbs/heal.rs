//! `evergen heal`.

mod recorded;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use evergen_quality_gates::{
    Fault, HealOptions, HealReport, LeftOut, Presentation, Receipt, Refused, ReportFormat, Stop,
};
use schemars::JsonSchema;
use serde::Serialize;

use self::recorded::Recorded;
use super::gates::{tell_idle, wait};
use crate::arguments::Heal;
use crate::console::{Console, Ink};
use crate::excerpt::{shown, shown_lines};
use crate::failure::{Failure, Verdict};
use crate::gates::{Generated, Questions, Target, today};
use crate::new_file;
use crate::words::count;

type Json = serde_json::Map<String, serde_json::Value>;

/// What `evergen heal --json` prints.
#[derive(Serialize, JsonSchema)]
pub(crate) struct HealedReport {
    /// Repairs that were taken, in order, each with its diff.
    #[schemars(with = "Vec<Json>")]
    healed: Vec<Receipt>,
    /// Repairs that were proposed and refused, and why.
    #[schemars(with = "Vec<Json>")]
    refused: Vec<Refused>,
    /// Healers that could not work, and why.
    faults: Vec<HealerFault>,
    /// Files that were written.
    written: Vec<String>,
    /// Files that were left alone, and why.
    left: Vec<Left>,
    /// Passes that were recorded for generated files, or would be.
    passes: Vec<String>,
    /// Gates that would have been asked and were left out, and why.
    #[schemars(with = "Vec<Json>")]
    left_out: Vec<LeftOut>,
    /// Why healing stopped: `done`, `no_progress`, `repeated` or `rounds`.
    #[schemars(with = "String")]
    stopped: Stop,
    /// Whether all gates passed before.
    passed_before: bool,
    /// Whether all gates pass now, or would.
    passed_after: bool,
}

/// A healer that could not work.
#[derive(Serialize, JsonSchema)]
struct HealerFault {
    /// The healer.
    healer: String,
    /// What happened.
    fault: String,
    /// What to do.
    advice: String,
}

/// A file that could be mended and was left alone.
#[derive(Serialize, JsonSchema)]
struct Left {
    /// The file.
    path: String,
    /// Why.
    why: Why,
}

/// Why a file was left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Why {
    /// Only a look was asked for.
    DryRun,
    /// It is generated: what makes it has to be mended.
    Generated,
    /// It is generated, and a pass that mends it is recorded, or would be: the next run writes it.
    Recorded,
    /// Somebody changed it in the meantime.
    Changed,
    /// Nobody may write to it.
    ReadOnly,
}

pub(super) fn heal(arguments: &Heal, console: &mut Console) -> Result<Verdict, Failure> {
    let target = Target::find(&arguments.paths, &arguments.selection, console)?;
    let Questions { names, left_out, extent } = target.asked(&arguments.choice)?;
    let engine = target.gates.engine(&names, !arguments.choice.no_cache)?;
    let mut options = HealOptions::default();
    if arguments.allow_unsafe {
        options = options.with_unsafe();
    }
    let healers = target.gates.healers();
    let healing = engine.auto_heal(&target.subject, &healers, today(extent), options);
    let mut healed = wait(healing)?;
    target.keep_stamps();
    let asked = healed.before.clone().without(left_out.clone());
    if let Some(problem) = target.idle(&asked, &arguments.choice) {
        tell_idle(&problem, console);
        healed.before = healed.before.with_problem(problem.clone());
        healed.after = healed.after.with_problem(problem);
    }
    // Asked once, and before anything is written.
    let generated = target.generated()?;
    let (written, mut left) = apply(&target, &healed, &generated, arguments.dry_run)?;
    let recorded = record(&target, &healed, &generated, &mut left, arguments.dry_run)?;
    let will_be = |left: &Left| matches!(left.why, Why::DryRun | Why::Recorded);
    let passes = healed.after.overall_passed && left.iter().all(will_be);
    if console.is_json() {
        console.object(&report(healed, written, left, recorded, left_out));
    } else if !console.is_quiet() {
        for left in &left_out {
            console.line(format!("{}: not asked: {}", left.gate, shown(&left.why)));
        }
        tell(&target, &healed, &written, &left, console);
        tell_recorded(recorded.as_ref(), arguments.dry_run, console);
    }
    Ok(Verdict::of(passes))
}

/// Records the repairs of generated files as passes, if there are such files and passes that give
/// just what healing did.
fn record(
    target: &Target,
    healed: &HealReport,
    generated: &impl Fn(&str) -> Option<Generated>,
    left: &mut [Left],
    dry_run: bool,
) -> Result<Option<Recorded>, Failure> {
    let own = |path: &str| generated(path).filter(|it| it.around);
    let files: BTreeMap<String, Arc<[u8]>> = healed
        .files
        .iter()
        .filter_map(|(path, bytes)| Some((own(path)?.artifact.to_string(), Arc::clone(bytes))))
        .collect();
    if files.is_empty() {
        return Ok(None);
    }
    let own = healed.files.iter().map(|(path, _)| path).filter(|path| own(path).is_some());
    let names: Vec<String> = own.map(|path| target.subject.named(path)).collect();
    let recorded = recorded::record(target, healed, &files, &names, dry_run)?;
    if matches!(recorded, Recorded::Passes(_)) {
        for left in left.iter_mut().filter(|left| names.contains(&left.path)) {
            left.why = Why::Recorded;
        }
    }
    Ok(Some(recorded))
}

/// Writes what was mended, each file at once, if it is as it was when it was judged. Room is made
/// for all of them before the first is written.
fn apply(
    target: &Target,
    healed: &HealReport,
    generated: &impl Fn(&str) -> Option<Generated>,
    dry_run: bool,
) -> Result<(Vec<String>, Vec<Left>), Failure> {
    let (mut written, mut left, mut ready) = (Vec::new(), Vec::new(), Vec::new());
    for (path, bytes) in &healed.files {
        let (file, named) = (target.folder.join(path), target.subject.named(path));
        let why = match () {
            () if generated(path).is_some() => Why::Generated,
            () if dry_run => Why::DryRun,
            () if !is_as_judged(target, path, &file)? => Why::Changed,
            () if is_read_only(&file) => Why::ReadOnly,
            () => {
                let fresh = new_file::prepare(&file, bytes)
                    .map_err(|error| Failure::storage(format!("writing `{named}`"), &error))?;
                ready.push((named, fresh));
                continue;
            }
        };
        left.push(Left { path: named, why });
    }
    for (path, fresh) in ready {
        fresh.put().map_err(|error| {
            let done = if written.is_empty() { "none".to_owned() } else { written.join(", ") };
            Failure::storage(format!("writing `{path}`; written before: {done}"), &error)
        })?;
        written.push(path);
    }
    Ok((written, left))
}

fn is_read_only(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|found| found.permissions().readonly())
}

fn is_as_judged(target: &Target, path: &str, file: &Path) -> Result<bool, Failure> {
    let known = target.subject.get(path);
    let known = known.map_err(|error| Failure::storage(format!("reading `{path}`"), &error))?;
    let known = known.and_then(|known| known.digest().ok());
    let now = std::fs::read(file).ok().map(|bytes| evergen_artifact::Digest::of(&bytes));
    Ok(known == now)
}

fn report(
    healed: HealReport,
    written: Vec<String>,
    left: Vec<Left>,
    recorded: Option<Recorded>,
    left_out: Vec<LeftOut>,
) -> HealedReport {
    let HealReport { receipts, refused, faults, before, after, stopped, .. } = healed;
    let fault = |(healer, fault): (String, Fault)| HealerFault {
        healer,
        fault: fault.to_string(),
        advice: fault.advice(),
    };
    HealedReport {
        healed: receipts,
        refused,
        faults: faults.into_iter().map(fault).collect(),
        written,
        left,
        passes: match recorded {
            Some(Recorded::Passes(passes)) => passes,
            Some(Recorded::Not(_)) | None => Vec::new(),
        },
        left_out,
        stopped,
        passed_before: before.overall_passed,
        passed_after: after.overall_passed,
    }
}

fn tell(
    target: &Target,
    healed: &HealReport,
    written: &[String],
    left: &[Left],
    console: &mut Console,
) {
    for receipt in &healed.receipts {
        let findings = count(receipt.healed.len() as u64, "finding");
        let word = if written.is_empty() { "would heal" } else { "healed" };
        let word = console.ink(Ink::Green, word);
        let (gate, rule) = (&receipt.gate, &receipt.rule);
        console.line(format!("{word} {findings} of {gate} ({rule}) by {}", receipt.healer));
        console.line(shown_lines(receipt.diff.trim_end()));
    }
    for refused in &healed.refused {
        let word = console.ink(Ink::Yellow, "refused");
        console.line(format!("{word} {} for {} ({})", refused.healer, refused.gate, refused.rule));
        for refusal in &refused.refusals {
            console.line(format!("  because: {}", shown(&refusal.to_string())));
        }
        if console.is_verbose() {
            console.line(shown_lines(refused.diff.trim_end()));
        }
    }
    for (healer, fault) in &healed.faults {
        let word = console.ink(Ink::Red, "could not work");
        console.line(format!("{healer} {word}: {}", shown(&fault.to_string())));
        console.line(format!("  help: {}", shown(&fault.advice())));
    }
    remaining(target, healed, console);
    closing(written, left, healed.after.overall_passed, console);
}

/// What became of repairs of generated files.
fn tell_recorded(recorded: Option<&Recorded>, dry_run: bool, console: &mut Console) {
    match recorded {
        None => {}
        Some(Recorded::Passes(passes)) => {
            let word = if dry_run { "would be recorded" } else { "recorded" };
            let names = passes.iter().map(|pass| format!("pass `{}`", shown(pass)));
            let names = names.collect::<Vec<_>>().join(", ");
            console.line(format!("{word} in evergen.toml for generated files: {names}"));
            console.remark("help: `evergen run` makes them anew, just as they were healed");
        }
        Some(Recorded::Not(why)) => {
            console.line(format!("no pass is recorded for generated files: {}", shown(why)));
            console.remark(
                "help: mend the template that makes it; `evergen explain FILE:LINE` says which line",
            );
        }
    }
}

/// What the gates still say.
fn remaining(target: &Target, healed: &HealReport, console: &mut Console) {
    if !healed.after.overall_passed {
        let mended = target.subject.edited(&healed.files.iter().cloned().collect());
        let presentation = Presentation::new(&healed.after).with_sources(&mended);
        console.write(&presentation.without_timings().render(ReportFormat::Text));
    }
}

fn closing(written: &[String], left: &[Left], passes: bool, console: &mut Console) {
    for file in left.iter().filter(|left| left.why == Why::Changed) {
        console.line(format!("{} was changed meanwhile, and is left alone", shown(&file.path)));
    }
    for file in left.iter().filter(|left| left.why == Why::ReadOnly) {
        console.line(format!("{} may not be written to, and is left alone", shown(&file.path)));
    }
    let generated: Vec<&Left> = left.iter().filter(|left| left.why == Why::Generated).collect();
    for file in &generated {
        console.line(format!("{} is generated, and is left alone", shown(&file.path)));
    }
    let dry = left.iter().filter(|left| left.why == Why::DryRun).count() as u64;
    match (written.len() as u64, dry) {
        (0, 0) if passes && left.is_empty() => {
            console.line("the gates pass, and there was nothing to mend");
        }
        (0, 0) => console.line("nothing was written"),
        (0, would) => console.line(format!("{} would be written", count(would, "file"))),
        (files, _) => console.line(format!("{} written", count(files, "file"))),
    }
}
