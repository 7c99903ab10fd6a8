//! A disk that fails when it is told to.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;

use crate::disk::{Disk, Durability, System};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Allocate,
    Write,
    Sync,
    SyncFolder,
}

/// Passes everything on to the system, but for the calls it is told to let fail.
#[derive(Debug, Default)]
pub(crate) struct Faulty {
    /// Calls that come next, and how each fails if it does.
    planned: Mutex<Vec<(Call, Option<io::ErrorKind>)>>,
}

impl Faulty {
    /// Lets the next calls of these kinds fail, one after the other.
    pub(crate) fn plan(&self, faults: &[(Call, io::ErrorKind)]) {
        let faults = faults.iter().map(|(call, kind)| (*call, Some(*kind)));
        self.planned.lock().unwrap().extend(faults);
    }

    /// Lets the second call of this kind fail, and forgets what was planned before.
    pub(crate) fn plan_second(&self, call: Call, kind: io::ErrorKind) {
        *self.planned.lock().unwrap() = vec![(call, None), (call, Some(kind))];
    }

    /// Whether everything that was planned has happened.
    pub(crate) fn is_done(&self) -> bool {
        self.planned.lock().unwrap().is_empty()
    }

    fn fault(&self, call: Call) -> io::Result<()> {
        let mut planned = self.planned.lock().unwrap();
        match planned.first() {
            Some((next, kind)) if *next == call => {
                let kind = *kind;
                planned.remove(0);
                kind.map_or(Ok(()), |kind| Err(kind.into()))
            }
            _ => Ok(()),
        }
    }
}

const SYSTEM: System = System { durability: Durability::Process };

impl Disk for Faulty {
    fn allocate(&self, file: &File, bytes: u64) -> io::Result<()> {
        self.fault(Call::Allocate)?;
        SYSTEM.allocate(file, bytes)
    }

    fn write_at(&self, file: &File, bytes: &[u8], position: u64) -> io::Result<()> {
        let fault = self.fault(Call::Write);
        // What fails has done a part of its work.
        let written = if fault.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        file.write_all_at(written, position)?;
        fault
    }

    fn sync(&self, _: &File) -> io::Result<()> {
        self.fault(Call::Sync)
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        self.fault(Call::SyncFolder)
    }
}
