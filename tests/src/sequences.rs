//! Random sequences of changes to a project. After each step what the engine left is
//! compared, byte for byte, with a generation of the same project from scratch.
//!
//! A sequence follows from its seed alone. `EVERGEN_SEQUENCES` sets how many are tried,
//! `EVERGEN_SEED` names one to be replayed.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a helper of tests fails as a test does"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use evergen_regeneration::{
    Access, Action, CycleError, Project, Reason, RegenerationEngine, RunReport, Settings,
};
use tempfile::TempDir;

use self::compare::{check, count, difference, outputs, problems, same};
use self::world::World;
use crate::project::{Tree, folder, tree};
use crate::random::Random;

mod compare;
mod model;
mod pool;
mod world;

/// What must have happened in a run of the test, or it has not tested much.
pub const FEATURES: &[&str] = &[
    // Queries and templates.
    "bound query",
    "OPTIONAL",
    "label",
    "path",
    "NOT EXISTS",
    "aggregate",
    "sub-query",
    "GROUP BY",
    "language tag",
    "computed row",
    "report",
    "ORDER BY",
    "LIMIT",
    "ASK",
    "CONSTRUCT",
    "list",
    "DISTINCT",
    "out",
    "in",
    "types",
    "UNION",
    "MINUS",
    "VALUES",
    "BIND",
    "when",
    "depends_on",
    "inheritance",
    "include",
    "macro",
    "GRAPH",
    "prefix of the settings",
    "function",
    "unbound row",
    "HAVING",
    "undefined variable",
    "one path twice",
    "view",
    "rows of a view",
    // Changes of the model.
    "class removed",
    "triple removed",
    "triple inserted",
    "structure removed",
    "structure inserted",
    "reordered",
    "prefix renamed",
    "Turtle",
    "N-Triples",
    "RDF/XML",
    "JSON-LD",
    "TriG",
    "N-Quads",
    "source added",
    "source removed",
    "named graphs added",
    "named graphs removed",
    "model broken",
    // Changes of templates and settings.
    "partial edited",
    "template added",
    "template removed",
    "query edited",
    "output moved",
    "body edited",
    "template broken",
    "workers changed",
    "prefix changed",
    "incremental switched",
    "limit tightened",
    "healed",
    // What else befalls a project.
    "restarted",
    "went on warm",
    "outputs deleted",
    "output edited and restored",
    "output edited and overwritten",
    "state lost",
    "state damaged",
    "rejected",
    "planned",
    "checked",
    "long sequence",
];

/// What happened in many sequences.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How often each of [`FEATURES`] occurred.
    pub features: BTreeMap<&'static str, u64>,
    /// How many steps were compared with scratch.
    pub compared: u64,
    /// Artifacts that the steps after the first evaluated.
    pub incremental: u64,
    /// Artifacts that generations from scratch evaluated at the same steps.
    pub full: u64,
}

impl Tally {
    fn note(&mut self, feature: &'static str, what: &str) -> String {
        *self.features.entry(feature).or_default() += 1;
        if what.is_empty() { feature.to_owned() } else { format!("{feature}: {what}") }
    }

    fn add(&mut self, other: &Self) {
        for (feature, count) in &other.features {
            *self.features.entry(feature).or_default() += count;
        }
        self.compared += other.compared;
        self.incremental += other.incremental;
        self.full += other.full;
    }
}

/// A sequence after which incremental and from scratch differ.
#[derive(Clone, Debug)]
pub struct Failure {
    /// With which it can be replayed.
    pub seed: u64,
    /// What was wrong.
    pub what: String,
    /// What was done, step by step.
    pub steps: String,
}

/// Tries so many sequences on all CPUs; stops at the first failure.
pub fn run(sequences: u64) -> Result<Tally, Failure> {
    let next = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let sum = Mutex::new((Tally::default(), None));
    let work = || {
        let mut tally = Tally::default();
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= sequences {
                break;
            }
            if let Err(failure) = run_one(seed, &mut tally) {
                stop.store(true, Ordering::Relaxed);
                sum.lock().unwrap().1.get_or_insert(failure);
            }
        }
        sum.lock().unwrap().0.add(&tally);
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let (tally, failure) = sum.into_inner().unwrap();
    failure.map_or(Ok(tally), Err)
}

/// Tries one sequence.
pub fn run_one(seed: u64, tally: &mut Tally) -> Result<(), Failure> {
    let mut sequence = Sequence::new(seed);
    let outcome = catch_unwind(AssertUnwindSafe(|| sequence.run(tally)));
    let what = match outcome {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(what)) => what,
        Err(_) => "a panic, see above".to_owned(),
    };
    Err(Failure { seed, what, steps: sequence.log })
}

