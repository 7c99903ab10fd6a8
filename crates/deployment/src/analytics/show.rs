use std::fmt::{self, Write as _};

use super::fold::{DeploymentAnalytics, DurationFigures};

impl DeploymentAnalytics {
    /// The figures of all environments in the text format of Prometheus.
    pub fn to_prometheus(all: &[Self]) -> String {
        let mut text = String::new();
        metric(&mut text, all, "deployments", "Deployments that ended, by outcome.", |it| {
            let outcomes = [
                ("succeeded", it.succeeded),
                ("failed", it.failed),
                ("rolled_back", it.rolled_back),
            ];
            outcomes.map(|(name, count)| (format!(",outcome=\"{name}\""), whole(count))).to_vec()
        });
        metric(&mut text, all, "rollbacks", "Rollbacks that people asked for.", |it| {
            vec![(String::new(), whole(it.rollbacks))]
        });
        metric(&mut text, all, "incidents", "Deployments that were stuck.", |it| {
            vec![(String::new(), whole(it.incidents))]
        });
        let ratio = |value: Option<f64>| -> Vec<(String, String)> {
            value.map(|value| (String::new(), value.to_string())).into_iter().collect()
        };
        metric(&mut text, all, "success_ratio", "Share that succeeded.", |it| {
            ratio(it.success_rate)
        });
        metric(&mut text, all, "change_failure_ratio", "Share with traffic that failed.", |it| {
            ratio(it.change_failure_rate)
        });
        metric(&mut text, all, "per_day", "Releases that became live, a day.", |it| {
            ratio(it.per_day)
        });
        metric(&mut text, all, "lead_time_seconds", "From a change to its commit.", |it| {
            quantiles(&it.lead_time)
        });
        let help = "How long failed changes had effect.";
        metric(&mut text, all, "time_to_restore_seconds", help, |it| {
            quantiles(&it.time_to_restore)
        });
        metric(&mut text, all, "duration_seconds", "How long deployments took.", |it| {
            quantiles(&it.duration)
        });
        text
    }
}

fn whole(count: u64) -> String {
    count.to_string()
}

fn quantiles(figures: &DurationFigures) -> Vec<(String, String)> {
    let both = [("0.5", figures.median), ("0.9", figures.p90)];
    let known = both.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known.map(|(name, value)| (format!(",quantile=\"{name}\""), value.to_string())).collect()
}

/// One metric with its samples, if there are any. All are gauges: windows move.
fn metric(
    text: &mut String,
    all: &[DeploymentAnalytics],
    name: &str,
    help: &str,
    samples: impl Fn(&DeploymentAnalytics) -> Vec<(String, String)>,
) {
    let name = format!("evergen_deployment_{name}");
    let mut lines = String::new();
    for it in all {
        for (labels, value) in samples(it) {
            // Names of environments have no character that would have to be escaped.
            let environment = &it.environment;
            let _ = writeln!(lines, "{name}{{environment=\"{environment}\"{labels}}} {value}");
        }
    }
    if !lines.is_empty() {
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{lines}");
    }
}

impl fmt::Display for DeploymentAnalytics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { environment, deployments, succeeded, failed, rolled_back, .. } = self;
        writeln!(formatter, "{environment}")?;
        writeln!(
            formatter,
            "  deployments          {deployments} ({succeeded} succeeded, {failed} failed, {rolled_back} rolled back)"
        )?;
        writeln!(formatter, "  success rate         {}", percent(self.success_rate))?;
        writeln!(formatter, "  change-failure rate  {}", percent(self.change_failure_rate))?;
        let per_day = self.per_day.map_or("-".to_owned(), |value| format!("{value:.2} a day"));
        writeln!(formatter, "  frequency            {per_day}")?;
        writeln!(formatter, "  lead time            {}", self.lead_time)?;
        writeln!(formatter, "  time to restore      {}", self.time_to_restore)?;
        write!(formatter, "  incidents            {}", self.incidents)
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

impl fmt::Display for DurationFigures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.median, self.p90) {
            (Some(median), Some(p90)) => {
                write!(formatter, "median {median:.1} s, 90 % within {p90:.1} s")
            }
            _ => formatter.write_str("-"),
        }
    }
}
