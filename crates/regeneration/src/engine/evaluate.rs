//! One artifact: its queries, its path, its text, all tracked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use evergen_artifact::{ArtifactPath, Digest};
use evergen_delta::{Fingerprint, QuadPattern};
use evergen_knowledge::{
    Answer, EvaluateError, FactId, Prefixes, ReadSet, Snapshot, Tracker, Value as ModelValue,
};
use minijinja::value::Value;
use smallvec::SmallVec;
use twox_hash::XxHash3_128;

use crate::artifacts::Slot;
use crate::generator::{Generator, NamedQuery};
use crate::passes::Passes;
use crate::records::{Cause, Content, Record, Row, push_terms};
use crate::report::Diagnostic;
use crate::template::asked::{Answers, Asked};
use crate::template::node::{Fields, Node, Session, Trace};
use crate::template::part::{ManyParts, OnePart, PartMaker};

/// An artifact that may be stale.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) slot: Slot,
    pub(super) generator: u32,
    pub(super) row: Row,
    pub(super) previous: Option<Arc<Record>>,
    /// Whether equal inputs are no reason to stop.
    pub(super) must_render: bool,
    pub(super) cause: Cause,
}

/// What an evaluation came to.
#[derive(Debug)]
pub(super) enum Evaluated {
    /// The queries gave what they gave before, and nothing else is stale.
    Same,
    /// `when` said no.
    Nowhere {
        inputs: u128,
    },
    /// A text for a path.
    Rendered {
        inputs: u128,
        path: ArtifactPath,
        bytes: Vec<u8>,
        digest: Digest,
    },
    Failed(Vec<Diagnostic>),
}

/// An evaluation, with everything that it read.
#[derive(Debug)]
pub(super) struct Evaluation {
    pub(super) result: Evaluated,
    pub(super) query_reads: Vec<Fingerprint>,
    /// What the rendering read; `None` if nothing was rendered.
    pub(super) render_reads: Option<Vec<Fingerprint>>,
    /// Where a whole predicate, or everything, was read.
    pub(super) wide: Option<Reader>,
    pub(super) times: Times,
}

/// Where the time of an evaluation went.
#[derive(Clone, Debug, Default)]
pub(super) struct Times {
    /// Each named query.
    pub(super) queries: SmallVec<[Duration; 2]>,
    pub(super) render: Duration,
}

/// What all evaluations of a cycle look at.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    pub(super) snapshot: Snapshot,
    pub(super) prefixes: Arc<Prefixes>,
    pub(super) answers: Arc<Answers>,
    pub(super) passes: Passes,
}

impl Ground {
    /// A state of the model, and what views have answered about it so far.
    pub(super) fn new(snapshot: Snapshot, prefixes: &Arc<Prefixes>, answers: Arc<Answers>) -> Self {
        Self { snapshot, prefixes: Arc::clone(prefixes), answers, passes: Passes::default() }
    }

    /// The same for texts that go through these passes.
    pub(super) fn with_passes(mut self, passes: &Passes) -> Self {
        self.passes = passes.clone();
        self
    }

    /// What one evaluation works with; uses are noted in `trace`, if there is one.
    pub(super) fn session(&self, trace: Option<Arc<Trace>>) -> Arc<Session> {
        Arc::new(Session {
            tracker: Tracker::new(self.snapshot.clone()),
            prefixes: Arc::clone(&self.prefixes),
            answers: Arc::clone(&self.answers),
            facts: std::sync::Mutex::default(),
            trace,
        })
    }
}

/// Evaluates a job against a state of the model.
pub(super) fn evaluate(job: &Job, generator: &Generator, ground: &Ground) -> Evaluation {
    let session = ground.session(None);
    let mut reads = Reads::default();
    let mut times = Times::default();
    let prepared = prepare(job, generator, &session, &mut reads, &mut times);
    reads.take(&session, None);
    let query_reads = reads.fingerprints();
    let result = match prepared {
        Err(problems) => Evaluated::Failed(problems),
        Ok(Prepared { path: None, inputs, .. }) => Evaluated::Nowhere { inputs },
        Ok(Prepared { inputs, .. }) if is_same(job, inputs) => Evaluated::Same,
        Ok(Prepared { path: Some(path), inputs, context }) => {
            let started = Instant::now();
            let text = render(job, generator, context)
                .and_then(|bytes| rewritten(&ground.passes, generator, &path, bytes));
            times.render = started.elapsed();
            match text {
                Err(problem) => Evaluated::Failed(vec![problem]),
                Ok(bytes) => {
                    let digest = Digest::of(&bytes);
                    Evaluated::Rendered { inputs, path, bytes, digest }
                }
            }
        }
    };
    let rendered = !matches!(result, Evaluated::Same);
    reads.take(&session, None);
    let render_reads = reads.fingerprints();
    Evaluation {
        result,
        query_reads,
        render_reads: rendered.then_some(render_reads),
        wide: reads.wide,
        times,
    }
}

