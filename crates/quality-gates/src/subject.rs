use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use evergen_artifact::{Digest, ProposedChanges, ProposedKind};

use crate::Fault;

mod edited;
mod file;
mod folder;
mod memory;

pub use self::file::{ReadFault, SubjectFile};
pub(crate) use self::folder::is_left_out;
pub use self::folder::{Folder, SubjectError};
pub use self::memory::FileMemory;

/// What gates look at: a tree of files, some of which changed.
///
/// It is either a folder as it is, where everything counts as changed, or proposed changes on
/// top of a folder or of nothing. The folder is walked when somebody first asks for all files,
/// and bytes are read when somebody asks for them; a file that changes in between is an error
/// and not a verdict on something that never was. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Subject {
    tree: Arc<Tree>,
    /// What stands before each path where others name it: empty, or with a `/` at its end.
    place: Arc<str>,
}

#[derive(Debug)]
struct Tree {
    base: Option<Folder>,
    changed: Vec<SubjectFile>,
    removed: Vec<Arc<str>>,
    all: OnceLock<Result<Vec<SubjectFile>, SubjectError>>,
}

impl Subject {
    /// Proposed changes and nothing else.
    pub fn of_changes(changes: &ProposedChanges) -> Self {
        Self::build(None, "", changes)
    }

    /// Proposed changes on top of a folder. `output` is where in the folder the changes' paths
    /// begin, with `/` between its parts: empty for the folder itself.
    pub fn of_changes_over(base: Folder, output: &str, changes: &ProposedChanges) -> Self {
        Self::build(Some(base), output, changes)
    }

    /// A folder as it is: all its files count as changed. It is walked now.
    pub fn of_folder(folder: Folder) -> Result<Self, SubjectError> {
        let changed = folder.walk(true)?;
        let all = OnceLock::from(Ok(changed.clone()));
        let (base, removed) = (Some(folder), Vec::new());
        Ok(Self::of_tree(Tree { base, changed, removed, all }))
    }

    /// A folder as it is, of whose files only these count as changed. The folder is walked now.
    ///
    /// # Errors
    /// One of them is no file of the folder: it is not there, or is a link. What is left out
    /// elsewhere is judged where it is named.
    pub fn of_selection(folder: Folder, paths: &[&str]) -> Result<Self, SubjectError> {
        let all = folder.walk(false)?;
        let mut changed = Vec::new();
        for path in paths {
            let found = find(&all, path).cloned().or_else(|| folder.file(path));
            let Some(file) = found else {
                let path = (*path).to_owned();
                return Err(SubjectError::NotAmong { folder: folder.path().to_path_buf(), path });
            };
            changed.push(file);
        }
        changed.sort_by(|left, right| left.path().cmp(right.path()));
        changed.dedup_by(|left, right| left.path() == right.path());
        let mut all: Vec<SubjectFile> =
            all.into_iter().filter(|file| find(&changed, file.path()).is_none()).collect();
        all.extend(changed.iter().cloned());
        all.sort_by(|left, right| left.path().cmp(right.path()));
        let (base, removed, all) = (Some(folder), Vec::new(), OnceLock::from(Ok(all)));
        Ok(Self::of_tree(Tree { base, changed, removed, all }))
    }

    /// Files in memory, all of which count as changed; of several for one path the last counts.
    pub fn of_files<P: Into<String>, B: Into<Arc<[u8]>>>(
        files: impl IntoIterator<Item = (P, B)>,
    ) -> Self {
        let files: BTreeMap<String, Arc<[u8]>> =
            files.into_iter().map(|(path, bytes)| (path.into(), bytes.into())).collect();
        let changed: Vec<SubjectFile> = files
            .into_iter()
            .map(|(path, bytes)| SubjectFile::of_bytes(path.into(), bytes, true))
            .collect();
        let all = OnceLock::from(Ok(changed.clone()));
        Self::of_tree(Tree { base: None, changed, removed: Vec::new(), all })
    }

    fn of_tree(tree: Tree) -> Self {
        Self { tree: Arc::new(tree), place: "".into() }
    }

    /// Says where the tree lies in what its readers call the whole: a path with `/` between its
    /// parts, empty for the whole itself. Fingerprints and reports name files from there, and so
    /// does healing; the gates and their tools see nothing of it.
    #[must_use]
    pub fn placed(mut self, place: &str) -> Self {
        let place = place.trim_matches('/');
        self.place = if place.is_empty() { "".into() } else { format!("{place}/").into() };
        self
    }

