//! A file of small records that is read as a whole and rewritten when it has grown.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, wipe};
use crate::record::{
    BadHead, End, FileHead, Kind, Place, Tail, Window, encode_group, payload, scan,
};
use crate::{Damage, OpenError, TornTail};

#[cfg(test)]
mod tests;

/// The payloads of a journal, oldest first, and what was torn off its end.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) payloads: Vec<Vec<u8>>,
    pub(crate) torn: Option<TornTail>,
}

/// Reads a journal; one that is not there is empty.
pub(crate) fn read(path: &Path, kind: Kind) -> Result<Contents, OpenError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Contents::default()),
        read => read.map_err(OpenError::at(path))?,
    };
    parse(path, kind, &bytes)
}

pub(crate) fn parse(path: &Path, kind: Kind, bytes: &[u8]) -> Result<Contents, OpenError> {
    let head = check_head(path, kind, bytes)?;
    let mut records = Vec::new();
    let mut window = Window::new(bytes);
    let end = scan(&mut window, Place::first(&head), |place, record| {
        records.push((place.position, *record));
    })
    .map_err(OpenError::at(path))?;
    let torn = check_tail(path, &end)?;
    let mut payloads = Vec::with_capacity(records.len());
    for (position, record) in records {
        let bytes = payload(&mut window, position, &record).map_err(OpenError::at(path))?;
        payloads.push(bytes.to_vec());
    }
    Ok(Contents { payloads, torn })
}

/// Reads the head of a file and makes sure of its kind.
pub(crate) fn check_head(path: &Path, kind: Kind, bytes: &[u8]) -> Result<FileHead, OpenError> {
    let damaged = |fault: &str| Box::new(Damage::new(path.to_owned(), 0, 0, fault));
    match FileHead::decode(bytes) {
        Ok(head) if head.kind == kind => Ok(head),
        Ok(_) => Err(damaged("the file is of another kind").into()),
        Err(BadHead::Newer(version)) => Err(OpenError::Newer { file: path.to_owned(), version }),
        Err(BadHead::Damaged) => Err(damaged("the head of the file is damaged").into()),
    }
}

/// What is torn off the end of a file, or that it is damaged.
pub(crate) fn check_tail(path: &Path, end: &End) -> Result<Option<TornTail>, Box<Damage>> {
    match end.tail {
        Tail::Clean => Ok(None),
        Tail::Torn { until } => Ok(Some(TornTail {
            file: path.to_owned(),
            position: end.place.position,
            bytes: until - end.place.position,
            offset: end.place.offset,
        })),
        Tail::Damaged { at, next, fault } => {
            let mut damage = Damage::new(path.to_owned(), at.position, at.offset, fault);
            damage.next = next;
            Err(Box::new(damage))
        }
    }
}

/// Why a group of records was not kept.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It is as if nothing had happened.
    Refused(io::Error),
    /// What the medium holds is not known any more.
    Broken(io::Error),
}

impl Failure {
    /// While something is being opened, the two are the same.
    pub(crate) fn into_open_error(self, path: &Path) -> OpenError {
        let (Self::Refused(source) | Self::Broken(source)) = self;
        OpenError::System { path: path.to_owned(), source }
    }
}

/// Writes a group behind everything that was acknowledged, and flushes it.
pub(crate) fn commit(
    disk: &dyn Disk,
    file: &File,
    bytes: &[u8],
    position: u64,
) -> Result<(), Failure> {
    let until = position + bytes.len() as u64;
    if let Err(error) = disk.write_at(file, bytes, position) {
        // What was written of it must not lie behind a shorter group that comes next.
        return Err(match wipe(disk, file, position, until) {
            Ok(()) => Failure::Refused(error),
            Err(_) => Failure::Broken(error),
        });
    }
    disk.sync(file).map_err(|error| {
        // After a failed flush the system may take the pages for clean. The group is taken
        // back where that is possible; in any case nothing is promised of it.
        let _ = wipe(disk, file, position, until);
        Failure::Broken(error)
    })
}

/// A journal that is open for writing.
#[derive(Debug)]
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    kind: Kind,
    file: File,
    place: Place,
    /// How long it was when it was written anew.
    compact: u64,
}

/// A journal is not rewritten before it has so many bytes.
const WORTH_REWRITING: u64 = 256 << 10;

impl Journal {
    /// Writes a journal that holds these payloads and nothing else, in the place of the one
    /// that is there: that, or the new one, is found after any interruption. As long as the new
    /// one has not got the name, a failure leaves the old one as it was.
    pub(crate) fn create<P: AsRef<[u8]>>(
        disk: Arc<dyn Disk>,
        path: PathBuf,
        kind: Kind,
        payloads: &[P],
    ) -> Result<Self, Failure> {
        let head = FileHead { kind, base: 0, created: 0 };
        let mut bytes = head.encode().to_vec();
        let place = encode_group(&mut bytes, Place::first(&head), 0, payloads);
        let aside = path.with_extension("new");
        let file = write_aside(&*disk, &aside, &bytes).map_err(|error| {
            // A full disk should not be kept full by what is of no use.
            let _ = fs::remove_file(&aside);
            Failure::Refused(error)
        })?;
        fs::rename(&aside, &path)
            .and_then(|()| disk.sync_folder(path.parent().unwrap_or(Path::new("."))))
            .map_err(Failure::Broken)?;
        Ok(Self { disk, path, kind, file, place, compact: place.position })
    }

    /// Appends payloads as one group. When this returns, they are as safe as the disk makes them.
    pub(crate) fn append<P: AsRef<[u8]>>(&mut self, payloads: &[P]) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        let place = encode_group(&mut bytes, self.place, 0, payloads);
        commit(&*self.disk, &self.file, &bytes, self.place.position)?;
        self.place = place;
        Ok(())
    }

    /// Whether the journal has grown so much that it should be written anew.
    fn is_long(&self) -> bool {
        self.place.position > WORTH_REWRITING.max(self.compact.saturating_mul(4))
    }

    /// Writes the journal anew with these payloads, if it is long. One that can't be written
    /// anew for now is as good as it was, only longer: it is gone on with, and tried again when
    /// it has doubled. An error means that nobody knows which of the two has the name.
    pub(crate) fn shorten<P: AsRef<[u8]>>(
        &mut self,
        payloads: impl FnOnce() -> Vec<P>,
    ) -> io::Result<()> {
        if !self.is_long() {
            return Ok(());
        }
        let disk = Arc::clone(&self.disk);
        match Self::create(disk, self.path.clone(), self.kind, &payloads()) {
            Ok(short) => *self = short,
            Err(Failure::Refused(error)) => {
                let file = self.path.display();
                tracing::warn!(%file, %error, "a journal could not be written anew; it stays");
                self.compact = self.place.position / 2;
            }
            Err(Failure::Broken(error)) => return Err(error),
        }
        Ok(())
    }
}

fn write_aside(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(true).open(path)?;
    disk.write_at(&file, bytes, 0)?;
    disk.sync(&file)?;
    Ok(file)
}
