use evergen_artifact::Digest;
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::{Outcome, PlanKind, ReleaseId, Summary, Version};

/// A day that begins at nought; times are minutes of it.
fn at(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
}

/// `kind outcome begin-end`, one a line; traffic comes a minute after the begin.
fn summaries(text: &str) -> Vec<Summary> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate();
    let summaries = lines.map(|(index, line)| {
        let words: Vec<&str> = line.split(' ').collect();
        let (begin, end) = words[2].split_once('-').unwrap();
        let [begin, end]: [i64; 2] = [begin, end].map(|minute| minute.parse().unwrap());
        let (kind, outcome) = match (words[0], words[1]) {
            ("rollback", _) => (PlanKind::Rollback, Outcome::Succeeded),
            (_, "ok") => (PlanKind::Deploy, Outcome::Succeeded),
            (_, "back") => (PlanKind::Deploy, Outcome::RolledBack),
            (_, "same") => (PlanKind::Deploy, Outcome::Unchanged),
            _ => (PlanKind::Deploy, Outcome::Failed),
        };
        let live = outcome == Outcome::Succeeded;
        Summary {
            approved_by: None,
            runs_with: None,
            number: index as u64 + 1,
            kind,
            release: ReleaseId::new(Digest::of(line.as_bytes())),
            version: Version::parse("1").unwrap(),
            from: None,
            outcome,
            cause: None,
            began_at: at(begin),
            traffic_at: (outcome != Outcome::Failed).then(|| at(begin + 1)),
            committed_at: live.then(|| at(end)),
            ended_at: at(end),
            changed_at: None,
            execution: None,
            contracted: false,
            incident: false,
            backups: Vec::new(),
            discarded: Vec::new(),
            warnings: Vec::new(),
        }
    });
    summaries.collect()
}

const DAY: &str = "
    deploy ok 0-10
    deploy no 20-30
    deploy back 60-90
    deploy ok 100-110
    rollback ok 200-205
    deploy same 300-300
    deploy ok 600-610
";

#[test]
fn figures_are_those_of_the_definitions() {
    let all = summaries(DAY);
    let figures = DeploymentAnalytics::fold("staging", &all, Some(at(0)), Some(at(1440)));
    assert_eq!((figures.deployments, figures.succeeded, figures.with_traffic), (5, 3, 4));
    assert_eq!((figures.change_failures, figures.rollbacks), (2, 1));
    // From traffic at 61 to 90, and from 101 to 205.
    let restore = (figures.time_to_restore.median, figures.time_to_restore.p90);
    assert_eq!(restore, (Some(29.0 * 60.0), Some(104.0 * 60.0)));
    assert_eq!((figures.lead_time.count, figures.lead_time.median), (3, Some(600.0)));
    let text = figures.to_string();
    let expected = "staging
  deployments          5 (3 succeeded, 1 failed, 1 rolled back)
  success rate         60.0 %
  change-failure rate  50.0 %
  frequency            3.00 a day
  lead time            median 600.0 s, 90 % within 600.0 s
  time to restore      median 1740.0 s, 90 % within 6240.0 s
  incidents            0";
    assert_eq!(text, expected);
}

#[test]
fn a_window_counts_what_ended_in_it() {
    let all = summaries(DAY);
    let figures = DeploymentAnalytics::fold("staging", &all, Some(at(50)), Some(at(150)));
    assert_eq!((figures.deployments, figures.succeeded, figures.rolled_back), (2, 1, 1));
    let none = DeploymentAnalytics::fold("staging", &all, Some(at(2000)), None);
    assert_eq!((none.success_rate, none.per_day, none.deployments), (None, None, 0));
}

#[test]
fn prometheus_gets_a_help_a_type_and_samples() {
    let all = [DeploymentAnalytics::fold("staging", &summaries(DAY), None, None)];
    let text = DeploymentAnalytics::to_prometheus(&all);
    for line in [
        "# TYPE evergen_deployment_deployments gauge",
        "evergen_deployment_deployments{environment=\"staging\",outcome=\"succeeded\"} 3",
        "evergen_deployment_change_failure_ratio{environment=\"staging\"} 0.5",
        "evergen_deployment_lead_time_seconds{environment=\"staging\",quantile=\"0.9\"} 600",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    let empty = [DeploymentAnalytics::fold("staging", &[], None, None)];
    assert!(!DeploymentAnalytics::to_prometheus(&empty).contains("lead_time"));
    assert!(serde_json::to_string(&all).unwrap().contains("\"change_failure_rate\":0.5"));
}
