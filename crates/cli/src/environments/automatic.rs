//! Deployments of a loop: after its cycles, all that is generated goes to the environments that
//! say `auto_deploy`.
//!
//! What is deployed is never what one cycle changed, on top of what happens to be live: that
//! would lack what an earlier cycle changed and could not be deployed, and be a mixture that no
//! model ever gave. It is all files of `evergen.lock`, read while no cycle commits.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use evergen_artifact::{Digest, LockFile, ProposedChange, ProposedChanges};
use evergen_deployment::{
    DeployError, Deployer, Deployment, DeploymentAutomation, DeploymentRequest, Effect,
};
use futures::future::{BoxFuture, FutureExt};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, mpsc};

use super::Environments;
use crate::failure::Failure;
use crate::project::Chosen;

/// How many deployments may wait until somebody reads of them.
const NEWS: usize = 64;

/// The generated files as commits leave them. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Commits {
    /// Held by commits alone, and shared by whoever reads the files.
    files: Arc<tokio::sync::RwLock<()>>,
    /// How many commits have changed something.
    count: Arc<AtomicU64>,
}

impl Commits {
    /// Waits until nobody reads the files.
    pub(crate) async fn begin(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.files).write_owned().await
    }

    /// Notes that files are other ones now.
    pub(crate) fn changed(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    /// Waits until nobody commits; says how many commits there were.
    async fn read(&self) -> (OwnedRwLockReadGuard<()>, u64) {
        let guard = Arc::clone(&self.files).read_owned().await;
        (guard, self.count())
    }

    fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }
}

/// A release that came into use.
#[derive(Clone, Debug)]
pub(crate) struct Deployed {
    pub(crate) deployment: Deployment,
    pub(crate) took: Duration,
}

/// Brings what is generated into use in the environments of a project. Clones share it.
#[derive(Clone)]
pub(crate) struct AutomaticDeployments {
    commits: Commits,
    known: Arc<RwLock<Known>>,
    news: mpsc::Sender<Deployed>,
}

/// What the settings say, and how far the environments are.
struct Known {
    automation: Option<DeploymentAutomation>,
    root: PathBuf,
    output: PathBuf,
    /// How many commits there were when an environment got what there was.
    reached: BTreeMap<String, u64>,
}

impl Known {
    fn of(chosen: &Chosen) -> Result<Self, Failure> {
        Ok(Self {
            automation: Environments::find(chosen)?.map(|found| found.automation),
            root: chosen.place.root.clone(),
            output: chosen.output(),
            reached: BTreeMap::new(),
        })
    }

    fn automatic(&self) -> Vec<String> {
        self.automation.as_ref().map(Deployer::automatic).unwrap_or_default()
    }
}

impl AutomaticDeployments {
    /// The environments of a project, and where to hear of deployments.
    pub(crate) fn new(
        chosen: &Chosen,
        commits: Commits,
    ) -> Result<(Self, mpsc::Receiver<Deployed>), Failure> {
        let (news, heard) = mpsc::channel(NEWS);
        let known = Arc::new(RwLock::new(Known::of(chosen)?));
        Ok((Self { commits, known, news }, heard))
    }

    /// Takes over changed settings; where they are wrong, those from before stay.
    pub(crate) fn renew(&self, chosen: &Chosen) -> Result<(), Failure> {
        let known = Known::of(chosen)?;
        *self.change() = known;
        Ok(())
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        // Nothing under this lock can leave it half changed.
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// All generated files as they are, and how many commits have made them.
    async fn files(&self, environment: &str) -> Result<(ProposedChanges, u64), DeployError> {
        let (guard, count) = self.commits.read().await;
        let (root, output) = {
            let known = self.known();
            (known.root.clone(), known.output.clone())
        };
        let read = tokio::task::spawn_blocking(move || {
            let files = read_all(&root, &output);
            drop(guard);
            files
        });
        let unavailable =
            |why: String| DeployError::Unavailable { environment: environment.to_owned(), why };
        match read.await {
            Ok(files) => Ok((files.map_err(unavailable)?, count)),
            Err(_) => Err(unavailable("reading the generated files ended early".to_owned())),
        }
    }

    async fn bring(&self, request: DeploymentRequest) -> Result<Deployment, DeployError> {
        let began = Instant::now();
        let name = request.environment.clone();
        let automation = self.known().automation.clone();
        let Some(automation) = automation else {
            return Err(DeployError::UnknownEnvironment { name, known: Vec::new() });
        };
        let (files, count) = self.files(&name).await?;
        let deployment = if files.is_empty() {
            // Before anything is generated there is nothing to deploy.
            let nothing = Digest::of(b"");
            Deployment::new(&name, request.execution_id, 0, nothing, Effect::Unchanged)
        } else {
            Deployer::deploy(&automation, request.with_all_files(Arc::new(files))).await?
        };
        let mut known = self.change();
        let reached = known.reached.entry(name).or_default();
        *reached = count.max(*reached);
        drop(known);
        if deployment.effect != Effect::Unchanged {
            // Who does not read of it finds it in the ledger.
            let _ = self
                .news
                .try_send(Deployed { deployment: deployment.clone(), took: began.elapsed() });
        }
        Ok(deployment)
    }
}

/// The files that `evergen.lock` names, or what is wrong. Blocks.
fn read_all(root: &Path, output: &Path) -> Result<ProposedChanges, String> {
    let path = root.join("evergen.lock");
    let text =
        std::fs::read_to_string(&path).map_err(|error| format!("`evergen.lock`: {error}"))?;
    let lock = LockFile::parse(&text).map_err(|error| error.to_string())?;
    let files = lock.entries().iter().map(|entry| {
        let bytes = std::fs::read(output.join(entry.path.as_str()))
            .map_err(|error| format!("`{}` can't be read: {error}", entry.path))?;
        Ok(ProposedChange::write(entry.path.clone(), Arc::clone(&entry.generator), bytes, false))
    });
    Ok(ProposedChanges::new(files.collect::<Result<_, String>>()?))
}

impl Deployer for AutomaticDeployments {
    fn automatic(&self) -> Vec<String> {
        self.known().automatic()
    }

    fn is_behind(&self) -> bool {
        let (known, count) = (self.known(), self.commits.count());
        let reached = |name: &String| known.reached.get(name).copied();
        known.automatic().iter().any(|name| reached(name).is_none_or(|reached| reached < count))
    }

    fn deploy(&self, request: DeploymentRequest) -> BoxFuture<'_, Result<Deployment, DeployError>> {
        self.bring(request).boxed()
    }
}
