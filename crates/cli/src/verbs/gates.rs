//! `evergen gates`.

mod baseline;
mod history;
mod list;

use std::future::Future;

use evergen_quality_gates::{GateReport, PolicyProblem, Presentation, ReportFormat, guard_tools};

pub(crate) use self::history::GatesHistoryReport;
pub(crate) use self::list::GatesListReport;

use crate::arguments::{Gates, GatesPart, ReportForm};
use crate::console::Console;
use crate::failure::{Failure, Verdict};
use crate::gates::{Questions, Target, keep, today};
use crate::signals::Signals;

pub(super) fn gates(arguments: &Gates, console: &mut Console) -> Result<Verdict, Failure> {
    match &arguments.part {
        Some(GatesPart::List(selection)) => list::list(selection, console),
        Some(GatesPart::History(part)) => history::history(part, console),
        None => judge(arguments, console),
    }
}

fn judge(arguments: &Gates, console: &mut Console) -> Result<Verdict, Failure> {
    if arguments.format == ReportForm::Json {
        console.speak_json();
    }
    let target = Target::find(&arguments.paths, &arguments.selection, console)?;
    let Questions { names, left_out, extent } = target.asked(&arguments.choice)?;
    if arguments.write_baseline {
        baseline::check(&target)?;
    }
    let engine = target.gates.engine(&names, !arguments.choice.no_cache)?;
    let report = wait(async { engine.execute_on(&target.subject, today(extent)).await })?;
    let mut report = report.without(left_out);
    let idle = target.idle(&report, &arguments.choice);
    report = idle.iter().cloned().fold(report, GateReport::with_problem);
    target.keep_stamps();
    let (context, history) = (target.gates.context(), target.gates.history());
    keep(&report, &target.subject, &context, &history);
    let mut presentation = Presentation::new(&report).with_sources(&target.subject);
    if arguments.no_timings {
        presentation = presentation.without_timings();
    }
    if console.is_verbose() {
        presentation = presentation.with_details();
    }
    let format = if console.is_json() { ReportFormat::Json } else { arguments.format.format() };
    let text = presentation.render(format);
    match &arguments.output {
        Some(file) => std::fs::write(file, text)
            .map_err(|error| Failure::storage(format!("writing `{}`", file.display()), &error))?,
        None if format == ReportFormat::Text && console.is_quiet() && report.overall_passed => {}
        None => console.write(&text),
    }
    if let Some(problem) = &idle {
        tell_idle(problem, console);
    }
    let is_taken =
        arguments.write_baseline && idle.is_none() && baseline::write(&report, &target, console)?;
    if format == ReportFormat::Text && arguments.choice.gates.is_empty() && !arguments.choice.all {
        let left_out = report.left_out.iter().map(|left| left.gate.clone());
        let known: Vec<String> = names.into_iter().chain(left_out).collect();
        tell_of_others(&target, &known, console)?;
    }
    Ok(Verdict::of(is_taken || report.overall_passed))
}

/// Says what is wrong where nobody looked.
pub(super) fn tell_idle(problem: &PolicyProblem, console: &Console) {
    console.remark(format!("error: {problem}\n  help: {}", problem.advice()));
}

/// Names the gates that would have had something to say, and were not asked.
fn tell_of_others(target: &Target, names: &[String], console: &Console) -> Result<(), Failure> {
    let (others, _) = target.fitting(names)?;
    if let Some(first) = others.first() {
        let more = crate::words::count(others.len() as u64, "more gate");
        console.remark(format!(
            "not asked: {more} for such files; `evergen gates list` names all\nhelp: ask one with \
             `--gate \"{first}\"`, each with `--all`, or name those that count in `[gates]` of \
             evergen.toml"
        ));
    }
    Ok(())
}

/// Outlives the process that started it, to end the tools that it left behind.
pub(super) fn guard(owner: &str) -> Result<Verdict, Failure> {
    wait(async { guard_tools(owner, std::io::stdin()).await })?;
    Ok(Verdict::Yes)
}

/// Does this on a runtime of its own, until somebody ends it: then nothing of it is left running.
pub(crate) fn wait<T>(doing: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::storage("starting the runtime", &error))?;
    let answer = runtime.block_on(async {
        let mut signals =
            Signals::new().map_err(|error| Failure::storage("waiting for signals", &error))?;
        tokio::select! {
            answer = doing => Ok(answer),
            () = signals.next() => Err(Failure::interrupted()),
        }
    });
    // A tool that is still waited for on a thread must not hold the process.
    runtime.shutdown_background();
    answer
}
