use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, OFlags};

use crate::store::{
    ArtifactStore, BeginError, Place, ReadError, RecoverError, Recovery, Transaction,
};
use crate::{ArtifactPath, FileStamp, Obstacle};

mod apply;
mod confined;
mod journal;
mod plan;
mod recovery;
mod region;
mod roots;
#[cfg(test)]
mod tests;
mod transaction;

use confined::{Lookup, Target, Volumes, open_folder, open_root, stamp_of, system, target};
use roots::Roots;
use transaction::DirectoryTransaction;

/// An [`ArtifactStore`] of real files in three folders: the output, the project's
/// (for `evergen.lock`), and the state folder (`.evergen`), which also holds the
/// journal and, during a transaction, the staged files.
///
/// One process may write at a time: hold a [`WriterLock`](crate::WriterLock) on
/// the state folder while you call [`recover`](ArtifactStore::recover) and while a
/// transaction is open. Reading needs no lock.
///
/// - The output folder may be a link, may not exist yet, and may lie on another
///   volume; then files are staged in a hidden folder inside it.
/// - A replaced file keeps its permissions.
/// - A folder is removed when the last file in it is removed by a transaction,
///   and so are the folders above that become empty by this. A folder in which
///   there was nothing to remove stays, empty or not.
/// - A file of the transaction may take the place of a folder if all files
///   in it are removed by the same transaction, and the reverse.
pub struct DirectoryStore {
    roots: Arc<Roots>,
    busy: Arc<AtomicBool>,
}

/// How a [`DirectoryStore`] works.
#[derive(Clone, Copy, Debug, Default)]
pub struct DirectoryOptions {
    /// What a commit survives.
    pub durability: Durability,
}

/// What a commit survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The death of the process at any instant. Nothing waits for the disk.
    ///
    /// If the whole machine stops within seconds of a commit (how many depends on
    /// the file system, commonly 5 to 30), files of that commit may be old, empty
    /// or cut, and the journal with them. Their digests then differ from those in
    /// `evergen.lock`, so a check names them. Files of earlier commits are not at risk.
    #[default]
    Process,
    /// A power cut, too: every staged file, every changed folder and the journal is
    /// forced to the disk before the next phase begins. A commit that has returned
    /// stays. This costs milliseconds for each file.
    Power,
}

impl DirectoryStore {
    /// Names the three folders. Nothing is read or made before it is needed.
    pub fn open(
        output: &Path,
        project: &Path,
        state: &Path,
        options: DirectoryOptions,
    ) -> Result<Self, ReadError> {
        let roots = Roots::new(output, project, state, options.durability)?;
        Ok(Self { roots: Arc::new(roots), busy: Arc::default() })
    }

    /// Returns the output folder as an absolute path.
    pub fn output(&self) -> &Path {
        &self.roots.output
    }

    fn root_of(&self, place: &Place) -> &Path {
        match place {
            Place::Output(_) => &self.roots.output,
            Place::Project(_) => &self.roots.project,
            Place::State(_) => &self.roots.state,
        }
    }
}

impl ArtifactStore for DirectoryStore {
    fn read_place(&self, place: &Place) -> Result<Option<Vec<u8>>, ReadError> {
        let mut reader = Reader::new(self.root_of(place))?;
        Ok(reader.read(place.path())?)
    }

    fn stamp_place(&self, place: &Place) -> Result<Option<FileStamp>, ReadError> {
        let mut reader = Reader::new(self.root_of(place))?;
        Ok(reader.stamp(place.path())?)
    }

    fn list(&self) -> Result<Vec<ArtifactPath>, ReadError> {
        let mut found = Vec::new();
        // Whether the root is a folder at all is said in the same words everywhere.
        if open_root(&self.roots.output)?.is_some() {
            list_folder(&self.roots.output, "", &mut found)?;
        }
        found.sort_unstable();
        Ok(found)
    }

