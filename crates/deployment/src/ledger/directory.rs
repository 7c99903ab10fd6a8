use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use evergen_artifact::{AcquireError, Digest, WriterLock};
use serde::{Deserialize, Serialize};

use super::chain;
use super::files::{self, FileError, at};
use crate::target::{TargetError, TargetFolder};
use crate::{
    AppendError, BoxError, ControlRequest, DeploymentLedger, Entry, Lease, LedgerView, LockError,
    OpenDeployment, ReadLedgerError, Record, Summary,
};

/// When a journal has this many bytes, what is over in it goes into the history.
const FULL: u64 = 256 * 1024;

/// A ledger in the target folder of an environment, as two files that are one chain.
///
/// The *journal* holds the latest deployments record by record. When it is full and nothing
/// is in progress, one line for each of them goes to the end of the *history*, and a new
/// journal begins that follows it. The rename of the new journal is what decides: lines that
/// came into the history without it are cut.
#[derive(Debug)]
pub struct DirectoryLedger {
    folder: TargetFolder,
    writer: Mutex<Option<Writer>>,
    full: u64,
}

/// The end of the journal, while we may write there.
#[derive(Debug)]
struct Writer {
    epoch: u64,
    file: File,
    length: u64,
    head: Digest,
    /// Whether the deployment in progress is committed.
    committed: bool,
    /// Whether a write failed, so that nobody knows what the file ends with.
    failed: bool,
}

/// The first line of a journal: what it follows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Link {
    /// How many bytes of the history come before.
    history: u64,
    /// The highest epoch so far.
    epoch: u64,
}

/// All that was read.
struct Contents {
    view: LedgerView,
    link: Link,
    head: Digest,
    /// How many bytes of the journal are whole lines; nothing if there is no journal.
    journal: Option<u64>,
}

impl DirectoryLedger {
    /// The ledger in a target folder. Nothing is touched until it is locked.
    pub fn new(target: impl Into<PathBuf>, environment: impl Into<String>) -> Self {
        let folder = TargetFolder::new(target, environment);
        Self { folder, writer: Mutex::default(), full: FULL }
    }

    /// Says after how many bytes of details the older ones are dropped.
    #[must_use]
    pub fn with_journal_bytes(mut self, full: u64) -> Self {
        self.full = full;
        self
    }

    fn journal(&self) -> PathBuf {
        self.folder.state().join("journal")
    }

    fn history(&self) -> PathBuf {
        self.folder.state().join("history")
    }

    fn control(&self) -> PathBuf {
        self.folder.state().join("control")
    }

    fn contents(&self) -> Result<Contents, ReadLedgerError> {
        // The journal first: the history that it follows only grows.
        let journal = files::read_if_there(&self.journal()).map_err(unreadable)?;
        let history = files::read_if_there(&self.history()).map_err(unreadable)?;
        let history = history.unwrap_or_default();
        let Some(journal) = journal else { return self.without_journal(&history) };
        let Some(link) = first_link(&journal) else {
            return self.cut_at_birth(&journal, &history);
        };
        let length = usize::try_from(link.history).unwrap_or(usize::MAX);
        let Some(before) = history.get(..length) else {
            let (path, offset) = (self.history(), history.len() as u64);
            let why = "it ends before the place at which the journal begins";
            return Err(ReadLedgerError::Damaged { path, offset, record: 0, why });
        };
        let older = whole(&self.history(), before, chain::ORIGIN)?;
        let newer = whole(&self.journal(), &journal, older.head)?;
        let mut view = LedgerView { epoch: link.epoch, ..LedgerView::default() };
        view.history = parsed(&self.history(), &older.texts)?;
        view.entries = parsed(&self.journal(), newer.texts.get(1..).unwrap_or_default())?;
        view.epoch = view.entries.iter().map(|entry| entry.epoch).fold(link.epoch, u64::max);
        if newer.end < journal.len() {
            let (path, bytes) = (self.journal(), journal.len() - newer.end);
            let path = path.display();
            view.warnings.push(format!(
                "the last record of `{path}` was cut short at byte {}: {bytes} bytes are left out",
                newer.end
            ));
        }
        Ok(Contents { view, link, head: newer.head, journal: Some(newer.end as u64) })
    }

