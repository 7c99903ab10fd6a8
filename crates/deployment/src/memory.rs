//! The ports in memory: for demonstrations, for programs that only try things, and for tests.

mod router;
mod slots;

pub use router::MemoryRouter;
pub use slots::MemorySlots;
