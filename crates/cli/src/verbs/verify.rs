//! `evergen verify`.

use evergen_regeneration::Access;

use super::check::drift;
use crate::arguments::Asked;
use crate::console::Console;
use crate::failure::{Failure, Verdict};
use crate::project::Chosen;
use crate::words::count;

pub(super) fn verify(asked: &Asked, console: &mut Console) -> Result<Verdict, Failure> {
    let chosen = Chosen::find(asked, console)?;
    let mut engine = chosen.open(Access::Read)?;
    let report = engine.verify()?;
    // The process is about to end, and the system is faster at taking back memory.
    std::mem::forget(engine);
    console.diagnostics(&report.diagnostics);
    let same = report.differences.is_empty();
    if console.is_json() {
        console.object(&report);
    } else if !console.is_quiet() {
        drift(console, &chosen, &report.differences);
        let total = count(report.artifacts, "artifact");
        let found = if same {
            "all as a generation from scratch makes them".to_owned()
        } else {
            let different = count(report.differences.len() as u64, "file");
            format!("{different} not as a generation from scratch makes them")
        };
        console.line(format!("{total}, {found}"));
    }
    Ok(Verdict::of(same))
}