fn is_same(job: &Job, inputs: u128) -> bool {
    !job.must_render && job.previous.as_ref().is_some_and(|record| record.inputs == inputs)
}

/// What in a generator reads the model.
#[derive(Clone, Debug)]
pub(super) enum Reader {
    Query(Arc<str>),
    Template,
}

/// What a session read, phase by phase.
#[derive(Default)]
pub(super) struct Reads {
    patterns: ReadSet,
    facts: Vec<FactId>,
    wide: Option<Reader>,
}

impl Reads {
    /// Takes in what the session has read since the last call, for a query or the template.
    fn take(&mut self, session: &Session, query: Option<&Arc<str>>) {
        let patterns = session.tracker.take_reads().into_patterns();
        if self.wide.is_none() && patterns.iter().any(QuadPattern::is_wide) {
            self.wide =
                Some(query.map_or(Reader::Template, |name| Reader::Query(Arc::clone(name))));
        }
        for pattern in patterns {
            self.patterns.record(pattern);
        }
        let mut used = session.take_facts();
        self.facts.append(&mut used.facts);
        if used.is_wide {
            self.wide.get_or_insert(Reader::Template);
        }
    }

    /// The fingerprints of the distinct patterns and facts since the last call.
    fn fingerprints(&mut self) -> Vec<Fingerprint> {
        let patterns = std::mem::take(&mut self.patterns).into_patterns();
        let patterns = patterns.iter().map(QuadPattern::fingerprint);
        let facts = self.facts.drain(..).map(FactId::fingerprint);
        let mut prints: Vec<Fingerprint> = patterns.chain(facts).collect();
        prints.sort_unstable();
        prints.dedup();
        prints
    }
}

/// Everything up to the rendering.
pub(super) struct Prepared {
    /// `None` if `when` said no.
    pub(super) path: Option<ArtifactPath>,
    pub(super) inputs: u128,
    pub(super) context: Value,
}

