//! What is known of files on disk, so that nobody reads a file twice that stayed as it was.
//!
//! `EVFILES1`, then for each file the length of its path (4 bytes, little end first), the path,
//! its stamp (seven times 8 bytes) and the digest of its bytes; at the end the digest of all
//! before it.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use evergen_artifact::Digest;

const MAGIC: &[u8; 8] = b"EVFILES1";
const DIGEST: usize = 32;
const NUMBERS: usize = 7;
const STAMP: usize = 8 * NUMBERS;

/// How old a change must be before a stamp is believed: coarser than the clock of any file system
/// that keeps one. A younger file may be written again without its stamp telling.
const SETTLED: Duration = Duration::from_secs(2);

/// Digests of a folder's files, by path and stamp: size, times of change to the nanosecond, inode
/// and device.
///
/// A file whose stamp is the known one has the known bytes. That holds as far as the clock of the
/// file system goes on: a file that changed within two seconds before it was looked at is read
/// again next time, as git does with its index. Whoever sets a file's change time (`ctime`)
/// back, which takes a system administrator, or writes through a memory map that is not yet
/// flushed, is not noticed.
///
/// It stands in one file, replaced by a rename and sealed with a digest: after a crash or damage
/// nothing is known. What was learned is written when the last clone is dropped, or by
/// [`save`](Self::save). Cloning is cheap.
#[derive(Clone, Debug)]
pub struct FileMemory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: PathBuf,
    known: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<Arc<str>, Entry>,
    is_new: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    stamp: Stamp,
    digest: Digest,
    is_used: bool,
}

/// Changes whenever a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp([u64; NUMBERS]);

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let signed = i64::cast_unsigned;
        Self([
            metadata.size(),
            signed(metadata.mtime()),
            signed(metadata.mtime_nsec()),
            signed(metadata.ctime()),
            signed(metadata.ctime_nsec()),
            metadata.ino(),
            metadata.dev(),
        ])
    }

    /// Whether the last change was long enough before `now` for a later one to show.
    fn is_settled(&self, now: SystemTime) -> bool {
        let Ok(now) = now.duration_since(SystemTime::UNIX_EPOCH) else { return false };
        let Some(limit) = now.checked_sub(SETTLED) else { return false };
        let is_old = |seconds: u64| seconds.cast_signed() < limit.as_secs().cast_signed();
        is_old(self.0[1]) && is_old(self.0[3])
    }
}

impl FileMemory {
    /// What is known of the files of the folder `root`, kept in a file of `folder`. Blocks for
    /// a moment; that nothing can be read means that nothing is known.
    pub fn open(folder: &Path, root: &Path) -> Self {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
        let name = Digest::of(root.as_os_str().as_encoded_bytes());
        let file = folder.join(format!("{name}.files"));
        let entries = std::fs::read(&file).ok().and_then(|bytes| parse(&bytes)).unwrap_or_default();
        let known = Mutex::new(State { entries, is_new: false });
        Self(Arc::new(Inner { file, known }))
    }

    /// Writes what was learned since it was last written, if anything was. Blocks.
    pub fn save(&self) -> io::Result<()> {
        self.0.save()
    }

    /// The digest of the file with this stamp.
    pub(super) fn get(&self, path: &str, stamp: &Stamp) -> Option<Digest> {
        let mut state = self.0.state();
        let entry = state.entries.get_mut(path)?;
        entry.is_used = true;
        (entry.stamp == *stamp).then_some(entry.digest)
    }

    /// Keeps the digest of a file that had this stamp at `seen`, and has it still.
    pub(super) fn learn(&self, path: &Arc<str>, stamp: Stamp, seen: SystemTime, digest: Digest) {
        if !stamp.is_settled(seen) {
            return;
        }
        let mut state = self.0.state();
        state.entries.insert(path.clone(), Entry { stamp, digest, is_used: true });
        state.is_new = true;
    }
}

impl Inner {
    /// Each critical section leaves whole values behind, so a panic elsewhere does no harm.
    fn state(&self) -> MutexGuard<'_, State> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save(&self) -> io::Result<()> {
        let mut state = self.state();
        if !state.is_new {
            return Ok(());
        }
        // What nobody asked about is gone, or is not ours any more.
        state.entries.retain(|_, entry| entry.is_used);
        let mut bytes = MAGIC.to_vec();
        for (path, entry) in &state.entries {
            let length = u32::try_from(path.len()).map_err(io::Error::other)?;
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(path.as_bytes());
            bytes.extend(entry.stamp.0.iter().flat_map(|number| number.to_le_bytes()));
            bytes.extend_from_slice(entry.digest.as_bytes());
        }
        let seal = blake3::hash(&bytes);
        bytes.extend_from_slice(seal.as_bytes());
        let folder = self.file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&bytes)?;
        file.persist(&self.file).map_err(|error| error.error)?;
        state.is_new = false;
        Ok(())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Err(error) = self.save() {
            tracing::warn!(%error, file = %self.file.display(), "what is known of files is lost");
        }
    }
}

