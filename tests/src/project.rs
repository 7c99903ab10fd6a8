//! A project in a folder of its own, and what a run makes of it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a helper of tests fails as a test does"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use evergen_regeneration::{
    Access, CycleError, Diagnostic, Languages, Project, RegenerationEngine, RunReport, Settings,
};
use tempfile::TempDir;

/// All files below a folder: paths and contents. Where a symbolic link stands, its
/// target is the content.
pub type Tree = BTreeMap<String, Vec<u8>>;

/// Reads a whole folder; one that is not there has no files.
pub fn tree(folder: &Path) -> Tree {
    let mut tree = Tree::new();
    collect(folder, "", &mut tree);
    tree
}

fn collect(folder: &Path, prefix: &str, tree: &mut Tree) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            collect(&entry.path(), &format!("{name}/"), tree);
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path()).unwrap();
            tree.insert(name, target.as_os_str().as_encoded_bytes().to_vec());
        } else {
            tree.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

/// A folder that is removed in the end, in memory where the system has such a place.
pub fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A project in a folder of its own.
#[derive(Debug)]
pub struct Fixture {
    folder: TempDir,
    /// With which the next engine is opened.
    pub settings: Settings,
    /// The languages that templates can name.
    pub languages: Languages,
}

impl Default for Fixture {
    fn default() -> Self {
        Self::new()
    }
}

impl Fixture {
    /// A project whose sources lie in `model/`, and which knows the prefix `ex`.
    pub fn new() -> Self {
        let mut settings = Settings::default();
        settings.model.sources = vec!["model".to_owned()];
        settings.model.prefixes.insert("ex".to_owned(), crate::notation::EX.to_owned());
        Self { folder: folder(), settings, languages: Languages::new() }
    }

    /// The project's folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of the project.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Reads a file of the project.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    /// Removes a file of the project.
    pub fn remove(&self, path: &str) {
        fs::remove_file(self.path().join(path)).unwrap();
    }

    /// Replaces a text in a file of the project.
    pub fn change(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{from:?} is not in {path}");
        self.write(path, text.replace(from, to));
    }

    /// The project.
    pub fn project(&self) -> Project {
        Project::new(self.path(), self.settings.clone()).with_languages(self.languages.clone())
    }

    /// An engine that may write.
    pub fn engine(&self) -> RegenerationEngine {
        RegenerationEngine::open(self.project(), Access::Write { wait: None }).unwrap()
    }

    /// Runs with a new engine.
    pub fn run(&self) -> RunReport {
        self.engine().run(&mut |_| {}).unwrap()
    }

    /// Runs, and gives what was wrong with the model or the templates.
    pub fn rejected(&self) -> Vec<Diagnostic> {
        match self.engine().run(&mut |_| {}) {
            Err(CycleError::Rejected(problems)) => problems,
            other => panic!("expected a rejection, got {other:?}"),
        }
    }

    /// What is in the output folder.
    pub fn tree(&self) -> Tree {
        tree(&self.output())
    }

    /// The output folder.
    pub fn output(&self) -> PathBuf {
        self.path().join(&self.settings.regeneration.output_dir)
    }

    /// Generates the project from scratch in another folder, and compares all files and
    /// the lock; gives the report of the generation.
    pub fn equals_scratch(&self) -> RunReport {
        let scratch = self.copy();
        let report = scratch.run();
        let (incremental, whole) = (self.tree(), scratch.tree());
        for (path, content) in &whole {
            assert_eq!(incremental.get(path), Some(content), "{path} is not as from scratch");
        }
        assert_eq!(incremental.len(), whole.len(), "there are more files than from scratch");
        assert_eq!(self.read("evergen.lock"), scratch.read("evergen.lock"));
        report
    }

    /// The same project, never generated.
    #[must_use]
    pub fn copy(&self) -> Self {
        let copy = Self {
            folder: folder(),
            settings: self.settings.clone(),
            languages: self.languages.clone(),
        };
        let made = [self.settings.regeneration.output_dir.as_str(), ".evergen", "evergen.lock"];
        for (path, content) in tree(self.path()) {
            if !made.iter().any(|made| Path::new(&path).starts_with(made)) {
                copy.write(&path, content);
            }
        }
        copy
    }
}

/// Total, evaluated, rendered, written, unchanged, deleted, refused.
pub fn counts(report: &RunReport) -> [u64; 7] {
    let all = report.artifacts;
    [all.total, all.evaluated, all.rendered, all.written, all.unchanged, all.deleted, all.refused]
}
