use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use evergen_artifact::ProposedChanges;
use serde::{Deserialize, Serialize};

use super::forward::forward;
use crate::{BoxError, Provenance, ReleaseId, StagedRelease, Version};

/// Keeps the releases of one environment, and says which one is current.
///
/// # Laws
///
/// - **Immutable.** A release never changes. A version names one release for good, also
///   when the release was collected.
/// - **All or nothing.** A release is in the store whole, or not at all, whatever happens while
///   it is staged. What was staged is on its medium.
/// - **One switch.** `activate` is one atomic change, on its medium when it returns: a reader
///   sees the old release or the new one.
/// - **Kept.** `collect` never removes the current release, one that it was told to keep, or one
///   that a reader has pinned, however often it fails or is killed.
/// - **Again.** All may be repeated.
/// - **Writers** hold the environment's lock; reading needs none.
/// - Methods may wait for a disk; call them off the runtime.
pub trait ReleaseStore: Send + Sync {
    /// Says which release a source is; writes nothing.
    fn identify(&self, source: &ReleaseSource) -> Result<ReleaseId, StageError>;

    /// Puts a source into the store under a version. A source that is not the release
    /// `expected` is refused.
    fn stage(
        &self,
        source: &ReleaseSource,
        expected: ReleaseId,
        version: &Version,
        provenance: &Provenance,
    ) -> Result<StagedRelease, StageError>;

    /// Finds a release that is in the store.
    fn find(&self, name: &ReleaseName) -> Result<Option<StagedRelease>, StoreError>;

    /// The release that a version names, in the store or collected.
    fn named(&self, version: &Version) -> Result<Option<ReleaseId>, StoreError>;

    /// The current release.
    fn current(&self) -> Result<Option<ReleaseId>, StoreError>;

    /// Makes a release of the store the current one; or none, as before the first.
    fn activate(&self, release: Option<ReleaseId>) -> Result<(), StoreError>;

    /// Removes the releases that nothing keeps.
    fn collect(&self, keep: &BTreeSet<ReleaseId>) -> Result<Collected, StoreError>;

    /// Says by which paths a release differs from what was staged; empty if it doesn't.
    fn verify(&self, release: ReleaseId) -> Result<Vec<String>, StoreError>;
}

forward!(ReleaseStore {
    fn identify(source: &ReleaseSource) -> Result<ReleaseId, StageError>;
    fn stage(
        source: &ReleaseSource,
        expected: ReleaseId,
        version: &Version,
        provenance: &Provenance
    ) -> Result<StagedRelease, StageError>;
    fn find(name: &ReleaseName) -> Result<Option<StagedRelease>, StoreError>;
    fn named(version: &Version) -> Result<Option<ReleaseId>, StoreError>;
    fn current() -> Result<Option<ReleaseId>, StoreError>;
    fn activate(release: Option<ReleaseId>) -> Result<(), StoreError>;
    fn collect(keep: &BTreeSet<ReleaseId>) -> Result<Collected, StoreError>;
    fn verify(release: ReleaseId) -> Result<Vec<String>, StoreError>;
});

/// What a release is made from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReleaseSource {
    /// All files below a folder. Links and special files are refused, and empty folders
    /// don't count.
    Folder(PathBuf),
    /// Changes on top of a release of the store.
    Layered {
        /// The release; nothing to begin with no files.
        base: Option<ReleaseId>,
        /// The changes.
        changes: Arc<ProposedChanges>,
    },
    /// A release that is in the store already.
    Stored(ReleaseId),
}

impl fmt::Display for ReleaseSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(formatter, "folder `{}`", path.display()),
            Self::Layered { base: Some(base), .. } => {
                write!(formatter, "changes on {}", base.short())
            }
            Self::Layered { base: None, .. } => formatter.write_str("changes on nothing"),
            Self::Stored(release) => write!(formatter, "release {}", release.short()),
        }
    }
}

/// How a release is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReleaseName {
    /// By its content.
    Id(ReleaseId),
    /// By its version.
    Version(Version),
}

/// What a collection did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Collected {
    /// What was removed.
    pub removed: Vec<ReleaseId>,
    /// What would have been, but is pinned by a reader.
    pub pinned: Vec<ReleaseId>,
}

/// A source did not get into the store; the store is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// There is nothing to deploy.
    #[error("{source_name} can't be deployed: {why}")]
    Source {
        /// The source.
        source_name: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// The version names another release.
    #[error(
        "version {version} is release {} already, and this is {}; give the new content a new version",
        taken.short(),
        offered.short()
    )]
    VersionTaken {
        /// The version.
        version: Version,
        /// What it names.
        taken: ReleaseId,
        /// What it should have named.
        offered: ReleaseId,
    },
    /// The source has changed since it was looked at.
    #[error("{source_name} has changed since the plan was made; plan anew")]
    Changed {
        /// The source.
        source_name: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such release.
    #[error("release {} is not in the store", release.short())]
    Missing {
        /// The release.
        release: ReleaseId,
    },
    /// Something is in the way that isn't ours.
    #[error("`{}` is not what evergen put there: {why}", path.display())]
    Foreign {
        /// Where.
        path: PathBuf,
        /// What is odd, and what to do.
        why: &'static str,
    },
    /// The medium failed.
    #[error("the release store failed")]
    Medium(#[source] BoxError),
}
