//! The gate that looks whether all generated files are there.

use std::collections::BTreeMap;

use evergen_artifact::{Digest, LockFile};
use evergen_quality_gates::{CompletenessGate, CompletenessSettings, Module, Scope};
use evergen_regeneration::ModuleSettings;
use globset::Glob;

use super::Gates;

/// Its name.
pub(super) const NAME: &str = "completeness";

/// What must be there, by paths from the root of what is judged.
#[derive(Debug, Default)]
pub(super) struct Expected {
    modules: Vec<Module>,
    settings: CompletenessSettings,
}

impl Gates {
    /// Says what the last run made, and which modules there are: paths from the output folder.
    /// `inside` is where in the output folder lies what is judged. Without this the gate has
    /// nothing to say.
    pub(super) fn expect(
        &mut self,
        lock: &LockFile,
        modules: &[ModuleSettings],
        settings: CompletenessSettings,
        inside: &str,
    ) {
        let paths: Vec<&str> = lock.entries().iter().map(|entry| entry.path.as_str()).collect();
        let mut expected = of_generators(lock, inside);
        expected.extend(modules.iter().map(|module| of_settings(module, &paths, inside)));
        expected.retain(|module| !module.required.is_empty() || !module.critical_files.is_empty());
        self.expected = Expected { modules: expected, settings };
    }

    /// The gate, and the files that are its business: none where it is not known what should be
    /// there.
    pub(super) fn completeness(&self) -> (CompletenessGate, Scope) {
        let Expected { modules, settings } = &self.expected;
        let scope = if modules.is_empty() { Scope::default() } else { Scope::all() };
        (CompletenessGate::new(modules.clone(), *settings), scope)
    }
}

/// What each generator made, all of which must be there. Only what was made empty may be empty.
fn of_generators(lock: &LockFile, inside: &str) -> Vec<Module> {
    let empty = Digest::of(b"");
    let mut modules: BTreeMap<&str, Module> = BTreeMap::new();
    for entry in lock.entries() {
        let Some(path) = entry.path.as_str().strip_prefix(inside) else { continue };
        let name = &*entry.generator;
        let module = modules
            .remove(name)
            .unwrap_or_else(|| Module::new(format!("artifacts of {name}")).critical());
        let module =
            if entry.digest == empty { module.requiring([path]) } else { module.needing([path]) };
        modules.insert(name, module);
    }
    modules.into_values().collect()
}

/// One of `[[modules]]`. A pattern stands for the artifacts that it matches, and for itself
/// where it matches none.
fn of_settings(settings: &ModuleSettings, paths: &[&str], inside: &str) -> Module {
    let expand = |patterns: &[String]| -> Vec<String> {
        let matched = patterns.iter().flat_map(|pattern| {
            let glob = Glob::new(pattern).map(|glob| glob.compile_matcher());
            let is_match = |path: &&&str| glob.as_ref().is_ok_and(|glob| glob.is_match(path));
            let found: Vec<String> =
                paths.iter().filter(is_match).map(|path| (*path).to_owned()).collect();
            if found.is_empty() { vec![pattern.clone()] } else { found }
        });
        matched.filter_map(|path| path.strip_prefix(inside).map(str::to_owned)).collect()
    };
    let (required, critical) = (expand(&settings.required), expand(&settings.critical_files));
    let module = Module::new(&settings.name)
        .requiring(required.iter().map(String::as_str))
        .needing(critical.iter().map(String::as_str));
    if settings.critical { module.critical() } else { module }
}
