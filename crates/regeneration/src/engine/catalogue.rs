//! All generators of a project, compiled, and which of them are other than before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use evergen_artifact::Digest;
use evergen_depgraph::DependencyGraph;
use evergen_knowledge::Prefixes;

use super::scan::{Input, SHARED};
use crate::error::CycleError;
use crate::generator::{Compilation, Generator};
use crate::project::Project;
use crate::records::StoredDigest;
use crate::report::Diagnostic;
use crate::state::KnownGenerator;
use crate::template::environment::Loaded;
use crate::template::library::{Library, TemplateFile};

/// The compiled generators, in the order of their names.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    pub(super) generators: Vec<Arc<Generator>>,
    /// What all of them were compiled with.
    pub(super) prefixes: Arc<Prefixes>,
    /// Declared dependencies between generators, by name.
    pub(super) declared: DependencyGraph<String>,
}

/// The digest of the settings that rule every generator.
pub(super) fn settings_digest(project: &Project) -> Digest {
    let settings = &project.settings;
    let languages: Vec<&str> = project.languages.names().collect();
    let views: Vec<(&str, u32)> =
        project.views.iter().map(|view| (view.name(), view.version())).collect();
    let ruling = (
        crate::state::FORMAT,
        env!("CARGO_PKG_VERSION"),
        &settings.model.prefixes,
        settings.limits.fuel,
        settings.limits.max_artifact_bytes,
        languages,
        views,
        project.passes.digests(),
    );
    // Strings and numbers always have a JSON form.
    Digest::of(serde_json::to_string(&ruling).unwrap_or_default().as_bytes())
}

/// The prefixes that queries and templates know.
pub(super) fn prefixes(project: &Project) -> Result<Prefixes, Diagnostic> {
    let own = &project.settings.model.prefixes;
    own.iter().try_fold(Prefixes::new(), |prefixes, (name, iri)| {
        prefixes.with(name, iri).map_err(|error| {
            Diagnostic::error("config::prefix", format!("[model] prefixes, `{name}`: {error}"))
        })
    })
}

/// Reads and compiles everything.
pub(super) fn compile(project: &Project, templates: &[Input]) -> Result<Catalogue, CycleError> {
    let mut problems = Vec::new();
    let with = Compilation {
        prefixes: Arc::new(
            prefixes(project).map_err(|problem| CycleError::Settings(vec![problem]))?,
        ),
        languages: project.languages.clone(),
        views: project.views.clone(),
        limits: project.settings.limits.clone(),
        on_edit: project.settings.regeneration.on_edit,
    };
    let packs = format!("{}/", project.pack_folder());
    let (of_packs, own): (Vec<&Input>, Vec<&Input>) =
        templates.iter().partition(|input| input.known.path.starts_with(&packs));
    let own = library(&own, |shown| name_of(project, shown), &mut problems)?;
    let mut generators = compile_library(&Arc::new(own), None, &with, &mut problems);
    for name in project.chosen_packs() {
        let library = pack_library(project, name, &of_packs, &mut problems)?;
        generators.extend(compile_library(&Arc::new(library), Some(name), &with, &mut problems));
    }
    if generators.is_empty() && problems.is_empty() {
        problems.push(nothing_to_do(project));
    }
    let prefixes = Arc::clone(&with.prefixes);
    let mut catalogue = Catalogue { generators, prefixes, ..Catalogue::default() };
    catalogue.declare(project, &mut problems);
    if problems.is_empty() { Ok(catalogue) } else { Err(CycleError::Rejected(problems)) }
}

fn nothing_to_do(project: &Project) -> Diagnostic {
    let folders = project.settings.regeneration.template_dirs.join(", ");
    Diagnostic::error("template::none", format!("there is no template in {folders}, and no target language"))
        .with_help("add a template that ends in .j2 and begins with a front matter, or choose languages: target_languages, or --lang")
}

