use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use evergen_artifact::Digest;
use jiff::Timestamp;
use uuid::Uuid;

use super::manifest::Manifest;
use crate::{BackupError, BackupRef, BoxError, StepContext};

/// What the backup itself is called in its folder.
pub(super) const DATA: &str = "data";
const MANIFEST: &str = "manifest.json";
const PARTIAL: &str = ".partial-";

/// A folder with the backups of one provider, each a folder with its data and a manifest.
///
/// A backup is made under another name, flushed, and renamed: one that is there is whole.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    pub(super) provider: String,
    folder: PathBuf,
}

/// A backup that is being made; removed unless it is finished.
#[derive(Debug)]
pub(super) struct Begun {
    /// Where it is made.
    pub(super) folder: PathBuf,
    name: String,
    finished: bool,
}

impl Drop for Begun {
    fn drop(&mut self) {
        if !self.finished {
            let _left = fs::remove_dir_all(&self.folder);
        }
    }
}

impl Shelf {
    pub(super) fn new(provider: String, folder: PathBuf) -> Self {
        Self { provider, folder }
    }

    /// An error of this provider.
    pub(super) fn failed(&self, action: &'static str, source: impl Into<BoxError>) -> BackupError {
        BackupError::Provider { provider: self.provider.clone(), action, source: source.into() }
    }

    /// Begins a backup, and clears away what an earlier one left half-made.
    pub(super) fn begin(&self, context: &StepContext) -> io::Result<Begun> {
        let prefix = format!("{}-{}-", plain(&self.provider), plain(&context.environment));
        fs::create_dir_all(&self.folder)?;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let half = format!("{PARTIAL}{prefix}");
            if entry.file_name().to_string_lossy().starts_with(&half) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        let name = format!("{prefix}{}-{}", context.deployment, Uuid::now_v7().simple());
        let folder = self.folder.join(format!("{PARTIAL}{name}"));
        create_private(&folder)?;
        Ok(Begun { folder, name, finished: false })
    }

    /// Brings it onto its medium, with a manifest, and gives it its name.
    pub(super) fn finish(&self, mut begun: Begun, mut manifest: Manifest) -> io::Result<BackupRef> {
        let mut bytes = 0;
        for (path, file) in files(&begun.folder)? {
            let content = File::open(&file)?;
            content.sync_all()?;
            bytes += content.metadata()?.len();
            manifest.files.insert(path, digest(&file)?);
        }
        let text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::other)?;
        let path = begun.folder.join(MANIFEST);
        fs::write(&path, &text)?;
        File::open(&path)?.sync_all()?;
        sync_folders(&begun.folder)?;
        let place = self.folder.join(&begun.name);
        fs::rename(&begun.folder, &place)?;
        begun.finished = true;
        File::open(&self.folder)?.sync_all()?;
        let made = BackupRef::new(&self.provider, place.to_string_lossy(), Timestamp::now());
        Ok(made.with_content(bytes, Digest::of(&text).to_string()))
    }

    /// Finds a backup, and makes sure that each byte of it is as it was written.
    pub(super) fn open(&self, backup: &BackupRef) -> Result<(PathBuf, Manifest), BackupError> {
        let damaged = |why: String| BackupError::Damaged { location: backup.location.clone(), why };
        let place = self.place(backup).map_err(damaged)?;
        let text = fs::read(place.join(MANIFEST))
            .map_err(|error| damaged(format!("its manifest can't be read: {error}")))?;
        if Digest::of(&text).to_string() != backup.digest {
            return Err(damaged("its manifest was changed".to_owned()));
        }
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        for (path, wanted) in &manifest.files {
            let found = digest(&place.join(path))
                .map_err(|error| damaged(format!("`{path}` can't be read: {error}")))?;
            if found != *wanted {
                return Err(damaged(format!("`{path}` is not as it was written")));
            }
        }
        Ok((place, manifest))
    }

    pub(super) fn discard(&self, backup: &BackupRef) -> Result<(), BackupError> {
        let damaged = |why: String| BackupError::Damaged { location: backup.location.clone(), why };
        let place = self.place(backup).map_err(damaged)?;
        match fs::remove_dir_all(place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(self.failed("remove a backup", error))
            }
            _ => Ok(()),
        }
    }

    /// A reference comes from a ledger; it must not lead to what is not ours.
    fn place(&self, backup: &BackupRef) -> Result<PathBuf, String> {
        let place = PathBuf::from(&backup.location);
        let ours = place.parent() == Some(self.folder.as_path())
            && place.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'));
        if ours { Ok(place) } else { Err(format!("it is not in `{}`", self.folder.display())) }
    }
}

/// A folder that only its owner may look into.
fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    fs::DirBuilder::new().mode(0o700).create(folder)
}

/// Names of providers and environments may hold anything; names of folders do not.
fn plain(name: &str) -> String {
    let fits = |character: char| character.is_ascii_alphanumeric() || character == '_';
    name.chars().map(|character| if fits(character) { character } else { '_' }).collect()
}

/// All files below a folder, by their paths below it.
fn files(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            let below = entry.path().strip_prefix(folder).map_err(io::Error::other)?;
            found.push((below.to_string_lossy().into_owned(), entry.path().to_owned()));
        }
    }
    Ok(found)
}

fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in walkdir::WalkDir::new(folder).contents_first(true) {
        let entry = entry?;
        if entry.file_type().is_dir() {
            File::open(entry.path())?.sync_all()?;
        }
    }
    Ok(())
}

pub(super) fn digest(file: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(file)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Runs what waits for disks where it may.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BoxError> {
    tokio::task::spawn_blocking(work).await.map_err(Into::into)
}
