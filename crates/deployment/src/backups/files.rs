use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Instant;

use futures::future::{BoxFuture, FutureExt as _};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use uuid::Uuid;

use super::manifest::Manifest;
use super::shelf::{DATA, Shelf, blocking, digest};
use crate::{BackupError, BackupProvider, BackupRef, Proof, StepContext};

/// Keeps a file or a folder, such as the configuration that a release runs with: its files,
/// their modes, and its links as links.
///
/// A restore puts a whole copy beside the place and exchanges the two in one step.
#[derive(Clone, Debug)]
pub struct FilesBackup {
    shelf: Shelf,
    source: PathBuf,
}

impl FilesBackup {
    /// Keeps `source`, in a folder of `folder`, which must not lie inside `source`.
    pub fn new(
        name: impl Into<String>,
        source: impl Into<PathBuf>,
        folder: impl Into<PathBuf>,
    ) -> Self {
        Self { shelf: Shelf::new(name.into(), folder.into()), source: source.into() }
    }

    fn keep(&self, context: &StepContext) -> Result<BackupRef, BackupError> {
        let failed = |error: io::Error| self.shelf.failed("keep files", error);
        let begun = self.shelf.begin(context).map_err(failed)?;
        if begun.folder.starts_with(&self.source) {
            let why = format!("`{}` lies inside of what is to be kept", begun.folder.display());
            return Err(failed(io::Error::other(why)));
        }
        let copy = begun.folder.join(DATA);
        copy_tree(&self.source, &copy).map_err(failed)?;
        let mut manifest =
            Manifest { content: listed(&self.source).map_err(failed)?, ..Manifest::default() };
        // What was written meanwhile is in neither or in both.
        let copied = listed(&copy).map_err(failed)?;
        if let Err(why) = manifest.compare(&copied) {
            return Err(failed(io::Error::other(format!("it is being written to: {why}"))));
        }
        manifest.about.insert("source".to_owned(), self.source.display().to_string());
        self.shelf.finish(begun, manifest).map_err(failed)
    }

    fn try_out(&self, backup: &BackupRef) -> Result<Proof, BackupError> {
        let began = Instant::now();
        let failed = |error: io::Error| self.shelf.failed("restore files to try them", error);
        let (place, manifest) = self.shelf.open(backup)?;
        let scratch = tempfile::tempdir().map_err(failed)?;
        let copy = scratch.path().join(DATA);
        copy_tree(&place.join(DATA), &copy).map_err(failed)?;
        let restored = listed(&copy).map_err(failed)?;
        let compared = manifest
            .compare(&restored)
            .map_err(|why| BackupError::NotProven { location: backup.location.clone(), why })?;
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Proof::new(compared, millis))
    }

    fn bring_back(&self, backup: &BackupRef) -> Result<(), BackupError> {
        let failed = |error: io::Error| self.shelf.failed("restore files", error);
        let (place, manifest) = self.shelf.open(backup)?;
        let parent = self.source.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        let fresh = parent.join(format!(".evergen-restore-{}", Uuid::now_v7().simple()));
        let put = || {
            copy_tree(&place.join(DATA), &fresh)?;
            if let Err(why) = manifest.compare(&listed(&fresh)?) {
                return Err(io::Error::other(why));
            }
            exchange(&fresh, &self.source)?;
            fs::File::open(parent)?.sync_all()
        };
        let done = put();
        // After the exchange this is what was there before.
        let _left = remove(&fresh);
        done.map_err(failed)
    }
}

/// Puts `fresh` where `place` is, in one step; what was there is where `fresh` was.
fn exchange(fresh: &Path, place: &Path) -> io::Result<()> {
    if place.symlink_metadata().is_err() {
        return fs::rename(fresh, place);
    }
    Ok(renameat_with(CWD, fresh, CWD, place, RenameFlags::EXCHANGE)?)
}

fn remove(path: &Path) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// Copies a file or a folder with modes and links, and brings it onto its medium.
fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    let mut folders = Vec::new();
    for entry in walkdir::WalkDir::new(from).sort_by_file_name() {
        let entry = entry?;
        let below = entry.path().strip_prefix(from).map_err(io::Error::other)?;
        let target = if below.as_os_str().is_empty() { to.to_owned() } else { to.join(below) };
        let kind = entry.file_type();
        if kind.is_dir() {
            fs::create_dir(&target)?;
            folders.push((target, entry.metadata()?.permissions()));
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
            fs::File::open(&target)?.sync_all()?;
        } else {
            let why = format!("`{}` is no file, folder or link", entry.path().display());
            return Err(io::Error::other(why));
        }
    }
    // A folder may be read-only; so its mode comes after its files.
    for (folder, permissions) in folders.into_iter().rev() {
        fs::set_permissions(&folder, permissions)?;
        fs::File::open(&folder)?.sync_all()?;
    }
    Ok(())
}

fn listed(root: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(root) {
        let entry = entry?;
        let below = entry.path().strip_prefix(root).map_err(io::Error::other)?.display();
        let kind = entry.file_type();
        let mode = entry.metadata()?.permissions().mode() & 0o7777;
        if kind.is_dir() {
            found.insert(format!("folder {below}"), format!("mode {mode:o}"));
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path())?;
            found.insert(format!("link {below}"), target.display().to_string());
        } else {
            let digest = digest(entry.path())?;
            found.insert(format!("file {below}"), format!("mode {mode:o}, {digest}"));
        }
    }
    Ok(found)
}

impl BackupProvider for FilesBackup {
    fn name(&self) -> &str {
        &self.shelf.provider
    }

    fn backup<'a>(
        &'a self,
        context: &'a StepContext,
    ) -> BoxFuture<'a, Result<BackupRef, BackupError>> {
        let (own, context) = (self.clone(), context.clone());
        run(self, "keep files", move || own.keep(&context))
    }

    fn prove<'a>(&'a self, backup: &'a BackupRef) -> BoxFuture<'a, Result<Proof, BackupError>> {
        let (own, backup) = (self.clone(), backup.clone());
        run(self, "restore files to try them", move || own.try_out(&backup))
    }

    fn restore<'a>(&'a self, backup: &'a BackupRef) -> BoxFuture<'a, Result<(), BackupError>> {
        let (own, backup) = (self.clone(), backup.clone());
        run(self, "restore files", move || own.bring_back(&backup))
    }

    fn discard<'a>(&'a self, backup: &'a BackupRef) -> BoxFuture<'a, Result<(), BackupError>> {
        let (own, backup) = (self.clone(), backup.clone());
        run(self, "remove a backup", move || own.shelf.discard(&backup))
    }
}

fn run<'a, T: Send + 'static>(
    files: &'a FilesBackup,
    action: &'static str,
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> BoxFuture<'a, Result<T, BackupError>> {
    async move { blocking(work).await.map_err(|error| files.shelf.failed(action, error))? }.boxed()
}
