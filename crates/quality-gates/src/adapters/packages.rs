//! Which packages of cargo a tree has, and where cargo is run to look at all of them: in the root
//! of each workspace, and in each package that no workspace claims.

use std::collections::{BTreeMap, BTreeSet};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use toml::{Table, Value};

use super::projects::{around, by_project, folders_with, has, joined};
use crate::Job;
use crate::tool::Plan;

/// The name of the manifest.
pub(super) const NAME: &str = "Cargo.toml";

/// The manifests of a tree, by their folders.
pub(super) struct Packages<'a> {
    known: BTreeMap<&'a str, Manifest>,
    /// The packages of each workspace besides its own, by the folder of its root.
    claimed: BTreeMap<&'a str, BTreeSet<String>>,
}

struct Manifest {
    /// What the package is called, where it has one.
    package: Option<String>,
    workspace: Option<Workspace>,
    /// The folders of its dependencies in the tree.
    paths: Vec<String>,
    /// Its dependencies that are described by the workspace.
    inherited: Vec<String>,
}

struct Workspace {
    members: GlobSet,
    /// Folders in which nothing is a member, unless it is named below one of `listed`.
    excluded: Vec<String>,
    listed: Vec<String>,
    /// The folders of the dependencies that members may inherit.
    paths: BTreeMap<String, String>,
}

/// Where cargo is run, and for which files.
pub(super) fn plan(job: &Job<'_>) -> Plan {
    let packages = Packages::of(job);
    by_project(job, NAME, |file| packages.root_around(file))
}

impl<'a> Packages<'a> {
    pub(super) fn of(job: &Job<'a>) -> Self {
        let folders = folders_with(job, NAME).into_iter();
        let read = |folder: &'a str| {
            let path = joined(folder, NAME).unwrap_or_default();
            let text = job.settings.get(&path).map(|text| String::from_utf8_lossy(text));
            (folder, Manifest::of(folder, &text.unwrap_or_default()))
        };
        let mut packages = Self { known: folders.map(read).collect(), claimed: BTreeMap::new() };
        let roots =
            packages.known.iter().filter_map(|(root, it)| Some((*root, it.workspace.as_ref()?)));
        packages.claimed =
            roots.map(|(root, workspace)| (root, packages.members(root, workspace))).collect();
        packages
    }

    /// Where cargo is run to look at a file. A manifest without a package looks at nothing but
    /// itself.
    fn root_around(&self, file: &str) -> Option<&'a str> {
        let is_manifest = file.rsplit('/').next().is_some_and(|name| name.starts_with("Cargo."));
        let found = around(file).find_map(|folder| {
            let (folder, manifest) = self.known.get_key_value(folder)?;
            (is_manifest || manifest.package.is_some()).then_some(*folder)
        });
        found.map(|folder| self.root_of(folder))
    }

    /// The root of the workspace that claims a package, or the package itself.
    fn root_of(&self, folder: &'a str) -> &'a str {
        if self.known.get(folder).is_none_or(|own| own.workspace.is_some()) {
            return folder;
        }
        let outer = around(folder).find_map(|outer| {
            let (outer, claimed) = self.claimed.get_key_value(outer)?;
            claimed.contains(folder).then_some(*outer)
        });
        outer.unwrap_or(folder)
    }

    /// As cargo has it: what the globs match, and what those depend on by a path in the workspace.
    fn members(&self, root: &str, workspace: &Workspace) -> BTreeSet<String> {
        let is_listed = |folder: &&str| has(root, folder) && workspace.members.is_match(*folder);
        let mut open: Vec<String> =
            self.known.keys().copied().filter(is_listed).map(str::to_owned).collect();
        open.push(root.to_owned());
        let mut members = BTreeSet::new();
        while let Some(folder) = open.pop() {
            let Some(manifest) = self.known.get(folder.as_str()) else { continue };
            let is_other = folder != root && manifest.workspace.is_some();
            if is_other || workspace.excludes(&folder) || !members.insert(folder) {
                continue;
            }
            let inherited = manifest.inherited.iter().filter_map(|it| workspace.paths.get(it));
            let inner = manifest.paths.iter().chain(inherited).filter(|it| has(root, it));
            open.extend(inner.cloned());
        }
        members
    }

    /// The folder of a package by its name, among those that are looked at from this root.
    pub(super) fn named(&self, name: &str, root: &str) -> Option<&'a str> {
        let is_it = |folder: &&str| {
            let manifest = self.known.get(folder);
            manifest.is_some_and(|it| it.package.as_deref() == Some(name))
                && self.root_of(folder) == root
        };
        self.known.keys().copied().find(is_it)
    }
}

impl Manifest {
    fn of(folder: &str, text: &str) -> Self {
        let Ok(table) = text.parse::<Table>() else {
            // cargo is run there, and says what is wrong with it.
            let package = Some(String::new());
            return Self { package, workspace: None, paths: Vec::new(), inherited: Vec::new() };
        };
        let name = |package: &Value| package.get("name").and_then(Value::as_str).map(str::to_owned);
        // What cargo once called a package.
        let package = table.get("package").or_else(|| table.get("project"));
        let dependencies: Vec<(&String, &Value)> = dependencies(&table).collect();
        let is_inherited = |value: &Value| value.get("workspace").and_then(Value::as_bool);
        let inherited = dependencies.iter().filter(|(_, it)| is_inherited(it) == Some(true));
        Self {
            package: package.map(|package| name(package).unwrap_or_default()),
            workspace: table.get("workspace").map(|it| Workspace::of(folder, it)),
            paths: dependencies.iter().filter_map(|(_, it)| path_of(folder, it)).collect(),
            inherited: inherited.map(|(name, _)| (*name).clone()).collect(),
        }
    }
}

impl Workspace {
    fn of(folder: &str, value: &Value) -> Self {
        let list = |key: &str| -> Vec<String> {
            let texts = value.get(key).and_then(Value::as_array).into_iter().flatten();
            texts.filter_map(|text| joined(folder, text.as_str()?)).collect()
        };
        let listed = list("members");
        let mut members = GlobSetBuilder::new();
        for text in &listed {
            if let Ok(glob) = GlobBuilder::new(text).literal_separator(true).build() {
                members.add(glob);
            }
        }
        let paths = value.get("dependencies").and_then(Value::as_table).into_iter().flatten();
        Self {
            members: members.build().unwrap_or_default(),
            excluded: list("exclude"),
            listed,
            paths: paths
                .filter_map(|(name, it)| Some((name.clone(), path_of(folder, it)?)))
                .collect(),
        }
    }

    fn excludes(&self, folder: &str) -> bool {
        let is_below = |outer: &String| outer == folder || has(outer, folder);
        self.excluded.iter().any(is_below) && !self.listed.iter().any(is_below)
    }
}

/// All that a package depends on, for whichever system and purpose.
fn dependencies(table: &Table) -> impl Iterator<Item = (&String, &Value)> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = table.get("target").and_then(Value::as_table).into_iter().flatten();
    let targets = targets.filter_map(|(_, target)| target.as_table());
    std::iter::once(table)
        .chain(targets)
        .flat_map(|table| KINDS.iter().filter_map(|kind| table.get(*kind)?.as_table()))
        .flatten()
}

fn path_of(folder: &str, dependency: &Value) -> Option<String> {
    joined(folder, dependency.get("path")?.as_str()?)
}
