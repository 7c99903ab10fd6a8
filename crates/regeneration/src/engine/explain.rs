//! Why a file is as it is.

mod mentions;
mod places;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use evergen_artifact::ArtifactPath;
use evergen_delta::{EncodedQuad, QuadPattern, TermId};
use evergen_knowledge::{Snapshot, TrackedReader};
use minijinja::{Error, ErrorKind};

use self::mentions::Line;
use self::places::{in_range, is_within, line_range, overlaps, used_for};
use super::catalogue::Catalogue;
use super::cycle::{Mode, Purpose};
use super::evaluate::{self, Job};
use super::memory::Memory;
use super::{RegenerationEngine, scan, sources, through};
use crate::artifacts::Slot;
use crate::error::CycleError;
use crate::generator::{Compilation, Generator};
use crate::records::{Cause, Record, spell_row};
use crate::report::{Basis, Explanation, LastMade, QueryUse, TemplateUse, TripleUse};
use crate::template::asked::Answers;
use crate::template::node::{Session, Trace, Use};

/// So many triples are shown for one question.
const MOST_TRIPLES: usize = 200;
/// So many places of a template are looked up for one line.
const MOST_PLACES: usize = 64;

/// A file can't be explained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// No artifact has the path.
    #[error("no artifact has the path `{path}`")]
    Unknown {
        /// What was asked for.
        path: String,
        /// Paths that look alike.
        similar: Vec<String>,
    },
    /// The artifact has fewer lines.
    #[error("`{path}` has {}, so there is no line {line}", crate::error::plural(*.lines, "line"))]
    NoSuchLine {
        /// The artifact.
        path: String,
        /// What was asked for.
        line: u32,
        /// How many there are.
        lines: usize,
    },
    /// The model or a template has errors, so that nothing can be said.
    #[error("the artifact can't be made again to see what it reads")]
    Cycle(#[from] CycleError),
}

/// An artifact made once more, with everything noted.
struct Replay {
    text: String,
    /// The patterns of each query, by list number (0 is not used).
    queries: Vec<Vec<QuadPattern>>,
    rows: Vec<u64>,
    uses: Vec<(usize, Use)>,
    /// The values that were printed: where in the text.
    prints: Vec<Range<usize>>,
    /// The files that its templates asked for.
    loaded: Vec<String>,
}

impl RegenerationEngine {
    /// Which triples, queries and template lines made a file, or one line of it, and why
    /// it was made last.
    ///
    /// # Errors
    /// See [`ExplainError`].
    pub fn explain(&mut self, path: &str, line: Option<u32>) -> Result<Explanation, ExplainError> {
        let mut memory = Memory::open(&self.folder, &self.project);
        let last = last_made(&mut memory, path);
        let mode = Mode { purpose: Purpose::Preview, full: false };
        let finished = self.cycle_on(&mut memory, mode, None, &mut |_| {})?;
        let (slot, record) = find(&mut memory, path)?;
        memory.need_model(&self.folder).map_err(|_| {
            CycleError::storage("opening the state", "it is damaged; run evergen once")
        })?;
        let catalogue = self.catalogue(&memory)?;
        let known = memory.meta.generators.get(record.generator as usize);
        let name = known.map_or("", |known| known.name.as_str()).to_owned();
        let generator = catalogue.generators.iter().find(|generator| *generator.name == *name);
        let Some(generator) = generator else {
            return Err(unknown(&memory, path));
        };
        let snapshot = memory.model.get_or_insert_default().snapshot();
        let job = job(slot, &record);
        let replay = self.replay(&job, generator, &catalogue, &snapshot, None)?.0;
        let written = through::written(&self.project, generator, &record, &replay.text)?;
        let line_range = line.map(|line| line_range(&written, path, line)).transpose()?;
        let range =
            line_range.clone().map(|range| through::rendered_range(&replay.text, &written, range));
        let patterns = patterns(&replay, range.as_ref());
        let mut triples = triples(&snapshot, &replay, range.as_ref(), &patterns);
        let text = line_range.map(|range| written[range].to_owned());
        let mut basis = Basis::Used;
        if triples.is_empty()
            && let (Some(text), Some(range)) = (&text, &range)
            && replay.prints.iter().any(|print| is_within(print, range))
        {
            let line = Line::of(text);
            basis = if line.has_words() { Basis::Named } else { Basis::Used };
            triples = line.mentioned(&snapshot, &navigations(&replay));
        }
        let triples: Vec<EncodedQuad> = triples.into_iter().take(MOST_TRIPLES).collect();
        Ok(Explanation {
            path: path.to_owned(),
            line,
            text,
            row: spell_row(generator.context.iter(), &record.row, &snapshot),
            templates: self.templates(
                &job,
                generator,
                &catalogue,
                &snapshot,
                &replay,
                range.as_ref(),
            )?,
            queries: queries(generator, &replay, range.as_ref()),
            triples: self.locate(&memory, &snapshot, &triples),
            basis,
            patterns: all_patterns(&replay).len() as u64,
            passes: record.path.iter().flat_map(|path| self.project.passes.names(path)).collect(),
            generator: name,
            last,
            stale: stale(&finished.report.changes, path),
        })
    }

