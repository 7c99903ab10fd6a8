use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt as _};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::manifest::Manifest;
use super::shelf::{DATA, Shelf, blocking};
use crate::{BackupError, BackupProvider, BackupRef, BoxError, Proof, StepContext};

/// Keeps a `SQLite` database by its own online backup, while others use it.
///
/// The copy and the checksums are of one moment: both are taken in one read transaction. In
/// WAL mode writers go on meanwhile; otherwise they wait. A restore writes into the database
/// where it is, in one transaction, so that who has it open sees all of it or nothing.
#[derive(Clone, Debug)]
pub struct SqliteBackup {
    shelf: Shelf,
    database: PathBuf,
    wait: Duration,
}

impl SqliteBackup {
    /// Keeps the database in this file, in a folder of `folder`.
    pub fn new(
        name: impl Into<String>,
        database: impl Into<PathBuf>,
        folder: impl Into<PathBuf>,
    ) -> Self {
        let (shelf, wait) = (Shelf::new(name.into(), folder.into()), Duration::from_secs(10));
        Self { shelf, database: database.into(), wait }
    }

    /// Says how long to wait for others who have it locked; 10 s by default.
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    fn open(&self, path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
        let connection =
            Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(self.wait)?;
        Ok(connection)
    }

    fn keep(&self, context: &StepContext) -> Result<BackupRef, BackupError> {
        let copy = |begun: &Path| -> Result<Manifest, BoxError> {
            let source = self.open(&self.database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            source.execute_batch("BEGIN")?;
            let found = listed(&source)?;
            self.copy(&source, &begun.join(DATA), OpenFlags::SQLITE_OPEN_CREATE)?;
            source.execute_batch("COMMIT")?;
            let about = [("source".to_owned(), self.database.display().to_string())].into();
            Ok(Manifest { content: found, about, files: BTreeMap::new() })
        };
        let begun = self.shelf.begin(context).map_err(|error| self.shelf.failed(KEEP, error))?;
        let manifest = copy(&begun.folder).map_err(|error| self.shelf.failed(KEEP, error))?;
        self.shelf.finish(begun, manifest).map_err(|error| self.shelf.failed(KEEP, error))
    }

    fn try_out(&self, backup: &BackupRef) -> Result<Proof, BackupError> {
        let began = Instant::now();
        let (place, manifest) = self.shelf.open(backup)?;
        let restored = || -> Result<BTreeMap<String, String>, BoxError> {
            let scratch = tempfile::tempdir()?;
            let path = scratch.path().join(DATA);
            let kept = self.open(&place.join(DATA), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            self.copy(&kept, &path, OpenFlags::SQLITE_OPEN_CREATE)?;
            let copy = self.open(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            let sound: String = copy.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
            let mut content = listed(&copy)?;
            if sound != "ok" {
                content.insert("damage".to_owned(), sound);
            }
            Ok(content)
        };
        let restored = restored().map_err(|error| self.shelf.failed(TRY, error))?;
        let compared = manifest
            .compare(&restored)
            .map_err(|why| BackupError::NotProven { location: backup.location.clone(), why })?;
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Proof::new(compared, millis))
    }

    fn bring_back(&self, backup: &BackupRef) -> Result<(), BackupError> {
        let (place, _) = self.shelf.open(backup)?;
        let put = || -> Result<(), BoxError> {
            let kept = self.open(&place.join(DATA), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            self.copy(&kept, &self.database, OpenFlags::SQLITE_OPEN_CREATE)
        };
        put().map_err(|error| self.shelf.failed("restore a database", error))
    }

    /// Copies all pages in one step: in several, a write in between would begin it anew.
    fn copy(&self, from: &Connection, to: &Path, flags: OpenFlags) -> Result<(), BoxError> {
        let mut to = self.open(to, OpenFlags::SQLITE_OPEN_READ_WRITE | flags)?;
        let until = Instant::now() + self.wait;
        {
            let backup = Backup::new(from, &mut to)?;
            loop {
                match backup.step(-1)? {
                    StepResult::Done => break,
                    _ if Instant::now() >= until => {
                        let wait = self.wait.as_secs_f64();
                        return Err(format!("the database was locked for {wait} s").into());
                    }
                    // SQLite itself does not wait for locks here.
                    _ => std::thread::sleep(Duration::from_millis(10)),
                }
            }
        }
        to.close().map_err(|(_, error)| error)?;
        Ok(())
    }
}

const KEEP: &str = "keep a database";
const TRY: &str = "restore a database to try it";

/// The statement of each part of the schema, and for each table the number of its rows and a
/// sum of their digests, which does not depend on their order.
fn listed(connection: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut schema = connection.prepare(
        "SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'",
    )?;
    let mut rows = schema.query([])?;
    while let Some(row) = rows.next()? {
        let (kind, name, statement): (String, String, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let digest = blake3::hash(statement.as_bytes()).to_hex();
        let is_virtual = statement.to_ascii_uppercase().starts_with("CREATE VIRTUAL");
        // What a virtual table shows lies in other tables, or nowhere.
        let value = if kind == "table" && !is_virtual {
            let (count, sum) = summed(connection, &name)?;
            format!("{count} rows, {sum:032x}, {}", &digest[..16])
        } else {
            digest[..16].to_owned()
        };
        found.insert(format!("{kind} {name}"), value);
    }
    Ok(found)
}

fn summed(connection: &Connection, table: &str) -> rusqlite::Result<(u64, u128)> {
    let quoted = table.replace('"', "\"\"");
    let mut statement = connection.prepare(&format!("SELECT * FROM \"{quoted}\""))?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    let (mut count, mut sum) = (0, 0_u128);
    while let Some(row) = rows.next()? {
        let mut hasher = blake3::Hasher::new();
        for column in 0..columns {
            let (tag, bytes): (u8, Vec<u8>) = match row.get_ref(column)? {
                ValueRef::Null => (0, Vec::new()),
                ValueRef::Integer(value) => (1, value.to_le_bytes().to_vec()),
                ValueRef::Real(value) => (2, value.to_le_bytes().to_vec()),
                ValueRef::Text(value) => (3, value.to_vec()),
                ValueRef::Blob(value) => (4, value.to_vec()),
            };
            hasher.update(&[tag]).update(&(bytes.len() as u64).to_le_bytes()).update(&bytes);
        }
        let mut half = [0; 16];
        hasher.finalize_xof().fill(&mut half);
        sum = sum.wrapping_add(u128::from_le_bytes(half));
        count += 1;
    }
    Ok((count, sum))
}

impl BackupProvider for SqliteBackup {
    fn name(&self) -> &str {
        &self.shelf.provider
    }

    fn backup<'a>(
        &'a self,
        context: &'a StepContext,
    ) -> BoxFuture<'a, Result<BackupRef, BackupError>> {
        let (own, context) = (self.clone(), context.clone());
        run(self, KEEP, move || own.keep(&context))
    }

    fn prove<'a>(&'a self, backup: &'a BackupRef) -> BoxFuture<'a, Result<Proof, BackupError>> {
        let (own, backup) = (self.clone(), backup.clone());
        run(self, TRY, move || own.try_out(&backup))
    }

    fn restore<'a>(&'a self, backup: &'a BackupRef) -> BoxFuture<'a, Result<(), BackupError>> {
        let (own, backup) = (self.clone(), backup.clone());
        run(self, "restore a database", move || own.bring_back(&backup))
    }

    fn discard<'a>(&'a self, backup: &'a BackupRef) -> BoxFuture<'a, Result<(), BackupError>> {
        let (own, backup) = (self.clone(), backup.clone());
        run(self, "remove a backup", move || own.shelf.discard(&backup))
    }
}

fn run<'a, T: Send + 'static>(
    sqlite: &'a SqliteBackup,
    action: &'static str,
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> BoxFuture<'a, Result<T, BackupError>> {
    async move { blocking(work).await.map_err(|error| sqlite.shelf.failed(action, error))? }.boxed()
}
