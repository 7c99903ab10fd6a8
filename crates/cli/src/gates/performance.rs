//! `[[gates.performance]]`: how quickly something answers, as the settings say it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evergen_quality_gates::{PerformanceSettings, ServerSettings};
use evergen_regeneration::Diagnostic;
use serde::Deserialize;

use super::settings::wrong;
use crate::failure::Failure;

/// One of `[[gates.performance]]`. What is left out has the default of the gate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoadSettings {
    #[serde(default)]
    name: Option<String>,
    /// The address that is called; or else `command`.
    #[serde(default)]
    url: Option<String>,
    /// The program that is run, and its arguments.
    #[serde(default)]
    command: Vec<String>,
    /// What answers, started before and ended afterwards.
    #[serde(default)]
    server: Option<ServerSetting>,
    #[serde(default)]
    concurrency: Option<u32>,
    #[serde(default)]
    questions: Option<u32>,
    #[serde(default)]
    warm_up: Option<u32>,
    #[serde(default)]
    at_most_ms: Option<u64>,
    #[serde(default)]
    patience_ms: Option<u64>,
    #[serde(default)]
    percentile: Option<f64>,
    #[serde(default)]
    confidence: Option<f64>,
    #[serde(default)]
    max_response_time_ms: Option<f64>,
    #[serde(default)]
    min_throughput: Option<f64>,
    #[serde(default)]
    max_failed_share: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerSetting {
    command: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    ready_within_ms: Option<u64>,
    #[serde(default)]
    at_most_ms: Option<u64>,
    #[serde(default)]
    memory_mib: Option<u64>,
}

impl LoadSettings {
    /// As the gate wants them; programs with a `/` in their path are looked for below `root`.
    pub(super) fn into_settings(self, root: &Path) -> Result<PerformanceSettings, Failure> {
        let mut settings = match (&self.url, self.command.split_first()) {
            (Some(url), None) => PerformanceSettings::of_url(url),
            (None, Some((program, arguments))) => {
                PerformanceSettings::of_command(program_at(program, root), arguments.to_vec())
            }
            _ => {
                let message = "a table of `gates.performance` needs either `url` or `command`";
                return Err(wrong(Diagnostic::error("config::missing", message)));
            }
        };
        let milliseconds = Duration::from_millis;
        put(&mut settings.name, self.name);
        put(&mut settings.concurrency, self.concurrency);
        put(&mut settings.questions, self.questions);
        put(&mut settings.warm_up, self.warm_up);
        put(&mut settings.at_most, self.at_most_ms.map(milliseconds));
        put(&mut settings.patience, self.patience_ms.map(milliseconds));
        put(&mut settings.percentile, self.percentile);
        put(&mut settings.confidence, self.confidence);
        put(&mut settings.max_failed_share, self.max_failed_share);
        settings.min_throughput = self.min_throughput.or(settings.min_throughput);
        if let Some(time) = self.max_response_time_ms {
            settings.max_response_time = Some(time_of(time)?);
        }
        if let Some(server) = self.server {
            settings.server = Some(server.into_settings(root)?);
        }
        Ok(settings)
    }
}

impl ServerSetting {
    fn into_settings(self, root: &Path) -> Result<ServerSettings, Failure> {
        let Some((program, arguments)) = self.command.split_first() else {
            let message = "`server.command` of `gates.performance` is empty";
            return Err(wrong(Diagnostic::error("config::missing", message)));
        };
        let mut server = ServerSettings::new(program_at(program, root), arguments.to_vec());
        server.environment = self.environment;
        put(&mut server.ready_within, self.ready_within_ms.map(Duration::from_millis));
        put(&mut server.at_most, self.at_most_ms.map(Duration::from_millis));
        put(&mut server.memory, self.memory_mib.map(|mib| mib.saturating_mul(1 << 20)));
        Ok(server)
    }
}

fn put<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn time_of(milliseconds: f64) -> Result<Duration, Failure> {
    Duration::try_from_secs_f64(milliseconds / 1000.0).map_err(|_| {
        let message =
            format!("`max_response_time_ms` of `gates.performance` is {milliseconds}, no time");
        wrong(Diagnostic::error("config::range", message))
    })
}

/// Where a program is: below the project where its path has a `/`, else on the search path. One
/// that is nowhere is missed when it is asked for.
fn program_at(program: &str, root: &Path) -> PathBuf {
    if program.contains('/') {
        return root.join(program);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join(program));
    found.find(|path| path.is_file()).unwrap_or_else(|| program.into())
}
