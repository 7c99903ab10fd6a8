//! Looking at files: which of them are as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use evergen_artifact::{ArtifactStore, Digest, FileStamp};
use evergen_knowledge::{Catalog, Format, SourceFile, discover};
use walkdir::WalkDir;

use super::base;
use super::imports::{self, Imports};
use crate::artifacts::{Artifacts, Slot};
use crate::error::CycleError;
use crate::project::Project;
use crate::records::HELD_BACK;
use crate::report::Diagnostic;
use crate::settings::RegenerationConfig;
use crate::state::{KnownFile, Meta};

/// An input file as it is now.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) absolute: PathBuf,
    pub(super) known: KnownFile,
    /// Whether its bytes are not those that it had.
    pub(super) changed: bool,
    /// Its bytes, where they had to be read.
    pub(super) bytes: Option<Vec<u8>>,
    /// How it is read, for a source.
    pub(super) format: Option<Format>,
    /// Whether it is a source only because another one imports it.
    pub(super) imported: bool,
}

/// The inputs of a project.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    pub(super) sources: Vec<Input>,
    /// Sources that are gone.
    pub(super) gone: Vec<String>,
    pub(super) templates: Vec<Input>,
    pub(super) templates_changed: bool,
    /// Whether `evergen.lock` is not as it was left.
    pub(super) lock_changed: bool,
    /// Where imports lead.
    pub(super) catalog: Catalog,
}

impl Inputs {
    /// Adds what is reached by imports, drops what no longer is, and says which known
    /// sources are gone.
    pub(super) fn follow(
        &mut self,
        project: &Project,
        imports: &Imports,
        known: &[KnownFile],
        problems: &mut Vec<Diagnostic>,
    ) {
        let by_path = index(known);
        let roots = self.sources.iter().filter(|source| !source.imported);
        let roots = roots.map(|source| source.known.path.clone());
        let reached = imports::reached(project, &self.catalog, roots, imports);
        self.sources.retain(|source| !source.imported || reached.contains_key(&source.known.path));
        let mut there: BTreeSet<String> =
            self.sources.iter().map(|source| source.known.path.clone()).collect();
        for (shown, path) in reached {
            if !there.insert(shown.clone()) {
                continue;
            }
            match look(&path, &shown, by_path.get(shown.as_str()).copied()) {
                Ok(input) => {
                    let format = Format::from_extension(&path);
                    self.sources.push(Input { format, imported: true, ..input });
                }
                Err(error) => problems.push(unreadable(&shown, &error)),
            }
        }
        let gone = known.iter().filter(|known| !there.contains(&known.path));
        self.gone = gone.map(|known| known.path.clone()).collect();
    }
}

pub(super) fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Looks at all sources and templates.
pub(super) fn inputs(project: &Project, meta: &Meta) -> Result<Inputs, CycleError> {
    let (known_sources, known_templates) = (&meta.sources, &meta.templates);
    let mut problems = Vec::new();
    let mut inputs = Inputs::default();
    let settings = &project.settings;
    let by_path = index(known_sources);
    let is_there = |name: &String| project.root.join(name).is_file();
    let names = project.keeper().map(|keeper| keeper.file_name().to_owned());
    let version = project.version_keeper().map(|keeper| keeper.file_name().to_owned());
    let kept = names.into_iter().chain(version);
    let own = settings.model.published.clone().into_iter().chain(kept).filter(is_there);
    let sources: Vec<String> = settings.model.sources.iter().cloned().chain(own).collect();
    match discover(&project.root, &sources) {
        Err(errors) => problems.extend(errors.iter().map(|error| {
            Diagnostic::error("model::sources", crate::error::chain(error))
                .with_help("`sources` in [model] names files, folders and globs")
        })),
        Ok(files) => {
            let looks = look_at_all(&files, &by_path);
            for (file, look) in files.iter().zip(looks) {
                match look {
                    Ok(input) => {
                        inputs.sources.push(Input { format: Some(file.format), ..input });
                    }
                    Err(error) => problems.push(unreadable(&file.relative, &error)),
                }
            }
        }
    }
    inputs.catalog = imports::catalog(project).unwrap_or_else(|problem| {
        problems.push(problem);
        Catalog::new()
    });
    inputs.follow(project, &meta.imports, known_sources, &mut problems);
    templates(project, known_templates, &mut inputs, &mut problems);
    let same = |file: &KnownFile| {
        let found = look(&project.root.join(&file.path), &file.path, Some(file));
        found.is_ok_and(|input| !input.changed)
    };
    inputs.templates_changed |= !meta.declared.iter().all(same);
    inputs.lock_changed = !meta.lock.iter().all(same);
    if problems.is_empty() { Ok(inputs) } else { Err(CycleError::Rejected(problems)) }
}

