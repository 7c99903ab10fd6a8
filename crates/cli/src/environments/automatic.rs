//! Deployments of a loop: after its cycles, all that is generated goes to the environments that
//! say `auto_deploy`.
//!
//! What is deployed is never what one cycle changed, on top of what happens to be live: that
//! would lack what an earlier cycle changed and could not be deployed, and be a mixture that no
//! model ever gave. It is the output folder as it was while no cycle committed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use evergen_artifact::Digest;
use evergen_deployment::{
    DeployError, Deployer, Deployment, DeploymentAutomation, DeploymentRequest, Effect,
};
use futures::future::{BoxFuture, FutureExt};
use tokio::sync::{RwLock, mpsc};

use super::Environments;
use super::snapshot::{self, Snapshot};
use crate::failure::Failure;
use crate::project::Chosen;

/// How many deployments may wait until somebody reads of them.
const NEWS: usize = 64;

/// How long after a deployment that may succeed another time it is tried by itself: at first, and
/// at most.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(5));

/// A release that came into use.
#[derive(Clone, Debug)]
pub(crate) struct Deployed {
    pub(crate) deployment: Deployment,
    pub(crate) took: Duration,
}

/// Brings what is generated into use in the environments of a project. Clones share it.
#[derive(Clone)]
pub(crate) struct AutomaticDeployments {
    /// Held by commits alone, and shared by whoever reads the files.
    files: Arc<RwLock<()>>,
    known: Arc<Mutex<Known>>,
    news: mpsc::Sender<Deployed>,
}

/// What the settings say, and how far the environments are.
struct Known {
    automation: Option<DeploymentAutomation>,
    /// Counts the settings, as they become others.
    settings: u64,
    state_dir: PathBuf,
    output: PathBuf,
    /// A digest of the files' names and stamps as they were after the last commit.
    files: Option<Digest>,
    /// The files that an environment has, or has refused for good.
    settled: BTreeMap<String, Digest>,
    /// One deployment at a time for each environment.
    turns: BTreeMap<String, Arc<tokio::sync::Mutex<()>>>,
    /// When what failed and may pass is tried again, and how long each waits the next time.
    again: Option<Instant>,
    pauses: BTreeMap<String, Duration>,
}

impl Known {
    fn of(chosen: &Chosen) -> Result<Self, Failure> {
        let environments = Environments::find(chosen)?;
        let output = chosen.output();
        if let Some(environments) = &environments {
            environments.fit(None, Some(&output))?;
        }
        Ok(Self {
            automation: environments.map(|found| found.automation),
            settings: 0,
            state_dir: chosen.project().state_dir(),
            output,
            files: None,
            settled: BTreeMap::new(),
            turns: BTreeMap::new(),
            again: None,
            pauses: BTreeMap::new(),
        })
    }

    fn automatic(&self) -> Vec<String> {
        self.automation.as_ref().map(Deployer::automatic).unwrap_or_default()
    }

    fn is_settled(&self, environment: &str) -> bool {
        self.files.is_some() && self.settled.get(environment).copied() == self.files
    }

    fn is_behind(&self) -> bool {
        let lacks = |name: &String| !self.is_settled(name);
        self.files.is_some() && self.automatic().iter().any(lacks)
    }
}

impl AutomaticDeployments {
    /// The environments of a project, and where to hear of deployments.
    pub(crate) fn new(chosen: &Chosen) -> Result<(Self, mpsc::Receiver<Deployed>), Failure> {
        let (news, heard) = mpsc::channel(NEWS);
        let known = Arc::new(Mutex::new(Known::of(chosen)?));
        Ok((Self { files: Arc::default(), known, news }, heard))
    }

    /// Takes over changed settings; where they are wrong, those from before stay.
    pub(crate) fn renew(&self, chosen: &Chosen) -> Result<(), Failure> {
        let renewed = Known::of(chosen)?;
        let mut known = self.known();
        let turns = std::mem::take(&mut known.turns);
        *known = Known { settings: known.settings + 1, files: known.files, turns, ..renewed };
        Ok(())
    }

    /// Whether it is time to try again what failed and may pass, though nothing has happened.
    pub(crate) fn wants_again(&self) -> bool {
        let mut known = self.known();
        let due = known.again.is_some_and(|at| at <= Instant::now());
        if due {
            known.again = None;
        }
        due && known.is_behind()
    }

