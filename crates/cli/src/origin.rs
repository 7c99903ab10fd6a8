//! Which folder the project is, and where its settings and its model come from.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use crate::arguments::Selection;
use crate::failure::Failure;
use crate::remembered;

/// The name of the configuration file.
pub(crate) const CONFIGURATION: &str = "evergen.toml";

/// A project's folder, and what the command line says of its model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The folder that paths are relative to; absolute.
    pub(crate) root: PathBuf,
    /// The file with the settings, relative to the folder.
    pub(crate) configuration: Option<String>,
    /// Model sources that were named, relative to the folder where they lie in it.
    pub(crate) sources: Vec<String>,
}

impl Place {
    /// Finds the project that the arguments mean, seen from the folder `here`.
    pub(crate) fn find(
        paths: &[PathBuf],
        selection: &Selection,
        here: &Path,
    ) -> Result<Self, Failure> {
        if let Some(root) = project_among(paths, here) {
            return match (paths, &selection.root) {
                ([_], None) => Ok(Self::at(root, Vec::new())),
                ([_], Some(_)) => Err(Failure::usage(
                    "both a project and `--root` are given",
                    "leave one of them away",
                )),
                _ => Err(Failure::usage(
                    format!("`{}` is a project, and it is not alone", root.display()),
                    "name one project, or only files and folders that hold a model",
                )),
            };
        }
        let root = selection.root.as_ref().map(|root| absolute(root, here));
        if let Some(root) = root.as_ref().filter(|root| !root.is_dir()) {
            return Err(Failure::usage(
                format!("there is no folder `{}`", root.display()),
                "give an existing folder to `--root`",
            ));
        }
        if !paths.is_empty() {
            let root = root.unwrap_or_else(|| here.to_owned());
            let sources = paths.iter().map(|path| source(path, &root, here));
            let sources = sources.collect::<Result<_, _>>()?;
            return Ok(Self::at(root, sources));
        }
        let root = root.or_else(|| upwards(here)).unwrap_or_else(|| here.to_owned());
        let mut place = Self::at(root, Vec::new());
        if place.configuration.is_none() && place.root.join(remembered::FILE).is_file() {
            place.configuration = Some(remembered::FILE.to_owned());
        }
        Ok(place)
    }

    fn at(root: PathBuf, sources: Vec<String>) -> Self {
        let exists = root.join(CONFIGURATION).is_file();
        Self { root, configuration: exists.then(|| CONFIGURATION.to_owned()), sources }
    }
}

/// A path of the command line as one that is relative to the project's folder, or
/// absolute where it lies elsewhere.
pub(crate) fn to_root(path: &Path, root: &Path, here: &Path) -> String {
    let path = absolute(path, here);
    let inside = path.strip_prefix(root).unwrap_or(&path);
    if inside.as_os_str().is_empty() {
        return ".".to_owned();
    }
    inside.to_string_lossy().into_owned()
}

/// The path as seen from `here`, for a person to open.
pub(crate) fn from_here(path: &Path, here: &Path) -> String {
    match path.strip_prefix(here).unwrap_or(path).to_string_lossy().into_owned() {
        own if own.is_empty() => ".".to_owned(),
        other => other,
    }
}

/// The path without `.` and `..`, seen from the root of the disk. No link is followed.
pub(crate) fn absolute(path: &Path, here: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for component in here.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                whole.pop();
            }
            other => whole.push(other),
        }
    }
    whole
}

/// The path without links, as far as it exists.
pub(crate) fn without_links(path: &Path) -> PathBuf {
    let mut missing = Vec::new();
    for ancestor in path.ancestors() {
        if let Ok(found) = std::fs::canonicalize(ancestor) {
            return missing.iter().rev().fold(found, |path, name: &&OsStr| path.join(name));
        }
        missing.extend(ancestor.file_name());
    }
    path.to_owned()
}

/// The folder of the first project among the paths.
fn project_among(paths: &[PathBuf], here: &Path) -> Option<PathBuf> {
    paths.iter().find_map(|path| {
        let path = absolute(path, here);
        if path.join(CONFIGURATION).is_file() {
            return Some(path);
        }
        let named = path.file_name().is_some_and(|name| name == CONFIGURATION);
        path.parent().filter(|_| named && path.is_file()).map(Path::to_owned)
    })
}

/// The next folder upwards that is a project or where evergen ran before.
pub(crate) fn upwards(here: &Path) -> Option<PathBuf> {
    let is_project = |folder: &&Path| {
        folder.join(CONFIGURATION).is_file() || folder.join(remembered::FILE).is_file()
    };
    here.ancestors().find(is_project).map(Path::to_owned)
}

/// Checks that a source that was named exists; a pattern may match nothing yet.
fn source(path: &Path, root: &Path, here: &Path) -> Result<String, Failure> {
    let text = path.to_string_lossy();
    let is_pattern = text.contains(['*', '?', '[', '{']);
    if is_pattern || absolute(path, here).exists() {
        return Ok(to_root(path, root, here));
    }
    let help = match similar(&absolute(path, here)) {
        Some(name) => format!("did you mean `{}`?", path.with_file_name(name).display()),
        None => "name files, folders or patterns that hold the model".to_owned(),
    };
    Err(Failure::usage(format!("there is no file or folder `{text}`"), help))
}

/// The name in the same folder that is most like the one that is missing.
fn similar(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let entries = std::fs::read_dir(path.parent()?).ok()?;
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .map(|name| (strsim::normalized_damerau_levenshtein(wanted, &name), name))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|left, right| left.0.total_cmp(&right.0).then_with(|| right.1.cmp(&left.1)))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests;
