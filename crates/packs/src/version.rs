//! The version of what is generated, as it follows from the model's interface.

use std::fmt::Write as _;

use evergen_knowledge::TrackedReader;
use evergen_regeneration::{
    KeepError, KeptVersion, VersionChange, VersionChangeKind, VersionKeeper,
};
use evergen_schema::{
    ChangeKind, ChangeTopic, Interface, InterfaceChange, Options, Release, Schema, TextScope,
    Version,
};

/// Keeps the version of all packages in `evergen.version.ttl`, with the interface that it
/// stands for.
///
/// The interface is that of the intermediate model (see [`Interface`]), so that one version
/// holds in all languages. Each run in which it changes makes a new version, and so does one
/// in which only texts or templates did; a run that changes nothing makes none.
#[derive(Clone, Debug)]
pub struct SchemaVersion {
    options: Options,
}

impl SchemaVersion {
    /// A keeper with these options.
    pub fn new(mut options: Options) -> Self {
        // What a class inherits is described where it is declared.
        options.texts = TextScope::Own;
        Self { options }
    }
}

impl VersionKeeper for SchemaVersion {
    fn file_name(&self) -> &'static str {
        "evergen.version.ttl"
    }

    fn keep(
        &self,
        reader: &dyn TrackedReader,
        previous: &str,
        made_with: &str,
    ) -> Result<KeptVersion, KeepError> {
        let interface = Interface::of(&Schema::new(reader, &self.options)).made_with(made_with);
        if previous.trim().is_empty() {
            let first = Release::first(interface);
            let entry = "### Added\n\n- The first version.\n";
            let to = Version::FIRST.to_string();
            let change = VersionChange::new(None, to, VersionChangeKind::First, entry);
            return Ok(KeptVersion { text: first.to_string(), change: Some(change) });
        }
        let known = Release::parse(previous)
            .map_err(|error| KeepError::new(error.message.clone(), error.line))?;
        let same = || KeptVersion { text: previous.to_owned(), change: None };
        let Some((next, kind, changes)) = known.next(interface) else { return Ok(same()) };
        let change = (next.version != known.version).then(|| {
            let (from, to) = (known.version.to_string(), next.version.to_string());
            VersionChange::new(Some(from), to, kind_of(kind), entry(&changes))
        });
        Ok(KeptVersion { text: next.to_string(), change })
    }
}

fn kind_of(kind: ChangeKind) -> VersionChangeKind {
    match kind {
        ChangeKind::Internal => VersionChangeKind::Internal,
        ChangeKind::Additive => VersionChangeKind::Additive,
        ChangeKind::Breaking => VersionChangeKind::Breaking,
    }
}

/// What a changelog says of changes, which are sorted by their headings.
fn entry(changes: &[InterfaceChange]) -> String {
    if changes.is_empty() {
        return "### Changed\n\n- Documentation and internals; the interface is as it was.\n"
            .to_owned();
    }
    let mut entry = String::new();
    let mut last = None;
    for change in changes {
        if last.replace(change.topic) != Some(change.topic) {
            let gap = if entry.is_empty() { "" } else { "\n" };
            // Writing to a string can't fail.
            let _ = write!(entry, "{gap}### {}\n\n", heading(change.topic));
        }
        let breaks = if change.kind == ChangeKind::Breaking { "**Breaking:** " } else { "" };
        let _ = writeln!(entry, "- {breaks}{}.", change.text);
    }
    entry
}

fn heading(topic: ChangeTopic) -> &'static str {
    match topic {
        ChangeTopic::Removed => "Removed",
        ChangeTopic::Added => "Added",
        ChangeTopic::Deprecated => "Deprecated",
        _ => "Changed",
    }
}
