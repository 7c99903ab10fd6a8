//! What people see of a deployment, while it goes on and afterwards.

use evergen_deployment::{Action, EnvironmentState, Outcome, Progress, Record, StepNote, Summary};
use jiff::Timestamp;

use crate::console::{Console, Ink};
use crate::words;

/// The steps of a deployment as they happen.
#[derive(Default)]
pub(super) struct Live {
    actions: Vec<Action>,
    entered: Option<Timestamp>,
    /// What an earlier process has left, until it is told.
    left: Option<String>,
    /// What was said to go wrong.
    warned: Vec<String>,
}

impl Live {
    /// Begins with what an earlier process may have left, which is settled first then.
    pub(super) fn of(state: &EnvironmentState) -> Self {
        let Some(open) = &state.open else { return Self::default() };
        let (number, version) = (open.number, &open.plan.version);
        let left = format!("settles deployment #{number} of {version}, which was interrupted");
        let actions = open.plan.steps.iter().map(|step| step.action.clone()).collect();
        Self { actions, left: Some(left), ..Self::default() }
    }

    /// Whether a warning was shown already.
    pub(super) fn has_told(&self, warning: &str) -> bool {
        self.warned.iter().any(|told| told == warning)
    }

    pub(super) fn show(&mut self, progress: &Progress, console: &mut Console) {
        if console.is_json() || console.is_quiet() {
            return;
        }
        let at = progress.entry.at;
        if let Some(left) = self.left.take()
            && !matches!(progress.entry.record, Record::Began { .. })
        {
            console.line(left);
        }
        match &progress.entry.record {
            Record::Began { plan, .. } => {
                self.actions = plan.steps.iter().map(|step| step.action.clone()).collect();
                console.line(format!("{} {}", plan.kind.verb(), plan.version));
            }
            Record::Entered { .. } => self.entered = Some(at),
            Record::Finished { step, note } => {
                let took = self.entered.take().map_or(0.0, |from| (at - from).as_secs_f64() * 1e3);
                let action = self.actions.get(*step).map(ToString::to_string).unwrap_or_default();
                console
                    .line(format!("  {action}  {}", console.ink(Ink::Dim, words::duration(took))));
                if let Some(note) = note.as_ref().filter(|note| tells(note)) {
                    console.line(format!("    {note}"));
                }
            }
            Record::Reviving { slot } => {
                console.line(format!(
                    "the live release in slot {slot} has ended; it is started again"
                ));
            }
            Record::Revived { .. } => console.line("  it runs again"),
            Record::NotRevived { why } => {
                console.line(format!("  {} {why}", console.ink(Ink::Red, "it does not start:")));
            }
            Record::Warned { why, .. } => {
                self.warned.push(why.clone());
                console.line(format!("  {} {why}", console.ink(Ink::Yellow, "warning:")));
            }
            Record::Held { cause, .. } | Record::Turned { cause } => {
                console.line(format!("  {} {cause}", console.ink(Ink::Red, "stops:")));
                if matches!(progress.entry.record, Record::Held { .. }) {
                    let name = &progress.environment;
                    console.line(format!(
                        "  waits for `evergen resume {name}` or `evergen abort {name}`"
                    ));
                }
            }
            Record::Undone { undo } => console.line(format!("  taken back: {undo}")),
            Record::Stuck { why, left } => {
                console.line(format!("  {} {why}", console.ink(Ink::Red, "stuck:")));
                for one in left {
                    console.line(format!("    left to do: {one}"));
                }
            }
            Record::Committed => console.line("  committed"),
            Record::Paused { by } => console.line(format!("  paused by {by}")),
            Record::Resumed { by } => console.line(format!("  goes on, by {by}")),
            _ => {}
        }
        console.flush();
    }
}

/// Whether people want to read what is remembered of a step.
fn tells(note: &StepNote) -> bool {
    match note {
        StepNote::Compared { .. } | StepNote::Discarded { .. } => true,
        StepNote::Judged { judgement } => !judgement.remarks.is_empty(),
        _ => false,
    }
}

/// What became of a deployment, in a line.
pub(super) fn in_words(summary: &Summary, console: &Console) -> String {
    let (ink, word) = match summary.outcome {
        Outcome::Succeeded => (Ink::Green, "succeeded"),
        Outcome::Unchanged => (Ink::Green, "is live already, by its content, looked at"),
        Outcome::RolledBack => (Ink::Red, "was rolled back"),
        _ => (Ink::Red, "failed"),
    };
    let took = (summary.ended_at - summary.began_at).as_secs_f64() * 1e3;
    let cause = summary.cause.as_ref().map_or_else(String::new, |cause| format!(": {cause}"));
    let approved = summary.approved_by.as_ref();
    let approved = approved.map_or_else(String::new, |who| format!(", approved by {who}"));
    format!(
        "{}  #{} {} {} {} in {}{approved}{cause}",
        console.ink(Ink::Dim, summary.began_at),
        summary.number,
        summary.kind.verb(),
        summary.version,
        console.ink(ink, word),
        words::duration(took)
    )
}
