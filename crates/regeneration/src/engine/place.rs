//! From a text to a file: what is there already, and what may be done to it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use evergen_artifact::{
    ArtifactPath, ArtifactStore, Digest, FileStamp, LockFile, Place, StageError, Transaction,
};

use rustc_hash::FxHashMap;

use super::evaluate::Job;
use super::scan::Deviation;
use crate::artifacts::{Slot, claim_key};
use crate::edits;
use crate::error::CycleError;
use crate::generator::Generator;
use crate::records::Record;
use crate::report::Action;
use crate::settings::OnEdit;

/// What placing needs, shared by all workers of a cycle.
pub(super) struct Placer<'a> {
    pub(super) store: &'a dyn ArtifactStore,
    /// `None` where nothing is to be written.
    pub(super) transaction: Option<&'a dyn Transaction>,
    pub(super) deviations: &'a HashMap<Slot, Deviation>,
    /// What the last commit left, for files that no record knows.
    pub(super) lock_file: &'a OnceLock<LockFile>,
    pub(super) lock_path: &'a Path,
    /// Whether a file can stand where no record knows one.
    pub(super) output_exists: bool,
    /// Whether texts are kept, for a diff or a gate.
    pub(super) texts: bool,
    pub(super) claims: Mutex<Claims>,
}

/// What happened to one rendered artifact.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) action: Action,
    /// The digest and size of the bytes that will be on the disk.
    pub(super) written: Digest,
    pub(super) size: u64,
    /// The stamp of the file that will be there.
    pub(super) stamp: Option<FileStamp>,
    /// The stamp of the file that was found there and judged; nothing where none was.
    pub(super) found: Option<FileStamp>,
    pub(super) note: Option<String>,
    /// For a refusal, the digest that the last commit gave to the file.
    pub(super) last: Option<Digest>,
    /// What `diff` compares: the file as it is, and as it will be.
    pub(super) before: Option<Vec<u8>>,
    pub(super) after: Option<Vec<u8>>,
}

/// Two artifacts can't both have the paths that they ask for.
pub(super) enum Conflict {
    /// They ask for one path, or for two that some systems take for the same.
    Same { other: Slot, path: ArtifactPath },
    /// One asks for a path below that of the other.
    Inside { path: String, folder: String },
}

/// The paths of a cycle.
#[derive(Default)]
pub(super) struct Claims {
    files: FxHashMap<u64, (Slot, ArtifactPath)>,
    /// Folders that are needed, by a file in each.
    folders: FxHashMap<String, ArtifactPath>,
}

impl Claims {
    /// Adds a path and its [`claim_key`].
    fn add(&mut self, slot: Slot, path: &ArtifactPath, key: u64) -> Result<(), Conflict> {
        if let Some(inner) = self.folders.get(path.as_str()) {
            return Err(Conflict::Inside { path: inner.to_string(), folder: path.to_string() });
        }
        for (end, _) in path.as_str().match_indices('/') {
            let folder = &path.as_str()[..end];
            if self.folders.contains_key(folder) {
                continue;
            }
            let as_file = ArtifactPath::parse(folder).ok();
            if as_file.is_some_and(|file| self.files.contains_key(&claim_key(&file))) {
                let (path, folder) = (path.to_string(), folder.to_owned());
                return Err(Conflict::Inside { path, folder });
            }
            self.folders.insert(folder.to_owned(), path.clone());
        }
        match self.files.insert(key, (slot, path.clone())) {
            Some((other, path)) if other != slot => Err(Conflict::Same { other, path }),
            _ => Ok(()),
        }
    }
}

/// The file that stands at an artifact's path.
enum Found {
    Nothing,
    /// As the last cycle left it, with this digest; its bytes were not read.
    AsLeft(Digest),
    /// Made by a run whose state is lost, and not edited since.
    Generated(Vec<u8>),
    /// Edited by hand.
    Edited(Vec<u8>),
    /// Never made by evergen.
    Foreign(Vec<u8>),
    Blocked(String),
}