    /// The project's generators, compiled.
    pub(super) fn catalogue(&self, memory: &Memory) -> Result<Catalogue, CycleError> {
        let inputs = scan::inputs(&self.project, &memory.meta)?;
        super::catalogue::compile(&self.project, &inputs.templates)
    }

    /// The names of the model's source files.
    pub(super) fn sources(&self, memory: &Memory) -> Result<Vec<String>, CycleError> {
        let inputs = scan::inputs(&self.project, &memory.meta)?;
        Ok(inputs.sources.into_iter().map(|source| source.known.path).collect())
    }

    /// Makes an artifact once more. With a trap, the print of this number fails, and its
    /// error tells which line of which template printed.
    fn replay(
        &self,
        job: &Job,
        generator: &Generator,
        catalogue: &Catalogue,
        snapshot: &Snapshot,
        trap: Option<usize>,
    ) -> Result<(Replay, Option<Error>), CycleError> {
        let mut generator = self.recompile(generator, catalogue)?;
        let trace = Arc::new(Trace::default());
        let prints = set_formatter(&mut generator, &trace, trap);
        let answers = Arc::new(Answers::new(snapshot.clone()));
        let ground = evaluate::Ground::new(snapshot.clone(), &catalogue.prefixes, answers);
        let session = ground.session(Some(Arc::clone(&trace)));
        let (queries, rows) = query_patterns(job, &generator, &session);
        let prepared = evaluate::prepare(
            job,
            &generator,
            &session,
            &mut evaluate::Reads::default(),
            &mut evaluate::Times::default(),
        )
        .map_err(CycleError::Rejected)?;
        drop(session.tracker.take_reads());
        let before = trace.uses().len();
        trace.arm();
        let template = generator.body_template();
        let rendered = template.and_then(|template| {
            generator.sandbox.render_traced(&template, prepared.context, &trace)
        });
        let (bytes, error) = match rendered {
            Ok(bytes) => (bytes, None),
            Err(error) if trap.is_some() => (Vec::new(), Some(error)),
            Err(error) => return Err(CycleError::Rejected(vec![generator.diagnose(&error)])),
        };
        let prints = prints.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let uses = trace.uses().split_off(before);
        let uses = uses.into_iter().map(|(position, used)| (used_for(&text, position), used));
        let uses = uses.collect();
        let loaded = generator.sandbox.loaded().into_keys().collect();
        Ok((Replay { text, queries, rows, uses, prints, loaded }, error))
    }

    /// A generator of the same file whose sandbox nobody else uses.
    fn recompile(
        &self,
        generator: &Generator,
        catalogue: &Catalogue,
    ) -> Result<Generator, CycleError> {
        let with = Compilation {
            prefixes: Arc::clone(&catalogue.prefixes),
            languages: self.project.languages.clone(),
            views: self.project.views.clone(),
            limits: self.project.settings.limits.clone(),
            on_edit: generator.on_edit,
        };
        let front = generator.file.front.clone().unwrap_or_default();
        Generator::compile(
            Arc::clone(&generator.name),
            Arc::clone(&generator.file),
            &front,
            Arc::clone(&generator.library),
            generator.folder.clone(),
            &with,
        )
        .map_err(CycleError::Rejected)
    }

    /// The template lines that printed into a range, or all files that took part.
    fn templates(
        &self,
        job: &Job,
        generator: &Generator,
        catalogue: &Catalogue,
        snapshot: &Snapshot,
        replay: &Replay,
        range: Option<&Range<usize>>,
    ) -> Result<Vec<TemplateUse>, CycleError> {
        let Some(range) = range else {
            let loaded = replay.loaded.iter();
            let files = loaded.filter_map(|name| generator.library.files.get(name.as_str()));
            let all = files.chain([&generator.file]).map(|file| file.shown.to_string());
            let all: BTreeSet<String> = all.collect();
            return Ok(all
                .into_iter()
                .map(|file| TemplateUse { file, lines: Vec::new() })
                .collect());
        };
        let mut lines: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
        let inside = replay.prints.iter().enumerate().filter(|(_, print)| overlaps(print, range));
        for (number, _) in inside.take(MOST_PLACES) {
            let (_, error) = self.replay(job, generator, catalogue, snapshot, Some(number))?;
            if let Some(problem) = error.map(|error| generator.diagnose(&error))
                && let (Some(file), Some(line)) = (problem.file, problem.line)
            {
                lines.entry(file).or_default().insert(line);
            }
        }
        static_lines(generator, replay, range, &mut lines);
        let uses = lines.into_iter();
        Ok(uses
            .map(|(file, lines)| TemplateUse { file, lines: lines.into_iter().collect() })
            .collect())
    }

