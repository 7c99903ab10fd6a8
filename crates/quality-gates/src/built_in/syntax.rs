use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use evergen_syntax::{JudgeKind, Language, Unjudged, check, judge_of};
use futures::future::{BoxFuture, FutureExt};

use crate::{
    Cost, Coverage, Examination, Fault, Finding, Gate, GateInfo, GateKind, Identity, Looker,
    Outcome, Position, Region, Scope, SubjectFile,
};

/// Whether each file is well-formed in its language, judged in the process itself.
///
/// It takes the files whose names tell a language that has a judge; all others are not its
/// business. A file that nobody could look at to its end is an error.
#[derive(Clone, Debug)]
pub struct SyntaxGate {
    info: GateInfo,
}

impl Default for SyntaxGate {
    fn default() -> Self {
        Self::new()
    }
}

impl SyntaxGate {
    /// A gate called `syntax`, over all files whose language has a judge.
    pub fn new() -> Self {
        let info = GateInfo::new("syntax", GateKind::Syntax)
            .with_scope(
                Scope::extensions(ENDINGS.iter().copied())
                    .only("names of a language", |path| Language::of_path(path).is_some()),
            )
            .with_cost(Cost::Instant)
            .with_settings("1");
        Self { info }
    }

    /// Changes its name, its scope, or what comes before it.
    #[must_use]
    pub fn with_info(mut self, change: impl FnOnce(GateInfo) -> GateInfo) -> Self {
        self.info = change(self.info);
        self
    }
}

/// All endings that [`Language::of_path`] knows, but those of Kotlin, whose grammar refuses some
/// valid files; a test holds them together.
pub(super) const ENDINGS: &[&str] = &[
    "rs",
    "ts",
    "mts",
    "cts",
    "tsx",
    "js",
    "jsx",
    "cjs",
    "mjs",
    "py",
    "pyi",
    "pyw",
    "json",
    "jsonld",
    "geojson",
    "webmanifest",
    "sarif",
    "toml",
    "yaml",
    "yml",
    "sql",
    "graphql",
    "graphqls",
    "gql",
    "proto",
    "go",
    "java",
    "cs",
];

impl Gate for SyntaxGate {
    fn info(&self) -> &GateInfo {
        &self.info
    }

    fn identity(&self) -> BoxFuture<'_, Result<Identity, Fault>> {
        async { Ok(identity()) }.boxed()
    }

    fn examine(&self, examination: Examination) -> BoxFuture<'_, Outcome> {
        async move {
            let looked = tokio::task::spawn_blocking(move || look(examination.files())).await;
            looked.unwrap_or_else(|error| super::performance::broke_down(&error))
        }
        .boxed()
    }
}

/// All judges: another version of one of them may answer otherwise.
pub(super) fn identity() -> Identity {
    let lookers: BTreeSet<Looker> = Language::ALL.iter().filter_map(|one| looker(*one)).collect();
    let lookers: Vec<Looker> = lookers.into_iter().collect();
    let all = format!("{} {lookers:?}", env!("CARGO_PKG_VERSION"));
    Identity::of(lookers, all.as_bytes())
}

fn looker(language: Language) -> Option<Looker> {
    let judge = judge_of(language)?;
    let mut blind = judge.cannot_see.join("; ");
    if judge.kind == JudgeKind::TreeSitter {
        blind = format!("tree-sitter: {blind}");
    }
    Some(Looker::new(judge.parser, judge.version).blind_to(blind))
}

/// What came of one file: its language and its mistakes. Nothing where it is none of ours, by its
/// name, as `tsconfig.json`, which has comments.
type Looked = Result<Option<(Language, Vec<Finding>)>, Fault>;

/// So many files make another thread worth its while.
const FILES_FOR_A_THREAD: usize = 32;

/// Judges files on as many threads as there are processors. What is found stands in the order of
/// the files.
fn look(files: &[SubjectFile]) -> Outcome {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = processors.min(files.len().div_ceil(FILES_FOR_A_THREAD)).max(1);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut looked = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(index) else { break looked };
            looked.push((index, look_at(file)));
        }
    };
    let mut looked = std::thread::scope(|scope| {
        // Where the system gives us no more threads, there are fewer.
        let thread = || std::thread::Builder::new().spawn_scoped(scope, work).ok();
        let others: Vec<_> = (1..threads).map_while(|_| thread()).collect();
        let mut looked = work();
        for other in others {
            match other.join() {
                Ok(theirs) => looked.extend(theirs),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        looked
    });
    looked.sort_unstable_by_key(|(index, _)| *index);
    let (mut findings, mut languages) = (Vec::new(), BTreeMap::<Language, u64>::new());
    for (_, looked) in looked {
        match looked {
            Ok(Some((language, found))) => {
                findings.extend(found);
                *languages.entry(language).or_default() += 1;
            }
            Ok(None) => {}
            Err(fault) => return Outcome::Error(fault),
        }
    }
    let mut coverage = Coverage::of_files(languages.values().sum());
    for looker in languages.keys().filter_map(|language| looker(*language)) {
        coverage = coverage.by(looker);
    }
    if coverage.files == 0 { Outcome::NotApplicable } else { Outcome::of(findings, coverage) }
}

fn look_at(file: &SubjectFile) -> Looked {
    let Some(language) = Language::of_path(file.path()) else { return Ok(None) };
    let bytes = file.bytes()?;
    let verdict = check(language, &bytes).map_err(|unjudged| fault(file.path(), &unjudged))?;
    let found = verdict.errors.iter().map(|error| {
        let place = Position::new(small(error.line), small(error.column));
        let message = match &error.hint {
            Some(hint) => format!("{} ({hint})", error.message),
            None => error.message.clone(),
        };
        Finding::error(format!("syntax/{language}"), message)
            .in_file(file.path())
            .at(Region::at(place.line, place.column))
    });
    Ok(Some((language, found.collect())))
}

pub(super) fn fault(path: &str, unjudged: &Unjudged) -> Fault {
    Fault::infra(
        format!("{path}: {unjudged}"),
        "Check this file by its own compiler, or keep it out of the gate's scope.",
    )
}

pub(super) fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
