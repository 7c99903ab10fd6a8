mod client;
mod provider;

pub use client::PostgresSettings;
pub use provider::PostgresBackup;

pub(crate) use client::Client;
