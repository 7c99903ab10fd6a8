//! From changed source files to a changed model.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use evergen_delta::{Delta, EncodedQuad};
use evergen_knowledge::{
    Documents, Format, Limits, Model, ParsedSource, Snapshot, SourceIncrement, SyntaxError,
    TermCollision,
};
use rustc_hash::FxHashSet;

use super::cycle;
use super::imports;
use super::memory::Memory;
use super::scan::{Input, Inputs};
use crate::error::CycleError;
use crate::project::Project;
use crate::report::Diagnostic;

/// A changed source, parsed.
pub(super) struct Parsed {
    name: String,
    says: Says,
}

/// What a changed source says.
enum Says {
    /// All of it.
    Whole(Box<ParsedSource>),
    /// How that differs from what the model knows.
    Change(SourceIncrement),
}

impl Parsed {
    /// How the source changes the model.
    fn difference(self, model: &Model) -> SourceIncrement {
        match self.says {
            Says::Whole(source) => model.diff(&self.name, &source),
            Says::Change(increment) => increment,
        }
    }
}

/// The model after a change, and what the change was.
pub(super) struct Update {
    pub(super) after: Snapshot,
    /// The net change; empty where the model was built anew.
    pub(super) delta: Delta,
    pub(super) increments: Vec<SourceIncrement>,
    pub(super) inserted: u64,
    pub(super) removed: u64,
}

/// Parses every changed source, and what these import; the errors of all of them at once.
pub(super) fn gather(
    project: &Project,
    memory: &mut Memory,
    inputs: &mut Inputs,
) -> Result<Vec<Parsed>, Vec<Diagnostic>> {
    let documents = imports::documents(&inputs.catalog).map_err(|problem| vec![problem])?;
    let Memory { meta, model, .. } = memory;
    let known = meta.sources.clone();
    let mut parsed: Vec<Parsed> = Vec::new();
    let mut done: BTreeSet<String> = BTreeSet::new();
    loop {
        let changed = inputs.sources.iter().filter(|source| source.changed);
        let next: Vec<&Input> =
            changed.filter(|source| !done.contains(&source.known.path)).collect();
        if next.is_empty() {
            break;
        }
        let found =
            Parser { project, documents: &documents, model: model.as_ref() }.parse(&next)?;
        for parsed in &found {
            // A source that was parsed in part imports what it did.
            if let Says::Whole(source) = &parsed.says {
                let imports = source.imports.iter().map(|import| import.iri.clone());
                meta.imports.insert(parsed.name.clone(), imports.collect());
            }
            done.insert(parsed.name.clone());
        }
        parsed.extend(found);
        let mut problems = Vec::new();
        inputs.follow(project, &meta.imports, &known, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
    }
    meta.imports.retain(|name, _| !inputs.gone.contains(name));
    let there: BTreeSet<&str> =
        inputs.sources.iter().map(|source| source.known.path.as_str()).collect();
    parsed.retain(|parsed| there.contains(parsed.name.as_str()));
    Ok(parsed)
}

/// What it takes to parse sources.
struct Parser<'a> {
    project: &'a Project,
    documents: &'a Documents,
    /// The model as it was before.
    model: Option<&'a Model>,
}

impl Parser<'_> {
    /// Parses files on several threads.
    fn parse(&self, changed: &[&Input]) -> Result<Vec<Parsed>, Vec<Diagnostic>> {
        let limits = limits(self.project);
        let results = Mutex::new(Vec::with_capacity(changed.len()));
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(input) = changed.get(next.fetch_add(1, Ordering::Relaxed)) {
                let result = self.parse_one(input, &limits);
                let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                results.push((input.known.path.clone(), result));
            }
        };
        let threads =
            std::thread::available_parallelism().map_or(1, usize::from).min(changed.len());
        if threads > 1 {
            std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        } else {
            work();
        }
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_by(|(left, _), (right, _)| left.cmp(right));
        let mut parsed = Vec::new();
        let mut problems = Vec::new();
        for (name, result) in results {
            match result {
                Ok(says) => parsed.push(Parsed { name, says }),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(parsed) } else { Err(problems) }
    }

    fn parse_one(&self, input: &Input, limits: &Limits) -> Result<Says, Vec<Diagnostic>> {
        let path = &input.known.path;
        let read;
        let bytes = if let Some(bytes) = &input.bytes {
            bytes
        } else {
            read = std::fs::read(&input.absolute).map_err(|error| {
                let message = format!("can't read {path}: {error}");
                vec![Diagnostic::error("io::read", message).in_file(path.as_str())]
            })?;
            &read
        };
        let base = base(self.project, path);
        let format = input.format.unwrap_or(Format::Turtle);
        let known = self.model.and_then(|model| model.reread(path, bytes, format, &base, limits));
        if let Some(increment) = known {
            return Ok(Says::Change(increment));
        }
        let documents = self.documents;
        evergen_knowledge::parse_with_documents(bytes, format, &base, limits, documents)
            .map(|source| Says::Whole(Box::new(source)))
            .map_err(|errors| errors.iter().map(|error| diagnose(path, bytes, error)).collect())
    }
}

