use std::fmt;
use std::sync::Arc;

use crate::{
    BackupProvider, CheckSetting, DeploymentEnvironment, DeploymentLedger, DirectoryLedger,
    DirectoryReleases, HealthProbe, Hook, Migrator, Notifier, ReleaseStore, ReleaseValidator,
    RollbackPolicy, SlotRuntime, TrafficRouter,
};

/// What takes releases.
#[derive(Clone)]
#[non_exhaustive]
pub enum Target {
    /// A folder: the link to the current release is the traffic, and there is all or nothing
    /// of it.
    Directory,
    /// Two slots in which releases run, and a router before them.
    Slots {
        /// What runs them.
        runtime: Arc<dyn SlotRuntime>,
        /// What shares the requests.
        router: Arc<dyn TrafficRouter>,
    },
}

impl fmt::Debug for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Directory => "Directory",
            Self::Slots { .. } => "Slots",
        })
    }
}

/// The parts that an environment is made of, chosen by whoever wires the program.
#[derive(Clone)]
#[must_use]
pub struct EnvironmentParts {
    pub(super) store: Arc<dyn ReleaseStore>,
    pub(super) ledger: Arc<dyn DeploymentLedger>,
    pub(super) target: Target,
    pub(super) policy: Option<Arc<dyn RollbackPolicy>>,
    pub(super) probes: Vec<(CheckSetting, Arc<dyn HealthProbe>)>,
    pub(super) validators: Vec<Arc<dyn ReleaseValidator>>,
    pub(super) before: Vec<Arc<dyn Hook>>,
    pub(super) tests: Vec<Arc<dyn Hook>>,
    pub(super) after: Vec<Arc<dyn Hook>>,
    pub(super) backups: Vec<Arc<dyn BackupProvider>>,
    pub(super) migrators: Vec<Arc<dyn Migrator>>,
    pub(super) notifiers: Vec<Arc<dyn Notifier>>,
    pub(super) runs_by: Option<String>,
}

impl fmt::Debug for EnvironmentParts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EnvironmentParts")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl EnvironmentParts {
    /// A store and a ledger, a target, and nothing else.
    pub fn new(
        store: Arc<dyn ReleaseStore>,
        ledger: Arc<dyn DeploymentLedger>,
        target: Target,
    ) -> Self {
        Self {
            store,
            ledger,
            target,
            policy: None,
            probes: Vec::new(),
            validators: Vec::new(),
            before: Vec::new(),
            tests: Vec::new(),
            after: Vec::new(),
            backups: Vec::new(),
            migrators: Vec::new(),
            notifiers: Vec::new(),
            runs_by: None,
        }
    }

    /// Store, ledger and link in the environment's folder.
    pub fn directory(environment: &DeploymentEnvironment) -> Self {
        Self::in_folder(environment, Target::Directory)
    }

    /// Store and ledger in the environment's folder, and releases that run in slots.
    pub fn slots(
        environment: &DeploymentEnvironment,
        runtime: Arc<dyn SlotRuntime>,
        router: Arc<dyn TrafficRouter>,
    ) -> Self {
        Self::in_folder(environment, Target::Slots { runtime, router })
    }

    fn in_folder(environment: &DeploymentEnvironment, target: Target) -> Self {
        let (folder, name) = (&environment.target_dir, &environment.name);
        let store = Arc::new(DirectoryReleases::new(folder, name));
        let ledger = Arc::new(DirectoryLedger::new(folder, name));
        Self::new(store, ledger, target)
    }

    /// Says how releases run, in any words: a live release that runs by others is started anew
    /// when it is deployed again. Variables, replicas and resources of the settings count anyway.
    pub fn with_way_of_running(mut self, words: impl Into<String>) -> Self {
        self.runs_by = Some(words.into());
        self
    }

    /// Sets a policy in place of the strategy of the settings.
    pub fn with_policy(mut self, policy: Arc<dyn RollbackPolicy>) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Adds a health check.
    pub fn with_probe(mut self, setting: CheckSetting, probe: Arc<dyn HealthProbe>) -> Self {
        self.probes.push((setting, probe));
        self
    }

    /// Adds somebody who judges a release before anything of it is staged.
    pub fn with_validator(mut self, validator: Arc<dyn ReleaseValidator>) -> Self {
        self.validators.push(validator);
        self
    }

    /// Adds a command that runs before anything in use is touched.
    pub fn with_before(mut self, hook: Arc<dyn Hook>) -> Self {
        self.before.push(hook);
        self
    }

    /// Adds a test that runs against a release before it gets traffic.
    pub fn with_test(mut self, hook: Arc<dyn Hook>) -> Self {
        self.tests.push(hook);
        self
    }

    /// Adds a command that runs when a release is live.
    pub fn with_after(mut self, hook: Arc<dyn Hook>) -> Self {
        self.after.push(hook);
        self
    }

    /// Adds something whose data is kept before it may be spoilt.
    pub fn with_backup(mut self, provider: Arc<dyn BackupProvider>) -> Self {
        self.backups.push(provider);
        self
    }

    /// Adds a schema that changes with the releases.
    pub fn with_migrator(mut self, migrator: Arc<dyn Migrator>) -> Self {
        self.migrators.push(migrator);
        self
    }

    /// Adds somebody who is told.
    pub fn with_notifier(mut self, notifier: Arc<dyn Notifier>) -> Self {
        self.notifiers.push(notifier);
        self
    }
}
