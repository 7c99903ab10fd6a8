//! Changes of a schema in two halves.

mod migrator;
mod script;
mod settings;

#[cfg(test)]
mod tests;

pub use migrator::PostgresMigrator;
pub use settings::{MigrationSettings, MigrationStep};
