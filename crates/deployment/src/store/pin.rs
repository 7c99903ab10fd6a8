use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, ResolveFlags};

use crate::ReleaseId;

/// The files of the release that was current when it was pinned.
///
/// All that is read through it is of that release, also when another becomes current
/// meanwhile: paths are looked up from the folder that was opened once, not from `current`.
/// The store does not collect the release while the value lives; the system lets go of it when
/// the process ends, however it ends.
///
/// ```no_run
/// use evergen_deployment::PinnedRelease;
///
/// let release = PinnedRelease::open("/srv/shop".as_ref())?;
/// let page = release.read("index.html")?;
/// # Ok::<(), evergen_deployment::PinError>(())
/// ```
#[derive(Debug)]
pub struct PinnedRelease {
    folder: File,
    path: PathBuf,
    id: ReleaseId,
}

/// How often a release may be collected while it is being pinned: each time another became
/// current.
const TRIES: usize = 100;

impl PinnedRelease {
    /// Pins the current release of a target folder.
    ///
    /// # Errors
    /// Nothing is current, or the system failed.
    pub fn open(target: &Path) -> Result<Self, PinError> {
        let current = target.join("current");
        for _ in 0..TRIES {
            if let Some(pinned) = Self::attempt(target, &current)? {
                return Ok(pinned);
            }
        }
        Err(PinError::Restless { path: current })
    }

    fn attempt(target: &Path, current: &Path) -> Result<Option<Self>, PinError> {
        let failed = |source| PinError::System { path: current.to_owned(), source };
        let link = match std::fs::read_link(current) {
            Ok(link) => link,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(PinError::Nothing { path: current.to_owned() });
            }
            Err(error) => return Err(failed(error)),
        };
        let id = id_of(&link).ok_or_else(|| PinError::Nothing { path: current.to_owned() })?;
        let path = target.join(&link);
        let folder = match File::open(&path) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        // Whoever collects holds it exclusively until it is gone.
        if rustix::fs::flock(&folder, FlockOperation::NonBlockingLockShared).is_err() {
            return Ok(None);
        }
        let opened = folder.metadata().map_err(failed)?;
        let there = std::fs::metadata(&path).is_ok_and(|there| there.ino() == opened.ino());
        Ok(there.then_some(Self { folder, path, id }))
    }

    /// Which release it is.
    pub fn id(&self) -> ReleaseId {
        self.id
    }

    /// The folder, for calls that look up from a descriptor.
    pub fn folder(&self) -> &File {
        &self.folder
    }

    /// Reads a file of the release by its path in it.
    ///
    /// # Errors
    /// There is no such file, the path leads out of the release, or the system failed.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, PinError> {
        let failed = |source| PinError::System { path: self.path.join(path), source };
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let file = rustix::fs::openat2(&self.folder, path, flags, Mode::empty(), within);
        let mut file = File::from(file.map_err(|error| failed(error.into()))?);
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }
}

/// Reads the id out of what `current` points to.
pub(super) fn id_of(link: &Path) -> Option<ReleaseId> {
    let rest = link.to_str()?.strip_prefix("releases/")?;
    rest.strip_suffix("/files")?.parse().ok()
}

/// A release was not pinned or not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PinError {
    /// Nothing is live there.
    #[error("`{}` does not point to a release", path.display())]
    Nothing {
        /// The link.
        path: PathBuf,
    },
    /// Releases come and go too fast.
    #[error("`{}` changed each time it was looked at", path.display())]
    Restless {
        /// The link.
        path: PathBuf,
    },
    /// The system failed.
    #[error("can't read `{}`", path.display())]
    System {
        /// What was to be read.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
