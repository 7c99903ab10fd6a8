//! What the system's events mean.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, SyncSender};

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventHandler, EventKind};

use super::settling::Sign;

/// What the thread that watches is told.
#[derive(Debug)]
pub(super) enum Signal {
    /// Something happened to a file or folder.
    Seen(PathBuf, Sign),
    /// There is something to look at besides.
    Wake,
}

/// Takes the system's events, on the system's thread, and never makes it wait: what
/// finds no room is lost, and known to be lost.
#[derive(Debug)]
pub(super) struct Listener {
    signals: SyncSender<Signal>,
    lost: Arc<AtomicBool>,
    /// The file that was made last. Whoever makes a file by opening it causes two
    /// events, one after the other; all other opening is of no interest, and frequent.
    created: Option<PathBuf>,
    /// Closes its channel when the system's thread has ended.
    _alive: Sender<()>,
}

impl Listener {
    pub(super) fn new(
        signals: SyncSender<Signal>,
        lost: Arc<AtomicBool>,
        alive: Sender<()>,
    ) -> Self {
        Self { signals, lost, created: None, _alive: alive }
    }

    fn lose(&self) {
        self.lost.store(true, Ordering::Release);
        // If there is no room, the thread is awake.
        let _awake = self.signals.try_send(Signal::Wake);
    }
}

impl EventHandler for Listener {
    fn handle_event(&mut self, event: notify::Result<Event>) {
        let event = match event {
            Ok(event) if !event.need_rescan() => event,
            _ => return self.lose(),
        };
        for path in event.paths {
            let Some(sign) = meaning(event.kind, &path) else { continue };
            match sign {
                Sign::Created => self.created = Some(path.clone()),
                Sign::Opened if self.created.as_ref() != Some(&path) => continue,
                _ => {}
            }
            if self.signals.try_send(Signal::Seen(path, sign)).is_err() {
                self.lose();
            }
        }
    }
}

fn meaning(kind: EventKind, path: &Path) -> Option<Sign> {
    Some(match kind {
        EventKind::Create(_) => Sign::Created,
        EventKind::Remove(_) => Sign::Gone,
        EventKind::Modify(ModifyKind::Metadata(_)) => Sign::Touched,
        EventKind::Modify(ModifyKind::Name(mode)) => match mode {
            RenameMode::From => Sign::Gone,
            RenameMode::To => Sign::Placed,
            // Says once more what the other two have said.
            RenameMode::Both => return None,
            _ if path.exists() => Sign::Placed,
            _ => Sign::Gone,
        },
        EventKind::Modify(_) | EventKind::Any => Sign::Written,
        EventKind::Access(AccessKind::Open(_)) => Sign::Opened,
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Sign::Closed,
        EventKind::Access(_) | EventKind::Other => return None,
    })
}
