//! The implementations that the settings of an environment choose.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use evergen_deployment::{
    CheckSetting, CommandHook, CommandLine, CommandNotifier, CommandSetting, CommandValidator,
    DeploymentConfig, DeploymentEnvironment, EnvironmentParts, FilesBackup, GithubNotifier, Hook,
    PostgresBackup, PostgresMigrator, ProbeSettings, ReleaseValidator, SettingError, SqliteBackup,
    TrafficRouter, WebhookNotifier,
};
use evergen_traffic::{
    HaproxyRouter, HaproxySettings, Ports, ProcessSettings, ProcessSlots, Readiness, RouterClient,
};
use serde::Deserialize as _;

use super::documents::Documents;
use super::gates::ReleaseGates;
use super::settings::{
    BackupSetting, MadeOf, NotifierSetting, RouterSetting, ServiceSetting, Settings,
    ValidateSetting,
};
use crate::failure::Failure;

/// The parts of all environments, by name.
pub(super) struct Parts(BTreeMap<String, EnvironmentParts>);

impl Parts {
    /// Makes the parts that the settings name.
    pub(super) fn build(
        settings: &Settings,
        documents: &Documents,
        root: &Path,
    ) -> Result<Self, Failure> {
        let environments = settings.config.environments.iter();
        let parts = environments.map(|environment| {
            let nothing = MadeOf::default();
            let made_of = settings.made_of(&environment.name).unwrap_or(&nothing);
            let builder = Builder { environment, documents, root };
            let parts = builder.build(&settings.config, made_of)?;
            Ok((environment.name.clone(), parts))
        });
        parts.collect::<Result<_, _>>().map(Self)
    }

    /// The parts of one environment.
    pub(super) fn of(&self, environment: &DeploymentEnvironment) -> EnvironmentParts {
        let known = self.0.get(&environment.name).cloned();
        known.unwrap_or_else(|| EnvironmentParts::directory(environment))
    }
}

/// Where the processes of an environment and its router keep what they know.
pub(super) fn service_folder(root: &Path, environment: &DeploymentEnvironment) -> PathBuf {
    root.join(".evergen").join("services").join(&environment.name)
}

/// How many instances of a release HAProxy has room for, if no more are wanted: that it gets
/// more needs no new start then.
const ROOM: u16 = 8;

/// HAProxy, by its runtime socket, the file with our backend, and its name.
pub(super) fn haproxy(
    root: &Path,
    environment: &DeploymentEnvironment,
    (socket, file, backend): (&Path, &Path, &str),
) -> Result<HaproxyRouter, evergen_resilience::SettingsError> {
    let settings = HaproxySettings::new(root.join(socket), root.join(file), backend);
    HaproxyRouter::new(settings.with_replicas(environment.replicas.max(ROOM)))
}

struct Builder<'a> {
    environment: &'a DeploymentEnvironment,
    documents: &'a Documents,
    root: &'a Path,
}

