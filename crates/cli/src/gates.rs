//! The gates of a project, or of any folder: which there are, and what they run on.

mod complete;
mod idle;
mod installed;
mod keeper;
mod performance;
mod servers;
mod settings;
mod target;

use std::path::{Path, PathBuf};
use std::time::Duration;

use evergen_artifact::Digest;
use evergen_quality_gates::{
    AdapterGate, Baseline, ConfiguredTool, FileMemory, FindingFixes, Gate, Healer, History,
    ImportGate, PatternGate, PerformanceGate, PerformanceSettings, Policy, QualityGateEngine,
    Scratch, ServerGate, Severity, SyntaxGate, Thresholds, ToolAdapter, ToolSettings, VerdictCache,
    Waivers, adapters, warm_form,
};
use evergen_regeneration::{Diagnostic, FailOn, GateSettings, GateSurroundings};

pub(crate) use self::installed::Installed;
pub(crate) use self::keeper::{Keeper, Keepers, keep, today};
use self::servers::Servers;
use self::settings::Narrowed;
pub(crate) use self::target::{Generated, Questions, Target};
use crate::failure::Failure;
use crate::origin::absolute;
use crate::project::Chosen;

/// Where gates keep what they know, below the state folder.
const FOLDER: &str = "gates";

/// A gate that takes part when it is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It looks by itself.
    BuiltIn,
    /// A tool that is known.
    Ready,
    /// One of `[[gates.tools]]` or `[[gates.performance]]`.
    Configured,
}

/// Every gate that there is for a folder, and what is needed to ask them.
pub(crate) struct Gates {
    pub(crate) settings: GateSettings,
    tools: Vec<ToolSettings>,
    performance: Vec<PerformanceSettings>,
    /// Where the files of the policy lie, and tools that belong to the project.
    home: PathBuf,
    /// What is judged.
    folder: PathBuf,
    /// Where in the project that lies: what findings, waivers and exclusions name is named from
    /// the project's root.
    place: String,
    /// What must be there, where that is known.
    expected: complete::Expected,
    state: PathBuf,
    /// Where tools see copies of files. Not below the project: tools look upwards for settings,
    /// and would find those that are not part of what is judged.
    scratch: PathBuf,
    /// Where tools stay warm, those that do.
    servers: Option<Servers>,
}

impl Gates {
    /// The gates by the settings of a project for a folder; `state` is a folder for what they
    /// keep.
    fn new(chosen: &Chosen, folder: &Path, state: PathBuf) -> Result<Self, Failure> {
        let settings = chosen.effective.settings.gates.clone();
        let (tools, performance) = settings::read(&chosen.place)?;
        let home = chosen.place.root.clone();
        let scratch = cache_of(&home).join("scratch");
        let root = absolute(&home, &chosen.here);
        let (folder, place) = (folder.to_owned(), place_in(&root, folder));
        let expected = complete::Expected::default();
        let gates = Self {
            settings,
            tools,
            performance,
            home,
            folder,
            place,
            expected,
            state,
            scratch,
            servers: None,
        };
        gates.check_names(chosen)?;
        Ok(gates)
    }

    /// The gates of a project, for what it generates.
    pub(crate) fn of_project(chosen: &Chosen) -> Result<Self, Failure> {
        let folder = match chosen.effective.settings.gates.around {
            GateSurroundings::Project => absolute(&chosen.place.root, &chosen.here),
            _ => chosen.output(),
        };
        Self::new(chosen, &folder, chosen.project().state_dir().join(FOLDER))
    }

    /// The gates for a folder, which need not be part of a project: what they keep is in the
    /// user's cache then, and nothing is written to the folder.
    pub(crate) fn of_folder(chosen: &Chosen, folder: &Path) -> Result<Self, Failure> {
        let state = match chosen.place.configuration {
            Some(_) => chosen.project().state_dir().join(FOLDER),
            None => cache_of(folder),
        };
        Self::new(chosen, folder, state)
    }

    /// Where what is judged lies in the project: empty for all of it, and where it lies
    /// elsewhere.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// The same gates for a loop: tools that can stay warm do, unless the settings say no.
    pub(crate) fn staying_warm(mut self) -> Self {
        self.servers = self.settings.warm.then(Servers::default);
        self
    }

