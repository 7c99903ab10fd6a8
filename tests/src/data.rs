//! Ontologies that are not part of the repository.

use std::path::PathBuf;

/// The folder that `EVERGEN_DATA` names, if it holds all of `files`; otherwise this
/// prints what is skipped and how many files are missing.
pub fn files(what: &str, files: &[&str]) -> Option<Vec<PathBuf>> {
    let Some(folder) = std::env::var_os("EVERGEN_DATA").map(PathBuf::from) else {
        println!("skipped: {what}: EVERGEN_DATA names no folder with {} files", files.len());
        return None;
    };
    let paths: Vec<PathBuf> = files.iter().map(|file| folder.join(file)).collect();
    let missing = paths.iter().filter(|path| !path.is_file()).count();
    if missing > 0 {
        println!("skipped: {what}: {missing} of {} files are not in EVERGEN_DATA", files.len());
        return None;
    }
    Some(paths)
}