fn templates(
    project: &Project,
    known_templates: &[KnownFile],
    inputs: &mut Inputs,
    problems: &mut Vec<Diagnostic>,
) {
    let by_path = index(known_templates);
    for (shown, absolute) in template_files(project, problems) {
        match look(&absolute, &shown, by_path.get(shown.as_str()).copied()) {
            Ok(input) => inputs.templates.push(input),
            Err(error) => problems.push(unreadable(&shown, &error)),
        }
    }
    inputs.templates_changed = inputs.templates.len() != known_templates.len()
        || inputs.templates.iter().any(|template| template.changed);
}

/// All template files, those of packs too: as `folder/name` and as a path that can be opened.
fn template_files(project: &Project, problems: &mut Vec<Diagnostic>) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for folder in &project.settings.regeneration.template_dirs {
        let root = project.root.join(folder);
        if !root.exists() && *folder != RegenerationConfig::default().template_dirs[0] {
            problems.push(
                Diagnostic::error(
                    "template::folder",
                    format!("there is no template folder `{folder}`"),
                )
                .with_help("make it, or take it out of template_dirs"),
            );
        }
        files.extend(templates_below(folder, &root, problems));
    }
    for pack in project.chosen_packs().chain([SHARED]) {
        let folder = format!("{}/{pack}", project.pack_folder());
        files.extend(templates_below(&folder, &project.root.join(&folder), problems));
    }
    files
}

/// The folder among the packs whose files all of them have.
pub(super) const SHARED: &str = "shared";

fn templates_below(
    folder: &str,
    root: &Path,
    problems: &mut Vec<Diagnostic>,
) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for entry in WalkDir::new(root).follow_links(true).sort_by_file_name() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if root.exists() => {
                let message = crate::error::chain(&error);
                problems.push(Diagnostic::error("io::read", message).in_file(folder));
                continue;
            }
            Err(_) => continue,
        };
        let path = entry.path();
        if entry.file_type().is_file() && path.extension().is_some_and(|end| end == "j2") {
            let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy();
            files.push((format!("{}/{name}", folder.trim_end_matches('/')), path.to_owned()));
        }
    }
    files
}

fn index(files: &[KnownFile]) -> BTreeMap<&str, &KnownFile> {
    files.iter().map(|file| (file.path.as_str(), file)).collect()
}

fn unreadable(path: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::error("io::read", format!("can't read {path}: {error}")).in_file(path)
}

/// Compares a file with what is known of it, reading it only if the stamp doesn't tell.
fn look(absolute: &Path, shown: &str, known: Option<&KnownFile>) -> io::Result<Input> {
    let observed_ns = now_ns();
    let stamp = FileStamp::of(&fs::metadata(absolute)?);
    let input = |known: KnownFile, changed, bytes| Input {
        absolute: absolute.to_owned(),
        known,
        changed,
        bytes,
        format: None,
        imported: false,
    };
    if let Some(known) = known
        && known.stamp == stamp
        && known.stamp.is_settled(known.observed_ns)
    {
        return Ok(input(known.clone(), false, None));
    }
    let bytes = fs::read(absolute)?;
    let digest = Digest::of(&bytes);
    let changed = known.is_none_or(|known| !known.has(digest));
    let known = KnownFile { path: shown.to_owned(), stamp, observed_ns, digest: digest.into() };
    Ok(input(known, changed, Some(bytes)))
}