/// Evaluates the named queries, `when` and `to`.
pub(super) fn prepare(
    job: &Job,
    generator: &Generator,
    session: &Arc<Session>,
    reads: &mut Reads,
    times: &mut Times,
) -> Result<Prepared, Vec<Diagnostic>> {
    let mut hashed = Content::new();
    job.row.push_to(&mut hashed);
    let mut values: Vec<Value> =
        job.row.0.iter().map(|value| wrap(value.as_ref(), session)).collect();
    let mut problems = Vec::new();
    for (list, named) in generator.queries.iter().enumerate() {
        let started = Instant::now();
        let found = rows(named, list + 1, &job.row, session, &mut hashed);
        times.queries.push(started.elapsed());
        reads.take(session, Some(&named.name));
        match found {
            Ok(rows) => values.push(rows),
            Err(error) => problems.push(query_failure(generator, &named.name, &error)),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    values.extend(generator.views.iter().map(|view| {
        let (view, session) = (Arc::clone(view), Arc::clone(session));
        Value::from_object(Asked { view, session })
    }));
    let maker = Arc::new(PartMaker {
        parts: Arc::clone(&generator.parts),
        views: generator.views.clone(),
        session: Arc::clone(session),
        fuel: generator.sandbox.limits.fuel.into(),
        limit: generator.sandbox.limits.max_artifact_bytes,
    });
    values.push(Value::from_object(OnePart(Arc::clone(&maker))));
    values.push(Value::from_object(ManyParts(maker)));
    let names = Arc::clone(&generator.context);
    let origin = origin(session, 0, 0);
    let context = Value::from_object(Fields { names, values, origin, is_closed: false });
    let wanted = generator.wants(&context).map_err(|error| vec![generator.diagnose(&error)])?;
    if !wanted {
        return Ok(Prepared { path: None, inputs: XxHash3_128::oneshot(&hashed), context });
    }
    let path = output_path(generator, &context).map_err(|problem| vec![problem])?;
    hashed.extend_from_slice(path.as_str().as_bytes());
    Ok(Prepared { path: Some(path), inputs: XxHash3_128::oneshot(&hashed), context })
}

/// Where the fields of a row note their uses. List 0 is the row itself.
fn origin(session: &Session, list: usize, row: usize) -> Option<(Arc<Trace>, usize, usize)> {
    session.trace.as_ref().map(|trace| (Arc::clone(trace), list, row))
}

fn wrap(value: Option<&ModelValue>, session: &Arc<Session>) -> Value {
    value.map_or(Value::UNDEFINED, |value| Node::wrap(value.clone(), session))
}

/// The rows of a named query as a template's value; their content goes into the hash.
fn rows(
    named: &NamedQuery,
    list: usize,
    row: &Row,
    session: &Arc<Session>,
    hashed: &mut Content,
) -> Result<Value, EvaluateError> {
    let answer = named.query.evaluate_partial(&session.tracker, &row.0)?;
    hashed.extend_from_slice(named.name.as_bytes());
    Ok(match answer {
        Answer::Boolean(answer) => {
            hashed.push(u8::from(answer));
            Value::from(answer)
        }
        Answer::Rows(rows) => {
            let rows = rows.rows.into_iter().enumerate().map(|(number, row)| {
                push_terms(row.iter().map(Option::as_ref), hashed);
                let values = row.iter().map(|value| wrap(value.as_ref(), session)).collect();
                let columns = Arc::clone(&named.variables);
                Value::from_object(Fields {
                    names: columns,
                    values,
                    origin: origin(session, list, number),
                    is_closed: true,
                })
            });
            let rows: Vec<Value> = rows.collect();
            hashed.extend_from_slice(&(rows.len() as u64).to_le_bytes());
            Value::from(rows)
        }
        Answer::Graph(triples) => {
            let parts: Arc<[Arc<str>]> = ["subject", "predicate", "object"].map(Into::into).into();
            let triples = triples.into_iter().enumerate().map(|(number, triple)| {
                push_terms(triple.iter().map(Some), hashed);
                let values = triple.iter().map(|value| wrap(Some(value), session)).collect();
                let columns = Arc::clone(&parts);
                Value::from_object(Fields {
                    names: columns,
                    values,
                    origin: origin(session, list, number),
                    is_closed: true,
                })
            });
            Value::from(triples.collect::<Vec<Value>>())
        }
    })
}

pub(super) fn query_failure(
    generator: &Generator,
    name: &str,
    error: &EvaluateError,
) -> Diagnostic {
    let span = generator.query_span(name);
    let message = format!("`{name}` can't be evaluated: {}", crate::error::chain(error));
    generator.file.diagnose("query::evaluation", message, span).about(&*generator.name)
}

fn output_path(generator: &Generator, context: &Value) -> Result<ArtifactPath, Diagnostic> {
    let fail = |error: minijinja::Error| generator.diagnose(&error);
    let template = generator.path_template().map_err(fail)?;
    let text = generator.sandbox.render(&template, context.clone()).map_err(fail)?;
    let text = String::from_utf8_lossy(&text);
    let full = match &generator.folder {
        Some(folder) => format!("{folder}/{text}"),
        None => text.into_owned(),
    };
    ArtifactPath::parse(&full).map_err(|error| {
        let span = generator.file.front.as_ref().and_then(|front| Some(front.to.as_ref()?.span()));
        generator
            .file
            .diagnose("output::path", format!("`to` gives a path that is refused: {error}"), span.unwrap_or(0..3))
            .about(&*generator.name)
            .with_help("an output path is relative to the output folder, stays inside it, and is valid on every system")
    })
}

/// The text after the passes of the project.
pub(super) fn rewritten(
    passes: &Passes,
    generator: &Generator,
    path: &ArtifactPath,
    bytes: Vec<u8>,
) -> Result<Vec<u8>, Diagnostic> {
    let limit = generator.sandbox.limits.max_artifact_bytes;
    let bytes = passes.apply(path, bytes).map_err(|(pass, error)| {
        // Without the path, so that a program that is missing is told once for all files.
        let message = format!("the pass `{pass}` failed: {error}");
        let problem = Diagnostic::error("pass::failed", message).about(&*generator.name);
        match error.help {
            Some(help) => problem.with_help(help),
            None => problem,
        }
    })?;
    if bytes.len() as u64 > limit {
        let message = format!(
            "`{path}` is larger than {limit} bytes after its passes ([limits] max_artifact_bytes)"
        );
        return Err(Diagnostic::error("pass::failed", message).about(&*generator.name));
    }
    Ok(bytes)
}

fn render(job: &Job, generator: &Generator, context: Value) -> Result<Vec<u8>, Diagnostic> {
    let fail = |error: minijinja::Error| generator.diagnose(&error);
    let template = generator.body_template().map_err(fail)?;
    // About as long as it was before.
    let before = job.previous.as_ref().and_then(|record| usize::try_from(record.size).ok());
    let about = before.map_or(0, |before| before.saturating_add(before / 16));
    generator.sandbox.render_about(&template, context, about).map_err(fail)
}
