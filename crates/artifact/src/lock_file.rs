use std::collections::HashSet;
use std::sync::Arc;

use crate::{ArtifactPath, Digest, PathError};

#[cfg(test)]
mod tests;

const HEADER: &str = "\
# evergen.lock: what evergen has generated, and by which generator. Do not edit it;
# put it under version control. After a merge conflict take either side and run evergen.
version 1
";

const VERSION: &str = "version 1";

/// The text that stands beside `evergen.toml`: for each artifact its digest, its
/// path and the name of its generator, one line each, sorted by path.
///
/// ```
/// use evergen_artifact::{ArtifactPath, Digest, LockEntry, LockFile};
///
/// let path = ArtifactPath::parse("src/order.rs").unwrap();
/// let entry = LockEntry { path, digest: Digest::of(b"..."), generator: "class.rs.j2".into() };
/// let lock: LockFile = [entry].into_iter().collect();
/// assert_eq!(LockFile::parse(&lock.to_text()).unwrap(), lock);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockFile {
    entries: Vec<LockEntry>,
}

/// What `evergen.lock` says of one artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockEntry {
    /// Where the artifact stands.
    pub path: ArtifactPath,
    /// The hash of its bytes as they were generated.
    pub digest: Digest,
    /// What generated it.
    pub generator: Arc<str>,
}

/// What differs between two locks, sorted by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// Artifacts that only the newer one has.
    pub added: Vec<ArtifactPath>,
    /// Artifacts whose bytes differ.
    pub changed: Vec<ArtifactPath>,
    /// Artifacts that only the older one has.
    pub removed: Vec<ArtifactPath>,
}

impl LockFile {
    /// Reads the text of `evergen.lock`.
    pub fn parse(text: &str) -> Result<Self, LockFileError> {
        let mut entries = Vec::with_capacity(text.len() / 96);
        let mut generators = HashSet::new();
        let mut version_seen = false;
        for (index, line) in text.lines().enumerate() {
            let fail = |fault| LockFileError { line: index + 1, fault };
            if is_conflict_marker(line) {
                return Err(fail(LockFileFault::MergeConflict));
            }
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if version_seen {
                entries.push(parse_entry(line, &mut generators).map_err(fail)?);
            } else if line == VERSION {
                version_seen = true;
            } else {
                return Err(fail(LockFileFault::Version));
            }
        }
        if !version_seen {
            return Err(LockFileError { line: 1, fault: LockFileFault::Version });
        }
        refuse_duplicates(text, &entries)?;
        Ok(entries.into_iter().collect())
    }

    /// Returns the text of the file. Equal locks have equal texts.
    pub fn to_text(&self) -> String {
        let rows = self.entries.iter();
        Self::write_text(rows.map(|entry| (&entry.path, &entry.digest, &*entry.generator)))
    }

    /// Returns the text of the file for entries that the caller holds in a shape
    /// of its own; they must come sorted by path, each path once.
    pub fn write_text<'a>(
        entries: impl Iterator<Item = (&'a ArtifactPath, &'a Digest, &'a str)>,
    ) -> String {
        let mut text = String::with_capacity(HEADER.len() + entries.size_hint().0 * 128);
        text.push_str(HEADER);
        for (path, digest, generator) in entries {
            digest.push_to(&mut text);
            text.push(' ');
            text.push_str(path.as_str());
            text.push('\t');
            push_escaped(&mut text, generator);
            text.push('\n');
        }
        text
    }

    /// Returns the entries, sorted by path.
    pub fn entries(&self) -> &[LockEntry] {
        &self.entries
    }

    /// Finds the entry of `path`.
    pub fn get(&self, path: &ArtifactPath) -> Option<&LockEntry> {
        let found = self.entries.binary_search_by(|entry| entry.path.cmp(path));
        found.ok().map(|index| &self.entries[index])
    }

    /// Returns what this lock has other than `older`.
    pub fn changes_since(&self, older: &Self) -> ChangeSet {
        let mut changes = ChangeSet::default();
        let mut rest = older.entries.as_slice();
        for entry in &self.entries {
            let gone = rest.partition_point(|old| old.path < entry.path);
            changes.removed.extend(rest[..gone].iter().map(|old| old.path.clone()));
            rest = &rest[gone..];
            match rest.split_first() {
                Some((old, after)) if old.path == entry.path => {
                    rest = after;
                    if old.digest != entry.digest {
                        changes.changed.push(entry.path.clone());
                    }
                }
                _ => changes.added.push(entry.path.clone()),
            }
        }
        changes.removed.extend(rest.iter().map(|old| old.path.clone()));
        changes
    }
}