/// The files of a library, by the name that `name_of` gives to a path as it is shown.
fn library(
    templates: &[&Input],
    name_of: impl for<'a> Fn(&'a str) -> &'a str,
    problems: &mut Vec<Diagnostic>,
) -> Result<Library, CycleError> {
    let mut library = Library::default();
    for input in templates {
        let shown = input.known.path.as_str();
        let bytes = match &input.bytes {
            Some(bytes) => bytes.clone(),
            None => std::fs::read(&input.absolute)
                .map_err(|error| CycleError::storage(format!("reading {shown}"), error))?,
        };
        let Ok(text) = String::from_utf8(bytes) else {
            problems.push(
                Diagnostic::error("template::encoding", "the template is not UTF-8").in_file(shown),
            );
            continue;
        };
        match TemplateFile::parse(name_of(shown), shown, &text) {
            Ok(file) => drop(library.files.insert(Arc::clone(&file.name), Arc::new(file))),
            Err(problem) => problems.push(problem),
        }
    }
    Ok(library)
}

/// The name in its folder of a template that is shown as `folder/name`.
fn name_of<'a>(project: &Project, shown: &'a str) -> &'a str {
    let folders = project.settings.regeneration.template_dirs.iter();
    folders
        .filter_map(|folder| shown.strip_prefix(folder.trim_end_matches('/'))?.strip_prefix('/'))
        .min_by_key(|name| name.len())
        .unwrap_or(shown)
}

/// A pack's files: the built-in ones, and over them those of the project.
fn pack_library(
    project: &Project,
    name: &str,
    templates: &[&Input],
    problems: &mut Vec<Diagnostic>,
) -> Result<Library, CycleError> {
    let mut found = Library::default();
    let built_in = project.packs.iter().find(|pack| pack.name == name);
    for file in built_in.iter().flat_map(|pack| &pack.files) {
        let shown = format!("pack:{name}/{}", file.path);
        match TemplateFile::parse(&file.path, &shown, &file.text) {
            Ok(file) => drop(found.files.insert(Arc::clone(&file.name), Arc::new(file))),
            Err(problem) => problems.push(problem),
        }
    }
    for folder in [SHARED, name] {
        let folder = format!("{}/{folder}/", project.pack_folder());
        let own: Vec<&Input> = templates
            .iter()
            .filter(|input| input.known.path.starts_with(&folder))
            .copied()
            .collect();
        let own = library(&own, |shown| shown.strip_prefix(&folder).unwrap_or(shown), problems)?;
        problems.extend(own.files.values().filter_map(|file| headless(file, &found)));
        found.files.extend(own.files);
    }
    if found.files.values().all(|file| file.front.is_none()) && problems.is_empty() {
        problems.push(unknown_pack(project, name));
    }
    Ok(found)
}

/// A file of the project that would make nothing in the place of one that makes artifacts: all of
/// these would be removed, and nobody have said so.
fn headless(file: &TemplateFile, built_in: &Library) -> Option<Diagnostic> {
    let replaced = built_in.files.get(&file.name)?;
    (file.front.is_none() && replaced.front.is_some()).then(|| {
        let message = format!("`{}` has no front matter, and takes the place of a template of the pack that has some", file.shown);
        file.diagnose("template::front_matter", message, 0..0).with_help(
            "begin it with the front matter of the built-in template, as `evergen pack eject` copies it; one that is to make nothing says when = \"false\"",
        )
    })
}

fn unknown_pack(project: &Project, name: &str) -> Diagnostic {
    let known: Vec<&str> = project.packs.iter().map(|pack| pack.name).collect();
    let folder = project.pack_folder();
    let message = format!("there is no pack for the language `{name}`");
    Diagnostic::error("config::language", message).with_help(format!(
        "there are packs for {}; one of your own is a folder `{folder}/{name}`",
        known.join(", ")
    ))
}

