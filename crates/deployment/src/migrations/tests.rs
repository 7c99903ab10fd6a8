use std::fs;
use std::path::Path;

use super::*;
use crate::backups::tests::{chain, context, server::Server};
use crate::{
    CommandLine, MigrationError, MigrationPhase, Migrator, Side, StagedRelease, StepContext,
};

const EXPAND: &str =
    "ALTER TABLE users ADD COLUMN mail text;\nUPDATE users SET mail = name || '@example.org';\n";
const INDEX: &str = "-- evergen: no transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS by_mail ON users (mail);\n";
const CONTRACT: &str = "ALTER TABLE users DROP COLUMN name;\n";

/// A server with a table, and two releases; the check of each is a query in its folder.
struct Field {
    server: Server,
    context: StepContext,
}

fn release(folder: &Path, like: &StagedRelease, query: &str) -> StagedRelease {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("needs.sql"), query).unwrap();
    StagedRelease::new(like.id, like.version.clone(), folder.to_owned(), like.provenance.clone())
}

fn field() -> Option<Field> {
    let server = Server::start()?;
    server.sql("app", "CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL); INSERT INTO users VALUES (1, 'ann')");
    let mut context = context();
    let new = release(&server.path("new"), &context.release, "SELECT mail FROM users");
    let old = release(&server.path("old"), &context.release, "SELECT name FROM users");
    for (name, text) in [("expand.sql", EXPAND), ("index.sql", INDEX), ("contract.sql", CONTRACT)] {
        fs::write(new.root.join(name), text).unwrap();
    }
    context.release = new;
    context = context.with_live(Some(old));
    Some(Field { server, context })
}

impl Field {
    fn migrator(&self) -> PostgresMigrator {
        PostgresMigrator::new(self.server.settings(), self.settings()).unwrap()
    }

    fn settings(&self) -> MigrationSettings {
        let (settings, psql) = (self.server.settings(), self.server.psql("app"));
        let program = psql.get_program().to_str().unwrap();
        let check =
            CommandLine::new([program, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "needs.sql"])
                .with_env("PGHOST", &settings.host)
                .with_env("PGUSER", "postgres")
                .with_env("PGDATABASE", "app")
                .with_secret("PGPASSWORD", settings.password.clone().unwrap());
        let touch = CommandLine::new(["sh", "-c", "echo once >> ran"]);
        MigrationSettings::new("add mail", check)
            .with_expand([
                MigrationStep::Sql("expand.sql".into()),
                MigrationStep::Sql("index.sql".into()),
                MigrationStep::Command(touch),
            ])
            .with_contract([MigrationStep::Sql("contract.sql".into())])
    }

    async fn phase(&self) -> MigrationPhase {
        self.migrator().phase(&self.context).await.unwrap()
    }
}

#[tokio::test]
async fn both_halves_are_done_once_and_both_releases_are_checked() {
    let Some(field) = field() else { return };
    let (migrator, context) = (field.migrator(), &field.context);
    assert_eq!(field.phase().await, MigrationPhase::Pending);
    let error = migrator.check(Side::New, context).await.unwrap_err();
    assert!(matches!(error, MigrationError::Incompatible { side: Side::New, .. }), "{error}");
    let error = migrator.contract(context).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "migration `add mail` can't contract: it was not expanded; expand it first"
    );

    for _ in 0..2 {
        migrator.expand(context).await.unwrap();
        assert_eq!(field.phase().await, MigrationPhase::Expanded);
    }
    assert_eq!(fs::read_to_string(context.release.root.join("ran")).unwrap(), "once\n");
    assert_eq!(field.server.sql("app", "SELECT mail FROM users"), "ann@example.org");
    migrator.check(Side::Old, context).await.unwrap();
    migrator.check(Side::New, context).await.unwrap();

    for _ in 0..2 {
        migrator.contract(context).await.unwrap();
        assert_eq!(field.phase().await, MigrationPhase::Contracted);
    }
    migrator.check(Side::New, context).await.unwrap();
    let error = migrator.check(Side::Old, context).await.unwrap_err();
    assert!(matches!(error, MigrationError::Incompatible { side: Side::Old, .. }), "{error}");
}

#[tokio::test]
async fn a_step_that_fails_leaves_nothing_and_the_next_run_goes_on_from_there() {
    let Some(field) = field() else { return };
    let (migrator, context) = (field.migrator(), &field.context);
    let path = context.release.root.join("expand.sql");
    fs::write(&path, format!("{EXPAND} SELECT no_such_thing;")).unwrap();
    let error = migrator.expand(context).await.unwrap_err();
    assert!(chain(&error).contains("no_such_thing"), "{}", chain(&error));
    assert_eq!(field.phase().await, MigrationPhase::Pending);
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'users'";
    assert_eq!(field.server.sql("app", columns), "2");
    fs::write(&path, EXPAND).unwrap();
    migrator.expand(context).await.unwrap();
    assert_eq!(field.phase().await, MigrationPhase::Expanded);
}

#[tokio::test]
async fn a_changed_or_missing_file_is_refused_before_anything_is_done() {
    let Some(field) = field() else { return };
    let (migrator, context) = (field.migrator(), &field.context);
    let (expand, index) = ("expand.sql", "index.sql");
    let root = &context.release.root;
    fs::remove_file(root.join(index)).unwrap();
    let error = migrator.expand(context).await.unwrap_err();
    assert!(matches!(error, MigrationError::Refused { .. }), "{error}");
    assert_eq!(field.server.sql("app", "SELECT to_regclass('evergen_migrations') IS NULL"), "t");
    fs::write(root.join(index), INDEX).unwrap();
    migrator.expand(context).await.unwrap();
    fs::write(root.join(expand), format!("{EXPAND}-- more\n")).unwrap();
    let error = migrator.expand(context).await.unwrap_err().to_string();
    assert!(error.contains("step 0 was changed after it was done"), "{error}");
}

#[tokio::test]
async fn a_lock_of_the_running_release_is_not_waited_for_long() {
    let Some(field) = field() else { return };
    let mut holder = field.server.psql("app");
    holder.args(["-c", "BEGIN; LOCK TABLE users; SELECT pg_sleep(30)"]);
    let mut holder = holder.stdout(std::process::Stdio::null()).spawn().unwrap();
    let locked = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'users'::regclass";
    let until = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while field.server.sql("app", locked) == "0" {
        assert!(std::time::Instant::now() < until, "the lock was never taken");
    }
    let mut settings = field.settings();
    settings.lock_timeout = std::time::Duration::from_millis(100);
    let migrator = PostgresMigrator::new(field.server.settings(), settings).unwrap();
    let error = migrator.expand(&field.context).await.unwrap_err();
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(chain(&error).contains("lock timeout"), "{}", chain(&error));
}
