//! The ports in memory: for demonstrations, for programs that only try things, and for tests.

mod ledger;
mod router;
mod slots;

pub use ledger::MemoryLedger;
pub use router::MemoryRouter;
pub use slots::MemorySlots;
