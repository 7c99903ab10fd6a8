//! What is on the disk: the files of a scope, and the folders in which something may
//! happen to them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evergen_artifact::FileStamp;
use evergen_knowledge::Format;
use walkdir::WalkDir;

use super::FileKind;
use super::scope::{Tree, WatchScope, joined};
use crate::origin::without_links;

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    file: FileStamp,
    /// Whether it can be read may depend on it.
    mode: u32,
}

impl Stamp {
    fn from(metadata: &Metadata) -> Option<Self> {
        metadata.is_file().then(|| Self { file: FileStamp::of(metadata), mode: metadata.mode() })
    }

    /// The stamp of the file, if there is one.
    pub(super) fn of(path: &Path) -> Option<Self> {
        Self::from(&fs::metadata(path).ok()?)
    }
}

/// Why a folder is watched. Paths are spelt as the settings do.
#[derive(Debug)]
pub(super) enum Role {
    /// It lies in a tree.
    Tree { tree: Arc<Tree>, folder: PathBuf, relative: String, inside_output: bool },
    /// It holds a file.
    File { name: OsString, path: PathBuf, kind: FileKind },
    /// What has this name in it leads to a tree or a file.
    Lookout { name: OsString },
}

/// A folder in which something may happen.
#[derive(Debug)]
pub(super) struct Folder {
    /// Its file system and number.
    pub(super) identity: (u64, u64),
    pub(super) roles: Vec<Role>,
}

/// What evergen writes itself. All paths are without links.
#[derive(Debug, Default)]
pub(super) struct Own {
    output: PathBuf,
    state: PathBuf,
    files: BTreeSet<PathBuf>,
}

impl Own {
    fn of(scope: &WatchScope) -> Self {
        let mut files = BTreeSet::new();
        for file in &scope.own_files {
            // Both the link and what it leads to.
            files.extend(fs::canonicalize(file));
            let folder = file.parent().map(without_links).unwrap_or_default();
            files.extend(file.file_name().map(|name| folder.join(name)));
        }
        Self { output: without_links(&scope.output), state: without_links(&scope.state), files }
    }

    /// Whether a file or folder is evergen's. Files that settings name *inside* of the
    /// output folder, which may be the project itself, are not, only because of that.
    pub(super) fn has(&self, path: &Path, inside_output: bool) -> bool {
        let in_output = !inside_output && path.starts_with(&self.output);
        in_output || path.starts_with(&self.state) || self.files.contains(path)
    }
}

/// The state of the disk.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The files of the scope by their paths as the settings spell them.
    pub(super) files: BTreeMap<PathBuf, (FileKind, Stamp)>,
    /// Folders by their paths without links.
    pub(super) folders: BTreeMap<PathBuf, Folder>,
    /// The folders of trees, as the settings spell them.
    pub(super) spelt: HashSet<PathBuf>,
    pub(super) own: Own,
}

impl Survey {
    /// Looks at everything. What can't be looked at is not there.
    pub(super) fn of(scope: &WatchScope) -> Self {
        let mut survey = Self { own: Own::of(scope), ..Self::default() };
        for (path, kind) in &scope.files {
            survey.add_file(scope, path, *kind);
        }
        for pattern in &scope.patterns {
            let path = scope.root.join(&pattern.clean);
            let tree = match (fs::metadata(&path), &pattern.glob) {
                (Ok(found), _) if found.is_dir() => {
                    Tree::of_sources(&scope.root, &pattern.clean, None)
                }
                (Err(_), Some(glob)) => {
                    Tree::of_sources(&scope.root, &glob.folder, Some(glob.clone()))
                }
                _ if Format::from_extension(&path).is_some() => {
                    survey.add_file(scope, &path, FileKind::Source);
                    continue;
                }
                _ => {
                    survey.look_out(scope, &path);
                    continue;
                }
            };
            survey.look_out(scope, &tree.base);
            survey.add_sources(&Arc::new(tree));
        }
        for folder in &scope.templates {
            survey.look_out(scope, folder);
            survey.add_linked(&Arc::new(Tree::of_templates(&scope.root, folder)));
        }
        survey.look_out(scope, &scope.environments);
        let environments = Tree::of_environments(&scope.root, &scope.environments);
        survey.add_linked(&Arc::new(environments));
        survey
    }

    /// Adds a role to a folder, which is without links.
    fn watch(&mut self, folder: PathBuf, role: Role) {
        if let Some(known) = self.folders.get_mut(&folder) {
            known.roles.push(role);
        } else if let Ok(found) = fs::metadata(&folder) {
            let identity = (found.dev(), found.ino());
            self.folders.insert(folder, Folder { identity, roles: vec![role] });
        }
    }

    /// Watches for changes of what leads to `path`: up to the project's folder, or to the
    /// first folder that exists.
    fn look_out(&mut self, scope: &WatchScope, path: &Path) {
        let inside = path.starts_with(&scope.root);
        if path == scope.root && path.is_dir() || !inside && path.exists() {
            return;
        }
        for step in path.ancestors() {
            let (Some(name), Some(folder)) = (step.file_name(), step.parent()) else { return };
            if let Ok(found) = fs::canonicalize(folder) {
                self.watch(found, Role::Lookout { name: name.to_owned() });
                if !inside || folder == scope.root || !folder.starts_with(&scope.root) {
                    return;
                }
            }
        }
    }