impl Placer<'_> {
    /// Notes that an artifact goes to a path.
    pub(super) fn claim(&self, slot: Slot, path: &ArtifactPath) -> Result<(), Conflict> {
        let key = claim_key(path);
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        claims.add(slot, path, key)
    }

    /// Decides what to do with a text, and stages it.
    pub(super) fn place(
        &self,
        job: &Job,
        generator: &Generator,
        path: &ArtifactPath,
        bytes: Vec<u8>,
        digest: Digest,
    ) -> Result<Placed, CycleError> {
        let (found, stamp) = self.find(job, path);
        let mut placed = self.place_beside(found, generator, path, bytes, digest)?;
        placed.found = stamp;
        if placed.action == Action::Keep {
            placed.stamp = stamp;
        }
        if placed.action == Action::Refuse {
            let entry = self.lock_file.get().and_then(|lock| lock.get(path));
            placed.last = entry.map(|entry| entry.digest);
        }
        Ok(placed)
    }

    fn place_beside(
        &self,
        found: Found,
        generator: &Generator,
        path: &ArtifactPath,
        bytes: Vec<u8>,
        digest: Digest,
    ) -> Result<Placed, CycleError> {
        match found {
            Found::Nothing => self.write(generator, path, bytes, digest, Action::Create, None),
            Found::AsLeft(there) if there == digest => Ok(Placed::keep(digest, bytes.len())),
            Found::AsLeft(_) if generator.on_edit == OnEdit::KeepRegions => {
                let there = self.read(path)?;
                self.keep_regions(generator, path, bytes, there)
            }
            Found::AsLeft(_) => {
                let before = if self.texts { Some(self.read(path)?) } else { None };
                self.write(generator, path, bytes, digest, Action::Update, before)
            }
            Found::Generated(there) | Found::Edited(there) | Found::Foreign(there)
                if there == bytes =>
            {
                Ok(Placed::keep(digest, bytes.len()))
            }
            Found::Generated(there) if generator.on_edit == OnEdit::KeepRegions => {
                self.keep_regions(generator, path, bytes, there)
            }
            Found::Generated(there) => {
                self.write(generator, path, bytes, digest, Action::Update, Some(there))
            }
            Found::Edited(there) => self.edited(generator, path, bytes, digest, there),
            Found::Foreign(there) => match generator.on_edit {
                OnEdit::Overwrite => {
                    self.write(generator, path, bytes, digest, Action::Update, Some(there))
                }
                OnEdit::KeepRegions => self.keep_regions(generator, path, bytes, there),
                OnEdit::Refuse | OnEdit::Merge => Ok(Placed::refuse(
                    "there is a file of this name that evergen did not make; move it away, or set on_edit = \"overwrite\"",
                    there,
                    Some(bytes),
                )),
            },
            Found::Blocked(why) => Ok(Placed::refuse(&why, Vec::new(), Some(bytes))),
        }
    }

    /// What stands at a path, and the stamp that it had before it was read.
    fn find(&self, job: &Job, path: &ArtifactPath) -> (Found, Option<FileStamp>) {
        let previous = job.previous.as_ref().filter(|record| record.path.as_ref() == Some(path));
        let Some(record) = previous else { return self.find_unknown(path) };
        match self.deviations.get(&job.slot) {
            None => (self.left(record, path), Some(record.stamp)),
            Some(Deviation::Touched(stamp) | Deviation::Returned(stamp)) => {
                (self.left(record, path), Some(*stamp))
            }
            Some(Deviation::Missing) => (Found::Nothing, None),
            Some(Deviation::Edited(bytes, stamp)) => (Found::Edited(bytes.clone()), Some(*stamp)),
            Some(Deviation::Blocked(why)) => (Found::Blocked(why.clone()), None),
        }
    }

    /// A file as the last cycle left it: one that holds an edit too is no generated text.
    fn left(&self, record: &Record, path: &ArtifactPath) -> Found {
        if record.written == record.digest {
            return Found::AsLeft(record.written.into());
        }
        match self.store.read(path) {
            Ok(Some(bytes)) => Found::Edited(bytes),
            Ok(None) => Found::Nothing,
            Err(error) => Found::Blocked(crate::error::chain(&error)),
        }
    }

    fn find_unknown(&self, path: &ArtifactPath) -> (Found, Option<FileStamp>) {
        if !self.output_exists {
            return (Found::Nothing, None);
        }
        // The stamp comes first: bytes that are newer than it are noticed later.
        let file = self.store.stamp(path).and_then(|stamp| {
            let bytes = if stamp.is_some() { self.store.read(path)? } else { None };
            Ok(stamp.zip(bytes))
        });
        let (stamp, bytes) = match file {
            Ok(None) => return (Found::Nothing, None),
            Ok(Some(file)) => file,
            Err(error) => return (Found::Blocked(crate::error::chain(&error)), None),
        };
        let lock = self.lock_file.get_or_init(|| read_lock_file(self.lock_path));
        let found = match lock.get(path) {
            Some(entry) if entry.digest == Digest::of(&bytes) => Found::Generated(bytes),
            Some(_) => Found::Edited(bytes),
            None => Found::Foreign(bytes),
        };
        (found, Some(stamp))
    }

    fn edited(
        &self,
        generator: &Generator,
        path: &ArtifactPath,
        bytes: Vec<u8>,
        digest: Digest,
        there: Vec<u8>,
    ) -> Result<Placed, CycleError> {
        match generator.on_edit {
            OnEdit::Overwrite => {
                self.write(generator, path, bytes, digest, Action::Update, Some(there))
            }
            OnEdit::KeepRegions => self.keep_regions(generator, path, bytes, there),
            OnEdit::Merge => self.merge(generator, path, bytes, there),
            OnEdit::Refuse => Ok(Placed::refuse(
                "it was edited by hand; take the edit back, or bring it into the template or the model, or set on_edit",
                there,
                Some(bytes),
            )),
        }
    }

    fn merge(
        &self,
        generator: &Generator,
        path: &ArtifactPath,
        bytes: Vec<u8>,
        there: Vec<u8>,
    ) -> Result<Placed, CycleError> {
        let base = state_place(&base_name(path)).map(|place| self.store.read_place(&place));
        let base = base.and_then(Result::ok).flatten();
        let texts =
            (base.map(String::from_utf8), std::str::from_utf8(&there), std::str::from_utf8(&bytes));
        let (Some(Ok(base)), Ok(edited), Ok(new)) = texts else {
            let why =
                "it was edited by hand, and there is no generated text to merge the edit with";
            return Ok(Placed::refuse(why, there, Some(bytes)));
        };
        match edits::merge(&base, edited, new) {
            Ok(merged) => {
                let merged = merged.into_bytes();
                let mut placed =
                    self.write_as(generator, path, &bytes, merged, Action::Merge, Some(there))?;
                placed.note = Some("the edit and the new text were merged".to_owned());
                Ok(placed)
            }
            Err(conflict) => {
                let why = format!("it was edited by hand: {conflict}; the file is as it was");
                Ok(Placed::refuse(&why, there, Some(bytes)))
            }
        }
    }

    fn keep_regions(
        &self,
        generator: &Generator,
        path: &ArtifactPath,
        bytes: Vec<u8>,
        there: Vec<u8>,
    ) -> Result<Placed, CycleError> {
        let (Ok(new), Ok(edited)) = (std::str::from_utf8(&bytes), std::str::from_utf8(&there))
        else {
            return Ok(Placed::refuse("it is no text, so it has no regions", there, Some(bytes)));
        };
        let skeleton = edits::skeleton(edited).map(|text| Digest::of(text.as_bytes()));
        let known = self.known_skeleton(path, new);
        let kept = match (edits::keep_regions(new, edited), skeleton) {
            (Ok(kept), Ok(skeleton)) if known.contains(&skeleton) => kept,
            (Err(error), _) | (_, Err(error)) => {
                return Ok(Placed::refuse(&error.to_string(), there, Some(bytes)));
            }
            (Ok(_), Ok(_)) => {
                let why = "it was edited by hand outside of its regions";
                return Ok(Placed::refuse(why, there, Some(bytes)));
            }
        };
        let kept = kept.into_bytes();
        if kept == there {
            return Ok(Placed::keep(Digest::of(&kept), kept.len()));
        }
        self.write_as(generator, path, &bytes, kept, Action::Update, Some(there))
    }

    /// The skeletons that an unedited file can have: that of the last generated
    /// text, and that of the new one.
    fn known_skeleton(&self, path: &ArtifactPath, new: &str) -> Vec<Digest> {
        let base = state_place(&base_name(path)).map(|place| self.store.read_place(&place));
        let base =
            base.and_then(Result::ok).flatten().and_then(|base| String::from_utf8(base).ok());
        let texts = base.iter().map(String::as_str).chain([new]);
        let skeletons = texts.filter_map(|text| edits::skeleton(text).ok());
        skeletons.map(|text| Digest::of(text.as_bytes())).collect()
    }

    fn write(
        &self,
        generator: &Generator,
        path: &ArtifactPath,
        bytes: Vec<u8>,
        digest: Digest,
        action: Action,
        before: Option<Vec<u8>>,
    ) -> Result<Placed, CycleError> {
        let Some(transaction) = self.transaction else {
            return Ok(self.forget_texts(Placed::write(action, bytes, digest, None, before)));
        };
        keep_base(generator, path, transaction, &bytes)?;
        let stamp = stage(transaction, Place::Output(path.clone()), &bytes)?;
        Ok(self.forget_texts(Placed::write(action, bytes, digest, Some(stamp), None)))
    }

    /// Writes other bytes than were generated.
    fn write_as(
        &self,
        generator: &Generator,
        path: &ArtifactPath,
        generated: &[u8],
        bytes: Vec<u8>,
        action: Action,
        before: Option<Vec<u8>>,
    ) -> Result<Placed, CycleError> {
        let digest = Digest::of(&bytes);
        let Some(transaction) = self.transaction else {
            return Ok(self.forget_texts(Placed::write(action, bytes, digest, None, before)));
        };
        keep_base(generator, path, transaction, generated)?;
        let stamp = stage(transaction, Place::Output(path.clone()), &bytes)?;
        Ok(self.forget_texts(Placed::write(action, bytes, digest, Some(stamp), None)))
    }

    fn forget_texts(&self, placed: Placed) -> Placed {
        if self.texts { placed } else { Placed { before: None, after: None, ..placed } }
    }

    fn read(&self, path: &ArtifactPath) -> Result<Vec<u8>, CycleError> {
        let bytes = self.store.read(path);
        let bytes = bytes.map_err(|error| CycleError::storage(format!("reading {path}"), error))?;
        Ok(bytes.unwrap_or_default())
    }
}

