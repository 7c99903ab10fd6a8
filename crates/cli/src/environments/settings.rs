//! What the files say of the environments, and what each of them is made of.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use evergen_deployment::{
    CommandLine, DeploymentConfig, DeploymentEnvironment, GithubSettings, MigrationSettings,
    PostgresSettings, WebhookSettings,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, ValueDeserializer};

use super::cluster::KubernetesSetting;
use super::documents::{Document, Documents};
use crate::failure::Failure;

/// Everything that the files say.
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

/// Reads the files; paths in them are relative to the project.
pub(super) fn read(documents: &Documents, root: &Path) -> Result<Settings, Failure> {
    let mut settings =
        Settings { config: DeploymentConfig::default(), made_of: BTreeMap::default() };
    for document in documents.iter() {
        match document.alone() {
            Some(name) => settings.add_one(name, document)?,
            None => settings.add_all(document)?,
        }
    }
    settings.sort();
    for environment in &mut settings.config.environments {
        if !environment.target_dir.as_os_str().is_empty() {
            environment.target_dir = root.join(&environment.target_dir);
        }
    }
    let config = &settings.config;
    config.validate().map_err(|error| documents.value(&error, &config.environments))?;
    Ok(settings)
}

impl Settings {
    /// Puts what is promoted behind the environment that it comes from, as files by name have no
    /// such order; otherwise in the order in which they stand.
    fn sort(&mut self) {
        let mut waiting = std::mem::take(&mut self.config.environments);
        let sorted = &mut self.config.environments;
        while !waiting.is_empty() {
            let waits_for = |it: &DeploymentEnvironment, others: &[DeploymentEnvironment]| {
                let from = it.promotes_from.as_ref();
                from.is_some_and(|from| others.iter().any(|other| other.name == *from))
            };
            let next = waiting.iter().position(|it| !waits_for(it, &waiting));
            // What is left goes in a circle, which the validation tells.
            sorted.push(waiting.remove(next.unwrap_or(0)));
        }
    }

    /// Takes over the file of all environments.
    fn add_all(&mut self, document: &Document) -> Result<(), Failure> {
        let mut table = document.table()?;
        let environments = table.get_mut().get_mut("environments").map(Spanned::get_mut);
        if let Some(DeValue::Array(environments)) = environments {
            for environment in environments.iter_mut() {
                let DeValue::Table(table) = environment.get_mut() else { continue };
                let name = table.get("name").and_then(|name| name.get_ref().as_str());
                let name = name.unwrap_or_default().to_owned();
                self.made_of.insert(name, take_parts(table, document)?);
            }
        }
        let config = DeploymentConfig::deserialize(Deserializer::from(table));
        self.config = config.map_err(|error| document.unreadable(error))?;
        Ok(())
    }

    /// Adds the environment that has a file of its own.
    fn add_one(&mut self, name: &str, document: &Document) -> Result<(), Failure> {
        if self.config.environments.iter().any(|known| known.name == name) {
            let why = format!("environment `{name}` is described in another file, too");
            return Err(document.bad("name", why));
        }
        let mut table = document.table()?;
        let known = table.get_ref().get("name").map(Spanned::get_ref);
        match known.map(|known| known.as_str()) {
            None => {
                let named = Spanned::new(0..0, DeValue::String(name.into()));
                table.get_mut().insert(Spanned::new(0..0, "name".into()), named);
            }
            Some(Some(known)) if known != name => {
                let file = document.file();
                let why = format!("`name` is `{known}`, but the file is called `{file}`");
                return Err(document.bad("name", why));
            }
            Some(_) => {}
        }
        let made_of = take_parts(table.get_mut(), document)?;
        let environment = DeploymentEnvironment::deserialize(Deserializer::from(table));
        let environment = environment.map_err(|error| document.unreadable(error))?;
        self.made_of.insert(name.to_owned(), made_of);
        self.config.environments.push(environment);
        Ok(())
    }
}

/// Takes out what the environment is made of, which the deployment itself does not know.
fn take_parts(table: &mut DeTable<'_>, document: &Document) -> Result<MadeOf, Failure> {
    Ok(MadeOf {
        service: take(table, document, "service")?,
        kubernetes: take(table, document, "kubernetes")?,
        validate: take(table, document, "validate")?.unwrap_or_default(),
        backups: take(table, document, "backups")?.unwrap_or_default(),
        migrations: take(table, document, "migrations")?.unwrap_or_default(),
        notifiers: take(table, document, "notifiers")?.unwrap_or_default(),
    })
}

fn take<T: DeserializeOwned>(
    table: &mut DeTable<'_>,
    document: &Document,
    key: &str,
) -> Result<Option<T>, Failure> {
    let Some(value) = table.remove(key) else { return Ok(None) };
    let read = T::deserialize(ValueDeserializer::from(value));
    read.map(Some).map_err(|error| document.unreadable(error))
}