    /// What was found in earlier runs.
    pub(crate) fn history(&self) -> History {
        History::new(self.state.join("history.jsonl"))
    }

    /// The names of the gates that a verb asks, each once.
    pub(crate) fn asked(&self, on_request: bool) -> Vec<String> {
        let mut names = self.settings.before_commit.clone();
        let more = on_request.then_some(&self.settings.on_request).into_iter().flatten();
        names.extend(more.filter(|name| !self.settings.before_commit.contains(name)).cloned());
        names
    }

    /// The names of all gates, and where each comes from.
    pub(crate) fn offers(&self) -> Vec<(String, Offer)> {
        let built_in = settings::BUILT_IN.iter().map(|name| ((*name).to_owned(), Offer::BuiltIn));
        let ready = adapters::ready_adapters().into_iter();
        let ready = ready.map(|adapter| (adapter.info().name.clone(), Offer::Ready));
        let tools = self.tools.iter().map(|tool| tool.name.clone());
        let loads = self.performance.iter().map(|load| load.name.clone());
        let configured = tools.chain(loads).map(|name| (name, Offer::Configured));
        built_in.chain(ready).chain(configured).collect()
    }

    /// The gate of this name; nothing if there is none.
    pub(crate) fn gate(&self, name: &str) -> Result<Option<Box<dyn Gate>>, Failure> {
        let mut scope = None;
        let gate: Box<dyn Gate> = match name {
            complete::NAME => {
                let (gate, judged) = self.completeness();
                scope = Some(judged);
                Box::new(gate)
            }
            "syntax" => Box::new(SyntaxGate::new()),
            "imports" => Box::new(ImportGate::new()),
            "secrets" => Box::new(PatternGate::new().map_err(|error| {
                Failure::storage("building the patterns of the gate `secrets`", &error)
            })?),
            _ => match self.tool(name)? {
                Some(gate) => gate,
                None => return Ok(None),
            },
        };
        let tool = self.tools.iter().find(|tool| tool.name == name);
        let narrowed =
            Narrowed::new(gate, (self.place.as_str(), self.settings.exclude.as_slice()), tool);
        let narrowed = narrowed.map_err(|error| {
            settings::wrong(Diagnostic::error("config::range", error.to_string()))
        })?;
        Ok(Some(Box::new(match scope {
            // What is excluded is not looked at, and must be there nevertheless.
            Some(scope) => narrowed.judging(scope),
            None => narrowed,
        })))
    }

    fn tool(&self, name: &str) -> Result<Option<Box<dyn Gate>>, Failure> {
        if let Some(settings) = self.tools.iter().find(|tool| tool.name == name) {
            let mut settings = settings.clone();
            if let Some(program) = settings.command.first_mut().filter(|it| it.contains('/')) {
                *program = self.home.join(&*program).display().to_string();
            }
            let tool = ConfiguredTool::new(&settings);
            let tool = tool.map_err(|error| settings::wrong_setting(&error))?;
            return Ok(Some(self.adapted(tool)));
        }
        if let Some(settings) = self.performance.iter().find(|load| load.name == name) {
            let gate = PerformanceGate::new(settings.clone()).map_err(|error| {
                let message = format!("`gates.performance`: {error}");
                settings::wrong(Diagnostic::error("config::range", message))
            })?;
            return Ok(Some(Box::new(gate)));
        }
        let mut ready = adapters::ready_adapters().into_iter();
        let found = ready.find(|adapter| adapter.info().name == name);
        Ok(found.map(|adapter| match (&self.servers, warm_form(name)) {
            (Some(servers), Some(form)) => {
                Box::new(servers.adopt(ServerGate::new(self.cold(adapter), form))) as Box<dyn Gate>
            }
            _ => self.adapted(adapter),
        }))
    }

