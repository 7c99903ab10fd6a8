//! Staging files, and committing them.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::apply::{Pass, apply, sync_folder, sync_touched};
use super::confined::{FOLDER, Target, stamp_of, system, target};
use super::journal::{Journal, OutputRoot};
use super::plan::{Planned, plan};
use super::region::{Folder, Region, Stage, discard};
use super::roots::{Regions, Roots, root_of};
use super::{Durability, OpenGuard};
use crate::store::{BeginError, CommitError, Committed, Place, StageError, Transaction};
use crate::{FileStamp, Obstacle};

/// The journal while it is being written, in the staging folder.
const NEW_JOURNAL: &str = "journal";

/// An open transaction on a [`DirectoryStore`](super::DirectoryStore).
pub(super) struct DirectoryTransaction {
    pub(super) regions: Regions,
    roots: Arc<Roots>,
    output: OutputRoot,
    project_stage: bool,
    next: AtomicU32,
    claims: Mutex<HashSet<Place>>,
    puts: Mutex<Vec<Put>>,
    removals: Mutex<HashSet<Place>>,
    /// A file is staged in part.
    incomplete: AtomicBool,
    /// The journal is, or may be, in place: what is staged must stay.
    decided: bool,
    _guard: OpenGuard,
}

/// A file staged by its own, to be moved by its own.
pub(super) struct Put {
    pub(super) place: Place,
    pub(super) staged: u32,
    pub(super) size: u64,
    /// Whether a folder stands at its place.
    pub(super) over_folder: bool,
}

impl DirectoryTransaction {
    pub(super) fn begin(roots: Arc<Roots>, guard: OpenGuard) -> Result<Self, BeginError> {
        if roots.journal().exists() {
            return Err(BeginError::Unfinished);
        }
        let opened = roots.open_regions();
        let (regions, output, project_stage) = opened.inspect_err(|_| {
            // Of several staging folders the first may have been made.
            let _ = roots.discard_stages();
        })?;
        Ok(Self {
            regions,
            roots,
            output,
            project_stage,
            next: AtomicU32::new(1),
            claims: Mutex::default(),
            puts: Mutex::default(),
            removals: Mutex::default(),
            incomplete: AtomicBool::new(false),
            decided: false,
            _guard: guard,
        })
    }

