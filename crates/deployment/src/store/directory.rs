use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation};
use serde::{Deserialize, Serialize};

use super::manifest::Manifest;
use super::pin::id_of;
use super::source::{self, Listing};
use crate::ledger::files::{self, FileError, at};
use crate::target::TargetFolder;
use crate::{
    Collected, Provenance, ReleaseId, ReleaseName, ReleaseSource, ReleaseStore, StageError,
    StagedRelease, StoreError, Version,
};

/// Releases in a target folder; `current` is a link to the files of one.
///
/// A release is copied aside, made safe by one flush of the file system, and renamed into
/// its place; its id is the digest over the paths, bytes and modes of its files. Removing
/// one begins with the opposite rename. So there is never half a release in its place.
#[derive(Clone, Debug)]
pub struct DirectoryReleases {
    folder: TargetFolder,
}

/// What a version names.
#[derive(Debug, Serialize, Deserialize)]
struct Named {
    version: Version,
    release: ReleaseId,
    files: u64,
    bytes: u64,
    provenance: Provenance,
}

impl DirectoryReleases {
    /// The releases of a target folder. Nothing is touched before something is staged.
    pub fn new(target: impl Into<PathBuf>, environment: impl Into<String>) -> Self {
        Self { folder: TargetFolder::new(target, environment) }
    }

    fn place(&self, release: ReleaseId) -> PathBuf {
        self.folder.releases().join(release.to_string())
    }

    fn version_file(&self, version: &Version) -> PathBuf {
        self.folder.versions().join(format!("{version}.json"))
    }

    fn has(&self, release: ReleaseId) -> bool {
        self.place(release).join("manifest").is_file()
    }

    fn manifest(&self, release: ReleaseId) -> Result<Manifest, StoreError> {
        let path = self.place(release).join("manifest");
        let bytes = files::read_if_there(&path).map_err(medium)?;
        let bytes = bytes.ok_or(StoreError::Missing { release })?;
        let manifest = std::str::from_utf8(&bytes).ok().and_then(Manifest::parse);
        let why = "its digest is not the id of the release; remove it and deploy the version again";
        manifest
            .filter(|manifest| manifest.id() == release)
            .ok_or(StoreError::Foreign { path, why })
    }

    fn listing(&self, source: &ReleaseSource) -> Result<Listing, StageError> {
        match source {
            ReleaseSource::Folder(path) => source::list(path),
            ReleaseSource::Stored(release) => source::list(&self.files_of(*release)?),
            ReleaseSource::Layered { base, changes } => {
                let mut listing = match base {
                    Some(base) => source::list(&self.files_of(*base)?)?,
                    None => Listing::new(),
                };
                source::layer(&mut listing, changes);
                if listing.is_empty() {
                    let (source_name, why) = (source.to_string(), "no file is left".to_owned());
                    return Err(StageError::Source { source_name, why });
                }
                Ok(listing)
            }
        }
    }

    fn files_of(&self, release: ReleaseId) -> Result<PathBuf, StoreError> {
        if self.has(release) {
            Ok(self.place(release).join("files"))
        } else {
            Err(StoreError::Missing { release })
        }
    }

    fn named_file(&self, version: &Version) -> Result<Option<Named>, StoreError> {
        let path = self.version_file(version);
        let Some(bytes) = files::read_if_there(&path).map_err(medium)? else { return Ok(None) };
        let why = "it can't be understood; remove it if the version may be given anew";
        serde_json::from_slice(&bytes).map(Some).map_err(|_| StoreError::Foreign { path, why })
    }

    fn staged(&self, named: Named) -> StagedRelease {
        let root = self.place(named.release).join("files");
        StagedRelease::new(named.release, named.version, root, named.provenance)
            .with_size(named.files, named.bytes)
    }

