//! `evergen gates --write-baseline`.

use evergen_quality_gates::{Baseline, GateReport, Outcome};

use crate::console::Console;
use crate::failure::Failure;
use crate::gates::Target;
use crate::origin::from_here;
use crate::words::count;

/// Refuses what has no name in the project, and so none in its baseline.
pub(super) fn check(target: &Target) -> Result<(), Failure> {
    if target.whole || target.is_inside() {
        return Ok(());
    }
    let folder = from_here(&target.folder, &target.chosen.here);
    Err(Failure::usage(
        format!("`--write-baseline` is for files of the project, and `{folder}` lies elsewhere"),
        "name folders of the project, or leave `--root` away: that folder then has its own baseline",
    ))
}

/// Takes what was found as known, if all gates could look. What nobody looked at stays as it was:
/// findings of other gates, and in other folders. The answer is no where a gate that sees the whole
/// tree found something new in files that were not named.
pub(super) fn write(
    report: &GateReport,
    target: &Target,
    console: &Console,
) -> Result<bool, Failure> {
    let blind = report.gates.iter().find(|result| matches!(result.outcome, Outcome::Error(_)));
    if let Some(blind) = blind {
        // The report is written, and the answer is no.
        console.remark(format!(
            "error: `{}` could not look, so nothing was taken as known\n  help: mend that first, the \
             report says what it is; or leave the gate out with `--skip`",
            blind.gate
        ));
        return Ok(false);
    }
    let report = report.named_by(&target.subject);
    let renewed = target.gates.baseline()?.renewed(&report, |file| target.is_judged(file));
    let found = Baseline::of(&report);
    let left = found.without(&renewed).len();
    let found = found.len() - left;
    let file = target.gates.baseline_file();
    crate::new_file::replace(&file, renewed.to_json().as_bytes())
        .map_err(|error| Failure::storage(format!("writing `{}`", file.display()), &error))?;
    let others = (renewed.len() - found) as u64;
    let others = match others {
        0 => String::new(),
        _ => format!(", beside {} from elsewhere", count(others, "finding")),
    };
    let (found, file) = (count(found as u64, "finding"), from_here(&file, &target.chosen.here));
    console.remark(format!("{found} written to `{file}`{others}"));
    if left > 0 {
        let left = count(left as u64, "finding");
        console.remark(format!(
            "{left} in files that were not named: not taken as known\n  help: name these files, too"
        ));
    }
    Ok(left == 0)
}
