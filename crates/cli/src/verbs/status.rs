//! `evergen status`.

use evergen_artifact::{AcquireError, WriterLock};
use std::path::Path;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::Selection;
use crate::console::{Console, Ink};
use crate::diary::{Diary, LoopState, LoopStatus};
use crate::excerpt::shown;
use crate::failure::{Failure, Verdict};
use crate::project::Chosen;
use crate::words::{self, count};

pub(super) fn status(selection: &Selection, console: &mut Console) -> Result<Verdict, Failure> {
    let chosen = Chosen::with_any_settings(&[], selection, console)?;
    // One that can't be told of hides none of the others.
    let (environments, untold) = super::deploy::statuses(&chosen);
    let untold = match untold {
        Some(failure) if console.is_json() => return Err(failure),
        other => other,
    };
    let status = match read(&chosen.project().state_dir()) {
        Ok(status) => Some(status),
        // Who deploys without the loop asks about environments alone.
        Err(_) if !environments.is_empty() || untold.is_some() => None,
        Err(failure) => {
            chosen.need_model()?;
            return Err(failure);
        }
    };
    let is_good = status.as_ref().is_none_or(|status| {
        status.state != LoopState::Gone
            && status.failing.is_empty()
            && !matches!(status.health.as_str(), "alert" | "critical")
    });
    let is_settled =
        environments.iter().all(|it| it.to_do.is_empty() && it.drift.differences.is_empty());
    if console.is_json() {
        let environments = environments.iter().filter_map(|one| serde_json::to_value(one).ok());
        console.object(&StatusReport { running: status, environments: environments.collect() });
        return Ok(Verdict::of(is_good && is_settled));
    }
    if let Some(status) = &status {
        print(status, console);
    }
    for environment in &environments {
        super::deploy::show_status(environment, console);
    }
    if let Some(failure) = untold {
        console.flush();
        return Err(failure);
    }
    Ok(Verdict::of(is_good && is_settled))
}

/// What `evergen status --json` prints.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct StatusReport {
    /// How the loop is, if one has run.
    #[serde(flatten)]
    running: Option<LoopStatus>,
    /// How the environments are, by their settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    environments: Vec<serde_json::Value>,
}

/// How the loop of a project is, as far as can be told from outside.
pub(super) fn read(state: &Path) -> Result<LoopStatus, Failure> {
    let path = Diary::of(state).status();
    let status = LoopStatus::read(&path)
        .map_err(|error| Failure::storage(format!("reading `{}`", path.display()), &error))?;
    let Some(mut status) = status else {
        return Err(Failure::usage(
            "no loop has run in this project",
            "`evergen watch` starts one",
        ));
    };
    let claims_to_run = matches!(status.state, LoopState::Running | LoopState::Paused);
    if claims_to_run && !is_held_by(state, status.pid) {
        status.state = LoopState::Gone;
    }
    Ok(status)
}

/// Whether this process holds the lock of the project: it can't outlive its holder.
pub(super) fn is_held_by(state: &Path, pid: u32) -> bool {
    match WriterLock::acquire(state, Some(Duration::ZERO)) {
        Err(AcquireError::Held { holder, .. }) => holder.is_none_or(|holder| holder.pid == pid),
        _ => false,
    }
}

fn print(status: &LoopStatus, console: &mut Console) {
    let (word, ink) = match status.state {
        LoopState::Running => ("running", Ink::Green),
        LoopState::Paused => ("paused", Ink::Yellow),
        LoopState::Stopped => ("not running", Ink::Dim),
        LoopState::Gone => ("gone without a word", Ink::Red),
    };
    let word = console.ink(ink, word);
    match status.state {
        LoopState::Running | LoopState::Paused => {
            console.line(format!("{word}, process {}, since {}", status.pid, status.since));
        }
        LoopState::Stopped => console.line(format!("{word}; it ended at {}", status.updated_at)),
        LoopState::Gone => console.line(format!(
            "{word}; last heard of at {}. `evergen watch` goes on where it was",
            status.updated_at
        )),
    }
    if let Some(why) = &status.watching.why {
        console.line(format!("files are polled: {}", shown(why)));
    }
    for finding in &status.findings {
        let ink = if finding.status == "warning" { Ink::Yellow } else { Ink::Red };
        let level = console.ink(ink, &finding.status);
        console.line(format!("{level}: {}", shown(&finding.text)));
    }
    let queue = &status.queue;
    console.line(format!(
        "{} in hand, {} ready, {} working of {} at once",
        count(queue.in_hand, "event"),
        queue.ready,
        queue.working,
        queue.limit
    ));
    let totals = &status.totals;
    console.line(format!(
        "{}, {} on average, 95 of 100 within {}; {}, {} failed for good",
        count(totals.cycles, "cycle"),
        words::duration(totals.avg_cycle_time_ms),
        words::duration(totals.p95_cycle_time_ms),
        count(totals.events, "event"),
        totals.dead_letters
    ));
    if let Some(cycle) = &status.last_cycle {
        super::history::line(cycle, console);
    }
    for failing in &status.failing {
        let word = console.ink(Ink::Red, "to be mended:");
        console.line(format!("{word} {}", shown(failing)));
    }
    for advice in &status.recommendations {
        console.line(format!("advice: {}", shown(advice)));
    }
}
