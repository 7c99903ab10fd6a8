//! What a release consists of, as a text whose digest is its id.

use std::fmt::Write as _;

use evergen_artifact::Digest;

use crate::ReleaseId;

/// A file of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ManifestFile {
    /// Its path below the release, with `/` between folders.
    pub(super) path: String,
    pub(super) executable: bool,
    pub(super) size: u64,
    pub(super) digest: Digest,
}

/// All files of a release, sorted by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) files: Vec<ManifestFile>,
}

impl Manifest {
    pub(super) fn new(mut files: Vec<ManifestFile>) -> Self {
        files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        Self { files }
    }

    pub(super) fn id(&self) -> ReleaseId {
        ReleaseId::new(Digest::of(self.to_text().as_bytes()))
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// A line for each file: `x` or `-`, its size, its digest, its path. A path has no line
    /// break; a source with such a one is refused.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::with_capacity(self.files.len() * 128);
        for ManifestFile { path, executable, size, digest } in &self.files {
            let mode = if *executable { 'x' } else { '-' };
            // A text takes all that is written to it.
            let _ = writeln!(text, "{mode} {size} {digest} {path}");
        }
        text
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let files = text.lines().map(|line| {
            let mut fields = line.splitn(4, ' ');
            let executable = fields.next()? == "x";
            let size = fields.next()?.parse().ok()?;
            let digest = fields.next()?.parse().ok()?;
            Some(ManifestFile { path: fields.next()?.to_owned(), executable, size, digest })
        });
        files.collect::<Option<_>>().map(|files| Self { files })
    }
}
