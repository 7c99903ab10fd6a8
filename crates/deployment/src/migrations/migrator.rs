use std::collections::BTreeMap;
use std::path::PathBuf;

use futures::future::{BoxFuture, FutureExt as _};

use super::script::{RECORD, Script, TABLE};
use super::settings::{MigrationSettings, MigrationStep};
use crate::backups::Client;
use crate::{
    BoxError, CommandError, CommandLine, Invocation, MigrationError, MigrationPhase, Migrator,
    PostgresSettings, SettingError, Side, StagedRelease, StepContext,
};

/// Migrates a PostgreSQL database. What was done is recorded in its table
/// `evergen_migrations`, each file of statements in the transaction that does it.
///
/// A step whose file was changed after it was done is refused: nobody can say what the
/// schema is then.
#[derive(Clone, Debug)]
pub struct PostgresMigrator {
    client: Client,
    settings: MigrationSettings,
}

/// One of the two halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Expand,
    Contract,
}

impl Half {
    const fn name(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Contract => "contract",
        }
    }
}

/// The step that stands for the end of a half.
const DONE: i64 = -1;

/// What is recorded: the digests of what was done, by half and step.
type Records = BTreeMap<(String, i64), String>;

impl PostgresMigrator {
    /// A migration of a database.
    ///
    /// # Errors
    /// Names the field, its value and what is wrong with it.
    pub fn new(
        database: PostgresSettings,
        settings: MigrationSettings,
    ) -> Result<Self, SettingError> {
        database.validate()?;
        settings.validate()?;
        Ok(Self { client: Client::new(database), settings })
    }

    fn failed(&self, action: &'static str, source: impl Into<BoxError>) -> MigrationError {
        MigrationError::Database {
            migration: self.settings.name.clone(),
            action,
            source: source.into(),
        }
    }

    fn refused(&self, action: &'static str, why: impl Into<String>) -> MigrationError {
        MigrationError::Refused { migration: self.settings.name.clone(), action, why: why.into() }
    }

    async fn query(
        &self,
        action: &'static str,
        variables: &[(&str, &str)],
        statements: &str,
    ) -> Result<Vec<String>, MigrationError> {
        let database = &self.client.settings.database;
        let ran = self.client.query(database, variables, statements).await;
        ran.map_err(|error| self.failed(action, error))
    }

    /// Asks without changing anything: before the first migration there is no table.
    async fn records(&self) -> Result<Records, MigrationError> {
        const ASK: &str = "
            SELECT to_regclass('evergen_migrations') IS NOT NULL AS there \\gset
            \\if :there
            SELECT half, step, digest FROM evergen_migrations WHERE name = :'name';
            \\endif
        ";
        let lines = self.query("read what was done", &[("name", &self.settings.name)], ASK).await?;
        let record = |line: &String| {
            let mut parts = line.split('\t');
            let (half, step) = (parts.next()?.to_owned(), parts.next()?.parse().ok()?);
            Some(((half, step), parts.next()?.to_owned()))
        };
        Ok(lines.iter().filter_map(record).collect())
    }

    fn phase_of(&self, records: &Records) -> MigrationPhase {
        let MigrationSettings { expand, contract, .. } = &self.settings;
        // One step of the second half is enough for the old release to fail.
        if records.keys().any(|(half, step)| half == "contract" && *step >= 0) {
            MigrationPhase::Contracted
        } else if expand.is_empty() && contract.is_empty() {
            MigrationPhase::Nothing
        } else if records.contains_key(&("expand".to_owned(), DONE)) {
            MigrationPhase::Expanded
        } else {
            MigrationPhase::Pending
        }
    }

    async fn run(&self, half: Half, context: &StepContext) -> Result<(), MigrationError> {
        let records = self.records().await?;
        let steps = match half {
            Half::Expand => &self.settings.expand,
            Half::Contract => &self.settings.contract,
        };
        if half == Half::Contract && self.phase_of(&records) < MigrationPhase::Expanded {
            return Err(self.refused("contract", "it was not expanded; expand it first"));
        }
        // All files are read before the first one runs, so that none is missing half-way.
        let works = steps.iter().map(|step| Work::read(step, context));
        let works: Vec<Work> =
            works.collect::<Result<_, _>>().map_err(|why| self.refused(half.name(), why))?;
        for (work, step) in works.iter().zip(0..) {
            let known = records.get(&(half.name().to_owned(), step));
            if known.is_some_and(|known| *known != work.digest()) {
                let why = format!("step {step} was changed after it was done: {}", work.name());
                return Err(self.refused(half.name(), why));
            }
        }
        self.query(half.name(), &[], TABLE).await?;
        for (work, step) in works.iter().zip(0..) {
            if !records.contains_key(&(half.name().to_owned(), step)) {
                self.step(half, step, work, context).await?;
            }
        }
        if records.contains_key(&(half.name().to_owned(), DONE)) {
            return Ok(());
        }
        self.record(half, DONE, "").await
    }