fn parse(bytes: &[u8]) -> Option<HashMap<Arc<str>, Entry>> {
    let (body, seal) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST)?)?;
    if blake3::hash(body).as_bytes() != seal {
        return None;
    }
    let mut rest = body.strip_prefix(MAGIC)?;
    let mut entries = HashMap::with_capacity(rest.len() / (STAMP + DIGEST + 32));
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (path, after) = after.split_at_checked(length)?;
        let (stamp, after) = after.split_first_chunk::<STAMP>()?;
        let (digest, after) = after.split_first_chunk::<DIGEST>()?;
        let mut numbers = [0; NUMBERS];
        for (number, bytes) in numbers.iter_mut().zip(stamp.as_chunks::<8>().0) {
            *number = u64::from_le_bytes(*bytes);
        }
        let digest = Digest::from_bytes(*digest);
        let entry = Entry { stamp: Stamp(numbers), digest, is_used: false };
        entries.insert(std::str::from_utf8(path).ok()?.into(), entry);
        rest = after;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Folder, Subject};

    struct Place {
        root: tempfile::TempDir,
        state: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            Self { root: tempfile::tempdir().unwrap(), state: tempfile::tempdir().unwrap() }
        }

        /// Writes a file whose change is so old that its stamp is believed.
        fn write(&self, text: &str, is_old: bool) {
            let file = self.root.path().join("a.txt");
            std::fs::write(&file, text).unwrap();
            if is_old {
                let old = SystemTime::now() - Duration::from_hours(1);
                std::fs::File::open(&file).unwrap().set_modified(old).unwrap();
            }
        }

        fn memory(&self) -> FileMemory {
            FileMemory::open(self.state.path(), self.root.path())
        }

        /// Whether the digest was known before anybody read the file, and the digest.
        fn look(&self, memory: &FileMemory) -> (bool, Digest) {
            let path = self.root.path().join("a.txt");
            let stamp = Stamp::of(&path.symlink_metadata().unwrap());
            let is_known = memory.get("a.txt", &stamp).is_some();
            let folder = Folder::new(self.root.path()).remembering(memory.clone());
            let subject = Subject::of_folder(folder).unwrap();
            (is_known, subject.changed()[0].digest().unwrap())
        }
    }

    #[test]
    fn a_file_that_just_changed_is_read_again_next_time() {
        let place = Place::new();
        place.write("one", true);
        let memory = place.memory();
        // Its change time is now, whatever its modification time says.
        assert_eq!(place.look(&memory), (false, Digest::of(b"one")));
        assert_eq!(place.look(&memory), (false, Digest::of(b"one")));
        place.write("two", true);
        assert_eq!(place.look(&memory), (false, Digest::of(b"two")));
    }

    #[test]
    fn what_is_known_outlives_the_process_and_ends_with_the_stamp() {
        let place = Place::new();
        place.write("one", false);
        let path: Arc<str> = "a.txt".into();
        let stamp = || Stamp::of(&place.root.path().join("a.txt").symlink_metadata().unwrap());
        let later = SystemTime::now() + Duration::from_secs(10);
        place.memory().learn(&path, stamp(), later, Digest::of(b"one"));
        assert_eq!(place.look(&place.memory()), (true, Digest::of(b"one")));
        place.write("other", false);
        assert_eq!(place.look(&place.memory()), (false, Digest::of(b"other")));
    }

    #[test]
    fn damage_means_that_nothing_is_known() {
        let place = Place::new();
        place.write("one", false);
        let path: Arc<str> = "a.txt".into();
        let stamp = Stamp::of(&place.root.path().join("a.txt").symlink_metadata().unwrap());
        let later = SystemTime::now() + Duration::from_secs(10);
        place.memory().learn(&path, stamp, later, Digest::of(b"wrong"));
        let file = std::fs::read_dir(place.state.path()).unwrap().next().unwrap().unwrap().path();
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[20] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(place.look(&place.memory()), (false, Digest::of(b"one")));
    }

    #[test]
    fn a_remembered_digest_that_does_not_fit_is_no_verdict() {
        let place = Place::new();
        place.write("one", false);
        let path: Arc<str> = "a.txt".into();
        let stamp = Stamp::of(&place.root.path().join("a.txt").symlink_metadata().unwrap());
        let memory = place.memory();
        memory.learn(&path, stamp, SystemTime::now() + Duration::from_secs(10), Digest::of(b"x"));
        let folder = Folder::new(place.root.path()).remembering(memory);
        let subject = Subject::of_folder(folder).unwrap();
        assert!(subject.changed()[0].bytes().is_err());
    }
}
