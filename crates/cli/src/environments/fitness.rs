//! Settings that are well formed and can't work: told before anything is deployed by them.

use std::path::Path;

use evergen_deployment::{CheckSetting, DeploymentEnvironment};

use super::documents::Documents;
use super::settings::{MadeOf, Settings};
use crate::failure::Failure;

/// Refuses the first setting that can't work; `root` and `output` are the project's folders.
pub(super) fn check(
    settings: &Settings,
    documents: &Documents,
    (root, output): (&Path, &Path),
) -> Result<(), Failure> {
    for environment in &settings.config.environments {
        let nothing = MadeOf::default();
        let made_of = settings.made_of(&environment.name).unwrap_or(&nothing);
        let unfit = misplaced(environment, root, output)
            .map(|why| (vec!["target_dir"], why))
            .or_else(|| not_of_its_kind(environment, made_of));
        if let Some((path, why)) = unfit {
            let path: Vec<&str> = std::iter::once(environment.name.as_str()).chain(path).collect();
            return Err(documents.unusable(&path, why));
        }
    }
    Ok(())
}

/// Releases can't lie among what they are made from.
fn misplaced(environment: &DeploymentEnvironment, root: &Path, output: &Path) -> Option<String> {
    let target = &environment.target_dir;
    let state = root.join(".evergen");
    if target.starts_with(output) {
        return Some(
            "it lies in the output folder, so releases would become part of releases".into(),
        );
    }
    if target.starts_with(&state) {
        return Some("it lies in `.evergen`, which is evergen's own and may be removed".into());
    }
    let holds = |folder: &Path| folder.starts_with(target);
    (holds(root) || holds(output))
        .then(|| "the project lies in it; releases want a folder of their own".into())
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
