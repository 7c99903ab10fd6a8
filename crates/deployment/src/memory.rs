//! The ports in memory: for demonstrations, for programs that only try things, and for tests.

mod ledger;
mod releases;
mod router;
mod slots;

pub use ledger::MemoryLedger;
pub use releases::MemoryReleases;
pub use router::MemoryRouter;
pub use slots::MemorySlots;
