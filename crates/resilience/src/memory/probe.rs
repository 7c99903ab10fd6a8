use std::io;
use std::path::{Path, PathBuf};

use super::reading::{MemoryReading, cgroup_folder, parse_cgroup, parse_meminfo};

/// Looks how much memory is left: the machine's, and that of each control group above the process.
/// The tightest counts.
#[derive(Clone, Debug)]
pub struct MemoryProbe {
    proc: PathBuf,
    groups: PathBuf,
}

/// The system does not say how much memory it has.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file has another form than it should.
    #[error("{} does not say how much memory is available", path.display())]
    Form {
        /// The file.
        path: PathBuf,
    },
}

impl MemoryProbe {
    /// Reads this system's `/proc` and `/sys/fs/cgroup`.
    #[must_use]
    pub fn system() -> Self {
        Self::below(Path::new("/"))
    }

    /// Reads `proc` and `sys/fs/cgroup` below another folder.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        Self { proc: root.join("proc"), groups: root.join("sys/fs/cgroup") }
    }

    /// Looks now. Blocks for a few reads of files that are in memory.
    pub fn read(&self) -> Result<MemoryReading, ProbeError> {
        let path = self.proc.join("meminfo");
        let text = std::fs::read_to_string(&path)
            .map_err(|source| ProbeError::Io { path: path.clone(), source })?;
        let system = parse_meminfo(&text).ok_or(ProbeError::Form { path })?;
        Ok(self.groups().fold(system, MemoryReading::tighter))
    }

    /// The readings of the process's group and of those around it. A system without groups has none.
    fn groups(&self) -> impl Iterator<Item = MemoryReading> {
        let list = std::fs::read_to_string(self.proc.join("self/cgroup")).unwrap_or_default();
        let folder = cgroup_folder(&list).map(|relative| self.groups.join(relative));
        let mut folders: Vec<PathBuf> = folder
            .iter()
            .flat_map(|folder| folder.ancestors())
            .take_while(|folder| folder.starts_with(&self.groups))
            .map(Path::to_path_buf)
            .collect();
        if folders.is_empty() {
            folders.push(self.groups.clone());
        }
        folders.into_iter().filter_map(|folder| {
            let file = |name| std::fs::read_to_string(folder.join(name));
            let stat = file("memory.stat").unwrap_or_default();
            parse_cgroup(&file("memory.max").ok()?, &file("memory.current").ok()?, &stat)
        })
    }
}
