use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};

/// What the file system says of a file without reading it. A file with the stamp
/// it had is taken to have the bytes it had, if the stamp [is settled](Self::is_settled).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable, Serialize, Deserialize,
)]
#[repr(C)]
pub struct FileStamp {
    /// The length in bytes.
    pub size: u64,
    /// When the bytes changed last, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// The number of the file on its file system.
    pub inode: u64,
}

impl FileStamp {
    /// Clocks of file systems tick as coarsely as this.
    const COARSEST_TICK_NS: i64 = 20_000_000;

    /// Takes the stamp from `metadata`.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            inode: metadata.ino(),
        }
    }

    /// Whether an equal stamp, seen later, proves that the bytes are those seen at
    /// `observed_at_ns`.
    ///
    /// A file that was changed within 20 ms of the time at which it was looked at,
    /// or after it, may change once more without its clock ticking. Such a file has to be read.
    pub fn is_settled(&self, observed_at_ns: i64) -> bool {
        self.modified_ns.saturating_add(Self::COARSEST_TICK_NS) < observed_at_ns
    }
}

/// Joins seconds and nanoseconds; a time outside of 1677 to 2262 becomes the nearest end.
pub(crate) fn nanoseconds(seconds: i64, rest: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}
