//! From files that changed to events.

use std::path::PathBuf;

use evergen_events::{ChangeEvent, ChangeType, Source, Term};
use uuid::Uuid;

use crate::watching::{Burst, FileKind};

/// With more files than this, one event stands for all of them.
const MANY: usize = 16;

/// The property that says how many files an event stands for.
const FILES: &str = "urn:evergen:files";

/// The events that tell of a burst, all of one correlation.
pub(super) fn events(burst: &Burst) -> Vec<ChangeEvent> {
    let correlation = Uuid::now_v7();
    let told = |event: ChangeEvent| event.with_source(Source::FILE).with_correlation(correlation);
    if burst.rescan || burst.files.is_empty() || burst.files.len() > MANY {
        let count = Term::literal(burst.files.len().to_string());
        let decides = |kind: &FileKind| change_of(*kind) == ChangeType::ConfigurationChanged;
        let change = if burst.files.values().any(decides) {
            ChangeType::ConfigurationChanged
        } else {
            ChangeType::Bulk
        };
        return vec![told(ChangeEvent::new(change, "file:.").with_property(FILES, count))];
    }
    let events = burst.files.iter().map(|(path, kind)| {
        told(ChangeEvent::new(change_of(*kind), format!("file:{}", path.display())))
    });
    events.collect()
}

fn change_of(kind: FileKind) -> ChangeType {
    match kind {
        FileKind::Source => ChangeType::SchemaChanged,
        FileKind::Template => ChangeType::TemplateChanged,
        FileKind::Configuration | FileKind::Environments => ChangeType::ConfigurationChanged,
    }
}

/// What a loop begins with: whatever has changed while nobody watched.
pub(super) fn beginning() -> ChangeEvent {
    ChangeEvent::new(ChangeType::Bulk, "file:.").with_source(Source::FILE)
}

/// Files that evergen left as they were are other ones now.
pub(super) fn touched(files: &[PathBuf]) -> Vec<ChangeEvent> {
    let about =
        |file: &PathBuf| ChangeEvent::new(ChangeType::Bulk, format!("file:{}", file.display()));
    files.iter().take(MANY).map(|file| about(file).with_source(Source::FILE)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Instant;

    use super::*;

    fn check(files: &[(&str, FileKind)], rescan: bool, expected: &str) {
        let files: BTreeMap<_, _> =
            files.iter().map(|(path, kind)| ((*path).into(), *kind)).collect();
        let events = events(&Burst { files, rescan, first_seen: Instant::now() });
        let shown = events.iter().map(|event| format!("{} {}", event.change, event.subject));
        assert_eq!(shown.collect::<Vec<_>>().join(", "), expected);
        let correlations: std::collections::BTreeSet<_> =
            events.iter().map(|event| event.correlation_id).collect();
        assert_eq!(correlations.len(), 1);
    }

    #[test]
    fn a_few_files_have_an_event_each() {
        let files = [("a.ttl", FileKind::Source), ("t/x.j2", FileKind::Template)];
        check(&files, false, "schema_changed file:a.ttl, template_changed file:t/x.j2");
    }

    #[test]
    fn many_files_or_lost_events_have_one_for_all() {
        let names: Vec<String> = (0..40).map(|number| format!("{number}.ttl")).collect();
        let mut files: Vec<_> =
            names.iter().map(|name| (name.as_str(), FileKind::Source)).collect();
        check(&files, false, "bulk file:.");
        files.push(("evergen.toml", FileKind::Configuration));
        check(&files, false, "configuration_changed file:.");
        check(&[], true, "bulk file:.");
    }
}
