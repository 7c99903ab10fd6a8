//! Which files and folders matter to a project, and which never do.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use evergen_knowledge::{Catalog, Format};
use evergen_regeneration::Settings;
use globset::{GlobBuilder, GlobMatcher};

use super::FileKind;
use crate::{composition, environments};

/// The catalog that editors keep beside an ontology.
const XML_CATALOG: &str = "catalog-v001.xml";

/// Folders that hold what others made, and much of it. They are not looked into where
/// the whole project is a source folder.
const OTHERS: [&str; 3] = [".git", "node_modules", "target"];

/// The files that a project is made from, and those that evergen makes.
#[derive(Clone, Debug)]
pub(crate) struct WatchScope {
    pub(super) root: PathBuf,
    pub(super) patterns: Vec<Pattern>,
    pub(super) templates: Vec<PathBuf>,
    /// The folder with a file for each environment.
    pub(super) environments: PathBuf,
    /// Single files.
    pub(super) files: BTreeSet<(PathBuf, FileKind)>,
    pub(super) output: PathBuf,
    pub(super) state: PathBuf,
    /// Files that evergen writes outside of its folders.
    pub(super) own_files: Vec<PathBuf>,
}

impl WatchScope {
    /// The scope of the project in the folder `root`, with the path of its
    /// configuration relative to it.
    ///
    /// What is wrong with a pattern or a catalog is for the engine to say; here it stands
    /// for nothing.
    pub(crate) fn of(root: &Path, settings: &Settings, configuration: Option<&Path>) -> Self {
        let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        let (model, regeneration) = (&settings.model, &settings.regeneration);
        let catalog_file = root.join(XML_CATALOG);
        let mut catalog = Catalog::from_map(&root, &model.imports);
        if let Ok(text) = std::fs::read_to_string(&catalog_file)
            && let Ok(other) = Catalog::from_xml(&text, &root)
        {
            catalog.extend(other);
        }
        let imported = catalog.entries().map(|(_, path)| path.to_owned()).collect::<Vec<_>>();
        let deciding = configuration.map(|path| root.join(path)).into_iter().chain([catalog_file]);
        let deciding = deciding.map(|path| (path, FileKind::Configuration));
        let deployed = environments::files().map(|file| (root.join(file), FileKind::Environments));
        let names = composition::name_keeper().file_name();
        let version = composition::version_keeper().file_name();
        let mut own_files = vec![root.join("evergen.lock"), root.join(names), root.join(version)];
        if let Some(published) = &model.published {
            own_files.extend([root.join(published), root.join(format!("{published}.before"))]);
        }
        let scope = Self {
            patterns: model.sources.iter().map(|pattern| Pattern::new(pattern)).collect(),
            templates: regeneration
                .template_dirs
                .iter()
                .chain([&regeneration.pack_dir])
                .map(|name| root.join(name))
                .collect(),
            environments: root.join(environments::FOLDER),
            files: deciding.chain(deployed).collect(),
            output: root.join(&regeneration.output_dir),
            state: root.join(".evergen"),
            own_files,
            root,
        };
        scope.with_imported(imported)
    }

    /// Adds files that are sources because others import them. Those for which there is
    /// an entry in `[model] imports` or in the catalog are known already.
    #[must_use]
    pub(crate) fn with_imported(self, files: impl IntoIterator<Item = PathBuf>) -> Self {
        self.with_files(files, FileKind::Source)
    }

    /// Adds files that templates declare to depend on.
    #[must_use]
    pub(crate) fn with_declared(self, files: impl IntoIterator<Item = PathBuf>) -> Self {
        self.with_files(files, FileKind::Template)
    }

    fn with_files(mut self, files: impl IntoIterator<Item = PathBuf>, kind: FileKind) -> Self {
        let files = files.into_iter().map(|file| (self.root.join(file), kind));
        self.files.extend(files);
        self
    }

    /// The project's folder; absolute.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The path as bursts have it.
    pub(super) fn shown(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_owned()
    }
}

/// One of the `sources` of `[model]`: a file, a folder or a glob.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// Without `.` and doubled or trailing slashes; the root itself is empty.
    pub(super) clean: String,
    pub(super) glob: Option<Glob>,
}

impl Pattern {
    fn new(pattern: &str) -> Self {
        let clean = normalized(pattern);
        let glob = is_glob(&clean).then(|| Glob::new(&clean)).flatten();
        Self { clean, glob }
    }
}