    /// What stands before each path where others name it: empty, or with a `/` at its end.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// A path of the tree as others name it.
    pub fn named(&self, path: &str) -> String {
        format!("{}{path}", self.place)
    }

    fn build(base: Option<Folder>, output: &str, proposed: &ProposedChanges) -> Self {
        let prefix = match output.trim_matches('/') {
            "" => String::new(),
            output => format!("{output}/"),
        };
        let mut changed = Vec::new();
        let mut removed = Vec::new();
        for change in proposed {
            let path: Arc<str> = format!("{prefix}{}", change.path).into();
            match &change.kind {
                ProposedKind::Write { bytes, digest, .. } => {
                    changed.push(SubjectFile::of_known(path, bytes.clone(), *digest));
                }
                // What leaves no bytes behind is not there afterwards.
                _ => removed.push(path),
            }
        }
        Self::of_tree(Tree { base, changed, removed, all: OnceLock::new() })
    }

    /// The files that changed, sorted by path.
    pub fn changed(&self) -> &[SubjectFile] {
        &self.tree.changed
    }

    /// The paths that would be removed, sorted.
    pub fn removed(&self) -> &[Arc<str>] {
        &self.tree.removed
    }

    /// The folder below the changes, if there is one.
    pub fn base(&self) -> Option<&Path> {
        self.tree.base.as_ref().map(Folder::path)
    }

    /// All files as they would be afterwards, sorted by path. The first call walks the folder,
    /// so it does not belong on a runtime's own threads.
    pub fn files(&self) -> Result<&[SubjectFile], SubjectError> {
        let all = self.tree.all.get_or_init(|| self.tree.overlay());
        all.as_deref().map_err(Clone::clone)
    }

    /// The file at a path, as it would be afterwards.
    pub fn get(&self, path: &str) -> Result<Option<SubjectFile>, SubjectError> {
        if let Some(file) = find(self.changed(), path) {
            return Ok(Some(file.clone()));
        }
        if self.tree.removed.binary_search_by(|removed| (**removed).cmp(path)).is_ok() {
            return Ok(None);
        }
        Ok(find(self.files()?, path).cloned())
    }

    /// Whether there is neither a changed nor a removed file.
    pub fn is_empty(&self) -> bool {
        self.tree.changed.is_empty() && self.tree.removed.is_empty()
    }

    /// A digest over all paths and contents, as they would be afterwards.
    pub fn digest(&self) -> Result<Digest, SubjectError> {
        let mut hasher = blake3::Hasher::new();
        for file in self.files()? {
            hasher.update(file.path().as_bytes());
            hasher.update(&[0]);
            hasher.update(file.digest()?.as_bytes());
        }
        Ok(Digest::from_bytes(*hasher.finalize().as_bytes()))
    }
}

impl Tree {
    fn overlay(&self) -> Result<Vec<SubjectFile>, SubjectError> {
        let Some(base) = &self.base else { return Ok(self.changed.clone()) };
        let mut files = base.walk(false)?;
        files.retain(|file| {
            find(&self.changed, file.path()).is_none()
                && self.removed.binary_search_by(|path| (**path).cmp(file.path())).is_err()
        });
        files.extend(self.changed.iter().cloned());
        files.sort_by(|left, right| left.path().cmp(right.path()));
        Ok(files)
    }
}

fn find<'a>(files: &'a [SubjectFile], path: &str) -> Option<&'a SubjectFile> {
    files.binary_search_by(|file| file.path().cmp(path)).ok().map(|index| &files[index])
}

impl From<ReadFault> for SubjectError {
    fn from(fault: ReadFault) -> Self {
        Self::Read(fault)
    }
}

impl From<SubjectError> for Fault {
    fn from(error: SubjectError) -> Self {
        match error {
            SubjectError::Read(fault) => fault.into(),
            other => Self::infra(other.to_string(), other.advice()),
        }
    }
}

/// Where a file of a folder stands on the disk.
fn on_disk(root: &Path, path: &str) -> PathBuf {
    path.split('/').fold(root.to_path_buf(), |folder, part| folder.join(part))
}
