//! One root with its folders, as a transaction sees them, and where it stages.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rustix::fs::Mode;
use rustix::io::Errno;

use super::confined::{FOLDER, Lookup, Volumes, check_writable, open_folder, open_root, system};
use crate::{ArtifactPath, Obstacle};

/// How many folders a region keeps open at most; more are opened when needed.
const MAXIMAL_OPEN: usize = 100;

/// A folder in which files are written aside.
pub(super) struct Stage {
    pub(super) folder: OwnedFd,
    pub(super) path: PathBuf,
}

impl Stage {
    /// Makes the folder anew; what was left there is discarded.
    pub(super) fn create(path: PathBuf) -> Result<Self, Obstacle> {
        let made = match rustix::fs::mkdir(&path, Mode::from(0o777)) {
            Err(Errno::EXIST) => {
                discard(&path)?;
                rustix::fs::mkdir(&path, Mode::from(0o777))
            }
            made => made,
        };
        match made {
            Ok(()) => {}
            Err(error @ (Errno::ACCESS | Errno::ROFS | Errno::PERM)) => {
                let folder = path.parent().unwrap_or(&path);
                return Err(Obstacle::ReadOnly { path: folder.into(), source: error.into() });
            }
            Err(error) => return Err(system("make", &path, error)),
        }
        match rustix::fs::open(&path, FOLDER, Mode::empty()) {
            Ok(folder) => Ok(Self { folder, path }),
            Err(error) => Err(system("open", &path, error)),
        }
    }

    /// Opens the folder that a writer has left, if there is one.
    pub(super) fn open(path: PathBuf) -> Result<Option<Self>, Obstacle> {
        Ok(open_root(&path)?.map(|folder| Self { folder, path }))
    }
}

/// Removes a staging folder with all that is in it, and says whether that was anything.
pub(super) fn discard(path: &Path) -> Result<bool, Obstacle> {
    match rustix::fs::rmdir(path) {
        Ok(()) | Err(Errno::NOENT) => Ok(false),
        Err(Errno::NOTEMPTY | Errno::EXIST) => match std::fs::remove_dir_all(path) {
            Ok(()) => Ok(true),
            Err(error) => Err(system("remove", path, error)),
        },
        Err(error) => Err(system("remove", path, error)),
    }
}

/// A folder below a root.
pub(super) enum Folder {
    /// It exists, and can be written to.
    Live(OwnedFd),
    /// It does not, and is being made below the staging folder, at this path.
    New(PathBuf),
}

/// A folder that is new as a whole: nothing is there, or a file that goes.
#[derive(Clone)]
pub(super) struct Top {
    pub(super) staged: u32,
    /// Its path, or nothing for (the first missing folder above) the root itself.
    pub(super) path: Option<ArtifactPath>,
    pub(super) blocked: bool,
}

/// One root and what is known of its folders.
pub(super) struct Region {
    pub(super) shown: PathBuf,
    pub(super) anchor: Arc<Folder>,
    pub(super) stage: Option<Arc<Stage>>,
    folders: RwLock<HashMap<Box<str>, Arc<Folder>>>,
    open: AtomicUsize,
    tops: Mutex<Vec<Top>>,
    /// Whether the root is known to be writable; asked when it is first needed.
    writable: AtomicBool,
}

impl Region {
    /// Takes a root that exists.
    pub(super) fn new(shown: PathBuf, root: OwnedFd, stage: Option<Arc<Stage>>) -> Self {
        let anchor = Arc::new(Folder::Live(root));
        let folders = RwLock::new(HashMap::from([("".into(), anchor.clone())]));
        Self {
            shown,
            anchor,
            stage,
            folders,
            open: AtomicUsize::new(0),
            tops: Mutex::default(),
            writable: AtomicBool::new(false),
        }
    }

    /// Declares that the root itself is missing: it will be made below the staging folder `staged`.
    pub(super) fn root_is_missing(&self, staged: u32, below: &Path) {
        let path = Path::new(&staged.to_string()).join(below);
        self.insert("", Arc::new(Folder::New(path)));
        self.tops().push(Top { staged, path: None, blocked: false });
    }

