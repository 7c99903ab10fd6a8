//! What happens to artifacts, in words.

use evergen_regeneration::{
    Action, ArtifactChange, DriftKind, Reason, VersionChange, VersionChangeKind,
};

use crate::console::{Console, Ink};
use crate::environments::Deployed;
use crate::excerpt::shown;
use crate::project::Chosen;
use crate::short::ShortNames;

/// How many lines a list has for a person who did not ask for more.
pub(crate) const MANY: usize = 20;
/// How many characters of a triple are shown as a reason.
const LONGEST_REASON: usize = 100;

/// The sign and the colour of an action.
pub(crate) fn sign(action: Action) -> (&'static str, Ink) {
    match action {
        Action::Create => ("+", Ink::Green),
        Action::Update => ("~", Ink::Yellow),
        Action::Merge => ("&", Ink::Yellow),
        Action::Delete => ("-", Ink::Red),
        Action::Refuse => ("!", Ink::Red),
        _ => ("=", Ink::Dim),
    }
}

/// Why an artifact is made, in one line.
pub(crate) fn reason(reason: &Reason, short: &ShortNames) -> String {
    match reason {
        Reason::NewRow => "new in the model".to_owned(),
        Reason::RowGone => "nothing in the model asks for it any more".to_owned(),
        Reason::Model { quads, count } => model(quads, *count, short),
        Reason::Template { name } => format!("the template {} changed", shown(name)),
        Reason::Settings => "a setting changed".to_owned(),
        Reason::Missing => "the file was missing".to_owned(),
        Reason::Edited => "the file was edited".to_owned(),
        Reason::Full => "full generation".to_owned(),
        Reason::Pending => "left over from a run that failed".to_owned(),
        _ => "for another reason".to_owned(),
    }
}

fn model(quads: &[String], count: u64, short: &ShortNames) -> String {
    let Some(first) = quads.first() else {
        return format!("{count} changed triples");
    };
    let first = short.shorten(first);
    let mut text: String = shown(&first).chars().take(LONGEST_REASON).collect();
    if text.len() < first.len() {
        text.push('…');
    }
    match count {
        0 | 1 => text,
        more => format!("{text} and {} more", more - 1),
    }
}

/// Prints how the version changed, if it did.
pub(crate) fn version(console: &mut Console, change: Option<&VersionChange>) {
    let Some(change) = change else { return };
    let why = match change.kind {
        VersionChangeKind::Breaking => "something breaks",
        VersionChangeKind::Additive => "there is more",
        VersionChangeKind::Internal => "the interface is as it was",
        _ => "the first one",
    };
    let from = change.from.as_ref().map(|from| format!("{from} → ")).unwrap_or_default();
    console.line(format!("version {from}{} ({why}); CHANGELOG.md tells what changed", change.to));
}

/// Prints changes with their reasons; shortened unless everything was asked for.
pub(crate) fn changes(console: &mut Console, chosen: &Chosen, changes: &[ArtifactChange]) {
    let told: Vec<_> = changes.iter().filter(|change| change.action != Action::Keep).collect();
    let many = if console.is_verbose() { told.len() } else { MANY };
    let paths: Vec<_> = told.iter().take(many).map(|change| chosen.shown(&change.path)).collect();
    let width = paths.iter().map(|path| path.chars().count()).max().unwrap_or(0).min(60);
    for (change, path) in told.iter().zip(&paths) {
        let (sign, ink) = sign(change.action);
        let why = change.note.clone().unwrap_or_else(|| reason(&change.reason, &chosen.short));
        let sign = console.ink(ink, sign);
        let why = console.ink(Ink::Dim, shown(&why));
        console.line(format!("  {sign} {:width$}  {why}", shown(path)));
    }
    and_more(console, told.len(), many);
}

/// Says how much of a list was not printed.
pub(crate) fn and_more(console: &mut Console, all: usize, printed: usize) {
    if let Some(more @ 1..) = all.checked_sub(printed) {
        console.line(format!("  … and {more} more; `-v` shows all"));
    }
}

/// Says how many changed triples are not listed.
pub(crate) fn and_more_quads(console: &mut Console, all: u64, printed: usize) {
    if let Some(more @ 1..) = all.checked_sub(printed as u64) {
        console.line(format!("    … and {more} more triples"));
    }
}

/// What is wrong with a file, in one word.
pub(crate) fn drift(kind: DriftKind) -> (&'static str, Ink) {
    match kind {
        DriftKind::Missing => ("missing", Ink::Red),
        DriftKind::Extra => ("extra", Ink::Yellow),
        DriftKind::Stale => ("stale", Ink::Yellow),
        DriftKind::Edited => ("edited", Ink::Red),
        _ => ("different", Ink::Red),
    }
}

/// A number with its noun.
pub(crate) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A time as a person says it.
pub(crate) fn duration(milliseconds: f64) -> String {
    match milliseconds {
        short if short < 10.0 => format!("{short:.1} ms"),
        medium if medium < 1000.0 => format!("{medium:.0} ms"),
        long => format!("{:.1} s", long / 1000.0),
    }
}

/// A point in time in the form of RFC 3339, to the second.
pub(crate) fn time(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a number of days since 1970, by counting from a March
/// so that a leap day comes last in its year.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests;

/// A deployment by the loop, in a line.
pub(crate) fn deployed(deployed: &Deployed) -> String {
    let Deployed { deployment, took } = deployed;
    let release = deployment.release.get(..12).unwrap_or(&deployment.release);
    let took = duration(took.as_secs_f64() * 1e3);
    format!("deployed auto.{release} to {} in {took}", deployment.environment)
}
