use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, FutureExt as _};
use jiff::Timestamp;

use crate::{BackupError, BackupProvider, BackupRef, Proof, StepContext};

/// A text as the data that is backed up, with its backups beside it.
///
/// Of the laws it can't keep the one that a backup outlives the process.
#[derive(Debug, Default)]
pub struct MemoryBackup {
    name: String,
    data: Mutex<Data>,
}

#[derive(Debug, Default)]
struct Data {
    now: String,
    kept: BTreeMap<String, String>,
    made: u64,
}

impl MemoryBackup {
    /// An empty text, and no backups.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), data: Mutex::default() }
    }

    /// Changes the text.
    pub fn set(&self, text: impl Into<String>) {
        self.data().now = text.into();
    }

    /// The text as it is now.
    pub fn text(&self) -> String {
        self.data().now.clone()
    }

    /// Where the backups are, ascending.
    pub fn kept(&self) -> Vec<String> {
        self.data().kept.keys().cloned().collect()
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text of a backup, which is as it was made.
    fn sound(&self, backup: &BackupRef) -> Result<String, BackupError> {
        let damaged = |why: &str| {
            let location = backup.location.clone();
            BackupError::Damaged { location, why: why.to_owned() }
        };
        let text = self.data().kept.get(&backup.location).cloned();
        let text = text.ok_or_else(|| damaged("it is not there"))?;
        if backup.digest == blake3::hash(text.as_bytes()).to_hex().as_str() {
            Ok(text)
        } else {
            Err(damaged("it was changed"))
        }
    }
}

impl BackupProvider for MemoryBackup {
    fn name(&self) -> &str {
        &self.name
    }

    fn backup<'a>(
        &'a self,
        context: &'a StepContext,
    ) -> BoxFuture<'a, Result<BackupRef, BackupError>> {
        async move {
            let mut data = self.data();
            data.made += 1;
            let location = format!("{}-{}", context.deployment, data.made);
            let text = data.now.clone();
            data.kept.insert(location.clone(), text.clone());
            let digest = blake3::hash(text.as_bytes()).to_hex();
            let backup = BackupRef::new(&self.name, location, Timestamp::now());
            Ok(backup.with_content(text.len() as u64, digest.as_str()))
        }
        .boxed()
    }

    fn prove<'a>(&'a self, backup: &'a BackupRef) -> BoxFuture<'a, Result<Proof, BackupError>> {
        async move {
            let text = self.sound(backup)?;
            Ok(Proof::new(format!("{} bytes", text.len()), 0))
        }
        .boxed()
    }

    fn restore<'a>(&'a self, backup: &'a BackupRef) -> BoxFuture<'a, Result<(), BackupError>> {
        async move {
            let text = self.sound(backup)?;
            self.set(text);
            Ok(())
        }
        .boxed()
    }

    fn discard<'a>(&'a self, backup: &'a BackupRef) -> BoxFuture<'a, Result<(), BackupError>> {
        async move {
            self.data().kept.remove(&backup.location);
            Ok(())
        }
        .boxed()
    }
}
