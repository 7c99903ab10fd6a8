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
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, ValueDeserializer};

use super::cluster::KubernetesSetting;
use super::places::Places;
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
    pub(super) kubernetes: Option<KubernetesSetting>,
    pub(super) validate: Vec<ValidateSetting>,
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

/// A command that judges a release before anything of it is staged.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ValidateSetting {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) command: CommandLine,
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

    pub(super) fn is_in_a_cluster(&self, environment: &str) -> bool {
        self.made_of(environment).is_some_and(|made_of| made_of.kubernetes.is_some())
    }

    pub(super) fn service(&self, environment: &str) -> Option<&ServiceSetting> {
        self.made_of(environment)?.service.as_ref()
    }
}

/// Reads the file; paths in it are relative to the project.
pub(super) fn read(text: &str, root: &Path) -> Result<Settings, Failure> {
    let places = Places::new(text);
    let mut file = DeTable::parse(text).map_err(|error| places.no_toml(&error))?;
    let mut made_of = BTreeMap::new();
    let environments = file.get_mut().get_mut("environments").map(Spanned::get_mut);
    if let Some(DeValue::Array(environments)) = environments {
        for environment in environments.iter_mut() {
            let DeValue::Table(table) = environment.get_mut() else { continue };
            let name = table.get("name").and_then(|name| name.get_ref().as_str());
            let name = name.unwrap_or_default().to_owned();
            made_of.insert(name, take_parts(table, places)?);
        }
    }
    let config = DeploymentConfig::deserialize(Deserializer::from(file));
    let mut config = config.map_err(|error| places.unreadable(error))?;
    for environment in &mut config.environments {
        if !environment.target_dir.as_os_str().is_empty() {
            environment.target_dir = root.join(&environment.target_dir);
        }
    }
    config.validate().map_err(|error| places.value(&error))?;
    Ok(Settings { config, made_of })
}

/// Takes out what the environment is made of, which the deployment itself does not know.
fn take_parts(table: &mut DeTable<'_>, places: Places<'_>) -> Result<MadeOf, Failure> {
    Ok(MadeOf {
        service: take(table, places, "service")?,
        kubernetes: take(table, places, "kubernetes")?,
        validate: take(table, places, "validate")?.unwrap_or_default(),
        backups: take(table, places, "backups")?.unwrap_or_default(),
        migrations: take(table, places, "migrations")?.unwrap_or_default(),
        notifiers: take(table, places, "notifiers")?.unwrap_or_default(),
    })
}

fn take<T: DeserializeOwned>(
    table: &mut DeTable<'_>,
    places: Places<'_>,
    key: &str,
) -> Result<Option<T>, Failure> {
    let Some(value) = table.remove(key) else { return Ok(None) };
    let read = T::deserialize(ValueDeserializer::from(value));
    read.map(Some).map_err(|error| places.unreadable(error))
}
