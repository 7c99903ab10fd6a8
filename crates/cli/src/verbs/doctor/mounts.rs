//! On which file system a folder lies.

use std::fs;
use std::path::Path;

/// File systems behind which another machine stands.
const REMOTE: &[&str] =
    &["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "vboxsf"];

/// The kind of the file system on which the path lies or will lie, where the
/// system tells.
pub(super) fn file_system(path: &Path) -> Option<String> {
    let existing = path.ancestors().find(|path| path.exists())?;
    let existing = fs::canonicalize(existing).ok()?;
    kind_in(&fs::read_to_string("/proc/self/mounts").ok()?, &existing)
}

/// Whether another machine can have its hands on it.
pub(super) fn is_remote(kind: &str) -> bool {
    REMOTE.contains(&kind)
}

/// The kind of the innermost, last mounted file system that holds the path.
fn kind_in(mounts: &str, path: &Path) -> Option<String> {
    let mut best: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let mut fields = line.split(' ');
        let (Some(point), Some(kind)) = (fields.nth(1), fields.next()) else { continue };
        let point = point.replace("\\040", " ");
        let depth = Path::new(&point).components().count();
        if path.starts_with(&point) && best.is_none_or(|(deepest, _)| depth >= deepest) {
            best = Some((depth, kind));
        }
    }
    best.map(|(_, kind)| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::kind_in;
    use std::path::Path;

    fn check(path: &str, expected: &str) {
        let mounts = "/dev/sda / ext4 rw 0 0\nserver:/x /home/a\\040b nfs4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n";
        assert_eq!(kind_in(mounts, Path::new(path)).as_deref(), Some(expected));
    }

    #[test]
    fn the_innermost_mount_counts() {
        check("/usr", "ext4");
        check("/home/a b/c", "nfs4");
        check("/tmp", "tmpfs");
        check("/tmpfile", "ext4");
    }
}
