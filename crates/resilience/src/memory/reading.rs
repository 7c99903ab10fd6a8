/// How much memory there is and how much of it can still be had, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryReading {
    /// What there is at most.
    pub limit: u64,
    /// What can still be had: free, or held by caches of the system that give way.
    pub available: u64,
    /// Who says so.
    pub source: MemorySource,
}

/// Who bounds the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemorySource {
    /// The machine.
    System,
    /// The control group of the process: a container, say.
    ControlGroup,
}

impl MemoryReading {
    /// The share that is used, 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share of petabytes need not be exact")]
    pub fn used(&self) -> f64 {
        if self.limit == 0 {
            return 1.0;
        }
        1.0 - self.available.min(self.limit) as f64 / self.limit as f64
    }

    /// The one of the two that leaves less.
    #[must_use]
    pub fn tighter(self, other: Self) -> Self {
        if other.used() > self.used() { other } else { self }
    }
}

/// Reads `/proc/meminfo`. None if it lacks a line or a number.
#[must_use]
pub fn parse_meminfo(text: &str) -> Option<MemoryReading> {
    let kibibytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        let number = line.trim().strip_suffix("kB")?.trim_end();
        number.parse::<u64>().ok()?.checked_mul(1024)
    };
    let limit = kibibytes("MemTotal")?;
    let available = kibibytes("MemAvailable")?;
    Some(MemoryReading { limit, available, source: MemorySource::System })
}

/// Reads the files of a control group of version 2: `memory.max`, `memory.current` and `memory.stat`,
/// of which the last may be empty. None if there is no limit, or a number is missing.
///
/// Pages of files that were not used lately count as available: the kernel takes them back
/// before anybody is refused memory.
#[must_use]
pub fn parse_cgroup(max: &str, current: &str, stat: &str) -> Option<MemoryReading> {
    let limit: u64 = max.trim().parse().ok()?;
    let current: u64 = current.trim().parse().ok()?;
    let inactive = stat.lines().find_map(|line| line.strip_prefix("inactive_file "));
    let reclaimable: u64 = inactive.and_then(|number| number.trim().parse().ok()).unwrap_or(0);
    let used = current.saturating_sub(reclaimable);
    let available = limit.saturating_sub(used);
    Some(MemoryReading { limit, available, source: MemorySource::ControlGroup })
}

/// The control group of version 2 in `/proc/self/cgroup`, as a path below the mount.
#[must_use]
pub fn cgroup_folder(text: &str) -> Option<&str> {
    let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    let relative = path.trim_start_matches('/');
    // A group outside of the namespace is shown by dots; what bounds it is not ours to read.
    let inside = !relative.split('/').any(|part| part == "..");
    inside.then_some(relative)
}
