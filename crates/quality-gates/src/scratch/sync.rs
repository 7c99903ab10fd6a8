//! Makes a folder hold a subject's files, with as few writes as possible.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use evergen_artifact::Digest;
use serde::{Deserialize, Serialize};

use crate::subject::is_left_out;
use crate::{Fault, Subject, SubjectError, SubjectFile};

/// The scratch folder can't be filled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScratchError {
    /// The disk is full.
    #[error("no space is left for {path}")]
    Full {
        /// What was to be written.
        path: PathBuf,
    },
    /// The system refused.
    #[error("can't write {path}: {why}")]
    Disk {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The subject can't be read.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// A path of the subject would leave the folder.
    #[error("{path:?} is no path below a folder")]
    Path {
        /// The path.
        path: String,
    },
}

impl ScratchError {
    pub(super) fn of(path: &Path, error: &io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Disk { path, why: error.to_string() },
        }
    }
}

impl From<ScratchError> for Fault {
    fn from(error: ScratchError) -> Self {
        let advice = match &error {
            ScratchError::Full { .. } => "Free some space, or move the state folder.",
            ScratchError::Disk { .. } => "Check the state folder's permissions.",
            ScratchError::Subject(_) => {
                "Mend what is said of the folder, then run the gates again."
            }
            ScratchError::Path { .. } => "Rename the file.",
        };
        Self::infra(error.to_string(), advice)
    }
}

/// What stands in the folder, as far as we wrote it.
#[derive(Default, Serialize, Deserialize)]
struct Manifest {
    files: BTreeMap<String, Known>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Known {
    digest: Digest,
    stamp: Stamp,
}

/// Changes with every write that a tool might do.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    inode: u64,
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
        }
    }
}

/// Makes `root/tree` hold what the subject holds, as far as its path is kept.
pub(super) fn fill(
    root: &Path,
    subject: &Subject,
    keeps: impl Fn(&str) -> bool,
) -> Result<(), ScratchError> {
    let tree = root.join("tree");
    let kept = root.join("tree.json");
    fs::create_dir_all(&tree).map_err(|error| ScratchError::of(&tree, &error))?;
    // Damage means that nothing is known, and all is written anew.
    let before: Manifest = fs::read(&kept)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let files: Vec<&SubjectFile> =
        subject.files()?.iter().filter(|file| keeps(file.path())).collect();
    let wanted: BTreeSet<&str> = files.iter().map(|file| file.path()).collect();
    sweep(&tree, "", &wanted)?;
    let mut after = Manifest::default();
    let mut written = 0;
    for file in &files {
        let known = before.files.get(file.path());
        let (known, is_new) = place(&tree, file, known)?;
        written += usize::from(is_new);
        after.files.insert(file.path().to_owned(), known);
    }
    tracing::debug!(files = files.len(), written, "filled the scratch folder");
    if written > 0 || after.files.len() != before.files.len() {
        let text = serde_json::to_vec(&after).unwrap_or_default();
        replace(&kept, &text)?;
    }
    Ok(())
}

/// Removes what does not belong to the tree, but for caches.
fn sweep(folder: &Path, prefix: &str, wanted: &BTreeSet<&str>) -> Result<(), ScratchError> {
    let failed = |error: io::Error| ScratchError::of(folder, &error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let place = entry.path();
        let name = entry.file_name();
        let path = name.to_str().map(|name| format!("{prefix}{name}"));
        let is_folder = entry.file_type().map_err(failed)?.is_dir();
        let belongs = path.as_deref().is_some_and(|path| {
            if is_folder { has_below(wanted, path) } else { wanted.contains(path) }
        });
        match (belongs, is_folder, path) {
            (true, true, Some(path)) => sweep(&place, &format!("{path}/"), wanted)?,
            (true, ..) => {}
            (false, true, _) if is_left_out(&place) => {}
            (false, true, _) => fs::remove_dir_all(&place).map_err(failed)?,
            (false, false, _) => fs::remove_file(&place).map_err(failed)?,
        }
    }
    Ok(())
}

fn has_below(wanted: &BTreeSet<&str>, folder: &str) -> bool {
    let start = format!("{folder}/");
    wanted.range(start.as_str()..).next().is_some_and(|path| path.starts_with(&start))
}

/// Writes a file unless it stands there already, and says whether it was written.
fn place(
    tree: &Path,
    file: &SubjectFile,
    known: Option<&Known>,
) -> Result<(Known, bool), ScratchError> {
    let target = target(tree, file.path())?;
    let digest = file.digest().map_err(SubjectError::from)?;
    if let (Some(known), Ok(metadata)) = (known, fs::symlink_metadata(&target))
        && known.digest == digest
        && metadata.is_file()
        && known.stamp == Stamp::of(&metadata)
    {
        return Ok((known.clone(), false));
    }
    let bytes = file.bytes().map_err(SubjectError::from)?;
    make_parents(tree, file.path())?;
    replace(&target, &bytes)?;
    let metadata = fs::symlink_metadata(&target);
    let stamp = Stamp::of(&metadata.map_err(|error| ScratchError::of(&target, &error))?);
    Ok((Known { digest, stamp }, true))
}

fn target(tree: &Path, path: &str) -> Result<PathBuf, ScratchError> {
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    if !path.split('/').all(is_plain) || path.contains('\0') {
        return Err(ScratchError::Path { path: path.to_owned() });
    }
    Ok(path.split('/').fold(tree.to_path_buf(), |folder, part| folder.join(part)))
}

/// Makes the folders above a file, and replaces what a tool put in their place: through a
/// symbolic link we would write outside.
fn make_parents(tree: &Path, path: &str) -> Result<(), ScratchError> {
    let mut folder = tree.to_path_buf();
    let Some((parents, _)) = path.rsplit_once('/') else { return Ok(()) };
    for part in parents.split('/') {
        folder.push(part);
        let failed = |error: io::Error| ScratchError::of(&folder, &error);
        match fs::symlink_metadata(&folder) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => {
                fs::remove_file(&folder).map_err(failed)?;
                fs::create_dir(&folder).map_err(failed)?;
            }
            Err(_) => fs::create_dir(&folder).map_err(failed)?,
        }
    }
    Ok(())
}

/// Replaces a file by a rename, so that nobody sees half of it and no link is followed.
fn replace(target: &Path, bytes: &[u8]) -> Result<(), ScratchError> {
    let failed = |error: io::Error| ScratchError::of(target, &error);
    if fs::symlink_metadata(target).is_ok_and(|metadata| metadata.is_dir()) {
        fs::remove_dir_all(target).map_err(failed)?;
    }
    let mut name = target.file_name().unwrap_or_default().to_os_string();
    name.push(".evergen-new");
    let aside = target.with_file_name(name);
    fs::write(&aside, bytes).map_err(failed)?;
    fs::rename(&aside, target).map_err(failed)
}