    /// Makes the folders of the store, with one sync for them all.
    fn make_folders(&self) -> Result<(), FileError> {
        let folders = [self.folder.releases(), self.folder.versions(), self.folder.staging()];
        let mut made = false;
        for path in folders {
            match std::fs::create_dir(&path) {
                Ok(()) => made = true,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(at("make", &path)(error)),
            }
        }
        if made { files::sync_folder(&self.folder.root) } else { Ok(()) }
    }

    /// Removes what an earlier run left while it made or removed something.
    fn clear_staging(&self) -> Result<(), FileError> {
        let staging = self.folder.staging();
        let entries = match std::fs::read_dir(&staging) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(at("read", &staging)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(at("read", &staging))?;
            let path = entry.path();
            let folder = entry.file_type().map_err(at("look at", &path))?.is_dir();
            if folder && is_pinned(&path.join("files")) {
                continue;
            }
            let removed =
                if folder { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            removed.map_err(at("remove", &path))?;
        }
        Ok(())
    }

    /// Copies the files aside and moves them into their place; the source is checked by the way.
    fn copy(
        &self,
        source: &ReleaseSource,
        expected: ReleaseId,
        listing: &Listing,
    ) -> Result<Manifest, StageError> {
        let aside = self.folder.staging().join("new");
        let files_aside = aside.join("files");
        std::fs::create_dir_all(&files_aside)
            .map_err(at("make", &aside))
            .map_err(source::failed)?;
        let manifest = source::read(listing, Some(&files_aside)).map_err(source::failed)?;
        if manifest.id() != expected {
            self.clear_staging().map_err(source::failed)?;
            return Err(StageError::Changed { source_name: source.to_string() });
        }
        Ok(manifest)
    }

    /// Moves what was copied into its place, and its name with it.
    fn move_in(&self, named: &Named, manifest: &Manifest, text: &[u8]) -> Result<(), FileError> {
        let aside = &self.folder.staging().join("new");
        let name = self.folder.staging().join("version");
        std::fs::write(&name, text).map_err(at("write", &name))?;
        let text = aside.join("manifest");
        std::fs::write(&text, manifest.to_text()).map_err(at("write", &text))?;
        // One flush for all files and folders instead of one for each.
        let folder = File::open(aside).map_err(at("open", aside))?;
        rustix::fs::syncfs(&folder).map_err(at("flush the file system of", aside))?;
        self.put_in_place(aside, named.release)?;
        files::sync_folder(&self.folder.releases())?;
        std::fs::rename(&name, self.version_file(&named.version)).map_err(at("rename", &name))?;
        files::sync_folder(&self.folder.versions())
    }

    /// Moves a complete release into its place. A damaged one that is there makes way in the same
    /// step; it stays aside as long as somebody has it pinned.
    fn put_in_place(&self, aside: &Path, release: ReleaseId) -> Result<(), FileError> {
        let place = self.place(release);
        if !place.exists() {
            return std::fs::rename(aside, place).map_err(at("rename", aside));
        }
        tracing::warn!(release = %release.short(), "a damaged copy of a release is replaced");
        let swap = rustix::fs::RenameFlags::EXCHANGE;
        let swapped = rustix::fs::renameat_with(CWD, aside, CWD, &place, swap);
        swapped.map_err(at("exchange", aside))?;
        let old = self.folder.staging().join(format!("old-{release}"));
        std::fs::rename(aside, &old).map_err(at("rename", aside))
    }

    /// A version with what it names, as it is kept.
    fn name(
        version: &Version,
        manifest: &Manifest,
        release: ReleaseId,
        provenance: &Provenance,
    ) -> Result<(Named, Vec<u8>), StoreError> {
        let (files, bytes) = (manifest.files.len() as u64, manifest.bytes());
        let (version, provenance) = (version.clone(), provenance.clone());
        let named = Named { version, release, files, bytes, provenance };
        let text = serde_json::to_vec(&named).map_err(|error| StoreError::Medium(error.into()))?;
        Ok((named, text))
    }

    /// Copies a release that is not in the store, and moves it in.
    fn stage_new(
        &self,
        source: &ReleaseSource,
        expected: ReleaseId,
        version: &Version,
        provenance: &Provenance,
    ) -> Result<StagedRelease, StageError> {
        let manifest = self.copy(source, expected, &self.listing(source)?)?;
        let provenance = match self.named_file(version)? {
            Some(named) => named.provenance,
            None => provenance.clone(),
        };
        let (named, text) = Self::name(version, &manifest, expected, &provenance)?;
        self.move_in(&named, &manifest, &text).map_err(source::failed)?;
        Ok(self.staged(named))
    }

    /// Removes a copy that is no longer what was staged, so that it can be copied anew. What is
    /// live stays until the new copy takes its place, and so does what there is no other copy of.
    fn give_up(&self, release: ReleaseId, source: &ReleaseSource) -> Result<(), StageError> {
        let path = self.place(release);
        let foreign = |why| StageError::Store(StoreError::Foreign { path: path.clone(), why });
        if matches!(source, ReleaseSource::Stored(stored) if *stored == release) {
            let why = "its files differ from those that were staged; deploy it again from where it \
                       was made";
            return Err(foreign(why));
        }
        if self.current()? == Some(release) {
            return Ok(());
        }
        tracing::warn!(release = %release.short(), "a damaged copy of a release is replaced");
        let aside = self.folder.staging().join(format!("old-{release}"));
        std::fs::rename(&path, &aside).map_err(at("rename", &path)).map_err(source::failed)?;
        std::fs::remove_dir_all(&aside).map_err(at("remove", &aside)).map_err(source::failed)
    }

    fn collect_one(&self, release: ReleaseId, collected: &mut Collected) -> Result<(), FileError> {
        let place = self.place(release);
        let shown = place.join("files");
        let folder = File::open(&shown).map_err(at("open", &shown))?;
        // Whoever has pinned it holds it shared.
        if rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive).is_err() {
            collected.pinned.push(release);
            return Ok(());
        }
        let aside = self.folder.staging().join(format!("old-{release}"));
        std::fs::rename(&place, &aside).map_err(at("rename", &place))?;
        collected.removed.push(release);
        std::fs::remove_dir_all(&aside).map_err(at("remove", &aside))
    }