    async fn step(
        &self,
        half: Half,
        step: i64,
        work: &Work,
        context: &StepContext,
    ) -> Result<(), MigrationError> {
        tracing::info!(migration = self.settings.name, half = half.name(), step, "a step runs");
        match work {
            Work::Script(_, script) => {
                let statements = script.statements(self.settings.lock_timeout.as_millis());
                self.recording(half, step, &script.digest, &statements).await
            }
            Work::Command(command) => {
                let ran = command.run(&Invocation::of_step(context)).await;
                ran.map_err(|error| self.failed(half.name(), error))?;
                self.record(half, step, &work.digest()).await
            }
        }
    }

    async fn record(&self, half: Half, step: i64, digest: &str) -> Result<(), MigrationError> {
        self.recording(half, step, digest, RECORD).await
    }

    /// Runs statements that hold [`RECORD`].
    async fn recording(
        &self,
        half: Half,
        step: i64,
        digest: &str,
        statements: &str,
    ) -> Result<(), MigrationError> {
        let step = step.to_string();
        let name = self.settings.name.as_str();
        let variables =
            [("name", name), ("half", half.name()), ("step", &step), ("digest", digest)];
        self.query(half.name(), &variables, statements).await.map(|_| ())
    }

    async fn try_side(&self, side: Side, context: &StepContext) -> Result<(), MigrationError> {
        let release: Option<&StagedRelease> = match side {
            Side::New => Some(&context.release),
            Side::Old => context.live.as_ref(),
        };
        // Before the first deployment there is no old release that could fail.
        let Some(release) = release else { return Ok(()) };
        let mut invocation = Invocation::of_step(context)
            .with_variable("EVERGEN_CHECK", side.to_string())
            .with_variable("EVERGEN_CHECK_VERSION", release.version.to_string());
        let root = &release.root;
        invocation.folder = (!root.as_os_str().is_empty()).then(|| root.clone());
        match self.settings.check.run(&invocation).await {
            Ok(_) => Ok(()),
            Err(error @ (CommandError::Failed { .. } | CommandError::TimedOut { .. })) => {
                Err(MigrationError::Incompatible { side, why: error.to_string() })
            }
            Err(error) => Err(self.failed("check", error)),
        }
    }
}

/// A step that was read.
#[derive(Debug)]
enum Work {
    Script(PathBuf, Script),
    Command(CommandLine),
}

impl Work {
    fn read(step: &MigrationStep, context: &StepContext) -> Result<Self, String> {
        Ok(match step {
            MigrationStep::Sql(path) => {
                let path = context.release.root.join(path);
                let script = Script::read(&path)?;
                Self::Script(path, script)
            }
            MigrationStep::Command(command) => Self::Command(command.clone()),
        })
    }

    fn name(&self) -> String {
        match self {
            Self::Script(path, _) => path.display().to_string(),
            Self::Command(command) => command.to_string(),
        }
    }

    fn digest(&self) -> String {
        match self {
            Self::Script(_, script) => script.digest.clone(),
            Self::Command(command) => {
                blake3::hash(command.argv.join("\0").as_bytes()).to_hex().to_string()
            }
        }
    }
}

impl Migrator for PostgresMigrator {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn phase<'a>(
        &'a self,
        _context: &'a StepContext,
    ) -> BoxFuture<'a, Result<MigrationPhase, MigrationError>> {
        async move { Ok(self.phase_of(&self.records().await?)) }.boxed()
    }

    fn expand<'a>(&'a self, context: &'a StepContext) -> BoxFuture<'a, Result<(), MigrationError>> {
        self.run(Half::Expand, context).boxed()
    }

    fn check<'a>(
        &'a self,
        side: Side,
        context: &'a StepContext,
    ) -> BoxFuture<'a, Result<(), MigrationError>> {
        self.try_side(side, context).boxed()
    }

    fn contract<'a>(
        &'a self,
        context: &'a StepContext,
    ) -> BoxFuture<'a, Result<(), MigrationError>> {
        self.run(Half::Contract, context).boxed()
    }
}
