use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use futures::future::{BoxFuture, FutureExt as _};
use uuid::Uuid;

use super::client::{Client, PostgresSettings, SqlError};
use crate::backups::manifest::Manifest;
use crate::backups::shelf::{Begun, DATA, Shelf, blocking};
use crate::{BackupError, BackupProvider, BackupRef, BoxError, Proof, SettingError, StepContext};

/// Lists what is in a database.
const CONTENT: &str = include_str!("content.sql");

/// What a dump says when it is done, on a line of its own.
const DUMPED: &str = "evergen: dumped";

/// Keeps a PostgreSQL database by `pg_dump`, in its custom format.
///
/// The dump and the counts and sums of all tables that it is compared with are of one moment,
/// whatever is written meanwhile: both read one snapshot. `prove` restores into a database of
/// its own on the same server, compares, and drops it.
///
/// A restore fills a new database, compares it, and puts it in the place of the old one by
/// two renames in one transaction; connections to the old one are ended. Owner, settings and
/// grants of the database go along. The old one stays as `<name>_replaced` until the next restore.
#[derive(Clone, Debug)]
pub struct PostgresBackup {
    shelf: Shelf,
    client: Client,
}

impl PostgresBackup {
    /// Keeps the database of these settings, in a folder of `folder`.
    ///
    /// # Errors
    /// Names the field, its value and what is wrong with it.
    pub fn new(
        name: impl Into<String>,
        settings: PostgresSettings,
        folder: impl Into<PathBuf>,
    ) -> Result<Self, SettingError> {
        settings.validate()?;
        Ok(Self { shelf: Shelf::new(name.into(), folder.into()), client: Client::new(settings) })
    }

    fn database(&self) -> &str {
        &self.client.settings.database
    }

    async fn keep(&self, context: &StepContext) -> Result<BackupRef, BackupError> {
        let failed = |source: BoxError| self.shelf.failed("dump a database", source);
        let (place, given) = (self.shelf.clone(), context.clone());
        let begun = blocking(move || place.begin(&given)).await.map_err(failed)?;
        let begun = begun.map_err(|error| failed(error.into()))?;
        let manifest = self.dump(&begun).await.map_err(failed)?;
        let place = self.shelf.clone();
        let finished = blocking(move || place.finish(begun, manifest)).await.map_err(failed)?;
        finished.map_err(|error| failed(error.into()))
    }