    pub(super) fn anchor(&self) -> BorrowedFd<'_> {
        match &*self.anchor {
            Folder::Live(folder) => folder.as_fd(),
            // An anchor is made in `new` alone, from an open folder.
            Folder::New(_) => rustix::fs::CWD,
        }
    }

    pub(super) fn shown(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.shown.clone() } else { self.shown.join(path) }
    }

    /// Finds the folder, or plans to make it.
    pub(super) fn resolve(&self, path: &str, next: &AtomicU32) -> Result<Arc<Folder>, Obstacle> {
        self.check_root()?;
        if let Some(known) = self.known(path) {
            return Ok(known);
        }
        let blocked = match self.open(path)? {
            Lookup::Found(folder) => return Ok(self.keep(path, folder)),
            Lookup::Missing => false,
            Lookup::Blocked => true,
        };
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let staged = match &*self.resolve(parent, next)? {
            Folder::New(parent) => parent.join(name),
            Folder::Live(_) => return Ok(self.start_top(path, blocked, next)),
        };
        let folder = Arc::new(Folder::New(staged));
        self.insert(path, folder.clone());
        Ok(folder)
    }

    /// Finds the folder if it exists; a planned one does not.
    pub(super) fn existing(&self, path: &str) -> Result<Option<Arc<Folder>>, Obstacle> {
        self.check_root()?;
        if let Some(known) = self.known(path) {
            return Ok(matches!(*known, Folder::Live(_)).then_some(known));
        }
        match self.open(path)? {
            Lookup::Found(folder) => Ok(Some(self.keep(path, folder))),
            Lookup::Missing | Lookup::Blocked => Ok(None),
        }
    }

    /// Finds the folder, and makes it and those above it where they are missing.
    pub(super) fn made(&self, path: &str) -> Result<Option<Arc<Folder>>, Obstacle> {
        if let Some(folder) = self.existing(path)? {
            return Ok(Some(folder));
        }
        let Some((parent, name)) =
            path.rsplit_once('/').or((!path.is_empty()).then_some(("", path)))
        else {
            return Ok(None);
        };
        let Some(above) = self.made(parent)? else { return Ok(None) };
        if let Folder::Live(above) = &*above {
            match rustix::fs::mkdirat(above, name, Mode::from(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(system("make", &self.shown(path), error)),
            }
        }
        self.existing(path)
    }

    /// Drops what is known of a folder that is, or may be, no longer there.
    pub(super) fn forget(&self, path: &str) {
        if !path.is_empty() {
            self.folders.write().unwrap_or_else(PoisonError::into_inner).remove(path);
        }
    }

    /// The folders that are new as a whole.
    pub(super) fn tops(&self) -> MutexGuard<'_, Vec<Top>> {
        self.tops.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The paths of all planned folders below the staging folder.
    pub(super) fn planned(&self) -> Vec<PathBuf> {
        let folders = self.folders.read().unwrap_or_else(PoisonError::into_inner);
        let staged = folders.values().filter_map(|folder| match &**folder {
            Folder::New(staged) => Some(staged.clone()),
            Folder::Live(_) => None,
        });
        staged.collect()
    }

    fn open(&self, path: &str) -> Result<Lookup, Obstacle> {
        // Below a missing root is nothing, whatever of that name the anchor above it has.
        if path.is_empty() || self.known("").is_some_and(|root| matches!(*root, Folder::New(_))) {
            return Ok(Lookup::Missing);
        }
        let found = open_folder(self.anchor(), path, &self.shown, Volumes::Same)?;
        if let Lookup::Found(folder) = &found {
            check_writable(folder.as_fd(), &self.shown(path))?;
        }
        Ok(found)
    }

    fn check_root(&self) -> Result<(), Obstacle> {
        if !self.writable.load(Ordering::Relaxed) {
            check_writable(self.anchor(), &self.shown)?;
            self.writable.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn known(&self, path: &str) -> Option<Arc<Folder>> {
        self.folders.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    fn insert(&self, path: &str, folder: Arc<Folder>) {
        self.folders.write().unwrap_or_else(PoisonError::into_inner).insert(path.into(), folder);
    }

    fn keep(&self, path: &str, folder: OwnedFd) -> Arc<Folder> {
        let folder = Arc::new(Folder::Live(folder));
        if self.open.fetch_add(1, Ordering::Relaxed) < MAXIMAL_OPEN {
            self.insert(path, folder.clone());
        }
        folder
    }

    /// Of several threads that find a folder missing, one starts it.
    fn start_top(&self, path: &str, blocked: bool, next: &AtomicU32) -> Arc<Folder> {
        let mut folders = self.folders.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = folders.get(path) {
            return known.clone();
        }
        let staged = next.fetch_add(1, Ordering::Relaxed);
        let folder = Arc::new(Folder::New(staged.to_string().into()));
        folders.insert(path.into(), folder.clone());
        self.tops().push(Top { staged, path: Some(ArtifactPath::of_folder(path)), blocked });
        folder
    }
}
