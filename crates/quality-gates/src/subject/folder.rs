use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use ignore::WalkBuilder;

use super::file::{ReadFault, Seen, SubjectFile};
use super::memory::{FileMemory, Stamp};

/// Names that are never part of what is judged: the history, our own state, and what tools
/// install or cache.
const NEVER: [&str; 11] = [
    ".git",
    ".hg",
    ".jj",
    ".evergen",
    "node_modules",
    "__pycache__",
    ".venv",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".coverage",
];

/// Whether a file or folder is never part of what is judged. A folder `target` may be anybody's:
/// only one that says that it is a cache is left out.
pub(crate) fn is_left_out(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| NEVER.contains(&name))
        || (name == Some("target") && path.join("CACHEDIR.TAG").exists())
}

/// A folder whose files are judged.
///
/// Symbolic links are neither followed nor judged. Hidden files are judged.
#[derive(Clone, Debug)]
pub struct Folder {
    root: Arc<PathBuf>,
    honour_ignore_files: bool,
    below: Option<String>,
    parts: Vec<String>,
    max_files: usize,
    memory: Option<FileMemory>,
}

/// A folder can't be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectError {
    /// It can't be walked.
    #[error("can't walk {folder}: {why}")]
    Walk {
        /// The folder.
        folder: PathBuf,
        /// What went wrong.
        why: String,
    },
    /// A name that is no text can't be named in a report.
    #[error("the name {shown:?} is not UTF-8, so that no report can name the file")]
    Name {
        /// The name, with replacement characters.
        shown: String,
    },
    /// More files than anybody wants to have judged.
    #[error("{folder} has more than {limit} files")]
    TooMany {
        /// The folder.
        folder: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// A file that was named is not one of the folder's.
    #[error("{folder} has no file {path} to judge: it is missing, a link, or no regular file")]
    NotAmong {
        /// The folder.
        folder: PathBuf,
        /// The file.
        path: String,
    },
    /// A file can't be read.
    #[error(transparent)]
    Read(ReadFault),
}

impl SubjectError {
    /// What to do, as a sentence.
    pub fn advice(&self) -> String {
        let said = match self {
            Self::Walk { .. } => "Check the folder's permissions, or judge a part of it.",
            Self::Name { .. } => "Rename the file, or name it in .gitignore.",
            Self::TooMany { .. } => "Judge a part of it, or name what is not yours in .gitignore.",
            Self::NotAmong { .. } => "Name the file itself: what a link leads to, for example.",
            Self::Read(_) => "Check the file, then run the gates again.",
        };
        said.to_owned()
    }
}

impl Folder {
    /// A folder; what its and its parents' `.gitignore` and `.ignore` name is left out.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let root = Arc::new(path.into());
        let (below, parts, memory) = (None, Vec::new(), None);
        Self { root, honour_ignore_files: true, below, parts, max_files: 200_000, memory }
    }

    /// Judges also what `.gitignore` names, as for a folder of generated files, which often
    /// stands there.
    #[must_use]
    pub fn with_ignored_files(mut self) -> Self {
        self.honour_ignore_files = false;
        self
    }

    /// Judges what `.gitignore` names below this part of the folder, and there only; parts are
    /// separated by `/`.
    #[must_use]
    pub fn with_ignored_below(mut self, part: impl Into<String>) -> Self {
        self.below = Some(part.into());
        self
    }

    /// Nothing of it but these folders and files; their parts are separated by `/`.
    #[must_use]
    pub fn with_parts(mut self, parts: impl IntoIterator<Item = String>) -> Self {
        self.parts = parts.into_iter().collect();
        self
    }

    /// How many files there may be.
    #[must_use]
    pub fn with_max_files(mut self, limit: usize) -> Self {
        self.max_files = limit;
        self
    }

    /// Believes stamps: what is known of a file that stayed as it was is not read again.
    #[must_use]
    pub fn remembering(mut self, memory: FileMemory) -> Self {
        self.memory = Some(memory);
        self
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// All files, sorted by path.
    pub(super) fn walk(&self, changed: bool) -> Result<Vec<SubjectFile>, SubjectError> {
        let mut files = Vec::new();
        let below = self.below.as_ref().map(|part| super::on_disk(&self.root, part));
        let ignored = below.filter(|below| below.is_dir()).map(|below| Self::walker(&below, false));
        let walks = self.roots();
        let walks = walks.iter().map(|root| Self::walker(root, self.honour_ignore_files));
        for entry in walks.chain(ignored).flat_map(|walker| walker.build()) {
            let entry = entry.map_err(|error| self.failed(&error))?;
            if !entry.file_type().is_some_and(|kind| kind.is_file()) {
                continue;
            }
            // Before the look at the file: a change after it is then known to be a later one.
            let at = SystemTime::now();
            let metadata = entry.metadata().map_err(|error| self.failed(&error))?;
            let path = self.relative(entry.path())?;
            let seen = self.memory.clone().map(|memory| {
                let stamp = Stamp::of(&metadata);
                Seen { memory, stamp, at }
            });
            let (root, size) = (self.root.clone(), metadata.len());
            files.push(SubjectFile::of_disk(path, root, size, changed, seen));
            if files.len() > self.max_files {
                let (folder, limit) = (self.root.to_path_buf(), self.max_files);
                return Err(SubjectError::TooMany { folder, limit });
            }
        }
        files.sort_by(|left, right| left.path().cmp(right.path()));
        files.dedup_by(|left, right| left.path() == right.path());
        Ok(files)
    }

    /// Where walks begin.
    fn roots(&self) -> Vec<PathBuf> {
        if self.parts.is_empty() {
            return vec![self.root.to_path_buf()];
        }
        self.parts.iter().map(|part| super::on_disk(&self.root, part)).collect()
    }

    /// One file of the folder, also where it is left out; nothing if it is none, or a link.
    pub(super) fn file(&self, path: &str) -> Option<SubjectFile> {
        let metadata = std::fs::symlink_metadata(super::on_disk(&self.root, path)).ok()?;
        let found = |size| SubjectFile::of_disk(path.into(), self.root.clone(), size, false, None);
        metadata.is_file().then(|| found(metadata.len()))
    }

    fn walker(root: &Path, honour: bool) -> WalkBuilder {
        let mut walker = WalkBuilder::new(root);
        walker.hidden(false).require_git(false).follow_links(false);
        walker.parents(honour).ignore(honour).git_ignore(honour);
        walker.git_global(honour).git_exclude(honour);
        walker.filter_entry(|entry| entry.depth() == 0 || !is_left_out(entry.path()));
        walker
    }

    fn relative(&self, path: &Path) -> Result<Arc<str>, SubjectError> {
        let inner = path.strip_prefix(&*self.root).unwrap_or(path);
        let text = inner
            .to_str()
            .ok_or_else(|| SubjectError::Name { shown: inner.to_string_lossy().into_owned() })?;
        Ok(text.into())
    }

    fn failed(&self, error: &ignore::Error) -> SubjectError {
        SubjectError::Walk { folder: self.root.to_path_buf(), why: error.to_string() }
    }
}