    fn adapted<A: ToolAdapter + 'static>(&self, adapter: A) -> Box<dyn Gate> {
        Box::new(self.cold(adapter))
    }

    fn cold<A: ToolAdapter>(&self, adapter: A) -> AdapterGate<A> {
        let gate = self.homes().fold(AdapterGate::new(adapter), AdapterGate::with_home);
        gate.remembering_proofs_in(self.state.join("proofs"))
    }

    /// Where tools are that belong to what is judged, the innermost first.
    fn homes(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let inner = self.folder.ancestors().take_while(|folder| **folder != *self.home);
        let inner = inner.filter(|_| self.folder.starts_with(&self.home));
        inner.map(Path::to_owned).chain([self.home.clone()])
    }

    /// An engine that asks these gates, in this order.
    pub(crate) fn engine(
        &self,
        names: &[String],
        caching: bool,
    ) -> Result<QualityGateEngine, Failure> {
        let mut engine = QualityGateEngine::new(self.policy()?)
            .with_patience(Duration::from_secs(self.settings.patience));
        if let Some(limit) = std::num::NonZeroUsize::new(self.settings.parallel as usize) {
            engine = engine.with_parallel_gates(limit);
        }
        for name in names {
            engine = engine.with_gate(self.gate(name)?.ok_or_else(|| self.unknown(name))?);
        }
        if caching {
            match VerdictCache::open(&self.state.join("answers")) {
                Ok(cache) => engine = engine.with_cache(cache),
                // All it costs is time.
                Err(error) => tracing::warn!(%error, "the gates' answers are not kept"),
            }
        }
        self.keep_out_of_version_control();
        let scratch = Scratch::open(&self.scratch).or_else(|error| {
            tracing::warn!(%error, "tools see a temporary copy");
            Scratch::temporary()
        });
        Ok(engine.with_scratch(
            scratch.map_err(|error| Failure::storage("opening the gates' folder", &error))?,
        ))
    }

    /// The gates that are asked before a commit, ready to judge; nothing where the settings name
    /// none. What they keep is opened, so this is for when there is something to judge.
    pub(crate) fn keeper(&self, chosen: &Chosen) -> Result<Option<Keeper>, Failure> {
        let names = self.asked(false);
        if names.is_empty() {
            return Ok(None);
        }
        Keeper::new(self, &names, chosen).map(Some)
    }

    /// Everybody who may propose a repair.
    pub(crate) fn healers(&self) -> Vec<Box<dyn Healer>> {
        let mut healers: Vec<Box<dyn Healer>> =
            vec![Box::new(FindingFixes::safe()), Box::new(FindingFixes::all())];
        for adapter in adapters::ready_adapters() {
            for healer in adapters::healers_for(&adapter) {
                healers.push(Box::new(self.homes().fold(healer, adapters::ToolHealer::with_home)));
            }
        }
        healers
    }

    /// What is known of the files of a folder from earlier.
    pub(crate) fn memory(&self, folder: &Path) -> FileMemory {
        FileMemory::open(&self.state.join("files"), folder)
    }

    /// The file of findings that are known.
    pub(crate) fn baseline_file(&self) -> PathBuf {
        self.home.join(&self.settings.baseline)
    }

    /// What gates keep is nobody else's; a commit of all files should not take it along.
    fn keep_out_of_version_control(&self) {
        let file = self.state.join(".gitignore");
        if !file.exists()
            && let Err(error) = std::fs::write(&file, "# Made by evergen.\n*\n")
        {
            tracing::debug!(%error, "the gates' folder has no .gitignore");
        }
    }

    /// What differs where answers may differ for other reasons than the files.
    pub(crate) fn context(&self) -> String {
        format!("{:?} {:?} {:?}", self.settings, self.tools, self.performance)
    }

    fn policy(&self) -> Result<Policy, Failure> {
        let thresholds = thresholds(&self.settings);
        thresholds.validate().map_err(|error| settings::wrong_setting(&error))?;
        let waivers = &self.settings.waivers;
        let waived = match self.text(waivers)? {
            Some(text) => Waivers::parse(&text)
                .map_err(|error| settings::wrong_file(waivers, &error.to_string()))?,
            None => Waivers::default(),
        };
        Ok(Policy::new(thresholds).with_waivers(waived).with_baseline(self.baseline()?))
    }

    /// The findings that are known.
    pub(crate) fn baseline(&self) -> Result<Baseline, Failure> {
        let baseline = &self.settings.baseline;
        match self.text(baseline)? {
            Some(text) => Baseline::parse(&text)
                .map_err(|error| settings::wrong_file(baseline, &error.to_string())),
            None => Ok(Baseline::default()),
        }
    }

    /// The text of a file of the policy; nothing if there is no such file.
    fn text(&self, file: &str) -> Result<Option<String>, Failure> {
        match std::fs::read_to_string(self.home.join(file)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::storage(format!("reading `{file}`"), &error)),
        }
    }

    fn check_names(&self, chosen: &Chosen) -> Result<(), Failure> {
        let offers = self.offers();
        let mut problems = Vec::new();
        for name in self.asked(true) {
            if !offers.iter().any(|(known, _)| *known == name) {
                let message = format!("there is no gate `{name}`");
                let mut problem = Diagnostic::error("config::unknown_gate", message);
                problem.file.clone_from(&chosen.place.configuration);
                problems.push(problem.with_help(self.advice(&name)));
            }
        }
        if self.settings.before_commit.iter().any(|name| name == complete::NAME) {
            let message = format!("`{}` can't be asked before a commit", complete::NAME);
            let mut problem = Diagnostic::error("config::range", message);
            problem.file.clone_from(&chosen.place.configuration);
            problems.push(problem.with_help(
                "each run looks for itself whether it is complete, as `[completeness]` says; name \
                 the gate in `on_request`",
            ));
        }
        for (index, (name, offer)) in offers.iter().enumerate() {
            if offers[..index].iter().any(|(known, _)| known == name) {
                let message = format!("two gates are called `{name}`");
                let mut problem = Diagnostic::error("config::duplicate", message);
                problem.file.clone_from(&chosen.place.configuration);
                debug_assert_eq!(*offer, Offer::Configured);
                problems.push(problem.with_help("give the one of `[[gates.…]]` another name"));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(Failure::settings(problems)) }
    }

    /// What to say of a gate that is not there.
    pub(crate) fn unknown(&self, name: &str) -> Failure {
        Failure::usage(format!("there is no gate `{name}`"), self.advice(name))
    }

    fn advice(&self, name: &str) -> String {
        let offers = self.offers();
        let names = offers.iter().map(|(name, _)| name.as_str());
        let near = names.clone().min_by_key(|known| strsim::damerau_levenshtein(known, name));
        let near =
            near.filter(|near| strsim::damerau_levenshtein(near, name) <= name.len().div_ceil(3));
        let list = names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        match near {
            Some(near) => format!("did you mean `{near}`? there are {list}"),
            None => format!("there are {list}, and those of `[[gates.tools]]`"),
        }
    }
}

