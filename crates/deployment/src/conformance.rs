//! The laws of the ports, as tests for any implementation.
//!
//! Each function ends the test by a panic where a law does not hold, and leaves the
//! implementation as it found it: slots empty, no endpoints.

#![expect(clippy::panic, reason = "a law that does not hold ends the test")]

mod deployer;
mod ledger;
mod router;
mod slots;

pub use deployer::check;
pub use ledger::check_ledger;
pub use router::check_router;
pub use slots::check_slots;