    /// Finds where in the sources quads stand.
    fn locate(
        &self,
        memory: &Memory,
        snapshot: &Snapshot,
        quads: &[EncodedQuad],
    ) -> Vec<TripleUse> {
        let Some(model) = &memory.model else { return Vec::new() };
        let places = sources::places(&self.project, model, quads);
        let spell = |quad: &EncodedQuad| snapshot.decode(quad).map(|quad| quad.to_string());
        quads
            .iter()
            .map(|quad| {
                let place = places.get(quad);
                TripleUse {
                    triple: spell(quad).unwrap_or_default(),
                    file: place.map(|(file, _)| file.clone()),
                    line: place.and_then(|(_, line)| *line),
                }
            })
            .collect()
    }
}

fn job(slot: Slot, record: &Record) -> Job {
    Job {
        slot,
        generator: record.generator,
        row: record.row.clone(),
        previous: None,
        must_render: true,
        cause: Cause::Full,
    }
}

fn find(memory: &mut Memory, path: &str) -> Result<(Slot, Arc<Record>), ExplainError> {
    let parsed = ArtifactPath::parse(path).ok();
    let slot = parsed.as_ref().and_then(|path| memory.artifacts.claimant(path));
    let found = slot.and_then(|slot| Some((slot, memory.artifacts.get(slot)?)));
    found.filter(|(_, record)| record.path == parsed).ok_or_else(|| unknown(memory, path))
}

fn unknown(memory: &Memory, path: &str) -> ExplainError {
    let file = path.rsplit('/').next().unwrap_or(path);
    let mut similar: Vec<(usize, String)> = memory
        .artifacts
        .outputs()
        .map(|output| output.path.to_string())
        .map(|known| (strsim::levenshtein(known.rsplit('/').next().unwrap_or(&known), file), known))
        .filter(|(distance, _)| *distance <= 3)
        .collect();
    similar.sort();
    similar.truncate(3);
    let similar = similar.into_iter().map(|(_, path)| path).collect();
    ExplainError::Unknown { path: path.to_owned(), similar }
}

fn last_made(memory: &mut Memory, path: &str) -> Option<LastMade> {
    let (_, record) = find(memory, path).ok()?;
    Some(LastMade {
        cycle_id: record.made.cycle_id,
        at_ms: record.made.at_ms,
        reason: record.made.cause.clone().into(),
    })
}

fn stale(changes: &[crate::report::ArtifactChange], path: &str) -> Vec<String> {
    changes.iter().filter(|change| change.path == path).map(|change| change.path.clone()).collect()
}

type Prints = Arc<Mutex<Vec<Range<usize>>>>;

/// Notes where each printed value stands, and fails at the one that is asked for.
fn set_formatter(generator: &mut Generator, trace: &Arc<Trace>, trap: Option<usize>) -> Prints {
    let prints = Prints::default();
    let (noted, trace) = (Arc::clone(&prints), Arc::clone(trace));
    let count = AtomicUsize::new(0);
    generator.sandbox.environment.set_formatter(move |out, state, value| {
        // The output path is printed too, but not into the text.
        if !trace.is_armed() {
            return minijinja::escape_formatter(out, state, value);
        }
        if trap == Some(count.fetch_add(1, Ordering::Relaxed)) {
            return Err(Error::new(ErrorKind::InvalidOperation, "this is where it is printed"));
        }
        let start = trace.written();
        minijinja::escape_formatter(out, state, value)?;
        noted.lock().unwrap_or_else(PoisonError::into_inner).push(start..trace.written());
        Ok(())
    });
    prints
}

/// Which patterns each named query reads for the row, and how many rows it gives.
fn query_patterns(
    job: &Job,
    generator: &Generator,
    session: &Session,
) -> (Vec<Vec<QuadPattern>>, Vec<u64>) {
    let mut patterns = vec![Vec::new()];
    let mut counts = vec![1];
    for named in &generator.queries {
        let answer = named.query.evaluate_partial(&session.tracker, &job.row.0);
        counts.push(answer.map_or(0, |answer| answer.into_rows().len() as u64));
        patterns.push(session.tracker.take_reads().into_patterns());
    }
    (patterns, counts)
}

fn all_patterns(replay: &Replay) -> BTreeSet<QuadPattern> {
    replay.queries.iter().flatten().copied().chain(navigations(replay)).collect()
}

