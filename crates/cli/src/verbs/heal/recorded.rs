//! Repairs of generated files, recorded as passes of the project.
//!
//! A generated file is not written to: the next run would take the repair back. Where a program
//! mends a text as its healer mended the file, the program becomes a pass, and this shows first
//! that a generation with it gives the mended file, byte for byte.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use evergen_quality_gates::adapters::{FilterRecipe, filters_for};
use evergen_quality_gates::{HealReport, Receipt, TextFilter};
use evergen_regeneration::{Access, Diagnostic, PassSettings, RegenerationEngine, parse_settings};

use crate::failure::Failure;
use crate::gates::Target;
use crate::new_file;
use crate::origin::CONFIGURATION;
use crate::verbs::gates::wait;

/// What came of an attempt to record repairs.
pub(super) enum Recorded {
    /// These passes give the mended files, and stand in the settings, or would.
    Passes(Vec<String>),
    /// No pass does; why.
    Not(String),
}

/// Records what mended generated files as passes; `files` are artifacts with their mended bytes,
/// and `names` what receipts call them. Nothing is written in a dry run.
pub(super) fn record(
    target: &Target,
    healed: &HealReport,
    files: &BTreeMap<String, Arc<[u8]>>,
    names: &[String],
    dry_run: bool,
) -> Result<Recorded, Failure> {
    if target.chosen.place.configuration.as_deref() != Some(CONFIGURATION) {
        return Ok(Recorded::Not(format!("there is no {CONFIGURATION} to record a pass in")));
    }
    // What was mended in other files is no reason to rewrite generated ones.
    let concerned = |receipt: &&Receipt| {
        receipt.files.iter().any(|(path, ..)| names.iter().any(|name| name == path))
    };
    let used = healed.receipts.iter().filter(concerned);
    let used = used.map(|it| (it.healer.as_str(), it.gate.as_str(), it.rule.as_str()));
    let Some(recipes) = filters_for(used) else {
        return Ok(Recorded::Not("no program mends a text of its own in this way".to_owned()));
    };
    let root = &target.chosen.place.root;
    let known = &target.chosen.effective.settings.passes;
    let mut passes: Vec<PassSettings> = Vec::new();
    for recipe in recipes {
        let version = match wait(TextFilter::installed(&recipe.program, root))? {
            Ok(version) => version.to_string(),
            Err(fault) => return Ok(Recorded::Not(fault.to_string())),
        };
        let name = free_name(&recipe.name, known);
        passes.push(settings(recipe, name, version));
    }
    if let Some(why) = contradiction(target, &passes, files) {
        return Ok(Recorded::Not(why));
    }
    let file = root.join(CONFIGURATION);
    let text = match with_passes(&file, &passes) {
        Ok(text) => text,
        Err(why) => return Ok(Recorded::Not(why)),
    };
    if !dry_run && let Err(error) = new_file::replace(&file, text.as_bytes()) {
        return Ok(Recorded::Not(format!("{CONFIGURATION} can't be written: {error}")));
    }
    Ok(Recorded::Passes(passes.into_iter().map(|pass| pass.name).collect()))
}

fn settings(recipe: FilterRecipe, name: String, version: String) -> PassSettings {
    let mut pass = PassSettings::default();
    pass.name = name;
    pass.files = recipe.files;
    pass.command = std::iter::once(recipe.program).chain(recipe.arguments).collect();
    pass.version = version;
    pass
}

/// The name, with a number where a pass has it already.
fn free_name(name: &str, known: &[PassSettings]) -> String {
    let is_free = |name: &str| known.iter().all(|pass| pass.name != name);
    if is_free(name) {
        return name.to_owned();
    }
    // There are more numbers than passes.
    let numbered = (2..).map(|number| format!("{name} {number}"));
    numbered.into_iter().find(|name| is_free(name)).unwrap_or_else(|| name.to_owned())
}

/// What speaks against the passes: that a generation with them gives another text than healing
/// did, or none. Nothing is written, and nobody who writes is in the way.
fn contradiction(
    target: &Target,
    passes: &[PassSettings],
    files: &BTreeMap<String, Arc<[u8]>>,
) -> Option<String> {
    let project = target.chosen.project_with(|settings| {
        settings.passes.extend(passes.iter().cloned());
    });
    let proposed = RegenerationEngine::open(project, Access::Read)
        .and_then(|mut engine| engine.proposal())
        .map_err(|error| Failure::from(error).message);
    let proposed = match proposed {
        Ok(proposed) => proposed,
        Err(why) => return Some(format!("a generation with a pass is not possible: {why}")),
    };
    let made: BTreeMap<&str, &[u8]> = proposed
        .iter()
        .filter_map(|change| Some((change.path.as_str(), change.bytes()?)))
        .collect();
    let differs = files.iter().find(|(path, bytes)| made.get(path.as_str()) != Some(&&***bytes));
    differs.map(|(path, _)| format!("a generation with a pass gives another `{path}`"))
}

/// The settings with the passes added, or why they can't be.
fn with_passes(file: &Path, passes: &[PassSettings]) -> Result<String, String> {
    let mut text = std::fs::read_to_string(file)
        .map_err(|error| format!("{CONFIGURATION} can't be read: {error}"))?;
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for pass in passes {
        text.push_str(&block(pass));
    }
    let fault = |problems: Vec<Diagnostic>| {
        let first = problems.into_iter().next().map_or_else(String::new, |first| first.message);
        format!("a pass can't be added to {CONFIGURATION}: {first}")
    };
    parse_settings(&text, CONFIGURATION).map_err(fault)?;
    Ok(text)
}

fn block(pass: &PassSettings) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let list = |texts: &[String]| {
        format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
    };
    let PassSettings { name, files, command, version, .. } = pass;
    let (name, version, files, command) =
        (quoted(name), quoted(version), list(files), list(command));
    format!(
        "\n[[passes]]\nname = {name}\nfiles = {files}\ncommand = {command}\nversion = {version}\n"
    )
}