pub(super) fn limits(project: &Project) -> Limits {
    let settings = &project.settings.model.limits;
    Limits {
        max_file_bytes: settings.max_file_bytes,
        max_literal_bytes: usize::try_from(settings.max_literal_bytes).unwrap_or(usize::MAX),
        max_nesting: settings.max_nesting as usize,
        chunk_bytes: project.chunk_bytes.unwrap_or(Limits::default().chunk_bytes),
        ..Limits::default()
    }
}

/// The IRI against which a source's relative IRIs are resolved: it tells nothing of
/// where on a machine the project lies.
pub(super) fn base(project: &Project, path: &str) -> String {
    match &project.settings.model.base {
        Some(base) => base.clone(),
        None => format!("evergen:/{}", percent_encoded(Path::new(path))),
    }
}

fn percent_encoded(path: &Path) -> String {
    let mut encoded = String::new();
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            // Writing to a string can't fail.
            other => drop(write!(encoded, "%{other:02X}")),
        }
    }
    encoded
}

fn diagnose(path: &str, bytes: &[u8], error: &SyntaxError) -> Diagnostic {
    let text: Arc<str> = String::from_utf8_lossy(bytes).into();
    let diagnostic = Diagnostic::error("model::syntax", error.message.clone()).in_file(path);
    let mut diagnostic = match std::str::from_utf8(bytes) {
        Ok(_) => diagnostic.at(text, (error.span.start, error.span.len())),
        Err(_) => diagnostic,
    };
    diagnostic.line = Some(error.line);
    diagnostic.column = Some(error.column);
    diagnostic
}

/// Brings the model up to date.
pub(super) fn update(
    memory: &mut Memory,
    parsed: Vec<Parsed>,
    gone: &[String],
) -> Result<Update, CycleError> {
    if memory.fresh.is_some() {
        let sources = parsed.into_iter().filter_map(|parsed| match parsed.says {
            Says::Whole(source) => Some((parsed.name, *source)),
            // There was no model from which it could differ.
            Says::Change(_) => None,
        });
        let model = Model::build(sources).map_err(|error| collision(&error))?;
        let (inserted, removed) = cycle::built(&model);
        let snapshot = model.snapshot();
        memory.model = Some(model);
        return Ok(Update {
            after: snapshot,
            delta: Delta::default(),
            increments: Vec::new(),
            inserted,
            removed,
        });
    }
    let model = memory.model.get_or_insert_default();
    let mut increments: Vec<SourceIncrement> =
        parsed.into_iter().map(|parsed| parsed.difference(model)).collect();
    increments.extend(gone.iter().map(|name| model.diff_gone(name)));
    let delta = model.apply(&increments).map_err(|error| collision(&error))?;
    let (inserted, removed) = cycle::counts(&delta);
    Ok(Update { after: model.snapshot(), delta, increments, inserted, removed })
}

fn collision(error: &TermCollision) -> CycleError {
    CycleError::Rejected(vec![Diagnostic::error("model::collision", error.to_string())])
}

/// Where quads stand: the source, and the line where that can be told. Sources that are not to
/// be read any more give no line.
pub(super) fn places(
    project: &Project,
    model: &Model,
    quads: &[EncodedQuad],
) -> BTreeMap<EncodedQuad, (String, Option<u32>)> {
    let mut by_source: BTreeMap<&str, FxHashSet<EncodedQuad>> = BTreeMap::new();
    for quad in quads {
        for source in model.sources_of(quad) {
            by_source.entry(source).or_default().insert(*quad);
        }
    }
    let mut places: BTreeMap<EncodedQuad, (String, Option<u32>)> = BTreeMap::new();
    for (source, wanted) in by_source {
        for quad in &wanted {
            places.entry(*quad).or_insert((source.to_owned(), None));
        }
        for (quad, line) in locate(project, source, &wanted) {
            places.entry(quad).and_modify(|place| {
                if place.0 == source {
                    place.1.get_or_insert(line);
                }
            });
        }
    }
    places
}

/// The lines on which a source file makes statements.
fn locate(
    project: &Project,
    name: &str,
    wanted: &FxHashSet<EncodedQuad>,
) -> Vec<(EncodedQuad, u32)> {
    let path = project.root.join(name);
    let (Ok(bytes), Some(format)) = (std::fs::read(&path), Format::from_extension(&path)) else {
        return Vec::new();
    };
    let found =
        evergen_knowledge::locate(&bytes, format, &base(project, name), &limits(project), wanted);
    found.into_iter().map(|(quad, place)| (quad, place.line)).collect()
}
