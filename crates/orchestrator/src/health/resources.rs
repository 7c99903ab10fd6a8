use std::fs;
use std::path::{Path, PathBuf};

use evergen_resilience::MemoryProbe;

/// What the system has left, in bytes; nothing where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resources {
    /// Memory that could be had now, below the limit of the control group if there is one;
    /// what the system's cache of files would give back is counted in.
    pub memory_free: Option<u64>,
    /// All memory, or that limit.
    pub memory_total: Option<u64>,
    /// Memory that this process holds.
    pub memory_used: Option<u64>,
    /// Room left where the loop writes.
    pub disk_free: Option<u64>,
    /// All room there.
    pub disk_total: Option<u64>,
}

impl Resources {
    /// Nothing is known.
    pub fn unknown() -> Self {
        Self::default()
    }

    /// Sets what is known of memory.
    #[must_use]
    pub fn with_memory(self, free: u64, total: u64) -> Self {
        Self { memory_free: Some(free), memory_total: Some(total), ..self }
    }

    /// Sets what is known of the disk.
    #[must_use]
    pub fn with_disk(self, free: u64, total: u64) -> Self {
        Self { disk_free: Some(free), disk_total: Some(total), ..self }
    }
}

/// Looks what the system has left. Asked once for each health check, and may read small files.
pub trait ResourceProbe: Send + Sync {
    /// What is left now.
    fn look(&self) -> Resources;
}

/// What Linux says of memory, and the system of the disk. Elsewhere memory is not known.
#[derive(Clone, Debug)]
pub struct SystemResources {
    folder: PathBuf,
    pub(super) memory: MemoryProbe,
}

impl SystemResources {
    /// Looks at the disk on which this folder is.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), memory: MemoryProbe::system() }
    }
}

impl ResourceProbe for SystemResources {
    fn look(&self) -> Resources {
        let mut resources = Resources { memory_used: memory_used(), ..Resources::default() };
        if let Ok(memory) = self.memory.read() {
            resources = resources.with_memory(memory.available, memory.limit);
        }
        with_disk(resources, &self.folder)
    }
}

#[cfg(unix)]
fn with_disk(resources: Resources, folder: &Path) -> Resources {
    match rustix::fs::statvfs(folder) {
        Ok(disk) => resources.with_disk(
            disk.f_bavail.saturating_mul(disk.f_frsize),
            disk.f_blocks.saturating_mul(disk.f_frsize),
        ),
        Err(_) => resources,
    }
}

#[cfg(not(unix))]
fn with_disk(resources: Resources, _folder: &Path) -> Resources {
    resources
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    number.checked_mul(1024)
}

/// Memory that this process holds, in bytes, where the system tells.
pub(crate) fn memory_used() -> Option<u64> {
    kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}