    fn without_journal(&self, history: &[u8]) -> Result<Contents, ReadLedgerError> {
        if history.is_empty() {
            let (view, link) = (LedgerView::default(), Link::default());
            return Ok(Contents { view, link, head: chain::ORIGIN, journal: None });
        }
        let why = "it is missing, and there is a history before it";
        Err(ReadLedgerError::Damaged { path: self.journal(), offset: 0, record: 1, why })
    }

    /// A journal is put in place whole: one without a first line was changed.
    fn cut_at_birth(&self, journal: &[u8], history: &[u8]) -> Result<Contents, ReadLedgerError> {
        if journal.is_empty() && history.is_empty() {
            return self.without_journal(history);
        }
        let why = "it does not begin with what it follows";
        Err(ReadLedgerError::Damaged { path: self.journal(), offset: 0, record: 1, why })
    }

    /// Takes the files over for writing: cuts what was cut short, and begins a first journal.
    fn open_writer(&self) -> Result<Writer, LockError> {
        let contents = self.contents()?;
        for warning in &contents.view.warnings {
            tracing::warn!(environment = self.folder.environment, "{warning}");
        }
        self.cut_history(contents.link.history).map_err(medium)?;
        let epoch = contents.view.epoch + 1;
        let (length, head) = match contents.journal {
            Some(length) => (length, contents.head),
            None => self.begin_journal(chain::ORIGIN, &Link::default()).map_err(medium)?,
        };
        let file = self.open_journal().map_err(medium)?;
        let cut = file.metadata().map_err(at("look at", &self.journal())).map_err(medium)?;
        if cut.len() > length {
            file.set_len(length).map_err(at("cut", &self.journal())).map_err(medium)?;
            file.sync_data().map_err(at("sync", &self.journal())).map_err(medium)?;
        }
        let committed =
            contents.view.state().open.as_ref().is_some_and(OpenDeployment::is_committed);
        Ok(Writer { epoch, file, length, head, committed, failed: false })
    }

    fn open_journal(&self) -> Result<File, FileError> {
        let path = self.journal();
        OpenOptions::new().read(true).write(true).open(&path).map_err(at("open", &path))
    }

