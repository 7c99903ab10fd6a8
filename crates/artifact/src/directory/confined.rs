//! Opening folders below a root without following any link.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::stamp::nanoseconds;
use crate::{FileStamp, Obstacle};

/// How a folder is opened.
pub(super) const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// What stands at the place of a folder.
pub(super) enum Lookup {
    /// The folder.
    Found(OwnedFd),
    /// Nothing.
    Missing,
    /// A plain file, there or at a folder above.
    Blocked,
}

/// Whether a folder may lie on another volume than its root.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Volumes {
    Same,
    Any,
}

/// What stands at the place of a file.
pub(super) enum Target {
    Free,
    File(Stat),
    Folder,
}

/// Opens a root, which may itself be a link.
pub(super) fn open_root(path: &Path) -> Result<Option<OwnedFd>, Obstacle> {
    match rustix::fs::open(path, FOLDER, Mode::empty()) {
        Ok(root) => Ok(Some(root)),
        Err(Errno::NOENT) if path.is_symlink() => Err(Obstacle::Symlink { path: path.into() }),
        Err(Errno::NOENT) => Ok(None),
        Err(Errno::NOTDIR) => Err(Obstacle::NotAFolder { path: path.into() }),
        Err(error) => Err(system("open", path, error)),
    }
}

/// Opens `folder` below `root`; `shown` is the path of the root for messages.
#[cfg(target_os = "linux")]
pub(super) fn open_folder(
    root: BorrowedFd<'_>,
    folder: &str,
    shown: &Path,
    volumes: Volumes,
) -> Result<Lookup, Obstacle> {
    use rustix::fs::ResolveFlags;

    let mut resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    if volumes == Volumes::Same {
        resolve |= ResolveFlags::NO_XDEV;
    }
    match rustix::fs::openat2(root, folder, FOLDER, Mode::empty(), resolve) {
        Ok(found) => Ok(Lookup::Found(found)),
        Err(Errno::NOENT) => Ok(Lookup::Missing),
        Err(Errno::XDEV) => Err(Obstacle::OtherVolume { path: shown.join(folder) }),
        // A link or a file is in the way, and the walk says where; or the system
        // does not have this call, or does not allow it.
        Err(Errno::LOOP | Errno::NOTDIR | Errno::NOSYS | Errno::PERM | Errno::AGAIN) => {
            walk(root, folder, shown, volumes)
        }
        Err(error) => Err(system("open", &shown.join(folder), error)),
    }
}

/// Opens `folder` below `root`; `shown` is the path of the root for messages.
#[cfg(not(target_os = "linux"))]
pub(super) fn open_folder(
    root: BorrowedFd<'_>,
    folder: &str,
    shown: &Path,
    volumes: Volumes,
) -> Result<Lookup, Obstacle> {
    walk(root, folder, shown, volumes)
}

/// Opens one component after the other.
pub(super) fn walk(
    root: BorrowedFd<'_>,
    folder: &str,
    shown: &Path,
    volumes: Volumes,
) -> Result<Lookup, Obstacle> {
    let mut shown = shown.to_path_buf();
    let mut reached: Option<OwnedFd> = None;
    for component in folder.split('/') {
        let parent = reached.as_ref().map_or(root, AsFd::as_fd);
        shown.push(component);
        match rustix::fs::openat(parent, component, FOLDER | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(found) => reached = Some(found),
            Err(Errno::NOENT) => return Ok(Lookup::Missing),
            Err(Errno::NOTDIR | Errno::LOOP) => return blocked(parent, component, &shown),
            Err(error) => return Err(system("open", &shown, error)),
        }
    }
    let Some(found) = reached else { return Ok(Lookup::Missing) };
    if volumes == Volumes::Same && volume(found.as_fd(), &shown)? != volume(root, &shown)? {
        return Err(Obstacle::OtherVolume { path: shown });
    }
    Ok(Lookup::Found(found))
}

/// Says what stands where a folder is needed.
fn blocked(parent: BorrowedFd<'_>, name: &str, shown: &Path) -> Result<Lookup, Obstacle> {
    match target(parent, name, || shown.to_path_buf())? {
        Target::Free => Ok(Lookup::Missing),
        Target::File(_) => Ok(Lookup::Blocked),
        Target::Folder => Err(Obstacle::NotAFolder { path: shown.into() }),
    }
}

/// Says what stands at `name`; `shown` gives its whole path for a message.
pub(super) fn target(
    parent: BorrowedFd<'_>,
    name: &str,
    shown: impl FnOnce() -> PathBuf,
) -> Result<Target, Obstacle> {
    let stat = match rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(Target::Free),
        Err(error) => return Err(system("look at", &shown(), error)),
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(Target::File(stat)),
        FileType::Directory => Ok(Target::Folder),
        FileType::Symlink => Err(Obstacle::Symlink { path: shown() }),
        _ => Err(Obstacle::NotAFile { path: shown() }),
    }
}

/// Makes sure that files can be put into a folder.
pub(super) fn check_writable(folder: BorrowedFd<'_>, shown: &Path) -> Result<(), Obstacle> {
    let access = Access::WRITE_OK | Access::EXEC_OK;
    match rustix::fs::accessat(folder, ".", access, AtFlags::EACCESS) {
        // Some sandboxes do not have the call; the writes themselves will tell.
        Ok(()) | Err(Errno::NOSYS) => Ok(()),
        Err(error @ (Errno::ACCESS | Errno::ROFS | Errno::PERM)) => {
            Err(Obstacle::ReadOnly { path: shown.into(), source: error.into() })
        }
        Err(error) => Err(system("look at", shown, error)),
    }
}

/// A number for each device, and on Linux for each mount, between which nothing can be renamed.
pub(super) fn volume(folder: BorrowedFd<'_>, shown: &Path) -> Result<(u64, u64), Obstacle> {
    #[cfg(target_os = "linux")]
    if let Ok(stat) =
        rustix::fs::statx(folder, "", AtFlags::EMPTY_PATH, rustix::fs::StatxFlags::MNT_ID)
    {
        let device = u64::from(stat.stx_dev_major) << 32 | u64::from(stat.stx_dev_minor);
        return Ok((device, stat.stx_mnt_id));
    }
    let stat = rustix::fs::fstat(folder).map_err(|error| system("look at", shown, error))?;
    Ok((unsigned(stat.st_dev), 0))
}

/// Takes the stamp from what `stat` says.
pub(super) fn stamp_of(stat: &Stat) -> FileStamp {
    FileStamp {
        size: unsigned(stat.st_size),
        modified_ns: nanoseconds(signed(stat.st_mtime), signed(stat.st_mtime_nsec)),
        inode: unsigned(stat.st_ino),
    }
}

/// The system's fields have other widths on each platform.
fn signed(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

fn unsigned(value: impl TryInto<u64>) -> u64 {
    value.try_into().unwrap_or(u64::MAX)
}

/// Names a failed call.
pub(super) fn system(action: &'static str, path: &Path, error: impl Into<io::Error>) -> Obstacle {
    Obstacle::System { action, path: path.into(), source: error.into() }
}