    fn add_file(&mut self, scope: &WatchScope, path: &Path, kind: FileKind) {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return };
        self.look_out(scope, folder);
        let Ok(folder) = fs::canonicalize(folder) else { return };
        let inside_output = folder.starts_with(&self.own.output);
        if self.own.has(&folder.join(name), inside_output) {
            return;
        }
        let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
        if is_link && !self.follow(path, kind, inside_output) {
            return;
        }
        let role = Role::File { name: name.to_owned(), path: path.to_owned(), kind };
        self.watch(folder, role);
        self.record(path, kind);
    }

    /// Watches the file that a link leads to. Says whether it is anybody's but evergen's.
    fn follow(&mut self, path: &Path, kind: FileKind, inside_output: bool) -> bool {
        let Ok(target) = fs::canonicalize(path) else { return true };
        if self.own.has(&target, inside_output) {
            return false;
        }
        if let (Some(folder), Some(name)) = (target.parent(), target.file_name()) {
            let role = Role::File { name: name.to_owned(), path: path.to_owned(), kind };
            self.watch(folder.to_owned(), role);
        }
        true
    }

    fn record(&mut self, path: &Path, kind: FileKind) {
        if let Some(stamp) = Stamp::of(path) {
            self.files.entry(path.to_owned()).or_insert((kind, stamp));
        }
    }

    fn add_folder(&mut self, tree: &Arc<Tree>, visit: &Visit) {
        self.spelt.insert(visit.folder.clone());
        let role = Role::Tree {
            tree: Arc::clone(tree),
            folder: visit.folder.clone(),
            relative: visit.relative.clone(),
            inside_output: visit.inside_output,
        };
        self.watch(visit.real.clone(), role);
    }

    /// Walks as the model's sources are found: what lies behind links comes last, and a
    /// folder is visited once.
    fn add_sources(&mut self, tree: &Arc<Tree>) {
        let Ok(real) = fs::canonicalize(&tree.base) else { return };
        let inside_output = real.starts_with(&self.own.output);
        let (folder, relative) = (tree.base.clone(), tree.relative.clone());
        let mut folders = vec![Visit { folder, relative, real, inside_output }];
        let mut linked: Vec<Visit> = Vec::new();
        let mut visited = HashSet::new();
        loop {
            let Some(visit) = folders.pop() else {
                linked.sort_unstable_by(|left, right| right.relative.cmp(&left.relative));
                let Some(next) = linked.pop() else { return };
                folders.push(next);
                continue;
            };
            if self.own.has(&visit.real, inside_output) || !visited.insert(visit.real.clone()) {
                continue;
            }
            self.add_folder(tree, &visit);
            for entry in fs::read_dir(&visit.folder).into_iter().flatten().flatten() {
                let Ok(kind) = entry.file_type() else { continue };
                let next = visit.below(&entry.file_name());
                if kind.is_dir() && tree.enters(&next.relative) {
                    folders.push(next);
                } else if kind.is_symlink() && next.folder.is_dir() {
                    let real = fs::canonicalize(&next.folder).ok();
                    let real = real.filter(|_| tree.enters(&next.relative));
                    linked.extend(real.map(|real| Visit { real, ..next }));
                } else if !kind.is_dir() && tree.takes(&next.relative) {
                    self.add_entry(tree, &next, kind.is_symlink());
                }
            }
        }
    }

    /// Walks as the engine finds templates: every way to a folder counts.
    fn add_linked(&mut self, tree: &Arc<Tree>) {
        let Ok(real) = fs::canonicalize(&tree.base) else { return };
        let inside_output = real.starts_with(&self.own.output);
        let mut walk = WalkDir::new(&tree.base).follow_links(true).into_iter();
        while let Some(entry) = walk.next() {
            let Ok(entry) = entry else { continue };
            let below = entry.path().strip_prefix(&tree.base).unwrap_or(entry.path());
            let relative = below.to_string_lossy().into_owned();
            let folder = entry.path().to_owned();
            if entry.file_type().is_dir() {
                let Ok(real) = fs::canonicalize(&folder) else { continue };
                let visit = Visit { folder, relative, real, inside_output };
                let enters = entry.depth() == 0 || tree.enters(&visit.relative);
                if !enters || self.own.has(&visit.real, inside_output) {
                    walk.skip_current_dir();
                } else {
                    self.add_folder(tree, &visit);
                }
            } else if tree.takes(&relative) {
                let Ok(real) = fs::canonicalize(&folder) else { continue };
                let visit = Visit { folder, relative, real, inside_output };
                self.add_entry(tree, &visit, entry.path_is_symlink());
            }
        }
    }

    fn add_entry(&mut self, tree: &Tree, visit: &Visit, is_link: bool) {
        let own = self.own.has(&visit.real, visit.inside_output);
        if own || is_link && !self.follow(&visit.folder, tree.kind, visit.inside_output) {
            return;
        }
        self.record(&visit.folder, tree.kind);
    }
}

/// A folder, or a file, of a tree.
struct Visit {
    /// The path as the settings spell it.
    folder: PathBuf,
    /// The path as patterns see it.
    relative: String,
    /// The path without links.
    real: PathBuf,
    inside_output: bool,
}

impl Visit {
    fn below(&self, name: &OsStr) -> Self {
        Self {
            folder: self.folder.join(name),
            relative: joined(&self.relative, &name.to_string_lossy()),
            real: self.real.join(name),
            inside_output: self.inside_output,
        }
    }
}