    fn begin(&self) -> Result<Box<dyn Transaction>, BeginError> {
        if self.busy.swap(true, Ordering::Acquire) {
            return Err(BeginError::Busy);
        }
        let guard = OpenGuard(self.busy.clone());
        Ok(Box::new(DirectoryTransaction::begin(self.roots.clone(), guard)?))
    }

    fn recover(&self) -> Result<Recovery, RecoverError> {
        Ok(recovery::recover(&self.roots)?)
    }

    /// Takes one call to the system for each file, and one for each folder if the paths are sorted.
    fn stamps(&self, paths: &[ArtifactPath]) -> Result<Vec<Option<FileStamp>>, ReadError> {
        let mut reader = Reader::new(&self.roots.output)?;
        let stamps = paths.iter().map(|path| reader.stamp(path)).collect::<Result<_, _>>()?;
        Ok(stamps)
    }
}

/// Lets the next transaction begin when this one is gone.
struct OpenGuard(Arc<AtomicBool>);

impl Drop for OpenGuard {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Reads files below a root; keeps the folder of the last one open.
struct Reader<'a> {
    shown: &'a Path,
    root: Option<OwnedFd>,
    last: Option<(String, Option<OwnedFd>)>,
}

impl<'a> Reader<'a> {
    fn new(shown: &'a Path) -> Result<Self, Obstacle> {
        Ok(Self { shown, root: open_root(shown)?, last: None })
    }

    fn stamp(&mut self, path: &ArtifactPath) -> Result<Option<FileStamp>, Obstacle> {
        let shown = self.shown;
        let Some(folder) = self.folder(path.folder())? else { return Ok(None) };
        let located = || shown.join(path.as_str());
        match target(folder.as_fd(), path.file_name(), located)? {
            Target::Free => Ok(None),
            Target::File(stat) => Ok(Some(stamp_of(&stat))),
            Target::Folder => Err(Obstacle::NotAFile { path: located() }),
        }
    }

    fn read(&mut self, path: &ArtifactPath) -> Result<Option<Vec<u8>>, Obstacle> {
        let located = self.shown.join(path.as_str());
        let Some(folder) = self.folder(path.folder())? else { return Ok(None) };
        match target(folder.as_fd(), path.file_name(), || located.clone())? {
            Target::Free => return Ok(None),
            Target::File(_) => {}
            Target::Folder => return Err(Obstacle::NotAFile { path: located }),
        }
        // Should a pipe or a link have come in between, opening neither waits nor follows.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let failed = |error: std::io::Error| system("read", &located, error);
        let file = rustix::fs::openat(folder, path.file_name(), flags, Mode::empty())
            .map_err(|error| failed(error.into()))?;
        let mut bytes = Vec::new();
        std::fs::File::from(file).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Some(bytes))
    }

    fn folder(&mut self, folder: &str) -> Result<Option<&OwnedFd>, Obstacle> {
        let Some(root) = &self.root else { return Ok(None) };
        if folder.is_empty() {
            return Ok(Some(root));
        }
        if self.last.as_ref().is_none_or(|(last, _)| last != folder) {
            let found = match open_folder(root.as_fd(), folder, self.shown, Volumes::Any)? {
                Lookup::Found(found) => Some(found),
                Lookup::Missing | Lookup::Blocked => None,
            };
            self.last = Some((folder.to_owned(), found));
        }
        Ok(self.last.as_ref().and_then(|(_, found)| found.as_ref()))
    }
}

/// Adds the files of a folder and of those below it. What has no valid path was
/// made by somebody else and is passed over, `.git` and our own folders among it.
fn list_folder(folder: &Path, prefix: &str, found: &mut Vec<ArtifactPath>) -> Result<(), Obstacle> {
    let failed = |error: std::io::Error| system("list", folder, error);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let Some(path) = entry.file_name().to_str().and_then(|name| below(prefix, name)) else {
            continue;
        };
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            list_folder(&entry.path(), path.as_str(), found)?;
        } else if kind.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

fn below(prefix: &str, name: &str) -> Option<ArtifactPath> {
    let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
    ArtifactPath::parse(&path).ok()
}