fn compile_library(
    library: &Arc<Library>,
    folder: Option<&str>,
    with: &Compilation,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Arc<Generator>> {
    let mut generators = Vec::new();
    let folder: Option<Arc<str>> = folder.map(Arc::from);
    for file in library.files.values() {
        let Some(front) = &file.front else { continue };
        let name: Arc<str> = match &folder {
            Some(folder) => format!("pack:{folder}/{}", file.name).into(),
            None => Arc::clone(&file.name),
        };
        let library = Arc::clone(library);
        match Generator::compile(name, Arc::clone(file), front, library, folder.clone(), with) {
            Ok(generator) => generators.push(Arc::new(generator)),
            Err(found) => problems.extend(found),
        }
    }
    generators
}

impl Catalogue {
    /// Takes in what `depends_on` declares: other generators, and files of the project.
    fn declare(&mut self, project: &Project, problems: &mut Vec<Diagnostic>) {
        let names: BTreeSet<String> =
            self.generators.iter().map(|generator| generator.name.to_string()).collect();
        for generator in &self.generators {
            self.declared.add_node(generator.name.to_string());
            for dependency in &generator.depends_on {
                if !names.contains(dependency) && !project.root.join(dependency).is_file() {
                    problems.push(unknown_dependency(generator, dependency));
                    continue;
                }
                let edge = (generator.name.to_string(), dependency.clone());
                if let Err(cycle) = self.declared.add_dependency(edge.0, edge.1) {
                    let message = format!("depends_on closes a cycle: {cycle}");
                    let found = generator.file.diagnose("template::cycle", message, 0..3);
                    problems.push(found.with_help("take one of these dependencies out"));
                }
            }
        }
    }

    /// A digest of all templates that there are, of packs too.
    pub(super) fn made_with(&self) -> String {
        let mut files: BTreeSet<String> = BTreeSet::new();
        for generator in &self.generators {
            let folder = generator.folder.as_deref().unwrap_or_default();
            let known = generator.library.files.values();
            files.extend(known.map(|file| format!("{folder}/{} {}", file.name, file.digest)));
        }
        let files: Vec<String> = files.into_iter().collect();
        Digest::of(files.join("\n").as_bytes()).to_string()
    }

    /// The digests by which it is told whether a generator is another than before: its
    /// own file and settings, and all that it declares to depend on.
    pub(super) fn digests(&self, project: &Project, settings: Digest) -> BTreeMap<String, Digest> {
        let own: BTreeMap<&str, &Arc<Generator>> =
            self.generators.iter().map(|generator| (&*generator.name, generator)).collect();
        let mut digests: BTreeMap<String, Digest> = BTreeMap::new();
        let keys: Vec<String> = self.declared.keys().into_iter().cloned().collect();
        for name in self.declared.affected(&keys) {
            let mut content = settings.to_string();
            if let Some(generator) = own.get(name.as_str()) {
                content.push_str(&generator.digest.to_string());
            } else {
                let bytes = std::fs::read(project.root.join(&name)).unwrap_or_default();
                content.push_str(&Digest::of(&bytes).to_string());
            }
            for dependency in self.declared.dependencies(&name) {
                content.extend(digests.get(dependency).map(Digest::to_string));
            }
            digests.insert(name, Digest::of(content.as_bytes()));
        }
        digests
    }
}

fn unknown_dependency(generator: &Generator, dependency: &str) -> Diagnostic {
    let message =
        format!("depends_on names `{dependency}`, which is neither a generator nor a file");
    let front = generator.file.front.as_ref();
    let span = front.and_then(|front| {
        front.depends_on.iter().find(|name| name.get_ref() == dependency).map(toml::Spanned::span)
    });
    let found = generator.file.diagnose("template::depends_on", message, span.unwrap_or(0..3));
    found.with_help("generators are named by their path in the template folder, files by their path in the project")
}

/// Why a generator's artifacts are all stale, if they are.
pub(super) fn stale_template(
    known: &KnownGenerator,
    generator: &Generator,
    digest: Digest,
) -> Option<String> {
    if known.digest != digest {
        return Some(generator.file.shown.to_string());
    }
    let other = known.loaded.iter().find(|(name, digest)| {
        let now = generator.library.files.get(name.as_str()).map(|file| file.digest.into());
        now != *digest
    });
    other.map(|(name, _)| name.clone())
}

/// What a generator's templates asked for, joined with what they asked for earlier.
pub(super) fn join_loaded(
    earlier: &[(String, Option<StoredDigest>)],
    now: Loaded,
) -> Vec<(String, Option<StoredDigest>)> {
    let mut joined: BTreeMap<String, Option<StoredDigest>> = earlier.iter().cloned().collect();
    joined.extend(now.into_iter().map(|(name, digest)| (name, digest.map(Into::into))));
    joined.into_iter().collect()
}