/// So many files are worth a thread to read them.
const FILES_A_THREAD: usize = 16;

/// Looks at files on several threads where nothing is known, so that all have to be read.
fn look_at_all(files: &[SourceFile], known: &BTreeMap<&str, &KnownFile>) -> Vec<io::Result<Input>> {
    let look_at = |file: &SourceFile| {
        look(&file.path, &file.relative, known.get(file.relative.as_str()).copied())
    };
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = available.min(files.len() / FILES_A_THREAD);
    if threads < 2 || !known.is_empty() {
        return files.iter().map(look_at).collect();
    }
    std::thread::scope(|scope| {
        let part = |files: &[SourceFile]| files.iter().map(look_at).collect::<Vec<_>>();
        let parts: Vec<_> = files
            .chunks(files.len().div_ceil(threads))
            .map(|files| scope.spawn(move || part(files)))
            .collect();
        parts.into_iter().flat_map(base::join).collect()
    })
}

/// What is known of a file from now on.
pub(super) fn know(absolute: &Path, shown: &str) -> io::Result<KnownFile> {
    look(absolute, shown, None).map(|input| input.known)
}

/// How a file in the output folder differs from what was left there.
#[derive(Clone, Debug)]
pub(super) enum Deviation {
    Missing,
    /// Other bytes than those that were written.
    Edited(Vec<u8>, FileStamp),
    /// The right bytes with another stamp.
    Touched(FileStamp),
    /// The bytes that were written last, after an edit for whose sake a newer text
    /// was held back.
    Returned(FileStamp),
    /// Something that is no file, or can't be read.
    Blocked(String),
}

/// Compares every output with its record.
pub(super) fn outputs(store: &dyn ArtifactStore, artifacts: &Artifacts) -> Vec<(Slot, Deviation)> {
    let known: Vec<_> = artifacts.outputs().collect();
    let paths: Vec<_> = known.iter().map(|output| output.path.clone()).collect();
    let Ok(stamps) = store.stamps(&paths) else {
        return one_by_one(store, artifacts, &known);
    };
    let mut deviations = Vec::new();
    for (output, stamp) in known.iter().zip(stamps) {
        let same = stamp == Some(output.stamp) && output.stamp.is_settled(output.observed_ns);
        if !same {
            deviations.extend(deviation(store, artifacts, output.slot, stamp));
        }
    }
    deviations
}

/// The slow way, when one path is blocked: each for itself.
fn one_by_one(
    store: &dyn ArtifactStore,
    artifacts: &Artifacts,
    known: &[crate::artifacts::Output],
) -> Vec<(Slot, Deviation)> {
    let judge = |output: &crate::artifacts::Output| match store.stamp(&output.path) {
        Ok(stamp) if stamp == Some(output.stamp) && output.stamp.is_settled(output.observed_ns) => {
            None
        }
        Ok(stamp) => deviation(store, artifacts, output.slot, stamp),
        Err(error) => Some((output.slot, Deviation::Blocked(crate::error::chain(&error)))),
    };
    known.iter().filter_map(judge).collect()
}

fn deviation(
    store: &dyn ArtifactStore,
    artifacts: &Artifacts,
    slot: Slot,
    stamp: Option<FileStamp>,
) -> Option<(Slot, Deviation)> {
    let record = artifacts.get(slot)?;
    let path = record.path.as_ref()?;
    let Some(stamp) = stamp else { return Some((slot, Deviation::Missing)) };
    Some(match store.read(path) {
        Ok(Some(bytes)) if record.written == Digest::of(&bytes) => match record.inputs {
            HELD_BACK => (slot, Deviation::Returned(stamp)),
            _ => (slot, Deviation::Touched(stamp)),
        },
        Ok(Some(bytes)) => (slot, Deviation::Edited(bytes, stamp)),
        Ok(None) => (slot, Deviation::Missing),
        Err(error) => (slot, Deviation::Blocked(crate::error::chain(&error))),
    })
}