fn thresholds(settings: &GateSettings) -> Thresholds {
    let mut thresholds = Thresholds::default();
    thresholds.code_quality_min_score = settings.code_quality_min_score;
    thresholds.security_max_issues = settings.security_max_issues;
    thresholds.test_coverage_min = settings.test_coverage_min;
    thresholds.test_coverage_required = settings.test_coverage_required;
    thresholds.performance_max_response_time = settings.performance_max_response_time;
    thresholds.performance_min_throughput = settings.performance_min_throughput;
    thresholds.fail_on = match settings.fail_on {
        FailOn::Note => Severity::Note,
        FailOn::Warning => Severity::Warning,
        _ => Severity::Error,
    };
    thresholds
}

/// Where a folder lies in a project, with `/` between the parts and at the end; empty for the
/// project itself, and where it lies elsewhere.
fn place_in(root: &Path, folder: &Path) -> String {
    let inside = folder.strip_prefix(root).map(Path::to_owned);
    let inside = inside
        .or_else(|_| target::real(folder).strip_prefix(target::real(root)).map(Path::to_owned));
    match inside.ok().as_deref().and_then(Path::to_str) {
        None | Some("") => String::new(),
        Some(inside) => format!("{inside}/"),
    }
}

/// A folder of our own for what concerns this folder and can be made again.
fn cache_of(folder: &Path) -> PathBuf {
    let name = Digest::of(folder.as_os_str().as_encoded_bytes()).to_string();
    user_cache().join("evergen").join(FOLDER).join(&name[..16])
}

/// Where a user's programs keep what can be made again.
fn user_cache() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|it| it.is_absolute());
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
}
