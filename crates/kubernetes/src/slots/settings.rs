use std::collections::BTreeMap;
use std::path::{Component, PathBuf};

use evergen_resilience::SettingsError;

use crate::api::is_label;

/// How the releases of an environment run in a cluster.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KubernetesSettings {
    /// The name of the service. Deployment and Service of the slots are called so, with `-blue`
    /// or `-green` behind it.
    pub service: String,
    /// The environment. Together with the service's name it marks what is ours.
    pub environment: String,
    /// The folder with the manifests, in each release.
    pub manifests: PathBuf,
    /// How many pods a slot has.
    pub replicas: u16,
    /// What the container may use, as `requests.cpu` or `limits.memory`; what the manifests say
    /// where nothing is named.
    pub resources: BTreeMap<String, String>,
}

impl KubernetesSettings {
    /// One pod for a slot, by the manifests in the folder `kubernetes` of each release.
    pub fn new(service: impl Into<String>, environment: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            environment: environment.into(),
            manifests: PathBuf::from("kubernetes"),
            replicas: 1,
            resources: BTreeMap::new(),
        }
    }

    /// Names the folder with the manifests.
    #[must_use]
    pub fn with_manifests(mut self, folder: impl Into<PathBuf>) -> Self {
        self.manifests = folder.into();
        self
    }

    /// Sets how many pods a slot has.
    #[must_use]
    pub fn with_replicas(mut self, replicas: u16) -> Self {
        self.replicas = replicas;
        self
    }

    /// Sets what the container may use.
    #[must_use]
    pub fn with_resources(mut self, resources: BTreeMap<String, String>) -> Self {
        self.resources = resources;
        self
    }

    /// Refuses settings that nobody can have meant.
    ///
    /// # Errors
    /// The first field that is out of range, with what is allowed.
    pub fn validate(&self) -> Result<(), SettingsError> {
        check_service(&self.service)?;
        let begins = |text: &str| text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let ends = |text: &str| text.ends_with(|last: char| last.is_ascii_alphanumeric());
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let environment = self.environment.as_str();
        if !(begins(environment) && ends(environment) && environment.bytes().all(fits))
            || environment.len() > 63
        {
            let allowed =
                "1 to 63 letters, digits, `-` and `_`, with a letter or digit at both ends";
            return Err(SettingsError::new("environment", environment, allowed));
        }
        let inside = self.manifests.components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || self.manifests.as_os_str().is_empty() {
            let allowed = "a folder in the release, without `..`";
            return Err(SettingsError::new("manifests", self.manifests.display(), allowed));
        }
        if !(1..=1000).contains(&self.replicas) {
            return Err(SettingsError::new("replicas", self.replicas, "1 to 1000"));
        }
        Ok(())
    }
}

/// Room is left for `-green-variables`, and for what a Deployment adds to the names of pods.
pub(crate) fn check_service(service: &str) -> Result<(), SettingsError> {
    let letter = service.starts_with(|first: char| first.is_ascii_lowercase());
    if letter && is_label(service, 40) {
        return Ok(());
    }
    let allowed = "1 to 40 small letters, digits and `-`, beginning with a letter";
    Err(SettingsError::new("service", service, allowed))
}

/// How a runtime waits. These are no settings of a user's: no service is better for another value.
pub(super) mod pace {
    use std::time::Duration;

    /// Between the first two looks at what comes up or goes down; later ones are further apart.
    pub(in crate::slots) const LOOK: Duration = Duration::from_millis(50);
    /// Between two looks at most.
    pub(in crate::slots) const SELDOM: Duration = Duration::from_secs(1);
    /// For pods that were ended by force to be gone.
    pub(in crate::slots) const FORCE: Duration = Duration::from_secs(10);
    /// For pods that did not become ready to end by themselves.
    pub(in crate::slots) const FAILED: Duration = Duration::from_secs(2);
}