    pub(super) fn claims(&self) -> MutexGuard<'_, HashSet<Place>> {
        locked(&self.claims)
    }

    pub(super) fn puts(&self) -> MutexGuard<'_, Vec<Put>> {
        locked(&self.puts)
    }

    pub(super) fn removals(&self) -> MutexGuard<'_, HashSet<Place>> {
        locked(&self.removals)
    }

    fn stage_claimed(&self, place: &Place, pieces: &[&[u8]]) -> Result<FileStamp, StageError> {
        let region = self.regions.get(root_of(place));
        let Some(stage) = &region.stage else { return Err(StageError::Taken(place.clone())) };
        let path = place.path();
        let folder = region.resolve(path.folder(), &self.next)?;
        let (name, mode, put) = match &*folder {
            Folder::New(staged) => (staged.join(path.file_name()), None, None),
            Folder::Live(folder) => {
                let shown = || region.shown(path.as_str());
                let (mode, over_folder) = match target(folder.as_fd(), path.file_name(), shown)? {
                    Target::Free => (None, false),
                    Target::File(stat) => (Some(Mode::from_raw_mode(stat.st_mode)), false),
                    Target::Folder => (None, true),
                };
                let staged = self.next.fetch_add(1, Ordering::Relaxed);
                let size = pieces.iter().map(|piece| piece.len() as u64).sum();
                let put = Put { place: place.clone(), staged, size, over_folder };
                (PathBuf::from(staged.to_string()), mode, Some(put))
            }
        };
        let written = self.write(stage, &name, pieces, mode);
        let stamp = match written {
            Ok(stamp) => stamp,
            Err(Failure::Overlap) => return Err(StageError::Overlap(place.clone())),
            Err(Failure::System(error)) => {
                self.incomplete.store(true, Ordering::Relaxed);
                return Err(system("write", &region.shown(path.as_str()), error).into());
            }
        };
        self.puts().extend(put);
        Ok(stamp)
    }

    fn write(
        &self,
        stage: &Stage,
        name: &Path,
        pieces: &[&[u8]],
        mode: Option<Mode>,
    ) -> Result<FileStamp, Failure> {
        let opened = match open_new(stage.folder.as_fd(), name) {
            Err(Errno::NOENT) => {
                make_folders(stage.folder.as_fd(), name)?;
                open_new(stage.folder.as_fd(), name)
            }
            opened => opened,
        };
        let mut file = opened.map_err(Failure::of_open)?;
        write_pieces(&mut file, pieces)?;
        let stat = rustix::fs::fstat(&file).map_err(std::io::Error::from)?;
        let permissions = Mode::RWXU | Mode::RWXG | Mode::RWXO;
        if let Some(mode) = mode.map(|mode| mode & permissions)
            && mode != Mode::from_raw_mode(stat.st_mode) & permissions
        {
            rustix::fs::fchmod(&file, mode).map_err(std::io::Error::from)?;
        }
        if self.roots.durability == Durability::Power {
            file.sync_all()?;
        }
        Ok(stamp_of(&stat))
    }

    /// Everything up to the commit point: an error here means that nothing has changed.
    fn decide(&mut self, journal: &Journal) -> Result<(), CommitError> {
        if self.roots.durability == Durability::Power {
            self.sync_staged()?;
        }
        let Some(stage) = &self.regions.state.stage else { return Err(CommitError::Incomplete) };
        let shown = self.roots.journal();
        let failed = |error: std::io::Error| system("write", &shown, error);
        let mut file = open_new(stage.folder.as_fd(), Path::new(NEW_JOURNAL))
            .map_err(|error| failed(error.into()))?;
        file.write_all(journal.to_text().as_bytes()).map_err(failed)?;
        if self.roots.durability == Durability::Power {
            file.sync_all().map_err(failed)?;
        }
        let folder = self.regions.state.anchor();
        let moved = rustix::fs::renameat(&stage.folder, NEW_JOURNAL, folder, "journal");
        if let Err(error) = moved {
            let obstacle = failed(error.into());
            // Some file systems report an error although they did it.
            let gone = rustix::fs::unlink(&shown);
            if matches!(gone, Ok(()) | Err(Errno::NOENT)) {
                return Err(obstacle.into());
            }
            self.decided = true;
            return Err(CommitError::Unfinished(obstacle));
        }
        self.decided = true;
        if self.roots.durability == Durability::Power {
            sync_folder(self.regions.state.anchor(), &self.roots.state)
                .map_err(CommitError::Unfinished)?;
        }
        Ok(())
    }

    /// Forces the folders that are staged to the disk; their files are there already.
    fn sync_staged(&self) -> Result<(), Obstacle> {
        if let Some(stage) = &self.regions.output.stage {
            for planned in self.regions.output.planned() {
                let shown = stage.path.join(&planned);
                match rustix::fs::openat(&stage.folder, &planned, FOLDER, Mode::empty()) {
                    Ok(folder) => sync_folder(folder.as_fd(), &shown)?,
                    Err(Errno::NOENT) => {}
                    Err(error) => return Err(system("open", &shown, error)),
                }
            }
        }
        let stages = self.regions.stages();
        stages.iter().try_for_each(|stage| sync_folder(stage.folder.as_fd(), &stage.path))
    }

    /// Everything after the commit point.
    fn finish(&self, journal: &Journal) -> Result<(), Obstacle> {
        apply(&self.regions, &journal.steps, Pass::First)?;
        if self.roots.durability == Durability::Power {
            sync_touched(&self.regions, &journal.steps)?;
        }
        let shown = self.roots.journal();
        rustix::fs::unlinkat(self.regions.state.anchor(), "journal", rustix::fs::AtFlags::empty())
            .map_err(|error| system("remove", &shown, error))?;
        if self.roots.durability == Durability::Power {
            sync_folder(self.regions.state.anchor(), &self.roots.state)?;
        }
        for stage in self.regions.stages() {
            // It is empty, and should it stay, the next transaction takes it.
            let _ = rustix::fs::rmdir(&stage.path);
        }
        Ok(())
    }
}

