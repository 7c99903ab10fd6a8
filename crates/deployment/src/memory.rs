//! The ports in memory: for demonstrations, for programs that only try things, and for tests.

mod backup;
mod ledger;
mod parts;
mod releases;
mod router;
mod slots;
mod validator;

pub use backup::MemoryBackup;
pub use ledger::MemoryLedger;
pub use parts::{MemoryHook, MemoryMigrator, MemoryNotifier, MemoryProbe};
pub use releases::MemoryReleases;
pub use router::MemoryRouter;
pub use slots::MemorySlots;
pub use validator::MemoryValidator;
