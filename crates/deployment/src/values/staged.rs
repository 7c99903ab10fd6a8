use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use evergen_artifact::{Digest, DigestError};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de};

/// What a release is known by: the BLAKE3 digest over the paths, bytes and modes of its
/// files. The same content has the same id everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleaseId(Digest);

impl ReleaseId {
    /// The id with this digest.
    pub const fn new(digest: Digest) -> Self {
        Self(digest)
    }

    /// The digest.
    pub const fn digest(self) -> Digest {
        self.0
    }

    /// The first twelve digits, for people.
    pub fn short(self) -> String {
        self.0.to_string().chars().take(12).collect()
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for ReleaseId {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        text.parse().map(Self)
    }
}

/// The name people give to a release, as `1.2.3`: 1 to 128 letters, digits, `.`, `-`, `_`
/// or `+`, that don't begin with a dot or a dash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Version(String);

impl Version {
    /// Checks a text.
    ///
    /// # Errors
    /// It is empty, too long, or has another character.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte);
        let good = (1..=128).contains(&text.len())
            && text.bytes().all(fits)
            && !text.starts_with(['.', '-']);
        if good { Ok(Self(text.to_owned())) } else { Err(VersionError { text: text.to_owned() }) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A text that can't name a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no version: 1 to 128 letters, digits, `.`, `-`, `_` or `+`, not beginning with `.` or `-`"
)]
pub struct VersionError {
    text: String,
}

/// Where a release came from; told by whoever staged it first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Provenance {
    /// When it was staged.
    pub staged_at: Timestamp,
    /// What it was made from: a folder, a commit, an execution.
    pub source: String,
    /// When the change that it brings was made, if that is known: lead time counts from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Timestamp>,
}

impl Provenance {
    /// A release that is staged at `staged_at` from `source`.
    pub fn new(staged_at: Timestamp, source: impl Into<String>) -> Self {
        Self { staged_at, source: source.into(), changed_at: None }
    }

    /// Says when the change was made.
    #[must_use]
    pub fn with_changed_at(mut self, changed_at: Timestamp) -> Self {
        self.changed_at = Some(changed_at);
        self
    }
}

/// A release that is complete in its store: immutable, and checked against its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StagedRelease {
    /// Its content.
    pub id: ReleaseId,
    /// Its name.
    pub version: Version,
    /// The folder with its files. It stays until the store collects the release, which it
    /// does not while the release is live, previous or pinned. Empty in a store without files.
    pub root: PathBuf,
    /// How many files it has.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// Where it came from.
    pub provenance: Provenance,
}

impl StagedRelease {
    /// A release below `root`; without files until [`with_size`](Self::with_size) says more.
    pub fn new(id: ReleaseId, version: Version, root: PathBuf, provenance: Provenance) -> Self {
        Self { id, version, root, files: 0, bytes: 0, provenance }
    }

    /// Says how many files there are, and how many bytes in them.
    #[must_use]
    pub fn with_size(mut self, files: u64, bytes: u64) -> Self {
        (self.files, self.bytes) = (files, bytes);
        self
    }
}
