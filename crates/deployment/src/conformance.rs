//! The laws of the ports, as tests for any implementation.
//!
//! Each function ends the test by a panic where a law does not hold, and leaves the
//! implementation as it found it: slots empty, no endpoints.

#![expect(clippy::panic, reason = "a law that does not hold ends the test")]

mod deployer;
mod ledger;
mod parts;
mod router;
mod slots;
mod store;
mod validator;

pub use deployer::check;
pub use ledger::check_ledger;
pub use parts::{check_backup, check_hook, check_migrator, check_notifier, check_probe};
pub use router::check_router;
pub use slots::check_slots;
pub use store::check_store;
pub use validator::check_validator;

/// Every file below a folder with its bytes, to see whether anything was changed.
fn tree(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let files = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().flatten();
    let files = files.filter(|entry| entry.file_type().is_file());
    let read = |entry: walkdir::DirEntry| {
        let bytes = std::fs::read(entry.path()).unwrap_or_else(|error| panic!("{error}"));
        (entry.into_path(), bytes)
    };
    files.map(read).collect()
}
