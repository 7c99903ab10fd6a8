//! `evergen gates`.

mod history;
mod list;

use std::future::Future;

use evergen_quality_gates::{Baseline, Presentation, ReportFormat, RunRecord};
use jiff::Timestamp;

pub(crate) use self::history::GatesHistoryReport;
pub(crate) use self::list::GatesListReport;

use crate::arguments::{Gates, GatesPart, ReportForm};
use crate::console::Console;
use crate::failure::{Failure, Verdict};
use crate::gates::{Target, today};
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
    let (names, extent) = target.names(&arguments.choice)?;
    let engine = target.gates.engine(&names, !arguments.choice.no_cache)?;
    let report = wait(async { engine.execute_on(&target.subject, today(extent)).await })?;
    let digest = target.subject.digest();
    let digest = digest.map_err(|error| Failure::storage("reading what was judged", &error))?;
    target.keep_stamps();
    let record = RunRecord::of(&report, &digest, Timestamp::now());
    let kept = target.gates.history().append(&record.in_context(&target.gates.context()));
    kept.map_err(|error| Failure::storage("keeping the answer", &error))?;
    let mut presentation = Presentation::new(&report).with_sources(&target.subject);
    if arguments.no_timings {
        presentation = presentation.without_timings();
    }
    let format = if console.is_json() { ReportFormat::Json } else { arguments.format.format() };
    let text = presentation.render(format);
    match &arguments.output {
        Some(file) => std::fs::write(file, text)
            .map_err(|error| Failure::storage(format!("writing `{}`", file.display()), &error))?,
        None if format == ReportFormat::Text && console.is_quiet() => {}
        None => console.write(&text),
    }
    if arguments.write_baseline {
        let baseline = Baseline::of(&report);
        let file = target.gates.baseline_file();
        crate::new_file::replace(&file, baseline.to_json().as_bytes())
            .map_err(|error| Failure::storage(format!("writing `{}`", file.display()), &error))?;
        let known = crate::words::count(baseline.len() as u64, "finding");
        console.remark(format!(
            "{known} written to `{}`",
            crate::origin::from_here(&file, &target.chosen.here)
        ));
    }
    if format == ReportFormat::Text && arguments.choice.gates.is_empty() && !arguments.choice.all {
        tell_of_others(&target, &names, console)?;
    }
    Ok(Verdict::of(report.overall_passed))
}

/// Names the gates that would have had something to say, and were not asked.
fn tell_of_others(target: &Target, names: &[String], console: &Console) -> Result<(), Failure> {
    let others = target.fitting(names)?;
    if let Some(first) = others.first() {
        console.remark(format!(
            "not asked: {}\nhelp: ask one with `--gate \"{first}\"`, each with `--all`, or name those \
             that count in `[gates]` of evergen.toml",
            others.join(", ")
        ));
    }
    Ok(())
}

/// Does this on a runtime of its own, until somebody ends it: then nothing of it is left running.
pub(super) fn wait<T>(doing: impl Future<Output = T>) -> Result<T, Failure> {
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
