use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};

use crate::{
    Coverage, Examination, Finding, Gate, GateInfo, GateKind, Needs, Outcome, Severity, SubjectFile,
};

/// Files that belong together, and those without which the rest is worth nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Module {
    /// Its name.
    pub name: String,
    /// Whether nothing passes without it.
    pub critical: bool,
    /// Paths from the tree's root; of these a share must be there.
    pub required: BTreeSet<String>,
    /// Paths from the tree's root; all of these must be there, and not be empty.
    pub critical_files: BTreeSet<String>,
}

impl Module {
    /// A module without files.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Nothing passes without it.
    #[must_use]
    pub fn critical(mut self) -> Self {
        self.critical = true;
        self
    }

    /// Files of which most must be there.
    #[must_use]
    pub fn requiring<'a>(mut self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        self.required.extend(paths.into_iter().map(str::to_owned));
        self
    }

    /// Files that must all be there.
    #[must_use]
    pub fn needing<'a>(mut self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        self.critical_files.extend(paths.into_iter().map(str::to_owned));
        self
    }

    fn holds(&self, path: &str) -> bool {
        self.required.contains(path) || self.critical_files.contains(path)
    }
}

/// How much must be there. Shares are from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct CompletenessSettings {
    /// The share of a module's required files: 0.9.
    pub files: f64,
    /// The share of modules that must be whole: 0.95.
    pub modules: f64,
}

impl Default for CompletenessSettings {
    fn default() -> Self {
        Self { files: 0.9, modules: 0.95 }
    }
}

impl CompletenessSettings {
    /// The share of a module's required files; what is not from 0 to 1 is brought there, and
    /// what is no number asks for all.
    #[must_use]
    pub fn with_files(mut self, share: f64) -> Self {
        self.files = as_share(share);
        self
    }

    /// The share of modules that must be whole, likewise.
    #[must_use]
    pub fn with_modules(mut self, share: f64) -> Self {
        self.modules = as_share(share);
        self
    }
}

fn as_share(share: f64) -> f64 {
    if share.is_nan() { 1.0 } else { share.clamp(0.0, 1.0) }
}

/// A file that another one names: an import, a link.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reference {
    /// What is named: a path from the tree's root.
    pub target: String,
    /// The line that names it, from 1.
    pub line: u32,
}

impl Reference {
    /// A line that names a file.
    pub fn new(target: impl Into<String>, line: u32) -> Self {
        Self { target: target.into(), line }
    }
}

type FindReferences = Arc<dyn Fn(&SubjectFile, &[u8]) -> Vec<Reference> + Send + Sync>;

/// Whether modules have their files, and files what they name.
///
/// A module is whole if all its critical files are there and not empty, at least the wanted share
/// of its required ones is there, and nothing that its files name is missing. The gate passes if
/// at least the wanted share of modules is whole and every critical one is. In a run that
/// passes, what is missing is no finding; in one that does not, each missing file is.
pub struct CompletenessGate {
    info: GateInfo,
    modules: Vec<Module>,
    settings: CompletenessSettings,
    references: Option<FindReferences>,
}

impl std::fmt::Debug for CompletenessGate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompletenessGate")
            .field("modules", &self.modules.len())
            .finish_non_exhaustive()
    }
}

impl CompletenessGate {
    /// The measure for whole modules, in per cent.
    pub const WHOLE_MODULES: &'static str = "whole_modules_percent";

    /// A gate for these modules.
    pub fn new(modules: Vec<Module>, settings: CompletenessSettings) -> Self {
        let info = GateInfo::new("completeness", GateKind::Completeness)
            .needing(Needs::Tree)
            .with_cost(crate::Cost::Instant)
            .with_settings(&format!("{modules:?} {settings:?}"));
        Self { info, modules, settings, references: None }
    }

    /// Looks also for what files name. The function is pure; answers are no longer kept, since
    /// nobody knows which version of it gave them.
    #[must_use]
    pub fn with_references(
        mut self,
        find: impl Fn(&SubjectFile, &[u8]) -> Vec<Reference> + Send + Sync + 'static,
    ) -> Self {
        self.references = Some(Arc::new(find));
        self.info = self.info.uncached();
        self
    }

    fn look(&self, examination: &Examination) -> Outcome {
        let files = match examination.subject().files() {
            Ok(files) => files,
            Err(error) => return Outcome::Error(error.into()),
        };
        let dangling = match self.dangling(files) {
            Ok(dangling) => dangling,
            Err(fault) => return Outcome::Error(fault.into()),
        };
        let judged: Vec<(&Module, Vec<Finding>)> = self
            .modules
            .iter()
            .map(|module| (module, self.faults_of(module, files, &dangling)))
            .collect();
        let whole = judged.iter().filter(|(_, faults)| faults.is_empty()).count();
        let share = ratio(whole, judged.len());
        let broken_critical =
            judged.iter().any(|(module, faults)| module.critical && !faults.is_empty());
        let coverage =
            Coverage::of_files(files.len() as u64).measured(Self::WHOLE_MODULES, share * 100.0);
        let alone = dangling.into_iter().filter(|finding| {
            let file = finding.file.as_deref().unwrap_or_default();
            !self.modules.iter().any(|module| module.holds(file))
        });
        let mut findings: Vec<Finding> = alone.collect();
        if share < self.settings.modules || broken_critical {
            findings.extend(judged.into_iter().flat_map(|(_, faults)| faults));
        }
        Outcome::of(findings, coverage)
    }