impl Placed {
    fn keep(digest: Digest, size: usize) -> Self {
        Self {
            action: Action::Keep,
            written: digest,
            size: size as u64,
            stamp: None,
            found: None,
            note: None,
            last: None,
            before: None,
            after: None,
        }
    }

    fn refuse(why: &str, before: Vec<u8>, after: Option<Vec<u8>>) -> Self {
        Self {
            action: Action::Refuse,
            written: Digest::of(&before),
            size: before.len() as u64,
            stamp: None,
            found: None,
            note: Some(why.to_owned()),
            last: None,
            before: Some(before),
            after,
        }
    }

    fn write(
        action: Action,
        bytes: Vec<u8>,
        written: Digest,
        stamp: Option<FileStamp>,
        before: Option<Vec<u8>>,
    ) -> Self {
        Self {
            action,
            written,
            size: bytes.len() as u64,
            stamp,
            found: None,
            note: None,
            last: None,
            before,
            after: Some(bytes),
        }
    }
}

/// Keeps the generated text where a later edit is to be judged by it.
fn keep_base(
    generator: &Generator,
    path: &ArtifactPath,
    transaction: &dyn Transaction,
    generated: &[u8],
) -> Result<(), CycleError> {
    if !matches!(generator.on_edit, OnEdit::Merge | OnEdit::KeepRegions) {
        return Ok(());
    }
    let Some(place) = state_place(&base_name(path)) else { return Ok(()) };
    stage(transaction, place, generated).map(drop)
}

/// The state file that holds the generated text of a path.
pub(super) fn base_name(path: &ArtifactPath) -> String {
    format!("text-{:016x}", claim_key(path))
}

pub(super) fn state_place(name: &str) -> Option<Place> {
    Place::state(name).ok()
}

pub(super) fn stage(
    transaction: &dyn Transaction,
    place: Place,
    bytes: &[u8],
) -> Result<FileStamp, CycleError> {
    stage_pieces(transaction, place, &[bytes])
}

/// The same for a file whose bytes lie in pieces.
pub(super) fn stage_pieces(
    transaction: &dyn Transaction,
    place: Place,
    pieces: &[&[u8]],
) -> Result<FileStamp, CycleError> {
    let shown = place.to_string();
    transaction
        .stage_pieces(place, pieces)
        .map_err(|error: StageError| CycleError::storage(format!("writing {shown}"), error))
}

/// What `evergen.lock` says; nothing if it is missing or unreadable.
pub(super) fn read_lock_file(path: &Path) -> LockFile {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    LockFile::parse(&text).unwrap_or_else(|error| {
        if !text.is_empty() {
            tracing::warn!(%error, "evergen.lock can't be read; files in the output folder are taken for edited");
        }
        LockFile::default()
    })
}