/// The patterns that were read for a range, or for the whole text.
fn patterns(replay: &Replay, range: Option<&Range<usize>>) -> BTreeSet<QuadPattern> {
    if range.is_none() {
        return all_patterns(replay);
    }
    let mut found = BTreeSet::new();
    for (_, used) in replay.uses.iter().filter(|(position, _)| in_range(*position, range)) {
        match used {
            Use::Navigation(patterns) => found.extend(patterns.iter().copied()),
            Use::Field { list, .. } => found.extend(replay.queries[*list].iter().copied()),
            // Where the term came from was read earlier, as before a loop.
            Use::Text(_) => found.extend(navigations(replay)),
        }
    }
    found
}

/// The patterns that templates read by themselves.
fn navigations(replay: &Replay) -> BTreeSet<QuadPattern> {
    let navigated = replay.uses.iter().filter_map(|(_, used)| match used {
        Use::Navigation(patterns) => Some(patterns),
        Use::Field { .. } | Use::Text(_) => None,
    });
    navigated.flatten().copied().collect()
}

/// The quads that match, of a query's only those that hold a term which was used.
fn triples(
    snapshot: &Snapshot,
    replay: &Replay,
    range: Option<&Range<usize>>,
    patterns: &BTreeSet<QuadPattern>,
) -> BTreeSet<EncodedQuad> {
    let uses = replay.uses.iter().filter(|(position, _)| in_range(*position, range));
    let mut terms: BTreeSet<TermId> = BTreeSet::new();
    let mut printed: BTreeSet<TermId> = BTreeSet::new();
    let mut navigated: BTreeSet<QuadPattern> = BTreeSet::new();
    for (_, used) in uses {
        match used {
            Use::Navigation(patterns) => navigated.extend(patterns.iter().copied()),
            Use::Field { list, term, .. } if *list > 0 => drop(terms.insert(*term)),
            Use::Text(term) => drop(printed.insert(*term)),
            Use::Field { .. } => {}
        }
    }
    let walked = navigations(replay);
    let wanted = |pattern: &QuadPattern, quad: &EncodedQuad| {
        let reached = if pattern.object == TermId::ANY { quad.object } else { quad.subject };
        range.is_none()
            || navigated.contains(pattern)
            || (walked.contains(pattern) && printed.contains(&reached))
            || [quad.subject, quad.object].iter().any(|id| terms.contains(id))
    };
    let mut found = BTreeSet::new();
    for pattern in patterns {
        let quads = snapshot.quads(*pattern).filter(|quad| wanted(pattern, quad));
        found.extend(quads.take(MOST_TRIPLES));
        if found.len() >= MOST_TRIPLES {
            break;
        }
    }
    found
}

fn queries(generator: &Generator, replay: &Replay, range: Option<&Range<usize>>) -> Vec<QueryUse> {
    let used: BTreeSet<usize> = replay
        .uses
        .iter()
        .filter(|(position, _)| in_range(*position, range))
        .filter_map(|(_, used)| match used {
            Use::Field { list, .. } => Some(*list),
            Use::Navigation(_) | Use::Text(_) => None,
        })
        .collect();
    let front = generator.file.front.as_ref();
    let list = front.and_then(|front| front.for_each.as_ref()).map(|text| QueryUse {
        name: "for_each".to_owned(),
        text: text.get_ref().trim().to_owned(),
        rows: 1,
    });
    let named = generator.queries.iter().enumerate().map(|(index, named)| QueryUse {
        name: named.name.to_string(),
        text: named.text.trim().to_owned(),
        rows: replay.rows.get(index + 1).copied().unwrap_or(0),
    });
    let named =
        named.enumerate().filter(|(index, _)| range.is_none() || used.contains(&(index + 1)));
    list.into_iter().chain(named.map(|(_, query)| query)).collect()
}

/// A line in which nothing was printed stands in a template as it is.
fn static_lines(
    generator: &Generator,
    replay: &Replay,
    range: &Range<usize>,
    found: &mut BTreeMap<String, BTreeSet<u32>>,
) {
    let wanted = replay.text[range.clone()].trim();
    if !found.is_empty() || wanted.is_empty() {
        return;
    }
    let loaded = replay.loaded.iter();
    let files = loaded.filter_map(|name| generator.library.files.get(name.as_str()));
    let files: BTreeMap<&str, _> =
        files.chain([&generator.file]).map(|file| (&*file.shown, file)).collect();
    for (shown, file) in files {
        let skipped = file.lines_before_body();
        for (index, text) in file.body().lines().enumerate() {
            if text.contains(wanted) {
                let number = u32::try_from(skipped + index + 1).unwrap_or(u32::MAX);
                found.entry(shown.to_owned()).or_default().insert(number);
            }
        }
    }
}