    fn faults_of(
        &self,
        module: &Module,
        files: &[SubjectFile],
        dangling: &[Finding],
    ) -> Vec<Finding> {
        let find = |path: &String| {
            files.binary_search_by(|file| file.path().cmp(path)).ok().map(|index| &files[index])
        };
        let severity = if module.critical { Severity::Error } else { Severity::Warning };
        let name = &module.name;
        let mut faults = Vec::new();
        for path in &module.critical_files {
            let missing = |said: &str| {
                let message = format!("the critical file of module `{name}` {said}");
                Finding::error("critical-file", message).in_file(path)
            };
            match find(path) {
                None => faults.push(missing("is missing")),
                Some(file) if file.size() == 0 => faults.push(missing("is empty")),
                Some(_) => {}
            }
        }
        let lacking: Vec<&String> =
            module.required.iter().filter(|path| find(path).is_none()).collect();
        let there = module.required.len() - lacking.len();
        if ratio(there, module.required.len()) < self.settings.files {
            faults.extend(lacking.into_iter().map(|path| {
                let message = format!(
                    "module `{name}` has {there} of {} required files, and this one is missing",
                    module.required.len()
                );
                Finding::new(severity, "required-file", message).in_file(path)
            }));
        }
        let own = |finding: &&Finding| module.holds(finding.file.as_deref().unwrap_or_default());
        faults.extend(dangling.iter().filter(own).cloned());
        faults
    }

    fn dangling(&self, files: &[SubjectFile]) -> Result<Vec<Finding>, crate::ReadFault> {
        let Some(find) = &self.references else { return Ok(Vec::new()) };
        let known: BTreeSet<&str> = files.iter().map(SubjectFile::path).collect();
        let mut findings = Vec::new();
        for file in files {
            let references = find(file, &file.bytes()?);
            let missing = references.into_iter().filter(|it| !known.contains(it.target.as_str()));
            findings.extend(missing.map(|Reference { target, line }| {
                Finding::error(
                    "dangling-reference",
                    format!("names `{target}`, which is not there"),
                )
                .in_file(file.path())
                .at_line(line)
            }));
        }
        Ok(findings)
    }
}

/// A share of nothing is all of it.
fn ratio(part: usize, whole: usize) -> f64 {
    let [part, whole] =
        [part, whole].map(|count| f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    if whole == 0.0 { 1.0 } else { part / whole }
}

impl Gate for CompletenessGate {
    fn info(&self) -> &GateInfo {
        &self.info
    }

    fn examine(&self, examination: Examination) -> BoxFuture<'_, Outcome> {
        async move {
            let own = Self {
                info: self.info.clone(),
                modules: self.modules.clone(),
                settings: self.settings,
                references: self.references.clone(),
            };
            // Files are read and parsed: not on the runtime's own threads.
            let looked = tokio::task::spawn_blocking(move || own.look(&examination)).await;
            looked.unwrap_or_else(|error| super::performance::broke_down(&error))
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Subject;

    async fn check(gate: CompletenessGate, files: &[(&str, &str)], expected: &[&str]) {
        let files = files.iter().map(|(path, text)| (*path, text.as_bytes()));
        let subject = Subject::of_files(files);
        let outcome = gate.examine(Examination::of(&subject, gate.info()).unwrap()).await;
        let said: Vec<String> = outcome.findings().iter().map(ToString::to_string).collect();
        assert_eq!(said, expected, "{outcome:?}");
        assert_eq!(matches!(outcome, Outcome::Pass(_)), expected.is_empty());
    }

    fn orders() -> Module {
        Module::new("orders").needing(["orders/mod.rs"]).requiring(["orders/a.rs", "orders/b.rs"])
    }

    fn gate(modules: Vec<Module>) -> CompletenessGate {
        CompletenessGate::new(modules, CompletenessSettings::default())
    }

    #[tokio::test]
    async fn a_module_needs_its_critical_and_most_required_files() {
        let all = [("orders/mod.rs", "x"), ("orders/a.rs", ""), ("orders/b.rs", "")];
        check(gate(vec![orders()]), &all, &[]).await;
        let missing =
            "error[critical-file] orders/mod.rs: the critical file of module `orders` is missing";
        check(gate(vec![orders()]), &all[1..], &[missing]).await;
        let empty =
            "error[critical-file] orders/mod.rs: the critical file of module `orders` is empty";
        check(gate(vec![orders()]), &[("orders/mod.rs", ""), all[1], all[2]], &[empty]).await;
        let few = "warning[required-file] orders/b.rs: module `orders` has 1 of 2 required files, and this one is missing";
        check(gate(vec![orders()]), &all[..2], &[few]).await;
    }

    #[tokio::test]
    async fn a_few_broken_modules_among_many_are_borne_unless_critical() {
        let many = || (0..39).map(|at| Module::new(format!("m{at}"))).collect::<Vec<_>>();
        let mut modules = many();
        modules.push(orders());
        check(gate(modules), &[("x", "")], &[]).await;
        let mut modules = many();
        modules.push(Module::new("core").critical().needing(["core.rs"]));
        let said = "error[critical-file] core.rs: the critical file of module `core` is missing";
        check(gate(modules), &[("x", "")], &[said]).await;
    }

    #[tokio::test]
    async fn what_files_name_must_be_there() {
        let names = |_: &SubjectFile, bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let line = |at: usize| u32::try_from(at).unwrap() + 1;
            text.lines().enumerate().map(|(at, name)| Reference::new(name, line(at))).collect()
        };
        let gate = || gate(vec![orders()]).with_references(names);
        let files =
            |named| [("orders/a.rs", named), ("orders/b.rs", ""), ("orders/mod.rs", "orders/a.rs")];
        check(gate(), &files("orders/b.rs"), &[]).await;
        let said =
            "error[dangling-reference] orders/a.rs:2: names `orders/c.rs`, which is not there";
        check(gate(), &files("orders/b.rs\norders/c.rs"), &[said]).await;
    }
}
