use std::path::{Path, PathBuf};
use std::sync::Arc;

use evergen_artifact::WriterLock;
use tokio::sync::{Mutex, OnceCell, OwnedMutexGuard};

use crate::{Fault, Subject};

mod sync;

pub use self::sync::ScratchError;

/// A folder of our own in which tools find what is judged: never the user's.
///
/// It stays from run to run. What did not change keeps its file and its modification time, so
/// that the tools' own caches work; what does not belong to the judged tree is removed, but for
/// folders that say by their name or by a `CACHEDIR.TAG` that they are caches.
///
/// One process at a time uses the persistent folder; another one gets a temporary one, without
/// the benefit of the caches.
#[derive(Debug, Clone)]
pub struct Scratch {
    place: Arc<Mutex<Place>>,
}

#[derive(Debug)]
struct Place {
    root: PathBuf,
    _kept: Kept,
}

/// What lives as long as the folder is used.
#[derive(Debug)]
enum Kept {
    Lock { _lock: WriterLock },
    Temporary { _folder: tempfile::TempDir },
}

impl Scratch {
    /// The persistent folder of a project, below its state folder. Blocks for a moment.
    pub fn open(root: &Path) -> Result<Self, ScratchError> {
        std::fs::create_dir_all(root).map_err(|error| ScratchError::of(root, &error))?;
        let root = root.canonicalize().map_err(|error| ScratchError::of(root, &error))?;
        let Ok(lock) = WriterLock::acquire(&root, None) else {
            tracing::info!(folder = %root.display(), "the scratch folder is in use; taking another");
            return Self::temporary();
        };
        Ok(Self::of(root, Kept::Lock { _lock: lock }))
    }

    /// A folder that is removed with the last clone of this value. Blocks for a moment.
    pub fn temporary() -> Result<Self, ScratchError> {
        let failed = |error| ScratchError::of(&std::env::temp_dir(), &error);
        let folder = tempfile::Builder::new().prefix("evergen-gates-").tempdir().map_err(failed)?;
        let root = folder.path().canonicalize().map_err(failed)?;
        Ok(Self::of(root, Kept::Temporary { _folder: folder }))
    }

    fn of(root: PathBuf, kept: Kept) -> Self {
        Self { place: Arc::new(Mutex::new(Place { root, _kept: kept })) }
    }
}

/// The scratch folder for one subject: filled when the first tool asks for it, and nobody
/// else's until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Workspace {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    subject: Subject,
    scratch: Option<Scratch>,
    filled: OnceCell<Filled>,
}

#[derive(Debug)]
struct Filled {
    tree: PathBuf,
    caches: PathBuf,
    _guard: OwnedMutexGuard<Place>,
}

impl Workspace {
    /// A workspace for this subject in that scratch folder; a temporary one without it.
    pub fn new(subject: Subject, scratch: Option<Scratch>) -> Self {
        Self { shared: Arc::new(Shared { subject, scratch, filled: OnceCell::new() }) }
    }

    /// The folder that holds the subject's files, absolute and without symbolic links in it.
    ///
    /// Waits until nobody else uses the scratch folder. May be cancelled: the next caller then
    /// begins anew, and finds a half-filled folder repaired.
    pub async fn folder(&self) -> Result<&Path, Fault> {
        Ok(&self.filled().await?.tree)
    }

    /// A folder in which a tool may keep its cache from run to run. Its name is one component.
    pub async fn cache(&self, name: &str) -> Result<PathBuf, Fault> {
        let folder = self.filled().await?.caches.join(name);
        let made = std::fs::create_dir_all(&folder);
        made.map_err(|error| ScratchError::of(&folder, &error))?;
        Ok(folder)
    }

    /// A folder of a tool's own, which holds in `tree` the subject's files whose paths are kept,
    /// and beside it what the tool's gate puts there. It stays from run to run as the others do.
    pub(crate) async fn mirror(
        &self,
        name: &str,
        keeps: impl Fn(&str) -> bool + Send + 'static,
    ) -> Result<PathBuf, Fault> {
        let folder = self.cache(name).await?;
        let (root, subject) = (folder.clone(), self.shared.subject.clone());
        let filling = tokio::task::spawn_blocking(move || sync::fill(&root, &subject, keeps));
        filling.await.map_err(|error| {
            Fault::infra(format!("filling a tool's folder failed: {error}"), "Report this.")
        })??;
        Ok(folder)
    }

    async fn filled(&self) -> Result<&Filled, Fault> {
        self.shared.filled.get_or_try_init(|| self.fill()).await
    }

    async fn fill(&self) -> Result<Filled, Fault> {
        let scratch = match &self.shared.scratch {
            Some(scratch) => scratch.clone(),
            None => Scratch::temporary()?,
        };
        let guard = scratch.place.lock_owned().await;
        let (root, subject) = (guard.root.clone(), self.shared.subject.clone());
        let filling = tokio::task::spawn_blocking(move || {
            let tree = root.join("tree");
            sync::fill(&root, &subject, |_| true)?;
            Ok::<_, ScratchError>((tree, root.join("cache")))
        });
        let filled = filling.await.map_err(|error| {
            Fault::infra(format!("filling the scratch folder failed: {error}"), "Report this.")
        })?;
        let (tree, caches) = filled?;
        Ok(Filled { tree, caches, _guard: guard })
    }
}
