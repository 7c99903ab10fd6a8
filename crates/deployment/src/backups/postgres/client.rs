use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::commands::setting;
use crate::{CommandError, CommandLine, Finished, Invocation, Secret, SecretRef, SettingError};

/// Which database of a PostgreSQL server, and who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub struct PostgresSettings {
    /// A host, or the folder of a socket.
    pub host: String,
    /// Its port; 5432 by default.
    #[serde(default = "port")]
    pub port: u16,
    /// Who asks. For backups it may create databases and read all tables.
    pub user: String,
    /// The database.
    pub database: String,
    /// The password, if one is asked for. It is handed to programs in a file of mode 0600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
    /// The folder with `psql`, `pg_dump` and the others; the search path if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programs: Option<PathBuf>,
    /// How long one of them may take, 1 ms to 24 h; an hour by default.
    #[serde(
        default = "hour",
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required"
    )]
    pub timeout: Duration,
}

fn port() -> u16 {
    5432
}

fn hour() -> Duration {
    Duration::from_hours(1)
}

impl PostgresSettings {
    /// A database without a password at the usual port.
    pub fn new(
        host: impl Into<String>,
        user: impl Into<String>,
        database: impl Into<String>,
    ) -> Self {
        let (host, user, database) = (host.into(), user.into(), database.into());
        let (password, programs, timeout) = (None, None, hour());
        Self { host, port: port(), user, database, password, programs, timeout }
    }

    /// Says at which port.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Says where the password is.
    #[must_use]
    pub fn with_password(mut self, password: SecretRef) -> Self {
        self.password = Some(password);
        self
    }

    /// Says in which folder the programs are.
    #[must_use]
    pub fn with_programs(mut self, folder: impl Into<PathBuf>) -> Self {
        self.programs = Some(folder.into());
        self
    }

    /// Says how long a program may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Refuses what nobody can have meant.
    ///
    /// # Errors
    /// Names the field, its value and what is wrong with it.
    pub fn validate(&self) -> Result<(), SettingError> {
        let words = [("host", &self.host), ("user", &self.user), ("database", &self.database)];
        for (field, value) in words {
            let good = !value.is_empty() && !value.contains(['\0', '\n']);
            setting(field, value, good, "it is empty or has more than a line")?;
        }
        setting("port", self.port, self.port != 0, "allowed is 1 to 65535")?;
        // The client takes a name with `=` for a whole list of settings.
        let plain = !self.database.contains('=') && !self.database.contains("://");
        setting("database", &self.database, plain, "it is no name of a database")
    }
}

/// Why a statement or a program of PostgreSQL did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SqlError {
    #[error(transparent)]
    Secret(#[from] crate::SecretError),
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// Runs the programs of PostgreSQL.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) settings: PostgresSettings,
}

impl Client {
    pub(crate) fn new(settings: PostgresSettings) -> Self {
        Self { settings }
    }

    /// Runs a program against a database, and gives it `input` to read.
    pub(crate) async fn run(
        &self,
        program: &str,
        arguments: &[&str],
        database: &str,
        input: &str,
    ) -> Result<Finished, SqlError> {
        let settings = &self.settings;
        let path = settings.programs.as_ref().map(|folder| folder.join(program));
        let program = path.map_or_else(|| program.to_owned(), |path| path.display().to_string());
        let argv = [program.as_str()].into_iter().chain(arguments.iter().copied());
        let mut line = CommandLine::new(argv)
            .with_timeout(settings.timeout)
            .with_output_limit(32 << 20)
            .with_env("PGHOST", &settings.host)
            .with_env("PGPORT", settings.port.to_string())
            .with_env("PGUSER", &settings.user)
            .with_env("PGDATABASE", database)
            .with_env("PGAPPNAME", "evergen")
            .with_env("PGCONNECT_TIMEOUT", "10")
            .with_env("PGCLIENTENCODING", "UTF8")
            .with_env("LC_ALL", "C.UTF-8");
        if let Some(folder) = &settings.programs {
            let path = std::env::var("PATH").unwrap_or_default();
            line = line.with_env("PATH", format!("{}:{path}", folder.display()));
        }
        let mut invocation = Invocation::default().with_input(input);
        if let Some(reference) = &settings.password {
            let password = reference.resolve()?;
            let escaped = password.expose().replace('\\', "\\\\").replace(':', "\\:");
            let entry = Secret::new(format!("*:*:*:*:{escaped}\n"));
            invocation.secret_files.insert("PGPASSFILE".to_owned(), entry);
            invocation.hidden.push(password);
        }
        Ok(line.run(&invocation).await?)
    }

    /// Runs statements, stops at the first that fails, and gives the lines that they print.
    /// `arguments` are put before the usual ones.
    pub(crate) async fn query(
        &self,
        database: &str,
        variables: &[(&str, &str)],
        statements: &str,
    ) -> Result<Vec<String>, SqlError> {
        let set: Vec<String> =
            variables.iter().map(|(name, value)| format!("--set={name}={value}")).collect();
        let mut arguments = vec!["--no-psqlrc", "--no-password", "--quiet", "--no-align"];
        arguments.extend(["--tuples-only", "--set=ON_ERROR_STOP=1", "--field-separator=\t"]);
        arguments.extend(set.iter().map(String::as_str));
        arguments.push("--file=-");
        let finished = self.run("psql", &arguments, database, statements).await?;
        let text = String::from_utf8_lossy(&finished.stdout);
        Ok(text.lines().map(str::to_owned).collect())
    }
}