impl FromIterator<LockEntry> for LockFile {
    /// Sorts the entries; of several with one path, the last stays.
    fn from_iter<I: IntoIterator<Item = LockEntry>>(entries: I) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        if !entries.is_sorted_by(|left, right| left.path < right.path) {
            entries.reverse();
            entries.sort_by(|left, right| left.path.cmp(&right.path));
            entries.dedup_by(|later, earlier| later.path == earlier.path);
        }
        Self { entries }
    }
}

/// A text that is no `evergen.lock`: the line, counted from one, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of evergen.lock {fault}")]
pub struct LockFileError {
    /// The line, counted from one.
    pub line: usize,
    /// What is wrong there.
    pub fault: LockFileFault,
}

/// What can be wrong in a line of `evergen.lock`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LockFileFault {
    /// Version control has left a conflict in the file.
    #[error("is a merge conflict; take either side and run evergen again")]
    MergeConflict,
    /// The file is of another format than this program knows.
    #[error("does not say `version 1`; the file was made by another version of evergen")]
    Version,
    /// There is no digest at the start.
    #[error("does not start with a digest of 64 hexadecimal digits and a space")]
    Digest,
    /// No path, or one that may not be.
    #[error("has a path that is refused: {0}")]
    Path(PathError),
    /// No tab, or an escape that is none.
    #[error("does not end with a tab and the name of a generator")]
    Generator,
    /// Two lines for one artifact.
    #[error("names `{0}`, which stands there already")]
    Duplicate(ArtifactPath),
}

fn is_conflict_marker(line: &str) -> bool {
    ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().any(|marker| {
        line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    })
}

fn parse_entry(line: &str, generators: &mut HashSet<Arc<str>>) -> Result<LockEntry, LockFileFault> {
    let (digest, rest) = line.split_once(' ').ok_or(LockFileFault::Digest)?;
    let digest = digest.parse().map_err(|_| LockFileFault::Digest)?;
    let (path, generator) = rest.split_once('\t').ok_or(LockFileFault::Generator)?;
    let path = ArtifactPath::parse(path).map_err(LockFileFault::Path)?;
    let generator = match generators.get(generator) {
        Some(known) => known.clone(),
        None => remember(generators, generator)?,
    };
    Ok(LockEntry { path, digest, generator })
}

/// A name without escapes is known by its text, so that a hundred thousand lines share it.
fn remember(generators: &mut HashSet<Arc<str>>, escaped: &str) -> Result<Arc<str>, LockFileFault> {
    let name: Arc<str> = unescape(escaped).ok_or(LockFileFault::Generator)?.into();
    if &*name == escaped {
        generators.insert(name.clone());
    }
    Ok(name)
}

fn refuse_duplicates(text: &str, entries: &[LockEntry]) -> Result<(), LockFileError> {
    if entries.is_sorted_by(|left, right| left.path < right.path) {
        return Ok(());
    }
    let mut seen = HashSet::new();
    let Some(twice) = entries.iter().position(|entry| !seen.insert(&entry.path)) else {
        return Ok(());
    };
    let is_entry = |line: &str| !line.is_empty() && !line.starts_with('#') && line != VERSION;
    let line = text.lines().enumerate().filter(|(_, line)| is_entry(line)).nth(twice);
    let fault = LockFileFault::Duplicate(entries[twice].path.clone());
    Err(LockFileError { line: line.map_or(1, |(index, _)| index + 1), fault })
}

/// Writes a name so that it stays on its line.
fn push_escaped(text: &mut String, name: &str) {
    for character in name.chars() {
        if character.is_control() || character == '\\' {
            text.extend(character.escape_unicode());
        } else {
            text.push(character);
        }
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut name = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        let (code, after) = after.strip_prefix("u{")?.split_once('}')?;
        name.push_str(before);
        name.push(u32::from_str_radix(code, 16).ok().and_then(char::from_u32)?);
        rest = after;
    }
    name.push_str(rest);
    Some(name)
}