    /// Commits while nobody reads the files, and looks at what is there afterwards.
    ///
    /// Whoever drops this does not end the commit, nor does it let anybody read before its end.
    pub(crate) async fn commit<T: Send + 'static>(
        &self,
        committing: BoxFuture<'static, T>,
    ) -> Option<T> {
        let this = self.clone();
        let done = tokio::spawn(async move {
            let alone = this.files.write().await;
            let done = committing.await;
            this.look().await;
            drop(alone);
            done
        });
        done.await.ok()
    }

    async fn look(&self) {
        let (output, state) = {
            let known = self.known();
            if known.automatic().is_empty() {
                return;
            }
            (known.output.clone(), known.state_dir.clone())
        };
        let files = tokio::task::spawn_blocking(move || snapshot::stamps(&output, &state)).await;
        self.known().files = files.ok().flatten();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing under this lock can leave it half changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The output folder as it is while no cycle commits.
    async fn snapshot(&self, environment: &str) -> Result<Snapshot, DeployError> {
        let reading = Arc::clone(&self.files).read_owned().await;
        let (output, state) = {
            let known = self.known();
            (known.output.clone(), known.state_dir.clone())
        };
        let taken = tokio::task::spawn_blocking(move || {
            let taken = Snapshot::take(&output, &state);
            drop(reading);
            taken
        });
        let why = match taken.await {
            Ok(Ok(snapshot)) => return Ok(snapshot),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "reading the generated files ended early".to_owned(),
        };
        Err(DeployError::Unavailable { environment: environment.to_owned(), why })
    }

    /// Remembers how far an environment is, and when it is tried again. What was done by settings
    /// that are others now says nothing.
    fn note(
        &self,
        environment: &str,
        settings: u64,
        done: &Result<(Deployment, Digest), (DeployError, Digest)>,
    ) {
        let mut known = self.known();
        if known.settings != settings {
            return;
        }
        match done {
            Err((error, _)) if error.is_transient() => {
                let pause = known.pauses.entry(environment.to_owned()).or_insert(AGAIN.0);
                let at = Instant::now() + *pause;
                *pause = (*pause * 2).min(AGAIN.1);
                known.again = Some(known.again.map_or(at, |again| again.min(at)));
            }
            Ok((_, files)) | Err((_, files)) => {
                known.settled.insert(environment.to_owned(), *files);
                known.pauses.remove(environment);
            }
        }
    }

    async fn bring(&self, request: DeploymentRequest) -> Result<Deployment, DeployError> {
        let began = Instant::now();
        let name = request.environment;
        let turn = Arc::clone(self.known().turns.entry(name.clone()).or_default());
        let _alone = turn.lock().await;
        let (automation, settings, is_settled) = {
            let known = self.known();
            (known.automation.clone(), known.settings, known.is_settled(&name))
        };
        if is_settled {
            // It is asked for the sake of another environment; what it refused it would again.
            let execution = request.execution_id;
            return Ok(Deployment::new(name, execution, 0, Digest::of(b""), Effect::Unchanged));
        }
        let Some(automation) = automation else {
            return Err(DeployError::UnknownEnvironment { name, known: Vec::new() });
        };
        let done = match self.snapshot(&name).await {
            Ok(snapshot) => {
                let done = automation.deploy_as(&name, snapshot.path(), request.execution_id).await;
                let files = snapshot.stamps();
                // Removing many files takes its time, too.
                drop(tokio::task::spawn_blocking(move || drop(snapshot)).await);
                done.map(|deployment| (deployment, files)).map_err(|error| (error, files))
            }
            Err(error) => Err((error, Digest::of(b""))),
        };
        self.note(&name, settings, &done);
        let (deployment, _) = done.map_err(|(error, _)| error)?;
        if deployment.effect != Effect::Unchanged {
            let took = began.elapsed();
            // Who does not read of it finds it in the ledger.
            let _ = self.news.try_send(Deployed { deployment: deployment.clone(), took });
        }
        Ok(deployment)
    }
}

impl Deployer for AutomaticDeployments {
    fn automatic(&self) -> Vec<String> {
        self.known().automatic()
    }

    fn is_behind(&self) -> bool {
        self.known().is_behind()
    }

    fn remembers(&self) -> bool {
        true
    }

    fn deploy(&self, request: DeploymentRequest) -> BoxFuture<'_, Result<Deployment, DeployError>> {
        self.bring(request).boxed()
    }
}
