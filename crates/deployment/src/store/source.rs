//! Reading what a release is made from, with or without a copy.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evergen_artifact::{Digest, ProposedChanges, ProposedKind};
use rustix::fs::OFlags;

use super::manifest::{Manifest, ManifestFile};
use crate::ledger::files::{FileError, at};
use crate::{StageError, StoreError};

/// How much of a file is in memory at a time, in bytes.
const CHUNK: usize = 128 * 1024;

/// Files that are to become a release, by their paths in it.
pub(super) type Listing = BTreeMap<String, Input>;

/// Where the bytes of a file come from.
#[derive(Clone, Debug)]
pub(super) enum Input {
    File { path: PathBuf, executable: bool },
    Memory { bytes: Arc<[u8]>, executable: bool },
}

/// Lists all files below a folder.
pub(super) fn list(folder: &Path) -> Result<Listing, StageError> {
    let refused = |why: String| StageError::Source {
        source_name: format!("folder `{}`", folder.display()),
        why,
    };
    match std::fs::metadata(folder) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => return Err(refused("it is a file; give the folder with what is built".into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(refused("it is missing; build it, or give another".into()));
        }
        Err(error) => return Err(failed(at("look at", folder)(error))),
    }
    let mut listing = Listing::new();
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((path, prefix)) = folders.pop() {
        for entry in std::fs::read_dir(&path).map_err(at("read", &path)).map_err(failed)? {
            let entry = entry.map_err(at("read", &path)).map_err(failed)?;
            let name = entry.file_name();
            let name = name.to_str().filter(|name| !name.contains('\n'));
            let place = entry.path();
            let Some(name) = name else {
                let why = format!("`{}` has a name that is not plain UTF-8", place.display());
                return Err(refused(why));
            };
            let inside = format!("{prefix}{name}");
            let meta = entry.metadata().map_err(at("look at", &place)).map_err(failed)?;
            if meta.is_dir() {
                folders.push((place, inside + "/"));
            } else if meta.is_file() {
                let executable = meta.permissions().mode() & 0o111 != 0;
                listing.insert(inside, Input::File { path: place, executable });
            } else {
                let why = format!("`{}` is a link or a special file", place.display());
                return Err(refused(why + "; put the file itself there"));
            }
        }
    }
    if listing.is_empty() {
        return Err(refused("it has no files; build it first".into()));
    }
    Ok(listing)
}

/// Puts changes on top of a listing.
pub(super) fn layer(listing: &mut Listing, changes: &ProposedChanges) {
    for change in changes {
        let path = change.path.as_str().to_owned();
        match &change.kind {
            ProposedKind::Write { bytes, .. } => {
                // A change says nothing of modes: a file keeps the one it had.
                let executable = listing.get(&path).is_some_and(Input::executable);
                let bytes = Arc::clone(bytes);
                listing.insert(path, Input::Memory { bytes, executable });
            }
            _ => {
                listing.remove(&path);
            }
        }
    }
}

/// Reads all files; with a place, copies them there, which exists and is empty.
pub(super) fn read(listing: &Listing, copy_to: Option<&Path>) -> Result<Manifest, FileError> {
    let mut buffer = vec![0; CHUNK];
    let mut files = Vec::with_capacity(listing.len());
    let mut made = String::new();
    for (path, input) in listing {
        let mut copy = match copy_to {
            Some(root) => Some(create(root, path, input.executable(), &mut made)?),
            None => None,
        };
        let (size, digest) = input.read(&mut buffer, copy.as_mut())?;
        let (path, executable) = (path.clone(), input.executable());
        files.push(ManifestFile { path, executable, size, digest });
    }
    Ok(Manifest::new(files))
}

/// Makes a file and the folders above it. `made` is the folder that was made last: files
/// come sorted, so most are in it.
fn create(
    root: &Path,
    path: &str,
    executable: bool,
    made: &mut String,
) -> Result<(File, PathBuf), FileError> {
    let place = root.join(path);
    if let Some((folder, _)) = path.rsplit_once('/')
        && folder != made.as_str()
    {
        let folder_place = root.join(folder);
        std::fs::create_dir_all(&folder_place).map_err(at("make", &folder_place))?;
        folder.clone_into(made);
    }
    let permissions = if executable { 0o555 } else { 0o444 };
    let file = OpenOptions::new().write(true).create_new(true).mode(permissions).open(&place);
    let file = file.map_err(at("make", &place))?;
    Ok((file, place))
}

impl Input {
    fn executable(&self) -> bool {
        match self {
            Self::File { executable, .. } | Self::Memory { executable, .. } => *executable,
        }
    }

    /// Reads the bytes, and writes them where a copy goes.
    fn read(
        &self,
        buffer: &mut [u8],
        mut copy: Option<&mut (File, PathBuf)>,
    ) -> Result<(u64, Digest), FileError> {
        let mut put = |bytes: &[u8]| match &mut copy {
            Some((file, place)) => file.write_all(bytes).map_err(at("write", place)),
            None => Ok(()),
        };
        match self {
            Self::Memory { bytes, .. } => {
                put(bytes)?;
                Ok((bytes.len() as u64, Digest::of(bytes)))
            }
            Self::File { path, .. } => {
                let flags = OFlags::NOFOLLOW.bits().cast_signed();
                let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
                stream(&mut file.map_err(at("open", path))?, path, buffer, put)
            }
        }
    }
}

fn stream(
    file: &mut File,
    path: &Path,
    buffer: &mut [u8],
    mut put: impl FnMut(&[u8]) -> Result<(), FileError>,
) -> Result<(u64, Digest), FileError> {
    let mut hasher = blake3::Hasher::new();
    let mut size = 0;
    loop {
        let count = file.read(buffer).map_err(at("read", path))?;
        if count == 0 {
            return Ok((size, Digest::from_bytes(*hasher.finalize().as_bytes())));
        }
        hasher.update(&buffer[..count]);
        put(&buffer[..count])?;
        size += count as u64;
    }
}

pub(super) fn failed(error: FileError) -> StageError {
    StageError::Store(StoreError::Medium(error.into()))
}
