//! From settings, parts and a state to a plan. Pure.

use std::time::Duration;

use evergen_artifact::Digest;

use super::automation::Site;
use super::parts::Target;
use crate::{
    Action, EnvironmentState, LivePoint, Plan, PlanKind, PlannedStep, ReleaseId, Side, Slot, Split,
    Version,
};

/// How long steps on our own disk may take.
const DISK: Duration = Duration::from_mins(10);

/// What is to come into use, and why.
#[derive(Clone, Debug)]
pub(super) struct Aim {
    pub(super) kind: PlanKind,
    pub(super) release: ReleaseId,
    pub(super) version: Version,
}

/// Makes the plan. For a release that is live already there is nothing to do, unless it is not
/// `in_use`, or runs with other settings than those of now.
pub(super) fn plan(site: &Site, state: &EnvironmentState, aim: &Aim, in_use: bool) -> Plan {
    let slot = state.next_slot();
    let live = state.live.clone();
    let is_same = |live: &LivePoint| live.release == aim.release && !runs_with_others(site, live);
    let unchanged = in_use && live.as_ref().is_some_and(is_same);
    let steps = if unchanged {
        Vec::new()
    } else {
        Steps { site, slot, first: live.is_none(), kind: aim.kind, list: Vec::new() }.all()
    };
    Plan {
        environment: site.settings.name.clone(),
        kind: aim.kind,
        release: aim.release,
        version: aim.version.clone(),
        slot,
        live,
        after: state.deployments,
        settings: site.digest,
        runs_with: site.runs_with,
        restores_data: site.settings.restore_data,
        steps,
    }
}

/// Whether what is live runs with other settings than those of now, as far as that is known.
pub(super) fn runs_with_others(site: &Site, live: &LivePoint) -> bool {
    let pair = site.runs_with.zip(live.runs_with);
    pair.is_some_and(|(now, then)| now != then)
}

/// A digest over all settings that an environment is deployed by.
pub(super) fn settings_digest(settings: &impl serde::Serialize) -> Digest {
    // Settings were read from a text, so they can be written as one.
    Digest::of(&serde_json::to_vec(settings).unwrap_or_default())
}

struct Steps<'a> {
    site: &'a Site,
    slot: Slot,
    first: bool,
    kind: PlanKind,
    list: Vec<PlannedStep>,
}

impl Steps<'_> {
    fn all(mut self) -> Vec<PlannedStep> {
        self.prepare();
        self.protect_data();
        self.start();
        self.shift();
        self.push(Action::Commit, DISK);
        self.push(Action::Publish, DISK);
        self.retire();
        self.list
    }

    fn push(&mut self, action: Action, deadline: Duration) {
        let most = Duration::from_secs(self.site.longest_seconds);
        self.list.push(PlannedStep::new(action, deadline.min(most)));
    }

    fn slots(&self) -> bool {
        matches!(self.site.parts.target, Target::Slots { .. })
    }

    /// A way back is as short as it can be: what ran before needs no gate and no test.
    fn goes_back(&self) -> bool {
        self.kind == PlanKind::Rollback
    }

    fn prepare(&mut self) {
        let site = self.site;
        let deadline = Duration::from_secs(site.settings.deadlines.command_seconds);
        if !self.goes_back() {
            let asked = site.validates != Some(false);
            for validator in site.parts.validators.iter().filter(|_| asked) {
                self.push(Action::Validate { hook: validator.name().to_owned() }, deadline);
            }
        }
        self.push(Action::Stage, DISK);
        for hook in &site.parts.before {
            self.push(Action::RunBefore { hook: hook.name().to_owned() }, deadline);
        }
    }

    fn protect_data(&mut self) {
        let site = self.site;
        let deadline = Duration::from_secs(site.settings.deadlines.data_seconds);
        if self.goes_back() {
            return;
        }
        for provider in &site.parts.backups {
            let provider = provider.name().to_owned();
            self.push(Action::BackUp { provider: provider.clone() }, deadline);
            self.push(Action::Prove { provider }, deadline);
        }
        if !site.parts.backups.is_empty() {
            self.push(Action::Discard { keep: site.settings.keep }, deadline);
        }
        for migrator in &site.parts.migrators {
            let migration = migrator.name().to_owned();
            self.push(Action::Expand { migration: migration.clone() }, deadline);
            let sides = if self.first { &[Side::New][..] } else { &[Side::Old, Side::New] };
            for &side in sides {
                self.push(Action::CheckSchema { migration: migration.clone(), side }, deadline);
            }
        }
    }

    fn start(&mut self) {
        let site = self.site;
        let deadlines = &site.settings.deadlines;
        if self.slots() {
            self.push(Action::Start, Duration::from_secs(deadlines.start_seconds));
        }
        let probes: Vec<String> =
            site.first_probes().into_iter().map(|(setting, _)| setting.name).collect();
        if !probes.is_empty() {
            self.push(Action::Check { probes }, Duration::from_secs(deadlines.health_seconds));
        }
        if !self.goes_back() && site.tests {
            for hook in &site.parts.tests {
                let deadline = Duration::from_secs(deadlines.command_seconds);
                self.push(Action::Test { hook: hook.name().to_owned() }, deadline);
            }
        }
    }

    /// The first release gets all at once: nobody else could take the rest. So does a
    /// folder, which is current or not, and what is gone back to, since it is wanted soon.
    fn shift(&mut self) {
        let site = self.site;
        let whole = self.first || !self.slots() || self.goes_back();
        let steps = if whole { &[100][..] } else { &site.settings.traffic_steps };
        for percent in steps {
            let share = percent.saturating_mul(10).min(Split::WHOLE);
            let Ok(split) = Split::giving(self.slot, share) else { continue };
            self.push(Action::Shift { split }, DISK);
            let (dwell_ms, probes) = (site.settings.dwell_ms, site.probe_names());
            let comparison = &site.settings.comparison;
            let compares = comparison.enabled && !whole && (dwell_ms > 0 || comparison.required);
            if dwell_ms > 0 || compares || !probes.is_empty() {
                let health = Duration::from_secs(site.settings.deadlines.health_seconds);
                let deadline = Duration::from_millis(dwell_ms) + health;
                self.push(Action::Watch { split, dwell_ms, probes, compares }, deadline);
            }
        }
    }

    fn retire(&mut self) {
        let site = self.site;
        let deadlines = &site.settings.deadlines;
        if self.slots() && !self.first {
            self.push(Action::Drain, Duration::from_secs(deadlines.drain_seconds + 5));
            self.push(Action::Stop, Duration::from_secs(2 * deadlines.stop_seconds + 30));
        }
        if !self.goes_back() {
            for migrator in &site.parts.migrators {
                let migration = migrator.name().to_owned();
                let deadline = Duration::from_secs(deadlines.data_seconds);
                self.push(Action::Contract { migration }, deadline);
            }
        }
        for hook in &site.parts.after {
            let deadline = Duration::from_secs(deadlines.command_seconds);
            self.push(Action::RunAfter { hook: hook.name().to_owned() }, deadline);
        }
        self.push(Action::Collect { keep: site.settings.keep }, DISK);
    }
}