    /// The session that holds the snapshot also starts the dump. What the shell is given there
    /// is a constant; names come from variables.
    async fn dump(&self, begun: &Begun) -> Result<Manifest, BoxError> {
        let path = begun.folder.join(DATA).display().to_string();
        let statements = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n\
             SELECT 'about encoding', pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database();\n\
             SELECT 'about collate', datcollate FROM pg_database WHERE datname = current_database();\n\
             SELECT 'about ctype', datctype FROM pg_database WHERE datname = current_database();\n\
             SELECT pg_export_snapshot() AS snapshot \\gset\n\
             \\setenv EVERGEN_SNAPSHOT :snapshot\n\
             \\setenv EVERGEN_DUMP :dump\n\
             \\! pg_dump --no-password --format=custom --snapshot=\"$EVERGEN_SNAPSHOT\" --file=\"$EVERGEN_DUMP\" && echo '{DUMPED}'\n\
             {CONTENT}\nCOMMIT;\n"
        );
        let lines = self.client.query(self.database(), &[("dump", &path)], &statements).await?;
        if !lines.iter().any(|line| line == DUMPED) {
            return Err(self.why_not_dumped(begun).await);
        }
        let mut manifest = Manifest::default();
        for (name, value) in lines.iter().filter_map(|line| line.split_once('\t')) {
            match name.strip_prefix("about ") {
                Some(about) => manifest.about.insert(about.to_owned(), value.to_owned()),
                None => manifest.content.insert(name.to_owned(), value.to_owned()),
            };
        }
        Ok(manifest)
    }

    /// A dump inside a session that succeeds has said why not on an output that is gone; so it
    /// is asked again.
    async fn why_not_dumped(&self, begun: &Begun) -> BoxError {
        let file = format!("--file={}", begun.folder.join(DATA).display());
        let arguments = ["--no-password", "--format=custom", file.as_str()];
        match self.client.run("pg_dump", &arguments, self.database(), "").await {
            Err(error) => error.into(),
            Ok(_) => "pg_dump failed, and succeeded when it was tried again".into(),
        }
    }

    async fn try_out(&self, backup: &BackupRef) -> Result<Proof, BackupError> {
        let began = Instant::now();
        let failed = |error: SqlError| self.shelf.failed("restore a dump to try it", error);
        let (place, manifest) = self.found(backup).await?;
        self.clear_scratch().await.map_err(failed)?;
        let scratch = self.scratch();
        let filled = self.fill(&scratch, &place, &manifest).await;
        let dropped = self.drop_database(&scratch).await;
        let restored = match filled {
            Ok(restored) => restored,
            // The dump is as it was written, and still no good.
            Err(SqlError::Command(error @ crate::CommandError::Failed { .. })) => {
                let (location, why) = (backup.location.clone(), error.to_string());
                return Err(BackupError::NotProven { location, why });
            }
            Err(error) => return Err(failed(error)),
        };
        dropped.map_err(failed)?;
        let compared = manifest
            .compare(&restored)
            .map_err(|why| BackupError::NotProven { location: backup.location.clone(), why })?;
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Proof::new(compared, millis))
    }

    async fn found(&self, backup: &BackupRef) -> Result<(PathBuf, Manifest), BackupError> {
        let (place, given) = (self.shelf.clone(), backup.clone());
        let found = blocking(move || place.open(&given)).await;
        found.map_err(|error| self.shelf.failed("read a dump", error))?
    }

    /// Makes a new database of a dump, and lists what is in it.
    async fn fill(
        &self,
        database: &str,
        place: &Path,
        manifest: &Manifest,
    ) -> Result<BTreeMap<String, String>, SqlError> {
        let about = |name: &str| manifest.about.get(name).map_or("", String::as_str);
        let (encoding, collate, ctype) = (about("encoding"), about("collate"), about("ctype"));
        let create = "CREATE DATABASE :\"new\" TEMPLATE template0 ENCODING :'encoding' LC_COLLATE :'collate' LC_CTYPE :'ctype';";
        let variables =
            [("new", database), ("encoding", encoding), ("collate", collate), ("ctype", ctype)];
        self.client.query("postgres", &variables, create).await?;
        let dump = place.join(DATA).display().to_string();
        let into = format!("--dbname={database}");
        let arguments = ["--no-password", "--exit-on-error", "--single-transaction", &into, &dump];
        self.client.run("pg_restore", &arguments, database, "").await?;
        let statements = format!("BEGIN READ ONLY;\n{CONTENT}\nCOMMIT;\n");
        let lines = self.client.query(database, &[], &statements).await?;
        let pairs = lines.iter().filter_map(|line| line.split_once('\t'));
        Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    async fn bring_back(&self, backup: &BackupRef) -> Result<(), BackupError> {
        let failed = |error: SqlError| self.shelf.failed("restore a database", error);
        let (place, manifest) = self.found(backup).await?;
        self.clear_scratch().await.map_err(failed)?;
        let fresh = self.scratch();
        let restored = match self.fill(&fresh, &place, &manifest).await {
            Ok(restored) => restored,
            Err(error) => {
                let _left = self.drop_database(&fresh).await;
                return Err(failed(error));
            }
        };
        if let Err(why) = manifest.compare(&restored) {
            let _left = self.drop_database(&fresh).await;
            return Err(BackupError::NotProven { location: backup.location.clone(), why });
        }
        let exchanged = self.exchange(&fresh).await;
        if exchanged.is_err() {
            let _left = self.drop_database(&fresh).await;
        }
        exchanged.map_err(failed)
    }

    /// Puts a database in the place of ours.
    async fn exchange(&self, fresh: &str) -> Result<(), SqlError> {
        const ALONG: &str = include_str!("along.sql");
        const EXCHANGE: &str = include_str!("exchange.sql");
        const OPEN: &str = "ALTER DATABASE :\"live\" WITH ALLOW_CONNECTIONS true;";
        let replaced = format!("{}_replaced", self.database());
        let variables = [("fresh", fresh), ("live", self.database()), ("replaced", &replaced)];
        let there = "SELECT count(*) FROM pg_database WHERE datname = :'live';";
        let there = self.client.query("postgres", &variables, there).await?;
        if there.iter().any(|line| line == "0") {
            let rename = "ALTER DATABASE :\"fresh\" RENAME TO :\"live\";";
            return self.client.query("postgres", &variables, rename).await.map(|_| ());
        }
        // A restore that was cut short may have left it closed.
        self.client.query("postgres", &variables, OPEN).await?;
        self.client.query(self.database(), &variables, ALONG).await?;
        self.drop_database(&replaced).await?;
        let exchanged = self.client.query("postgres", &variables, EXCHANGE).await;
        if exchanged.is_err() {
            self.client.query("postgres", &variables, OPEN).await?;
        }
        exchanged.map(|_| ())
    }

    /// The names of databases for trials begin with this; each of ours its own.
    fn scratch_prefix(&self) -> String {
        let place = format!("{}\0{}", self.database(), self.shelf.provider);
        format!("evergen_trial_{}_", &blake3::hash(place.as_bytes()).to_hex()[..12])
    }

    fn scratch(&self) -> String {
        format!("{}{}", self.scratch_prefix(), Uuid::now_v7().simple())
    }

    /// Drops what a trial that was cut short left behind.
    async fn clear_scratch(&self) -> Result<(), SqlError> {
        let prefix = self.scratch_prefix();
        let list = "SELECT datname FROM pg_database WHERE starts_with(datname, :'prefix');";
        for left in self.client.query("postgres", &[("prefix", &prefix)], list).await? {
            self.drop_database(&left).await?;
        }
        Ok(())
    }

    async fn drop_database(&self, database: &str) -> Result<(), SqlError> {
        let statement = "DROP DATABASE IF EXISTS :\"old\" WITH (FORCE);";
        let quiet = format!("SET client_min_messages = error;\n{statement}");
        self.client.query("postgres", &[("old", database)], &quiet).await.map(|_| ())
    }
}

impl BackupProvider for PostgresBackup {
    fn name(&self) -> &str {
        &self.shelf.provider
    }

    fn backup<'a>(
        &'a self,
        context: &'a StepContext,
    ) -> BoxFuture<'a, Result<BackupRef, BackupError>> {
        self.keep(context).boxed()
    }

    fn prove<'a>(&'a self, backup: &'a BackupRef) -> BoxFuture<'a, Result<Proof, BackupError>> {
        self.try_out(backup).boxed()
    }

    fn restore<'a>(&'a self, backup: &'a BackupRef) -> BoxFuture<'a, Result<(), BackupError>> {
        self.bring_back(backup).boxed()
    }

    fn discard<'a>(&'a self, backup: &'a BackupRef) -> BoxFuture<'a, Result<(), BackupError>> {
        async move {
            let (place, given) = (self.shelf.clone(), backup.clone());
            let done = blocking(move || place.discard(&given)).await;
            done.map_err(|error| self.shelf.failed("remove a backup", error))?
        }
        .boxed()
    }
}