impl Builder<'_> {
    fn build(
        &self,
        config: &DeploymentConfig,
        made_of: &MadeOf,
    ) -> Result<EnvironmentParts, Failure> {
        let mut parts = match (&made_of.service, &made_of.kubernetes) {
            (Some(_), Some(_)) => {
                let why = "a release runs as processes or in a cluster; take `service` or \
                           `kubernetes` out";
                return Err(self.bad(&["kubernetes"], why));
            }
            (Some(service), None) => self.service(service)?,
            (None, Some(setting)) => setting
                .parts(self.environment, self.root)
                .map_err(|error| self.bad(&["kubernetes", error.field], &error))?,
            (None, None) => EnvironmentParts::directory(self.environment),
        };
        for validator in self.validators(made_of)? {
            parts = parts.with_validator(validator);
        }
        let own = self.environment.validate_before_deploy;
        if own.or(config.validate_before_deploy) == Some(true) {
            parts = parts.with_validator(Arc::new(ReleaseGates::new(self.root)));
        }
        for check in &self.environment.health_checks {
            parts = self.probe(parts, check)?;
        }
        let both = |shared: &[CommandSetting], own: &[CommandSetting]| -> Result<Vec<_>, Failure> {
            shared.iter().chain(own).map(|command| self.hook(command)).collect()
        };
        let environment = self.environment;
        for hook in both(&config.pre_deploy_commands, &environment.pre_deploy_commands)? {
            parts = parts.with_before(hook);
        }
        for hook in both(&[], &environment.test_commands)? {
            parts = parts.with_test(hook);
        }
        for hook in both(&config.post_deploy_commands, &environment.post_deploy_commands)? {
            parts = parts.with_after(hook);
        }
        for backup in &made_of.backups {
            parts = self.backup(parts, backup)?;
        }
        for setting in &made_of.migrations {
            let migrator =
                PostgresMigrator::new(setting.database.clone(), setting.migration.clone());
            parts = parts.with_migrator(Arc::new(
                migrator.map_err(|error| self.bad(&["migrations"], error))?,
            ));
        }
        for notifier in &made_of.notifiers {
            parts = self.notifier(parts, notifier)?;
        }
        Ok(parts)
    }

    /// Something that can't be used, at a path below the environment.
    fn bad(&self, path: &[&str], why: impl std::fmt::Display) -> Failure {
        let path: Vec<&str> =
            std::iter::once(self.environment.name.as_str()).chain(path.iter().copied()).collect();
        self.documents.unusable(&path, why)
    }

    /// Judges releases before anything of them is staged: the commands of the settings.
    fn validators(&self, made_of: &MadeOf) -> Result<Vec<Arc<dyn ReleaseValidator>>, Failure> {
        let validators = made_of.validate.iter().map(|setting| {
            let ValidateSetting { name, command } = setting;
            let validator = CommandValidator::new(name, command.clone());
            let validator = validator.map_err(|error| self.bad(&["validate", name], error))?;
            Ok(Arc::new(validator) as Arc<dyn ReleaseValidator>)
        });
        validators.collect()
    }

    fn service(&self, service: &ServiceSetting) -> Result<EnvironmentParts, Failure> {
        let folder = service_folder(self.root, self.environment);
        let mut settings = ProcessSettings::new(&folder, service.command.iter().cloned())
            .with_replicas(self.environment.replicas);
        if let Some((first, last)) = service.ports {
            settings = settings.with_ports(Ports::Range { first, last });
        }
        if let Some(path) = &service.ready {
            settings = settings.with_readiness(Readiness::Http { path: path.clone() });
        }
        let say = |error: evergen_resilience::SettingsError| self.bad(&["service"], error);
        let slots = ProcessSlots::new(settings).map_err(say)?;
        let router: Arc<dyn TrafficRouter> = match &service.router {
            RouterSetting::Small { .. } => Arc::new(RouterClient::new(folder.join("router.sock"))),
            RouterSetting::Haproxy { socket, file, backend } => {
                let router = haproxy(self.root, self.environment, (socket, file, backend));
                Arc::new(router.map_err(say)?)
            }
        };
        let ServiceSetting { command, ready, ports, .. } = service;
        let way = serde_json::json!({ "command": command, "ready": ready, "ports": ports });
        let parts = EnvironmentParts::slots(self.environment, Arc::new(slots), router);
        Ok(parts.with_way_of_running(way.to_string()))
    }

    fn probe(
        &self,
        parts: EnvironmentParts,
        check: &CheckSetting,
    ) -> Result<EnvironmentParts, Failure> {
        let bad = |why: &dyn std::fmt::Display| self.bad(&["health_checks", &check.name], why);
        let settings = ProbeSettings::deserialize(check.probe.clone());
        let settings = settings.map_err(|error| bad(&error.message()))?;
        let probe = settings.build(&check.name).map_err(|error| bad(&error))?;
        Ok(parts.with_probe(check.clone(), Arc::from(probe)))
    }

    fn hook(&self, setting: &CommandSetting) -> Result<Arc<dyn Hook>, Failure> {
        let seconds = setting.timeout_seconds;
        let seconds = seconds.unwrap_or(self.environment.deadlines.command_seconds);
        let command = CommandLine::new(setting.command.iter().cloned())
            .with_timeout(Duration::from_secs(seconds));
        let hook = CommandHook::new(&setting.name, command);
        let hook = hook.map_err(|error| self.bad(&[], format!("`{}`: {error}", setting.name)))?;
        Ok(Arc::new(hook))
    }

    fn backup(
        &self,
        parts: EnvironmentParts,
        setting: &BackupSetting,
    ) -> Result<EnvironmentParts, Failure> {
        let folder = self.environment.target_dir.join("backups");
        Ok(match setting {
            BackupSetting::Files { name, path } => {
                parts.with_backup(Arc::new(FilesBackup::new(name, self.root.join(path), folder)))
            }
            BackupSetting::Sqlite { name, path } => {
                parts.with_backup(Arc::new(SqliteBackup::new(name, self.root.join(path), folder)))
            }
            BackupSetting::Postgres { name, database } => {
                let backup = PostgresBackup::new(name, database.clone(), folder);
                let backup = backup.map_err(|error| self.bad(&["backups", name], error))?;
                parts.with_backup(Arc::new(backup))
            }
        })
    }

    fn notifier(
        &self,
        parts: EnvironmentParts,
        setting: &NotifierSetting,
    ) -> Result<EnvironmentParts, Failure> {
        let bad = |error: SettingError| self.bad(&["notifiers"], error);
        Ok(match setting {
            NotifierSetting::Command { name, command } => {
                let notifier = CommandNotifier::new(name, command.clone()).map_err(bad)?;
                parts.with_notifier(Arc::new(notifier))
            }
            NotifierSetting::Webhook { name, webhook } => {
                parts.with_notifier(Arc::new(WebhookNotifier::new(name, webhook).map_err(bad)?))
            }
            NotifierSetting::Github { name, github } => {
                parts.with_notifier(Arc::new(GithubNotifier::new(name, github).map_err(bad)?))
            }
        })
    }
}
