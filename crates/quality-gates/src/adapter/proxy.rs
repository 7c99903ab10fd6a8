//! Programs that rustup stands for.
//!
//! What is called `rustfmt` on the search path is rustup itself, which looks for the toolchain
//! each time that it is started. For a program of some milliseconds that is most of the time.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Limits;
use crate::process::{Request, run};

/// How long rustup may take to say where a program is.
const PATIENCE: Duration = Duration::from_secs(20);

/// The files by which a folder has a toolchain of its own, and all below it.
const OWN_TOOLCHAIN: [&str; 2] = ["rust-toolchain.toml", "rust-toolchain"];

/// The rustup that a program is: a link to it, or the same file under another name.
pub(super) fn rustup_of(path: &Path) -> Option<PathBuf> {
    let target = path.canonicalize().ok()?;
    if target.ends_with("rustup") {
        return Some(target);
    }
    let beside = path.with_file_name("rustup");
    let file = |path: &Path| path.metadata().map(|it| (it.dev(), it.ino())).ok();
    file(&beside).is_some_and(|rustup| file(path) == Some(rustup)).then_some(beside)
}

/// The program that `rustup` starts under a name where no folder says otherwise; none where it does not
/// say, or people have chosen toolchains for folders.
pub(super) async fn behind(
    rustup: &Path,
    name: &str,
    home: &Path,
    folder: &Path,
    environment: BTreeMap<OsString, OsString>,
) -> Option<PathBuf> {
    if !has_no_overrides(&std::fs::read_to_string(home.join("settings.toml")).ok()?) {
        return None;
    }
    let said = run(Request {
        program: rustup.to_path_buf(),
        arguments: ["which", name].map(OsString::from).to_vec(),
        folder: folder.to_path_buf(),
        private: true,
        environment,
        input: None,
        limits: Limits::default().with_time(PATIENCE).with_output(1 << 16),
    })
    .await
    .ok()?;
    let path = PathBuf::from(std::ffi::OsStr::from_bytes(said.stdout.trim_ascii()));
    (said.code == 0 && path.is_absolute() && path.is_file()).then_some(path)
}

/// Whether rustup's settings choose no toolchain for a folder.
fn has_no_overrides(settings: &str) -> bool {
    let Ok(settings) = settings.parse::<toml::Table>() else { return false };
    settings.get("overrides").is_none_or(|it| it.as_table().is_some_and(toml::Table::is_empty))
}

/// Whether a folder, or one above it, has a toolchain of its own.
pub(super) fn has_own_toolchain(folder: &Path) -> bool {
    folder.ancestors().any(|above| OWN_TOOLCHAIN.iter().any(|name| above.join(name).exists()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_a_toolchain_of_its_own_is_left_to_rustup() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        assert!(!has_own_toolchain(&inner));
        std::fs::write(folder.path().join("rust-toolchain.toml"), "").unwrap();
        assert!(has_own_toolchain(&inner));
    }

    #[test]
    fn toolchains_that_were_chosen_for_folders_are_seen() {
        assert!(has_no_overrides("version = \"12\"\n[overrides]\n"));
        assert!(has_no_overrides("default_toolchain = \"stable\"\n"));
        assert!(!has_no_overrides("[overrides]\n\"/home/ada/shop\" = \"nightly\"\n"));
        assert!(!has_no_overrides("overrides"));
    }
}