    fn all(&self) -> Result<Vec<ReleaseId>, FileError> {
        let path = self.folder.releases();
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(at("read", &path)(error)),
        };
        let mut all = Vec::new();
        for entry in entries {
            let name = entry.map_err(at("read", &path))?.file_name();
            // What has no id for a name is not ours and stays.
            all.extend(name.to_str().and_then(|name| name.parse::<ReleaseId>().ok()));
        }
        all.sort_unstable();
        Ok(all)
    }

    fn switch(&self, release: ReleaseId) -> Result<(), FileError> {
        let aside = self.folder.staging().join("current");
        match std::fs::remove_file(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(at("remove", &aside)(error));
            }
            _ => {}
        }
        let target = format!("releases/{release}/files");
        symlink(target, &aside).map_err(at("make", &aside))?;
        std::fs::rename(&aside, self.folder.current()).map_err(at("rename", &aside))?;
        files::sync_folder(&self.folder.root)
    }
}

/// Whether a reader has pinned the files of a release, which it holds shared then.
fn is_pinned(files: &Path) -> bool {
    let lock = FlockOperation::NonBlockingLockExclusive;
    File::open(files).is_ok_and(|files| rustix::fs::flock(&files, lock).is_err())
}

impl ReleaseStore for DirectoryReleases {
    fn identify(&self, source: &ReleaseSource) -> Result<ReleaseId, StageError> {
        if let ReleaseSource::Stored(release) = source {
            return Ok(self.manifest(*release)?.id());
        }
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
        let named = self.named_file(version)?;
        if let Some(Named { release: taken, .. }) =
            named.as_ref().filter(|it| it.release != expected)
        {
            let (version, taken) = (version.clone(), *taken);
            return Err(StageError::VersionTaken { version, taken, offered: expected });
        }
        self.make_folders().map_err(source::failed)?;
        self.clear_staging().map_err(source::failed)?;
        let damaged = self.has(expected) && !self.verify(expected)?.is_empty();
        if damaged {
            self.give_up(expected, source)?;
        }
        if damaged || !self.has(expected) {
            let staged = self.stage_new(source, expected, version, provenance);
            if staged.is_err() {
                // The error is what matters; the next run clears away what is left.
                let _ = self.clear_staging();
            }
            return staged;
        }
        if self.identify(source)? != expected {
            return Err(StageError::Changed { source_name: source.to_string() });
        }
        if let Some(named) = named {
            return Ok(self.staged(named));
        }
        let (named, text) = Self::name(version, &self.manifest(expected)?, expected, provenance)?;
        files::replace(&self.version_file(&named.version), &text).map_err(source::failed)?;
        Ok(self.staged(named))
    }