impl Transaction for DirectoryTransaction {
    fn stage(&self, place: Place, bytes: &[u8]) -> Result<FileStamp, StageError> {
        self.stage_pieces(place, &[bytes])
    }

    fn stage_pieces(&self, place: Place, pieces: &[&[u8]]) -> Result<FileStamp, StageError> {
        if place.is_taken() {
            return Err(StageError::Taken(place));
        }
        if !self.claims().insert(place.clone()) {
            return Err(StageError::Twice(place));
        }
        self.stage_claimed(&place, pieces).inspect_err(|_| {
            self.claims().remove(&place);
        })
    }

    fn remove(&self, place: Place) {
        self.removals().insert(place);
    }

    fn commit(mut self: Box<Self>) -> Result<Committed, CommitError> {
        if self.incomplete.load(Ordering::Relaxed) {
            return Err(CommitError::Incomplete);
        }
        let Planned { steps, committed } = plan(&self)?;
        if steps.is_empty() {
            return Ok(committed);
        }
        let output = self.output.clone();
        let journal = Journal { output, project_stage: self.project_stage, steps };
        self.decide(&journal)?;
        self.finish(&journal).map_err(CommitError::Unfinished)?;
        Ok(committed)
    }
}

impl Drop for DirectoryTransaction {
    fn drop(&mut self) {
        if !self.decided {
            for stage in self.regions.stages() {
                // What can't be removed now is removed by the next transaction.
                let _ = discard(&stage.path);
            }
        }
    }
}

/// Why a staged file was not written.
enum Failure {
    Overlap,
    System(std::io::Error),
}

impl Failure {
    fn of_open(error: Errno) -> Self {
        match error {
            // Only this transaction writes here, so it has both a file and a folder.
            Errno::EXIST | Errno::NOTDIR | Errno::ISDIR => Self::Overlap,
            error => Self::System(error.into()),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::System(error)
    }
}

fn open_new(folder: BorrowedFd<'_>, name: &Path) -> Result<File, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name, flags, Mode::from(0o666)).map(File::from)
}

/// Large pieces are written from where they lie, small ones together.
fn write_pieces(file: &mut File, pieces: &[&[u8]]) -> std::io::Result<()> {
    if let [bytes] = pieces {
        return file.write_all(bytes);
    }
    let mut writer = BufWriter::with_capacity(1 << 16, file);
    pieces.iter().try_for_each(|piece| writer.write_all(piece))?;
    writer.flush()
}

/// Makes the folders above a staged file; another thread may do the same.
fn make_folders(stage: BorrowedFd<'_>, name: &Path) -> Result<(), Failure> {
    let Some(parent) = name.parent() else { return Ok(()) };
    let mut reached = PathBuf::new();
    for component in parent {
        reached.push(component);
        match rustix::fs::mkdirat(stage, &reached, Mode::from(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(Failure::of_open(error)),
        }
    }
    Ok(())
}

/// Each critical section leaves whole values behind, so a panic elsewhere does no harm.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says what a region has of a path, for the plan.
pub(super) fn existing_target(region: &Region, place: &Place) -> Result<Target, Obstacle> {
    let path = place.path();
    match region.existing(path.folder())?.as_deref() {
        Some(Folder::Live(folder)) => {
            target(folder.as_fd(), path.file_name(), || region.shown(path.as_str()))
        }
        _ => Ok(Target::Free),
    }
}
