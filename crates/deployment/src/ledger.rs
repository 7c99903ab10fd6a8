//! The ledger as files: a chain of records in which every line holds the one before.

mod chain;
mod directory;
pub(crate) mod files;

pub use directory::DirectoryLedger;