/// A pattern of paths below the root.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    /// The folder that it begins with.
    pub(super) folder: String,
    matcher: GlobMatcher,
    /// What it says of each name of a path.
    names: Vec<String>,
    /// Whether the names can't be told apart, as in `{a/b,c}`.
    tangled: bool,
}

impl Glob {
    fn new(clean: &str) -> Option<Self> {
        let matcher =
            GlobBuilder::new(clean).literal_separator(true).build().ok()?.compile_matcher();
        let names: Vec<String> = clean.split('/').map(str::to_owned).collect();
        let plain: Vec<&str> = clean.split('/').take_while(|name| !is_glob(name)).collect();
        let folder = match plain.join("/") {
            // An absolute path begins with an empty name.
            folder if folder.is_empty() && clean.starts_with('/') => "/".to_owned(),
            folder => folder,
        };
        let braces = |name: &String| name.matches('{').count() != name.matches('}').count();
        Some(Self { folder, matcher, tangled: names.iter().any(braces), names })
    }

    /// What it says of the name at this depth, if it says something of it alone.
    fn name(&self, depth: usize) -> Option<&str> {
        self.names.get(depth).map(String::as_str)
    }

    /// Whether files in a folder at this depth, with this name, may match.
    fn enters(&self, depth: usize, name: &str) -> bool {
        if self.tangled || self.names.iter().take(depth + 1).any(|part| part == "**") {
            return true;
        }
        let names_folder = depth + 1 < self.names.len();
        names_folder && self.name(depth).is_some_and(|part| is_glob(part) || part == name)
    }
}

/// A folder in which everything that a rule takes is of one kind.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) base: PathBuf,
    /// The same as patterns spell it.
    pub(super) relative: String,
    pub(super) kind: FileKind,
    glob: Option<Glob>,
    /// Whether the whole project lies in it.
    holds_project: bool,
}

impl Tree {
    /// Where sources are, for a pattern that is a folder or a glob.
    pub(super) fn of_sources(root: &Path, relative: &str, glob: Option<Glob>) -> Self {
        let base = root.join(relative);
        let holds_project = root.starts_with(&base);
        Self { base, relative: relative.to_owned(), kind: FileKind::Source, glob, holds_project }
    }

    pub(super) fn of_templates(root: &Path, base: &Path) -> Self {
        let holds_project = root.starts_with(base);
        let (base, relative) = (base.to_owned(), String::new());
        Self { base, relative, kind: FileKind::Template, glob: None, holds_project }
    }

    pub(super) fn of_environments(root: &Path, base: &Path) -> Self {
        Self { kind: FileKind::Environments, ..Self::of_templates(root, base) }
    }

    /// Whether it is worth looking into the folder with this path, by patterns' spelling.
    pub(super) fn enters(&self, relative: &str) -> bool {
        let (depth, name) = last_name(relative);
        let spelt = self.glob.as_ref().and_then(|glob| glob.name(depth));
        if self.holds_project && OTHERS.contains(&name) && spelt != Some(name) {
            return false;
        }
        self.allows_dot(relative) && self.glob.as_ref().is_none_or(|glob| glob.enters(depth, name))
    }

    /// Whether a file with this path is one.
    pub(super) fn takes(&self, relative: &str) -> bool {
        let path = Path::new(relative);
        match self.kind {
            FileKind::Template => path.extension().is_some_and(|end| end == "j2"),
            FileKind::Environments => environments::is_one(path),
            _ => {
                Format::from_extension(path).is_some()
                    && self.allows_dot(relative)
                    && self.glob.as_ref().is_none_or(|glob| glob.matcher.is_match(relative))
            }
        }
    }

    /// Sources are not hidden, unless a pattern spells the dot out.
    fn allows_dot(&self, relative: &str) -> bool {
        let (depth, name) = last_name(relative);
        let spelt = self.glob.as_ref().and_then(|glob| glob.name(depth));
        self.kind == FileKind::Template
            || !name.starts_with('.')
            || spelt.is_some_and(|part| part.starts_with('.'))
    }
}

/// The last name of a path, and how many others are before it.
fn last_name(relative: &str) -> (usize, &str) {
    let name = relative.rsplit('/').next().unwrap_or(relative);
    (relative.matches('/').count(), name)
}

pub(super) fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() || folder.ends_with('/') {
        format!("{folder}{name}")
    } else {
        format!("{folder}/{name}")
    }
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

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
