use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Manifest, ManifestError};

/// No manifest is longer: an object of a cluster has at most 1.5 MiB.
const LONGEST: u64 = 2 * 1024 * 1024;

/// A release has no more files of manifests.
const MOST: usize = 64;

/// Reads all manifests of a folder of a release, file by file in the order of their names; a
/// file may have several documents. Blocks.
pub(crate) fn read(root: &Path, folder: &Path) -> Result<Vec<Manifest>, ManifestError> {
    let shown = folder.display().to_string();
    let none = |why: String| ManifestError::None { folder: shown.clone(), why };
    let mut files: Vec<PathBuf> = fs::read_dir(root.join(folder))
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(|error| none(error.to_string()))?;
    files.retain(|path| {
        path.extension()
            .is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|it| ending == *it))
    });
    files.sort();
    if files.is_empty() {
        return Err(none("no file in it ends in `.yaml`, `.yml` or `.json`".to_owned()));
    }
    if files.len() > MOST {
        return Err(none(format!("{} files are more than {MOST}", files.len())));
    }
    let mut manifests = Vec::new();
    for path in files {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let file = folder.join(name.unwrap_or_default()).display().to_string();
        let text = text(&path).map_err(|error| ManifestError::NoYaml {
            file: file.clone(),
            place: String::new(),
            why: error.to_string(),
        })?;
        documents(&file, &text, &mut manifests)?;
    }
    Ok(manifests)
}

fn text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let read = fs::File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if read as u64 > LONGEST {
        return Err(std::io::Error::other("it is longer than 2 MiB"));
    }
    Ok(text)
}

/// Adds the documents of a text. Its text is not repeated in errors, since there may be a
/// Secret in it.
pub(super) fn documents(
    file: &str,
    text: &str,
    manifests: &mut Vec<Manifest>,
) -> Result<(), ManifestError> {
    // As kubectl reads them: `0644` is octal, and `yes` is true.
    let options = serde_saphyr::options! { with_snippet: false, legacy_octal_numbers: true };
    let values: Vec<Value> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
            let place = error.location();
            let place = place.map(|place| format!(" at line {}", place.line())).unwrap_or_default();
            let why = "its YAML is not well formed".to_owned();
            ManifestError::NoYaml { file: file.to_owned(), place, why }
        })?;
    let some = values.into_iter().filter(|value| !value.is_null());
    manifests.extend(some.map(|value| Manifest { file: file.to_owned(), value }));
    Ok(())
}
