use std::fs;
use std::path::Path;

use evergen_artifact::Digest;

use super::*;
use crate::{
    BackupError, BackupProvider, BackupRef, Provenance, ReleaseId, Slot, StagedRelease,
    StepContext, Version,
};

mod postgres;
pub(crate) mod server;
#[cfg(feature = "sqlite")]
mod sqlite;

pub(crate) fn context() -> StepContext {
    let version = Version::parse("1.2.3").unwrap();
    let id = ReleaseId::new(Digest::of(b"content"));
    let provenance = Provenance::new(jiff::Timestamp::UNIX_EPOCH, "a test");
    StepContext::new(
        "staging",
        7,
        Slot::Green,
        StagedRelease::new(id, version, "/".into(), provenance),
    )
}

/// An error with its sources.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Changes a byte in the middle of the backup itself.
fn damage(backup: &BackupRef, file: &str) {
    let path = Path::new(&backup.location).join(file);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(path, bytes).unwrap();
}

/// The names of what is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn configuration(folder: &Path) -> FilesBackup {
    let source = folder.join("etc");
    fs::create_dir_all(source.join("conf.d")).unwrap();
    fs::write(source.join("app.toml"), "port = 1").unwrap();
    fs::write(source.join("conf.d/tls.toml"), "tls = true").unwrap();
    std::os::unix::fs::symlink("app.toml", source.join("current")).unwrap();
    FilesBackup::new("configuration", source, folder.join("backups"))
}

#[tokio::test]
async fn files_are_kept_proven_and_brought_back_in_one_step() {
    let folder = tempfile::tempdir().unwrap();
    let (backups, etc) = (configuration(folder.path()), folder.path().join("etc"));
    let kept = backups.backup(&context()).await.unwrap();
    let proof = backups.prove(&kept).await.unwrap();
    assert_eq!(proof.compared, "2 × file, 2 × folder, 1 × link");

    fs::write(etc.join("app.toml"), "port = 2").unwrap();
    fs::remove_file(etc.join("conf.d/tls.toml")).unwrap();
    fs::write(etc.join("new"), "").unwrap();
    backups.restore(&kept).await.unwrap();
    backups.restore(&kept).await.unwrap();
    assert_eq!(names(&etc), ["app.toml", "conf.d", "current"]);
    assert_eq!(fs::read_to_string(etc.join("current")).unwrap(), "port = 1");
    assert_eq!(names(folder.path()), ["backups", "etc"]);

    fs::remove_dir_all(&etc).unwrap();
    backups.restore(&kept).await.unwrap();
    assert_eq!(fs::read_to_string(etc.join("conf.d/tls.toml")).unwrap(), "tls = true");

    backups.discard(&kept).await.unwrap();
    backups.discard(&kept).await.unwrap();
    assert_eq!(names(&folder.path().join("backups")), Vec::<String>::new());
}

#[tokio::test]
async fn damage_to_kept_files_is_told_and_nothing_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (backups, etc) = (configuration(folder.path()), folder.path().join("etc"));
    let kept = backups.backup(&context()).await.unwrap();
    damage(&kept, "data/app.toml");
    fs::write(etc.join("app.toml"), "port = 2").unwrap();
    for error in [backups.prove(&kept).await.map(|_| ()), backups.restore(&kept).await] {
        let error = error.unwrap_err();
        assert!(matches!(error, BackupError::Damaged { .. }), "{error}");
        assert!(error.to_string().ends_with("`data/app.toml` is not as it was written"), "{error}");
    }
    assert_eq!(fs::read_to_string(etc.join("app.toml")).unwrap(), "port = 2");
}

#[tokio::test]
async fn a_reference_does_not_lead_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let backups = configuration(folder.path());
    let mut kept = backups.backup(&context()).await.unwrap();
    kept.location = folder.path().join("etc").display().to_string();
    let error = backups.discard(&kept).await.unwrap_err();
    assert!(matches!(error, BackupError::Damaged { .. }), "{error}");
    assert!(folder.path().join("etc/app.toml").exists());
}

#[tokio::test]
async fn half_made_backups_are_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let backups = configuration(folder.path());
    let half = folder.path().join("backups/.partial-configuration-staging-6-x");
    fs::create_dir_all(half.join("data")).unwrap();
    backups.backup(&context()).await.unwrap();
    assert_eq!(names(&folder.path().join("backups")).len(), 1);
    let missing = FilesBackup::new("c", folder.path().join("nowhere"), folder.path().join("b"));
    let error = missing.backup(&context()).await.unwrap_err();
    assert!(error.to_string().contains("can't keep files"), "{error}");
    assert_eq!(names(&folder.path().join("b")), Vec::<String>::new());
}
