//! Copies of what a deployment may spoil, each tried by a restore.

mod files;
mod manifest;
mod postgres;
mod shelf;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(test)]
pub(crate) mod tests;

pub use files::FilesBackup;
pub use postgres::{PostgresBackup, PostgresSettings};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteBackup;

pub(crate) use postgres::Client;
