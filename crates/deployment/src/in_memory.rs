use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, FutureExt};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{DeployError, Deployer, Deployment, DeploymentRequest, Effect, Release};

/// A place where releases are in use, by its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Whether every successful cycle is deployed to it.
    #[serde(default)]
    pub auto_deploy: bool,
    /// How many earlier releases are kept to go back to.
    #[serde(default = "kept")]
    pub keep: usize,
}

fn kept() -> usize {
    5
}

impl Environment {
    /// An environment to which nothing is deployed by itself.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), auto_deploy: false, keep: kept() }
    }

    /// Says whether every successful cycle is deployed to it.
    #[must_use]
    pub fn with_auto_deploy(mut self, auto_deploy: bool) -> Self {
        self.auto_deploy = auto_deploy;
        self
    }

    /// Says how many earlier releases are kept.
    #[must_use]
    pub fn with_kept_releases(mut self, keep: usize) -> Self {
        self.keep = keep;
        self
    }
}

/// The environments don't make sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// An environment has no name.
    #[error("environment {index} has an empty name")]
    Nameless {
        /// Its place in the list, from 0.
        index: usize,
    },
    /// Two environments have one name.
    #[error("there are two environments named `{name}`")]
    Twice {
        /// The name.
        name: String,
    },
}

/// Deploys to environments that it keeps in memory.
#[derive(Debug)]
pub struct InMemoryDeployments {
    environments: BTreeMap<String, (Environment, Mutex<Line>)>,
}

/// How many answers are remembered for requests that come again.
const ANSWERS: usize = 1024;

/// The releases of one environment.
#[derive(Debug, Default)]
struct Line {
    live: Option<Arc<Release>>,
    /// Earlier releases, the latest last.
    earlier: VecDeque<Arc<Release>>,
    deployments: u64,
    /// Deployments that are done, the latest last; bounded.
    answers: VecDeque<Deployment>,
}

impl InMemoryDeployments {
    /// Environments in which nothing is live yet.
    ///
    /// # Errors
    /// A name is empty or not the only one of its kind.
    pub fn new(environments: Vec<Environment>) -> Result<Self, EnvironmentError> {
        let mut known = BTreeMap::new();
        for (index, environment) in environments.into_iter().enumerate() {
            if environment.name.trim().is_empty() {
                return Err(EnvironmentError::Nameless { index });
            }
            let name = environment.name.clone();
            if known.insert(name.clone(), (environment, Mutex::default())).is_some() {
                return Err(EnvironmentError::Twice { name });
            }
        }
        Ok(Self { environments: known })
    }

    /// The release that is live in an environment; none before the first deployment.
    pub fn live(&self, environment: &str) -> Option<Arc<Release>> {
        let (_, line) = self.environments.get(environment)?;
        lock(line).live.clone()
    }

    /// The latest deployments of an environment, the oldest first.
    pub fn history(&self, environment: &str) -> Vec<Deployment> {
        let line = self.environments.get(environment).map(|(_, line)| line);
        line.map_or_else(Vec::new, |line| lock(line).answers.iter().cloned().collect())
    }

    /// Makes the release before the live one live again.
    ///
    /// # Errors
    /// There is no such environment, or nothing to go back to.
    pub fn rollback(&self, environment: &str) -> Result<Deployment, DeployError> {
        let (_, line) = self.find(environment)?;
        let mut line = lock(line);
        let Some(before) = line.earlier.pop_back() else {
            return Err(DeployError::NothingBefore { environment: environment.to_owned() });
        };
        let digest = before.digest();
        line.live = Some(before);
        Ok(line.note(environment, Uuid::now_v7(), digest, Effect::RolledBack))
    }

    fn find(&self, name: &str) -> Result<&(Environment, Mutex<Line>), DeployError> {
        self.environments.get(name).ok_or_else(|| DeployError::UnknownEnvironment {
            name: name.to_owned(),
            known: self.environments.keys().cloned().collect(),
        })
    }

    fn publish(&self, request: &DeploymentRequest) -> Result<Deployment, DeployError> {
        let (environment, line) = self.find(&request.environment)?;
        let mut line = lock(line);
        let same = |done: &&Deployment| done.execution_id == request.execution_id;
        if let Some(done) = line.answers.iter().find(same) {
            return Ok(done.clone());
        }
        let before = line.live.clone();
        let after = before.as_deref().cloned().unwrap_or_default().with(&request.changes);
        let digest = after.digest();
        let effect = match &before {
            Some(before) if before.digest() == digest => Effect::Unchanged,
            _ => Effect::Published,
        };
        if effect == Effect::Published {
            line.live = Some(Arc::new(after));
            line.earlier.extend(before);
            let surplus = line.earlier.len().saturating_sub(environment.keep);
            line.earlier.drain(..surplus);
        }
        Ok(line.note(&request.environment, request.execution_id, digest, effect))
    }
}