    /// Takes lines off the history that no journal follows.
    fn cut_history(&self, length: u64) -> Result<(), FileError> {
        let path = self.history();
        let file = match OpenOptions::new().write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(at("open", &path)(error)),
        };
        if file.metadata().map_err(at("look at", &path))?.len() == length {
            return Ok(());
        }
        file.set_len(length).map_err(at("cut", &path))?;
        file.sync_data().map_err(at("sync", &path))
    }

    /// Puts a new journal in place that follows `head`; returns its length and its head.
    fn begin_journal(&self, head: Digest, link: &Link) -> Result<(u64, Digest), FileError> {
        let mut lines = String::new();
        // Two numbers always become JSON.
        let text = serde_json::to_string(link).unwrap_or_default();
        let head = chain::push(&mut lines, head, &text);
        files::replace(&self.journal(), lines.as_bytes())?;
        Ok((lines.len() as u64, head))
    }

    fn write(&self, writer: &mut Writer, entries: &[Entry]) -> Result<(), AppendError> {
        self.check_fresh(writer)?;
        let mut lines = String::new();
        let mut head = writer.head;
        for entry in entries {
            let text = serde_json::to_string(entry);
            let text = text.map_err(|error| self.unwritten(error.into()))?;
            head = chain::push(&mut lines, head, &text);
        }
        writer.failed = true;
        // How far a deployment is after its commit may be lost: it is only done again.
        let lazy = writer.committed && entries.iter().all(|entry| is_progress(&entry.record));
        let file = &mut writer.file;
        let written = file
            .seek(SeekFrom::Start(writer.length))
            .and_then(|_| file.write_all(lines.as_bytes()))
            .and_then(|()| if lazy { Ok(()) } else { file.sync_data() });
        written.map_err(|error| self.unwritten(error.into()))?;
        (writer.failed, writer.head) = (false, head);
        writer.length += lines.len() as u64;
        for entry in entries {
            match entry.record {
                Record::Committed => writer.committed = true,
                Record::Ended { .. } => writer.committed = false,
                _ => {}
            }
        }
        Ok(())
    }

    /// Whoever wrote after us, or put another journal in place, has a later lock.
    fn check_fresh(&self, writer: &Writer) -> Result<(), AppendError> {
        if writer.failed {
            let why = "an earlier write failed; lock the ledger anew and look what was kept";
            return Err(self.unwritten(why.into()));
        }
        let seen =
            std::fs::metadata(self.journal()).map_err(|error| self.unwritten(error.into()))?;
        let own = writer.file.metadata().map_err(|error| self.unwritten(error.into()))?;
        if seen.ino() != own.ino() || seen.len() != writer.length {
            let why = "somebody else has written to the ledger".to_owned();
            return Err(AppendError::Stale { epoch: writer.epoch, why });
        }
        Ok(())
    }

    fn unwritten(&self, source: BoxError) -> AppendError {
        AppendError::Medium { path: self.journal(), source }
    }

    /// Puts what is over into the history. That this fails is no harm: the next lock finds
    /// the old journal or the new one.
    fn rotate(&self, writer: &mut Writer) {
        writer.failed = true;
        if let Err(error) = self.try_rotate() {
            let error: &dyn std::error::Error = &*error;
            tracing::warn!(environment = self.folder.environment, error, "the journal stays long");
        }
    }

    fn try_rotate(&self) -> Result<(), BoxError> {
        let contents = self.contents()?;
        let before = files::read_if_there(&self.history())?.unwrap_or_default();
        let older = chain::read(&before, chain::ORIGIN).map_err(|broken| broken.why)?;
        let mut lines = String::new();
        let mut head = older.head;
        for entry in &contents.view.entries {
            if let Record::Ended { summary } = &entry.record {
                head = chain::push(&mut lines, head, &serde_json::to_string(summary)?);
            }
        }
        let path = self.history();
        let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
        file.write_all(lines.as_bytes())?;
        file.sync_data()?;
        let history = (before.len() + lines.len()) as u64;
        self.begin_journal(head, &Link { history, epoch: contents.view.epoch })?;
        Ok(())
    }
}

impl DeploymentLedger for DirectoryLedger {
    fn lock(&self) -> Result<Lease, LockError> {
        self.folder.ownership().map_err(|error| foreign(&self.folder, error))?;
        let lock =
            WriterLock::acquire(&self.folder.state(), None).map_err(|error| match error {
                AcquireError::Held { holder, .. } => LockError::Held {
                    holder: holder
                        .map_or_else(|| "another process".to_owned(), |it| it.to_string()),
                },
                error => LockError::Medium { path: self.folder.state(), source: error.into() },
            })?;
        self.folder.claim().map_err(|error| foreign(&self.folder, error))?;
        let writer = self.open_writer()?;
        let epoch = writer.epoch;
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
        Ok(Lease::new(epoch, Box::new(lock)))
    }

    fn append(&self, lease: &Lease, entries: &[Entry]) -> Result<(), AppendError> {
        let mut guard = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(writer) = guard.as_mut().filter(|writer| writer.epoch == lease.epoch()) else {
            let why = "the ledger was locked again since".to_owned();
            return Err(AppendError::Stale { epoch: lease.epoch(), why });
        };
        self.write(writer, entries)?;
        let over = entries.last().is_some_and(|entry| matches!(entry.record, Record::Ended { .. }));
        if over && writer.length > self.full {
            self.rotate(writer);
        }
        Ok(())
    }

