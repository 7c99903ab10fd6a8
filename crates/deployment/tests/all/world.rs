//! A target folder, sources, and what is looked at afterwards.

use std::fs;
use std::path::{Path, PathBuf};

use evergen_deployment::{
    DeployOptions, DeploymentAutomation, DeploymentConfig, DeploymentEnvironment, OperationError,
    Summary, Version,
};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn target(&self) -> PathBuf {
        self.folder.path().join("target")
    }

    /// A folder with files whose content is the version.
    pub(crate) fn source(&self, version: &str, files: usize) -> PathBuf {
        let source = self.folder.path().join(format!("source-{version}"));
        write_source(&source, version, files);
        source
    }

    pub(crate) fn environment(&self) -> DeploymentEnvironment {
        DeploymentEnvironment::new("staging", self.target())
    }

    pub(crate) fn automation(&self) -> DeploymentAutomation {
        let config = DeploymentConfig::new(vec![self.environment()]).unwrap();
        DeploymentAutomation::new(&config).unwrap()
    }

    pub(crate) fn deploy(&self, version: &str) -> Result<Summary, OperationError> {
        let source = self.source(version, 5);
        block_on(deploy(&self.automation(), &source, version))
    }

    /// What a reader sees: the version that all files agree on.
    pub(crate) fn live(&self) -> Option<String> {
        shown(&self.target())
    }
}

pub(crate) async fn deploy(
    automation: &DeploymentAutomation,
    source: &Path,
    version: &str,
) -> Result<Summary, OperationError> {
    let version = Version::parse(version).unwrap();
    automation.deploy("staging", source, &version, DeployOptions::default()).await
}

pub(crate) fn write_source(source: &Path, version: &str, files: usize) {
    fs::create_dir_all(source.join("sub/deep")).unwrap();
    for number in 0..files {
        let folder = ["", "sub", "sub/deep"][number % 3];
        fs::write(source.join(folder).join(format!("{number}.txt")), version).unwrap();
    }
}

/// The content of all files of the current release, if they agree and there are any.
pub(crate) fn shown(target: &Path) -> Option<String> {
    let current = target.join("current");
    if !current.exists() {
        assert!(!current.is_symlink(), "`current` points to nothing");
        return None;
    }
    let mut contents = Vec::new();
    collect(&current, &mut contents);
    contents.sort_unstable();
    let count = contents.len();
    contents.dedup();
    assert_eq!((contents.len(), count), (1, 5), "a release is mixed or not whole: {contents:?}");
    contents.pop()
}

fn collect(folder: &Path, contents: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), contents);
        } else {
            contents.push(fs::read_to_string(entry.path()).unwrap());
        }
    }
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// Every file below a folder with its bytes, to see whether anything was written.
pub(crate) fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().map(Result::unwrap) {
            let path = entry.path();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(path.clone());
                all.push((path, Vec::new()));
            } else if kind.is_symlink() {
                let link = fs::read_link(&path).unwrap();
                all.push((path, link.into_os_string().into_encoded_bytes()));
            } else {
                all.push((path.clone(), fs::read(&path).unwrap()));
            }
        }
    }
    all.sort();
    all
}
