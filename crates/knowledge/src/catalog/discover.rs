//! Which files a model is made of.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use crate::Format;

/// A file of the model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFile {
    /// The path below the root as the pattern spells it, with `/` between the names.
    pub relative: String,
    /// Where to open the file.
    pub path: PathBuf,
    /// The notation, by the file's extension.
    pub format: Format,
}

/// A pattern doesn't lead to files that can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// No file of a known notation is there.
    #[error("nothing matches {pattern:?}")]
    NothingMatched {
        /// The pattern.
        pattern: String,
    },
    /// A file is named whose extension stands for no notation.
    #[error("{path:?} has no extension of a known notation (ttl, trig, nt, nq, rdf, owl, jsonld)")]
    UnknownFormat {
        /// The file as the pattern spells it.
        path: String,
    },
    /// A pattern is not a glob.
    #[error("{pattern:?} is no pattern of paths")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// What is wrong.
        source: globset::Error,
    },
    /// A file or folder can't be looked at.
    #[error("{} can't be read", .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Finds the files that `patterns` mean, sorted by their paths below `root` and distinct.
///
/// A pattern is a file, a folder (all files of known notations below it) or a glob.
/// Files and folders whose names begin with a dot are skipped unless a pattern names
/// them; a folder that several symbolic links lead to is visited once.
///
/// # Errors
/// All patterns are tried, so that there may be several.
pub fn discover(root: &Path, patterns: &[String]) -> Result<Vec<SourceFile>, Vec<DiscoverError>> {
    let mut files: BTreeMap<String, SourceFile> = BTreeMap::new();
    let mut errors = Vec::new();
    for pattern in patterns {
        match matching(root, pattern) {
            Ok(found) => files.extend(found.into_iter().map(|file| (file.relative.clone(), file))),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(files.into_values().collect()) } else { Err(errors) }
}

fn matching(root: &Path, pattern: &str) -> Result<Vec<SourceFile>, DiscoverError> {
    let clean = normalized(pattern);
    let path = root.join(&clean);
    let is_glob = clean.contains(['*', '?', '[', '{']);
    let found = match fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => walk(&path, &clean, None)?,
        Ok(_) => {
            check_readable(&path)?;
            let format = Format::from_extension(&path)
                .ok_or_else(|| DiscoverError::UnknownFormat { path: clean.clone() })?;
            return Ok(vec![SourceFile { relative: clean, path, format }]);
        }
        Err(_) if is_glob => {
            let (folder, glob) = compile(pattern, &clean)?;
            let base = root.join(&folder);
            if base.is_dir() { walk(&base, &folder, Some(&glob))? } else { Vec::new() }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(DiscoverError::Unreadable { path, source }),
    };
    if found.is_empty() {
        return Err(DiscoverError::NothingMatched { pattern: pattern.to_owned() });
    }
    Ok(found)
}

/// The pattern without `.` and doubled or trailing slashes; the root itself is empty.
fn normalized(pattern: &str) -> String {
    let mut clean = String::new();
    for component in Path::new(pattern).components() {
        if component == Component::CurDir {
            continue;
        }
        if !clean.is_empty() && !clean.ends_with('/') {
            clean.push('/');
        }
        clean.push_str(&component.as_os_str().to_string_lossy());
    }
    clean
}

/// The folder that a glob begins with, and a matcher for whole paths.
fn compile(pattern: &str, clean: &str) -> Result<(String, GlobMatcher), DiscoverError> {
    let glob = GlobBuilder::new(clean).literal_separator(true).build();
    let glob =
        glob.map_err(|source| DiscoverError::BadPattern { pattern: pattern.to_owned(), source })?;
    let is_plain = |name: &&str| !name.contains(['*', '?', '[', '{']);
    let names: Vec<&str> = clean.split('/').take_while(is_plain).collect();
    let folder = names.join("/");
    // An absolute path begins with an empty name.
    let folder = if folder.is_empty() && clean.starts_with('/') { "/".to_owned() } else { folder };
    Ok((folder, glob.compile_matcher()))
}

/// Files of known notations below a folder that a glob allows.
///
/// Folders behind symbolic links come last, so that a file has the path without links
/// if it has one.
fn walk(
    folder: &Path,
    relative: &str,
    glob: Option<&GlobMatcher>,
) -> Result<Vec<SourceFile>, DiscoverError> {
    let mut visited = HashSet::new();
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), relative.to_owned())];
    let mut linked: Vec<(PathBuf, String)> = Vec::new();
    loop {
        let Some((folder, relative)) = folders.pop() else {
            linked.sort_unstable_by(|left, right| right.1.cmp(&left.1));
            let Some(next) = linked.pop() else { return Ok(found) };
            folders.push(next);
            continue;
        };
        let unreadable = |source| DiscoverError::Unreadable { path: folder.clone(), source };
        let metadata = fs::metadata(&folder).map_err(unreadable)?;
        if !visited.insert((metadata.dev(), metadata.ino())) {
            continue;
        }
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let path = entry.path();
            let relative = joined(&relative, &name);
            if name.starts_with('.') && !names_hidden(glob, &relative) {
                continue;
            }
            let kind = entry.file_type().map_err(unreadable)?;
            let is_link = kind.is_symlink();
            let is_folder = if is_link { path.is_dir() } else { kind.is_dir() };
            if is_folder {
                if is_link { &mut linked } else { &mut folders }.push((path, relative));
            } else if glob.is_none_or(|glob| glob.is_match(&relative))
                && let Some(format) = Format::from_extension(&path)
            {
                check_readable(&path)?;
                found.push(SourceFile { relative, path, format });
            }
        }
    }
}

/// Whether a glob spells out the dot that this path's last name begins with.
fn names_hidden(glob: Option<&GlobMatcher>, relative: &str) -> bool {
    let depth = relative.matches('/').count();
    let name = glob.and_then(|glob| glob.glob().glob().split('/').nth(depth));
    name.is_some_and(|name| name.starts_with('.'))
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() || folder.ends_with('/') {
        format!("{folder}{name}")
    } else {
        format!("{folder}/{name}")
    }
}

fn check_readable(path: &Path) -> Result<(), DiscoverError> {
    match fs::File::open(path) {
        Ok(_) => Ok(()),
        Err(source) => Err(DiscoverError::Unreadable { path: path.to_owned(), source }),
    }
}