    fn read(&self) -> Result<LedgerView, ReadLedgerError> {
        self.contents().map(|contents| contents.view)
    }

    fn is_held(&self) -> bool {
        WriterLock::acquire(&self.folder.state(), None).is_err()
    }

    fn ask(&self, request: &ControlRequest) -> Result<(), AppendError> {
        let path = self.control();
        let failed = |source| AppendError::Medium { path: path.clone(), source };
        let text = serde_json::to_vec(request).map_err(|error| failed(error.into()))?;
        files::replace(&path, &text).map_err(|error| failed(error.into()))
    }

    fn asked(&self, _lease: &Lease) -> Result<Option<ControlRequest>, ReadLedgerError> {
        let path = self.control();
        let Some(bytes) = files::read_if_there(&path).map_err(unreadable)? else { return Ok(None) };
        std::fs::remove_file(&path).map_err(at("remove", &path)).map_err(unreadable)?;
        // A wish that can't be understood is none.
        Ok(serde_json::from_slice(&bytes).ok())
    }
}

fn is_progress(record: &Record) -> bool {
    matches!(record, Record::Entered { .. } | Record::Finished { .. } | Record::Warned { .. })
}

fn first_link(journal: &[u8]) -> Option<Link> {
    let line = journal.split(|byte| *byte == b'\n').next()?;
    serde_json::from_slice(line.get(Digest::HEX_LENGTH + 1..)?).ok()
}

fn whole<'a>(
    path: &Path,
    bytes: &'a [u8],
    head: Digest,
) -> Result<chain::Chain<'a>, ReadLedgerError> {
    chain::read(bytes, head).map_err(|broken| ReadLedgerError::Damaged {
        path: path.to_owned(),
        offset: broken.offset as u64,
        record: broken.line as u64 + 1,
        why: broken.why,
    })
}

fn parsed<T: for<'de> Deserialize<'de>>(
    path: &Path,
    texts: &[&str],
) -> Result<Vec<T>, ReadLedgerError> {
    let values = texts.iter().enumerate().map(|(number, text)| {
        serde_json::from_str(text).map_err(|_| ReadLedgerError::Damaged {
            path: path.to_owned(),
            offset: 0,
            record: number as u64 + 1,
            why: "this program does not know such a record; use the one that wrote it",
        })
    });
    values.collect()
}

fn unreadable(error: FileError) -> ReadLedgerError {
    ReadLedgerError::Medium { path: error.path.clone(), source: error.into() }
}

fn medium(error: FileError) -> LockError {
    LockError::Medium { path: error.path.clone(), source: error.into() }
}

fn foreign(folder: &TargetFolder, error: TargetError) -> LockError {
    match error {
        TargetError::NotOurs { why } => LockError::NotOurs { path: folder.root.clone(), why },
        TargetError::File(error) => medium(error),
    }
}

/// For tests of what many recorded deployments cost.
impl DirectoryLedger {
    /// Writes a history of deployments that are over, as imported from elsewhere. The
    /// environment is new, or this is refused.
    ///
    /// # Errors
    /// The environment is not new, or the medium failed.
    pub fn import(&self, summaries: &[Summary]) -> Result<(), LockError> {
        let lease = self.lock()?;
        let contents = self.contents()?;
        if contents.view.epoch > 0 || !contents.view.history.is_empty() {
            let why = "it has a history already; import into a new environment".to_owned();
            return Err(LockError::NotOurs { path: self.folder.root.clone(), why });
        }
        let mut lines = String::new();
        let mut head = chain::ORIGIN;
        for summary in summaries {
            // A summary has only texts as keys.
            let text = serde_json::to_string(summary).unwrap_or_default();
            head = chain::push(&mut lines, head, &text);
        }
        files::replace(&self.history(), lines.as_bytes()).map_err(medium)?;
        let link = Link { history: lines.len() as u64, epoch: lease.epoch() };
        self.begin_journal(head, &link).map_err(medium)?;
        Ok(())
    }
}
