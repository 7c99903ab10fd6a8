//! What really is, against what the ledger says.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::automation::Site;
use super::effects::{cause, traffic};
use super::parts::Target;
use super::planning::runs_with_others;
use crate::{CauseKind, EnvironmentState, ReleaseId, ReleaseName, RouterState, Slot, SlotStatus};

/// How long a look at a slot or a router may take.
pub(super) const LOOKING: Duration = Duration::from_secs(5);

/// What really is against what the ledger says.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Drift {
    /// Each difference, in words; empty if there is none.
    pub differences: Vec<String>,
    /// What the router does, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub router: Option<RouterState>,
    /// What runs in the slots, where there are such.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<(Slot, SlotStatus)>,
}

/// Looks at what really is, as far as that is quick.
pub(super) async fn look(site: &Arc<Site>, state: &EnvironmentState) -> Drift {
    let mut drift = Drift::default();
    let store = Arc::clone(&site.parts.store);
    let current = spawn_blocking(move || store.current()).await;
    let live = state.live.as_ref();
    match current {
        Ok(Ok(current)) if state.open.is_none() && current != live.map(|live| live.release) => {
            let shown = |release: Option<ReleaseId>| {
                release.map_or_else(|| "nothing".to_owned(), ReleaseId::short)
            };
            drift.differences.push(format!(
                "`current` is {}, and the ledger says {}",
                shown(current),
                shown(live.map(|live| live.release))
            ));
        }
        Ok(Ok(_)) => drift.differences.extend(gone(site, state).await),
        Ok(Err(error)) => drift.differences.push(error.to_string()),
        Err(error) => drift.differences.push(error.to_string()),
    }
    if let Target::Slots { runtime, router } = &site.parts.target {
        for slot in Slot::BOTH {
            match timeout(LOOKING, runtime.inspect(slot)).await {
                Ok(Ok(status)) => drift.slots.push((slot, status)),
                Ok(Err(error)) => drift.differences.push(cause(CauseKind::Start, &error).why),
                Err(_) => drift.differences.push(format!("slot {slot} does not tell what it runs")),
            }
        }
        match timeout(LOOKING, router.read()).await {
            Ok(Ok(state)) => drift.router = Some(state),
            Ok(Err(error)) => drift.differences.push(traffic(&error).why),
            Err(_) => drift.differences.push("the router does not tell what it does".to_owned()),
        }
        if state.open.is_none() {
            compare_slots(state, &mut drift);
        }
        let settled = live.filter(|_| state.open.is_none());
        if let Some(live) = settled.filter(|live| runs_with_others(site, live)) {
            drift.differences.push(format!(
                "{} runs with other settings than those of now; deploy it again to bring them into \
                 use",
                live.version
            ));
        }
    }
    drift
}

fn compare_slots(state: &EnvironmentState, drift: &mut Drift) {
    for (slot, status) in &drift.slots {
        let meant = state.live.as_ref().filter(|live| live.slot == *slot);
        let meant = meant.map(|live| live.release);
        if status.release() != meant {
            let shown = |release: Option<ReleaseId>| {
                release.map_or_else(|| "nothing".to_owned(), ReleaseId::short)
            };
            drift.differences.push(format!(
                "slot {slot} runs {}, and should run {}",
                shown(status.release()),
                shown(meant)
            ));
        }
    }
    let live = state.live.as_ref().map(|live| live.slot);
    let ailing = drift.slots.iter().find_map(|(slot, status)| match status {
        SlotStatus::Occupied { ready: false, why, .. } if Some(*slot) == live => {
            Some(format!("slot {slot} is not as it was started: {why}"))
        }
        _ => None,
    });
    drift.differences.extend(ailing);
    let split = drift.router.as_ref().and_then(|router| router.split);
    let meant = state.live.as_ref().map(|live| crate::Split::all(live.slot));
    if let (Some(router), Some(meant)) = (&drift.router, meant)
        && router.split != Some(meant)
    {
        let does = split.map_or_else(|| "nothing".to_owned(), |split| split.to_string());
        drift.differences.push(format!("the router does {does}, and should do {meant}"));
    }
}

/// Says that the files of what is live are gone from the store.
async fn gone(site: &Arc<Site>, state: &EnvironmentState) -> Option<String> {
    let live = state.live.clone().filter(|_| state.open.is_none())?;
    let store = Arc::clone(&site.parts.store);
    let found = spawn_blocking(move || store.find(&ReleaseName::Id(live.release))).await;
    let missing = matches!(found, Ok(Ok(None)));
    missing.then(|| format!("the files of {} are gone; deploy it again", live.version))
}