impl Line {
    fn note(
        &mut self,
        environment: &str,
        execution_id: Uuid,
        release: evergen_artifact::Digest,
        effect: Effect,
    ) -> Deployment {
        self.deployments += 1;
        let done = Deployment::new(environment, execution_id, self.deployments, release, effect);
        if self.answers.len() == ANSWERS {
            self.answers.pop_front();
        }
        self.answers.push_back(done.clone());
        done
    }
}

impl Deployer for InMemoryDeployments {
    fn automatic(&self) -> Vec<String> {
        let automatic = self.environments.values().filter(|(known, _)| known.auto_deploy);
        automatic.map(|(known, _)| known.name.clone()).collect()
    }

    fn deploy(&self, request: DeploymentRequest) -> BoxFuture<'_, Result<Deployment, DeployError>> {
        async move { self.publish(&request) }.boxed()
    }
}

/// A panic in between leaves the line as it was: every change is the last thing that is done.
fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use evergen_artifact::{ArtifactPath, ProposedChange, ProposedChanges};

    use super::*;

    fn changes(files: &[(&str, Option<&str>)]) -> Arc<ProposedChanges> {
        let changes = files.iter().map(|(path, text)| {
            let path = ArtifactPath::parse(path).unwrap();
            match text {
                Some(text) => ProposedChange::write(path, "g", text.as_bytes(), false),
                None => ProposedChange::remove(path, "g"),
            }
        });
        Arc::new(ProposedChanges::new(changes.collect()))
    }

    fn deploy(automation: &InMemoryDeployments, files: &[(&str, Option<&str>)]) -> Deployment {
        let request = DeploymentRequest::new("staging", Uuid::now_v7(), changes(files));
        futures::executor::block_on(automation.deploy(request)).unwrap()
    }

    fn shown(automation: &InMemoryDeployments) -> String {
        let live = automation.live("staging").unwrap_or_default();
        let files = live
            .paths()
            .map(|path| format!("{path}={}", String::from_utf8_lossy(live.file(path).unwrap())));
        files.collect::<Vec<_>>().join(" ")
    }

    fn staging() -> InMemoryDeployments {
        let environment = Environment::new("staging").with_auto_deploy(true).with_kept_releases(2);
        InMemoryDeployments::new(vec![environment, Environment::new("production")]).unwrap()
    }

    #[test]
    fn conforms() {
        crate::conformance::check(&mut || Box::new(staging()), "staging");
    }

    #[test]
    fn changes_go_on_top_of_what_is_live() {
        let automation = staging();
        deploy(&automation, &[("a", Some("1")), ("b", Some("1"))]);
        deploy(&automation, &[("a", None), ("c", Some("2"))]);
        assert_eq!(shown(&automation), "b=1 c=2");
        assert_eq!(automation.automatic(), ["staging"]);
    }

    #[test]
    fn a_rollback_brings_back_what_was_there_and_only_as_far_as_releases_are_kept() {
        let automation = staging();
        for text in ["1", "2", "3", "4"] {
            deploy(&automation, &[("a", Some(text))]);
        }
        let effect = automation.rollback("staging").map(|done| done.effect);
        assert_eq!((effect, shown(&automation)), (Ok(Effect::RolledBack), "a=3".to_owned()));
        automation.rollback("staging").unwrap();
        let error = automation.rollback("staging").unwrap_err();
        assert_eq!(error.to_string(), "`staging` has no release to go back to");
        assert_eq!(shown(&automation), "a=2");
        assert_eq!(automation.history("staging").len(), 6);
    }

    #[test]
    fn the_same_content_is_no_new_release() {
        let automation = staging();
        deploy(&automation, &[("a", Some("1"))]);
        assert_eq!(deploy(&automation, &[("a", Some("1"))]).effect, Effect::Unchanged);
        assert!(automation.rollback("staging").is_err());
    }

    #[test]
    fn environments_must_have_names_of_their_own() {
        let error = |names: &[&str]| {
            let environments = names.iter().map(|name| Environment::new(*name)).collect();
            InMemoryDeployments::new(environments).unwrap_err().to_string()
        };
        assert_eq!(error(&["a", " "]), "environment 1 has an empty name");
        assert_eq!(error(&["a", "a"]), "there are two environments named `a`");
    }
}
