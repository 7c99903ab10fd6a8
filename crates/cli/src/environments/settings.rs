//! `evergen.deploy.toml`: the environments, and what each of them is made of.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use evergen_deployment::{
    CommandLine, DeploymentConfig, GithubSettings, MigrationSettings, PostgresSettings,
    WebhookSettings,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::wrong;
use crate::failure::Failure;

/// Everything that the file says.
pub(super) struct Settings {
    pub(super) config: DeploymentConfig,
    made_of: BTreeMap<String, MadeOf>,
}

/// What an environment is made of besides its folder.
#[derive(Default)]
pub(super) struct MadeOf {
    pub(super) service: Option<ServiceSetting>,
    pub(super) backups: Vec<BackupSetting>,
    pub(super) migrations: Vec<MigrationSetting>,
    pub(super) notifiers: Vec<NotifierSetting>,
}

/// A release that runs as processes behind a router.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceSetting {
    /// Program and arguments, with `{port}`, `{slot}`, `{version}` and `{release}`.
    pub(super) command: Vec<String>,
    /// The path that answers when it is ready; a connection is enough if there is none.
    #[serde(default)]
    pub(super) ready: Option<String>,
    /// The first and the last port; free ones if there is none.
    #[serde(default)]
    pub(super) ports: Option<(u16, u16)>,
    pub(super) router: RouterSetting,
}

/// What shares the requests between the slots.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum RouterSetting {
    /// `evergen router`.
    Small {
        /// The address for requests.
        listen: SocketAddr,
    },
    /// HAProxy by its runtime socket.
    Haproxy {
        /// The runtime socket.
        socket: PathBuf,
        /// The file with the backend.
        file: PathBuf,
        /// The backend.
        backend: String,
    },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum BackupSetting {
    Files {
        name: String,
        path: PathBuf,
    },
    Sqlite {
        name: String,
        path: PathBuf,
    },
    Postgres {
        name: String,
        #[serde(flatten)]
        database: PostgresSettings,
    },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MigrationSetting {
    pub(super) database: PostgresSettings,
    pub(super) migration: MigrationSettings,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum NotifierSetting {
    Command {
        name: String,
        #[serde(flatten)]
        command: CommandLine,
    },
    Webhook {
        name: String,
        #[serde(flatten)]
        webhook: WebhookSettings,
    },
    Github {
        name: String,
        #[serde(flatten)]
        github: GithubSettings,
    },
}

impl Settings {
    pub(super) fn made_of(&self, environment: &str) -> Option<&MadeOf> {
        self.made_of.get(environment)
    }

    pub(super) fn service(&self, environment: &str) -> Option<&ServiceSetting> {
        self.made_of(environment)?.service.as_ref()
    }
}

/// Reads the file; paths in it are relative to the project.
pub(super) fn read(text: &str, root: &Path) -> Result<Settings, Failure> {
    let mut file: toml::Table =
        text.parse().map_err(|error: toml::de::Error| wrong(error.to_string().trim_end()))?;
    let mut made_of = BTreeMap::new();
    let environments = file.get_mut("environments").and_then(toml::Value::as_array_mut);
    for environment in environments.into_iter().flatten() {
        let Some(table) = environment.as_table_mut() else { continue };
        let name = table.get("name").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        made_of.insert(name.clone(), take_parts(table, &name)?);
        if let Some(toml::Value::String(folder)) = table.get_mut("target_dir") {
            *folder = root.join(&*folder).display().to_string();
        }
    }
    let rest = toml::to_string(&file).map_err(|error| wrong(&error.to_string()))?;
    let config = DeploymentConfig::from_toml(&rest).map_err(|error| wrong(&error.to_string()))?;
    Ok(Settings { config, made_of })
}

fn take_parts(table: &mut toml::Table, environment: &str) -> Result<MadeOf, Failure> {
    Ok(MadeOf {
        service: take(table, environment, "service")?,
        backups: take(table, environment, "backups")?.unwrap_or_default(),
        migrations: take(table, environment, "migrations")?.unwrap_or_default(),
        notifiers: take(table, environment, "notifiers")?.unwrap_or_default(),
    })
}

fn take<T: DeserializeOwned>(
    table: &mut toml::Table,
    environment: &str,
    key: &str,
) -> Result<Option<T>, Failure> {
    let Some(value) = table.remove(key) else { return Ok(None) };
    let read = value.try_into();
    read.map(Some).map_err(|error: toml::de::Error| {
        wrong(&format!("`{environment}.{key}`: {}", error.message()))
    })
}