/// One sequence: a project, kept up to date in one folder and made anew in another.
struct Sequence {
    random: Random,
    world: World,
    kept: TempDir,
    scratch: TempDir,
    /// The input files as they are in both folders.
    files: BTreeMap<String, String>,
    settings: Settings,
    /// How large the parts are by which the kept project reads its sources again.
    chunk_bytes: usize,
    engine: Option<RegenerationEngine>,
    log: String,
}

impl Sequence {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
        let world = World::new(&mut random);
        let settings = world.settings();
        // Sources are small: parts of a statement or of some, or none.
        let chunk_bytes = random.pick(&[1, 1, 2, 20, 0]);
        Self {
            random,
            world,
            kept: folder(),
            scratch: folder(),
            files: BTreeMap::new(),
            settings,
            chunk_bytes,
            engine: None,
            log: String::new(),
        }
    }

    fn run(&mut self, tally: &mut Tally) -> Result<(), String> {
        // Now and then as many steps as it takes until the state is written anew.
        let is_long = self.random.percent(1);
        if is_long {
            tally.note("long sequence", "");
        }
        let steps = if is_long { 70 } else { 3 + self.random.below(3) };
        for step in 0..steps {
            let _ = write!(self.log, "step {step}:");
            if step > 0 {
                self.change(tally);
            }
            self.write_files();
            self.settle(tally);
            self.step(step > 0, tally)?;
            self.log.push('\n');
        }
        Ok(())
    }

    fn change(&mut self, tally: &mut Tally) {
        for _ in 0..=self.random.below(3) {
            let what = self.world.change(&mut self.random, tally);
            let _ = write!(self.log, " {what};");
        }
        match self.random.below(40) {
            0..5 => self.delete_outputs(tally),
            5..8 => self.edit_output(tally),
            8 => self.damage_state(tally),
            _ => {}
        }
    }

    /// Writes the files that are other than before, and removes those that are gone.
    fn write_files(&mut self) {
        let files = self.world.files();
        for root in [self.kept.path(), self.scratch.path()] {
            for path in self.files.keys().filter(|path| !files.contains_key(*path)) {
                fs::remove_file(root.join(path)).unwrap();
            }
            for (path, text) in &files {
                if self.files.get(path) != Some(text) {
                    let path = root.join(path);
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(path, text).unwrap();
                }
            }
        }
        self.files = files;
    }

    /// The project that is kept up to date.
    fn project(&self) -> Project {
        Project::new(self.kept.path(), self.settings.clone())
            .with_chunk_bytes(self.chunk_bytes)
            .with_views(evergen_packs::views())
    }

    /// The project that is made anew; its sources are read as wholes.
    fn scratch_project(root: &Path, settings: Settings) -> Project {
        Project::new(root, settings).with_chunk_bytes(0).with_views(evergen_packs::views())
    }

    fn open(project: Project) -> Result<RegenerationEngine, String> {
        RegenerationEngine::open(project, Access::Write { wait: None })
            .map_err(|error| format!("opening failed: {error:?}"))
    }

    /// Goes on with the engine that there is, or begins with a new one.
    fn settle(&mut self, tally: &mut Tally) {
        self.settings = self.world.settings();
        let is_restart = self.engine.is_none() || self.random.percent(40);
        if is_restart {
            self.engine = None;
            let what = tally.note("restarted", "");
            let _ = write!(self.log, " {what};");
            return;
        }
        tally.note("went on warm", "");
        let project = self.project();
        if let Some(engine) = &mut self.engine
            && *engine.project().settings() != self.settings
            && engine.set_project(project).is_err()
        {
            // Opening it anew will say why.
            self.engine = None;
        }
    }

    fn step(&mut self, is_later: bool, tally: &mut Tally) -> Result<(), String> {
        let mut engine = match self.engine.take() {
            Some(engine) => engine,
            None => Self::open(self.project())?,
        };
        let before = self.outputs();
        let planned = self.plan(&mut engine, tally);
        let kept = engine.run(&mut |_| {});
        let scratch = self.generate_scratch()?;
        match (kept, scratch) {
            (Ok(kept), Ok(scratch)) => {
                tally.compared += 1;
                for feature in self.world.features().collect::<BTreeSet<_>>() {
                    tally.note(feature, "");
                }
                let orphans = self.remove_orphans(&kept);
                self.compare(&kept, &scratch)?;
                count(&kept, &scratch, orphans)?;
                if is_later {
                    tally.incremental += kept.artifacts.evaluated;
                    tally.full += scratch.artifacts.evaluated;
                }
                if let Some(planned) = planned {
                    same(&planned.map_err(|error| format!("plan failed: {error:?}"))?, &kept)?;
                }
                if self.random.percent(4) {
                    tally.note("checked", "");
                    check(&mut engine)?;
                }
            }
            (Err(kept), Err(scratch)) => {
                let _ = write!(self.log, " {};", tally.note("rejected", ""));
                let (kept, scratch) = (problems(&kept)?, problems(&scratch)?);
                if kept != scratch {
                    return Err(format!("other errors: {kept:#?}\nfrom scratch: {scratch:#?}"));
                }
                if self.outputs() != before {
                    return Err("a run that was rejected changed something".to_owned());
                }
            }
            (kept, scratch) => {
                let [kept, scratch] =
                    [kept, scratch].map(|result| result.map(|report| report.artifacts));
                return Err(format!("one failed: {kept:#?}\nfrom scratch: {scratch:#?}"));
            }
        }
        self.engine = Some(engine);
        Ok(())
    }

    fn plan(
        &mut self,
        engine: &mut RegenerationEngine,
        tally: &mut Tally,
    ) -> Option<Result<RunReport, CycleError>> {
        self.random.percent(5).then(|| {
            let _ = write!(self.log, " {};", tally.note("planned", ""));
            engine.plan()
        })
    }

    /// The output folder and the lock file.
    fn outputs(&self) -> (Tree, Option<String>) {
        outputs(self.kept.path())
    }

    fn generate_scratch(&mut self) -> Result<Result<RunReport, CycleError>, String> {
        let root = self.scratch.path();
        for made in [".evergen", "gen"] {
            let _ = fs::remove_dir_all(root.join(made));
        }
        let _ = fs::remove_file(root.join("evergen.lock"));
        let mut settings = self.settings.clone();
        settings.regeneration.parallel_workers = 1 + u32::from(self.random.percent(20));
        Ok(Self::open(Self::scratch_project(root, settings))?.run(&mut |_| {}))
    }

    fn compare(&self, kept: &RunReport, scratch: &RunReport) -> Result<(), String> {
        let (mine, whole) = (self.outputs(), outputs(self.scratch.path()));
        if mine != whole {
            return Err(difference(&mine.0, &whole.0));
        }
        if kept.model.quads != scratch.model.quads {
            return Err(format!("{} quads, not {}", kept.model.quads, scratch.model.quads));
        }
        Ok(())
    }

    /// A file that was edited and that nothing generates any more is kept, and belongs to
    /// the user from then on. Here the user removes it, as the report asks. How many there
    /// were.
    fn remove_orphans(&self, report: &RunReport) -> u64 {
        let mut removed = 0;
        for change in &report.changes {
            if change.action == Action::Refuse && change.reason == Reason::RowGone {
                fs::remove_file(self.kept.path().join("gen").join(&change.path)).unwrap();
                removed += 1;
            }
        }
        removed
    }

    fn some_output(&mut self) -> Option<std::path::PathBuf> {
        let outputs = self.kept.path().join("gen");
        let paths: Vec<String> = tree(&outputs).into_keys().collect();
        paths.get(self.random.below(paths.len())).map(|path| outputs.join(path))
    }

    fn delete_outputs(&mut self, tally: &mut Tally) {
        let Some(path) = self.some_output() else { return };
        let what = tally.note("outputs deleted", &format!("{}", path.display()));
        let _ = write!(self.log, " {what};");
        if self.random.percent(30) {
            fs::remove_dir_all(self.kept.path().join("gen")).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    /// Edits an output. Where edits are lost, that is all; otherwise the project is run and
    /// the edit is taken back.
    fn edit_output(&mut self, tally: &mut Tally) {
        let Some(path) = self.some_output() else { return };
        let text = fs::read(&path).unwrap();
        fs::write(&path, "edited by hand\n").unwrap();
        if self.world.overwrites() {
            let what = tally.note("output edited and overwritten", &format!("{}", path.display()));
            let _ = write!(self.log, " {what};");
            return;
        }
        let what = tally.note("output edited and restored", &format!("{}", path.display()));
        let _ = write!(self.log, " {what};");
        self.write_files();
        self.settings = self.world.settings();
        self.engine = None;
        let Ok(mut engine) = Self::open(self.project()) else { return };
        let report = engine.run(&mut |_| {});
        assert_eq!(fs::read(&path).unwrap(), b"edited by hand\n", "an edit was lost");
        if report.is_ok_and(|report| self.remove_orphans(&report) > 0) {
            return;
        }
        fs::write(&path, text).unwrap();
        if self.random.percent(50) {
            self.engine = Some(engine);
        }
    }

    fn damage_state(&mut self, tally: &mut Tally) {
        self.engine = None;
        let state = self.kept.path().join(".evergen");
        if self.random.percent(50) {
            let _ = write!(self.log, " {};", tally.note("state lost", ""));
            let _ = fs::remove_dir_all(state);
            return;
        }
        let names: Vec<String> = tree(&state).into_keys().collect();
        let Some(name) = names.get(self.random.below(names.len())) else { return };
        let _ = write!(self.log, " {};", tally.note("state damaged", name));
        let mut bytes = fs::read(state.join(name)).unwrap();
        let place = self.random.below(bytes.len());
        if let Some(byte) = bytes.get_mut(place) {
            *byte ^= 1;
        }
        fs::write(state.join(name), bytes).unwrap();
    }
}
