//! Settings that are well formed and can't work: told before anything is deployed by them.

use std::path::Path;

use evergen_deployment::{CheckSetting, DeploymentEnvironment};

use super::settings::MadeOf;
use crate::origin;

/// The first setting that can't work where releases are made from `source`: the keys that lead
/// to it, and why.
pub(super) fn unfit<'a>(
    environment: &'a DeploymentEnvironment,
    made_of: &MadeOf,
    root: &Path,
    source: Option<&Path>,
) -> Option<(Vec<&'a str>, String)> {
    if environment.auto_deploy && environment.approval {
        let why = "a loop has nobody who approves; take `auto_deploy` or `approval` out";
        return Some((vec!["auto_deploy"], why.to_owned()));
    }
    let target = environment.target_dir.to_string_lossy();
    if target.contains("/~/") || target.contains('$') {
        let why = "no shell reads it: `~` and `$` mean themselves; write the path out";
        return Some((vec!["target_dir"], why.to_owned()));
    }
    misplaced(environment, root, source)
        .map(|why| (vec!["target_dir"], why.to_owned()))
        .or_else(|| not_of_its_kind(environment, made_of))
}

/// Releases can't lie among what they are made from.
fn misplaced(
    environment: &DeploymentEnvironment,
    root: &Path,
    source: Option<&Path>,
) -> Option<&'static str> {
    let whole = |path: &Path| origin::without_links(&origin::absolute(path, root));
    let (target, root) = (whole(&environment.target_dir), whole(root));
    let source = source.map(whole);
    if source.as_ref().is_some_and(|source| target.starts_with(source)) {
        return Some(
            "it lies in the folder that is deployed, so releases would be part of releases",
        );
    }
    if target.starts_with(root.join(".evergen")) {
        return Some("it lies in `.evergen`, which is evergen's own and may be removed");
    }
    let holds = |folder: &Path| folder.starts_with(&target);
    let held = holds(&root) || source.is_some_and(|source| holds(&source));
    held.then_some("the project lies in it; releases want a folder of their own")
}

/// What a folder, processes or a cluster can't do.
fn not_of_its_kind<'a>(
    environment: &'a DeploymentEnvironment,
    made_of: &MadeOf,
) -> Option<(Vec<&'a str>, String)> {
    if made_of.kubernetes.is_some() {
        return None;
    }
    if !environment.resources.is_empty() {
        let why = "only a cluster limits what a release may use; take it out";
        return Some((vec!["resources"], why.to_owned()));
    }
    if made_of.service.is_some() {
        return None;
    }
    let nothing_runs = "in this environment nothing runs: a release is a folder, and `service` or \
                        `kubernetes` says how it is run";
    if environment.replicas > 1 {
        return Some((vec!["replicas"], nothing_runs.to_owned()));
    }
    if environment.traffic_steps != [100] {
        let why = "a folder is current or not, and has no shares of traffic; `service` or \
                   `kubernetes` says how a release is run";
        return Some((vec!["traffic_steps"], why.to_owned()));
    }
    if environment.comparison.required {
        return Some((vec!["comparison", "required"], nothing_runs.to_owned()));
    }
    let check = environment.health_checks.iter().find(|check| asks_a_slot(check))?;
    let why = format!("{nothing_runs}; or name a whole address");
    Some((vec!["health_checks", &check.name], why))
}

/// Whether a check asks wherever the release runs.
fn asks_a_slot(check: &CheckSetting) -> bool {
    let text = |key: &str| check.probe.get(key).and_then(toml::Value::as_str);
    match text("kind") {
        Some("http") => text("url").is_some_and(|url| url.starts_with('/')),
        Some("tcp") => text("address").is_none(),
        _ => false,
    }
}
