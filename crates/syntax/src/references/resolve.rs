//! Which references lead to nothing.

mod packages;
mod paths;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::{Reference, References, Target};
use crate::Language;

/// The paths of a tree of files, relative to its root, with `/` between folders.
#[derive(Debug, Clone, Default)]
pub struct Tree<'a> {
    paths: BTreeSet<&'a str>,
    /// Folder and module path of each `go.mod`.
    go_modules: Vec<(String, String)>,
}

impl<'a> Tree<'a> {
    /// A tree of the files at `paths`.
    pub fn new(paths: impl IntoIterator<Item = &'a str>) -> Self {
        Self { paths: paths.into_iter().collect(), go_modules: Vec::new() }
    }

    /// Tells the content of a `go.mod` at `path`, without which imports of Go are all taken for foreign.
    #[must_use]
    pub fn with_go_module(mut self, path: &str, content: &str) -> Self {
        let module = content.lines().find_map(|line| line.trim().strip_prefix("module "));
        if let Some(module) = module {
            let module = module.trim().trim_matches('"').to_owned();
            self.go_modules.push((paths::folder(path).to_owned(), module));
        }
        self
    }

    fn has(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// Whether a file lies in the folder or below it.
    fn has_folder(&self, folder: &str) -> bool {
        let prefix = format!("{folder}/");
        self.paths.range(prefix.as_str()..).next().is_some_and(|path| path.starts_with(&prefix))
    }
}

/// What is known of one file of a tree.
#[derive(Debug, Clone, Copy)]
pub struct FileReferences<'a> {
    /// From the root of the tree.
    pub path: &'a str,
    /// What it is written in.
    pub language: Language,
    /// What [`references`](crate::references) gave.
    pub references: &'a References,
}

impl<'a> FileReferences<'a> {
    /// What is known of the file at `path`.
    pub fn new(path: &'a str, language: Language, references: &'a References) -> Self {
        Self { path, language, references }
    }
}

/// A reference that leads to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dangling {
    /// The file that refers.
    pub path: String,
    /// Where.
    pub reference: Reference,
    /// What is not there.
    pub message: String,
}

/// The references of `files` that lead to nothing in `tree`, by file and place.
///
/// Only what must be in the tree is asked for: relative imports, modules and
/// paths of the own crate, packages that some file of the tree declares. Whatever
/// may come from outside, may be generated (macros, `export *`), or leads out of
/// the tree, is taken for there. Names are looked up where the file they are
/// taken from is among `files`.
///
/// ```
/// use evergen_syntax::{FileReferences, Language, Tree, references, resolve};
///
/// let main = references(Language::Python, b"from . import orders\nfrom .lines import Line\n")?;
/// let files = [FileReferences { path: "shop/main.py", language: Language::Python, references: &main }];
/// let tree = Tree::new(["shop/__init__.py", "shop/main.py", "shop/orders.py"]);
/// let dangling = resolve(&tree, &files);
/// assert_eq!(dangling.len(), 1);
/// assert_eq!(dangling[0].message, "there is no module `.lines`: no file `shop/lines.py`");
/// # Ok::<(), evergen_syntax::UnreadReferences>(())
/// ```
pub fn resolve(tree: &Tree<'_>, files: &[FileReferences<'_>]) -> Vec<Dangling> {
    let resolver = Resolver::new(tree, files);
    let mut found = Vec::new();
    for file in files {
        for reference in &file.references.outgoing {
            if let Some(message) = resolver.lacks(file, &reference.target) {
                let path = file.path.to_owned();
                found.push(Dangling { path, reference: reference.clone(), message });
            }
        }
    }
    found
}

struct Resolver<'a> {
    tree: &'a Tree<'a>,
    known: BTreeMap<&'a str, &'a References>,
    /// What the files of each package provide together.
    packages: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Resolver<'a> {
    fn new(tree: &'a Tree<'a>, files: &'a [FileReferences<'a>]) -> Self {
        let mut packages: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let jvm = [Language::Java, Language::Kotlin];
        for file in files.iter().filter(|file| jvm.contains(&file.language)) {
            let names =
                packages.entry(file.references.package.as_deref().unwrap_or_default()).or_default();
            names.extend(file.references.provided.iter().map(String::as_str));
        }
        let known = files.iter().map(|file| (file.path, file.references)).collect();
        Self { tree, known, packages }
    }

    /// What is missing for `target`, if something is.
    fn lacks(&self, file: &FileReferences<'_>, target: &Target) -> Option<String> {
        match target {
            Target::File(path) => self.file(file.path, path),
            Target::RootedFile(path) => self.rooted(path),
            Target::Specifier { path, names } => self.specifier(file.path, path, names),
            Target::PythonModule { level, module, names } => {
                self.python(file.path, *level, module, names)
            }
            Target::RustModule { inside, name, path } => {
                self.rust_module(file.path, inside, name, path.as_deref())
            }
            Target::RustPath(segments) => self.rust_path(file.path, segments),
            Target::Package(name) => self.package(name),
            Target::GoPackage(path) => self.go(path),
        }
    }

    /// Whether the file at `path` is known and cannot provide `name`.
    fn surely_lacks(&self, path: &str, name: &str) -> bool {
        self.known.get(path).is_some_and(|known| {
            !known.is_open && known.provided.binary_search_by(|one| one.as_str().cmp(name)).is_err()
        })
    }
}
