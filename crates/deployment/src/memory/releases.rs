use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::source::{self, Input, Listing};
use crate::{
    Collected, Provenance, ReleaseId, ReleaseName, ReleaseSource, ReleaseStore, StageError,
    StagedRelease, StoreError, Version,
};

/// Releases in memory. Their [`root`](StagedRelease::root) is empty; what a release consists of
/// is had from [`file`](Self::file).
#[derive(Debug, Default)]
pub struct MemoryReleases {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    contents: BTreeMap<ReleaseId, Listing>,
    named: BTreeMap<Version, StagedRelease>,
    current: Option<ReleaseId>,
}

impl MemoryReleases {
    /// A store without releases.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes of a file of a release.
    pub fn file(&self, release: ReleaseId, path: &str) -> Option<Arc<[u8]>> {
        match self.kept().contents.get(&release)?.get(path)? {
            Input::Memory { bytes, .. } => Some(Arc::clone(bytes)),
            Input::File { .. } => None,
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all bytes of a source into memory.
    fn listing(&self, source: &ReleaseSource) -> Result<Listing, StageError> {
        let stored = |release: ReleaseId| {
            let listing = self.kept().contents.get(&release).cloned();
            listing.ok_or(StoreError::Missing { release })
        };
        match source {
            ReleaseSource::Folder(path) => {
                let listing = source::list(path)?;
                let loaded = listing.into_iter().map(|(path, input)| Ok((path, load(input)?)));
                loaded.collect()
            }
            ReleaseSource::Stored(release) => Ok(stored(*release)?),
            ReleaseSource::Layered { base, changes } => {
                let mut listing = base.map_or_else(|| Ok(Listing::new()), stored)?;
                source::layer(&mut listing, changes);
                if listing.is_empty() {
                    let (source_name, why) = (source.to_string(), "no file is left".to_owned());
                    return Err(StageError::Source { source_name, why });
                }
                Ok(listing)
            }
        }
    }
}

fn load(input: Input) -> Result<Input, StageError> {
    let Input::File { path, executable } = input else { return Ok(input) };
    let bytes = std::fs::read(&path).map_err(|error| StoreError::Medium(error.into()))?;
    Ok(Input::Memory { bytes: bytes.into(), executable })
}

impl ReleaseStore for MemoryReleases {
    fn identify(&self, source: &ReleaseSource) -> Result<ReleaseId, StageError> {
        let listing = self.listing(source)?;
        Ok(source::read(&listing, None).map_err(source::failed)?.id())
    }

    fn stage(
        &self,
        source: &ReleaseSource,
        expected: ReleaseId,
        version: &Version,
        provenance: &Provenance,
    ) -> Result<StagedRelease, StageError> {
        if let Some(taken) = self.named(version)?.filter(|taken| *taken != expected) {
            let version = version.clone();
            return Err(StageError::VersionTaken { version, taken, offered: expected });
        }
        let listing = self.listing(source)?;
        let manifest = source::read(&listing, None).map_err(source::failed)?;
        if manifest.id() != expected {
            return Err(StageError::Changed { source_name: source.to_string() });
        }
        let (root, provenance) = (PathBuf::new(), provenance.clone());
        let staged = StagedRelease::new(expected, version.clone(), root, provenance)
            .with_size(manifest.files.len() as u64, manifest.bytes());
        let mut kept = self.kept();
        kept.contents.insert(expected, listing);
        Ok(kept.named.entry(version.clone()).or_insert(staged).clone())
    }

    fn find(&self, name: &ReleaseName) -> Result<Option<StagedRelease>, StoreError> {
        let kept = self.kept();
        let staged = match name {
            ReleaseName::Version(version) => kept.named.get(version),
            ReleaseName::Id(release) => {
                let named = kept.named.values().filter(|staged| staged.id == *release);
                named.max_by_key(|staged| staged.provenance.staged_at)
            }
        };
        Ok(staged.filter(|staged| kept.contents.contains_key(&staged.id)).cloned())
    }

    fn named(&self, version: &Version) -> Result<Option<ReleaseId>, StoreError> {
        Ok(self.kept().named.get(version).map(|staged| staged.id))
    }

    fn current(&self) -> Result<Option<ReleaseId>, StoreError> {
        Ok(self.kept().current)
    }

    fn activate(&self, release: Option<ReleaseId>) -> Result<(), StoreError> {
        let mut kept = self.kept();
        if let Some(release) = release.filter(|release| !kept.contents.contains_key(release)) {
            return Err(StoreError::Missing { release });
        }
        kept.current = release;
        Ok(())
    }

    fn collect(&self, keep: &BTreeSet<ReleaseId>) -> Result<Collected, StoreError> {
        let mut kept = self.kept();
        let current = kept.current;
        let mut collected = Collected::default();
        kept.contents.retain(|release, _| {
            let stays = Some(*release) == current || keep.contains(release);
            if !stays {
                collected.removed.push(*release);
            }
            stays
        });
        Ok(collected)
    }

    fn verify(&self, release: ReleaseId) -> Result<Vec<String>, StoreError> {
        let held = self.kept().contents.contains_key(&release);
        // Bytes in memory that nobody can change are what they were.
        if held { Ok(Vec::new()) } else { Err(StoreError::Missing { release }) }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn conforms() {
        crate::conformance::check_store(&super::MemoryReleases::new());
    }
}