    fn find(&self, name: &ReleaseName) -> Result<Option<StagedRelease>, StoreError> {
        let named = match name {
            ReleaseName::Version(version) => self.named_file(version)?,
            ReleaseName::Id(release) => {
                let versions = std::fs::read_dir(self.folder.versions()).into_iter().flatten();
                let named = versions.flatten().filter_map(|entry| {
                    serde_json::from_slice::<Named>(&std::fs::read(entry.path()).ok()?).ok()
                });
                let named = named.filter(|named| named.release == *release);
                named.max_by_key(|named| named.provenance.staged_at)
            }
        };
        Ok(named.filter(|named| self.has(named.release)).map(|named| self.staged(named)))
    }

    fn named(&self, version: &Version) -> Result<Option<ReleaseId>, StoreError> {
        Ok(self.named_file(version)?.map(|named| named.release))
    }

    fn current(&self) -> Result<Option<ReleaseId>, StoreError> {
        let path = self.folder.current();
        let why = "move it away; `current` has to be a link to a release";
        match std::fs::read_link(&path) {
            Ok(link) => id_of(&link).map(Some).ok_or(StoreError::Foreign { path, why }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                Err(StoreError::Foreign { path, why })
            }
            Err(error) => Err(medium(at("read", &path)(error))),
        }
    }

    fn activate(&self, release: Option<ReleaseId>) -> Result<(), StoreError> {
        let current = self.current()?;
        match release {
            Some(release) => {
                self.files_of(release)?;
                self.switch(release).map_err(medium)
            }
            None if current.is_none() => Ok(()),
            None => {
                let path = self.folder.current();
                std::fs::remove_file(&path).map_err(|error| medium(at("remove", &path)(error)))?;
                files::sync_folder(&self.folder.root).map_err(medium)
            }
        }
    }

    fn collect(&self, keep: &BTreeSet<ReleaseId>) -> Result<Collected, StoreError> {
        self.clear_staging().map_err(medium)?;
        let current = self.current()?;
        let mut collected = Collected::default();
        for release in self.all().map_err(medium)? {
            if Some(release) != current && !keep.contains(&release) {
                self.collect_one(release, &mut collected).map_err(medium)?;
            }
        }
        Ok(collected)
    }

    fn verify(&self, release: ReleaseId) -> Result<Vec<String>, StoreError> {
        let staged = self.manifest(release)?;
        let place = self.place(release).join("files");
        let listing = match source::list(&place) {
            Ok(listing) => listing,
            Err(StageError::Store(error)) => return Err(error),
            Err(error) => return Ok(vec![error.to_string()]),
        };
        let found = source::read(&listing, None).map_err(medium)?;
        let [before, after] = [&staged, &found].map(Manifest::to_text);
        let [before, after] = [&before, &after].map(|text| text.lines().collect::<BTreeSet<_>>());
        let paths =
            before.symmetric_difference(&after).filter_map(|line| line.splitn(4, ' ').nth(3));
        Ok(paths.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect())
    }
}

fn medium(error: FileError) -> StoreError {
    StoreError::Medium(error.into())
}
