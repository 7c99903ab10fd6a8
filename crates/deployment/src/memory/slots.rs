use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _, ready};

use crate::{
    Endpoint, Instance, ReleaseId, Running, Slot, SlotError, SlotRuntime, SlotStatus,
    StagedRelease, StepContext,
};

/// Slots in which releases "run" as entries of a table.
///
/// Of the laws it can't keep the one that a release outlives the deployer's process;
/// clone an `Arc` of it to let one outlive a deployer.
#[derive(Debug, Default)]
pub struct MemorySlots {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    running: BTreeMap<Slot, Running>,
    broken: BTreeSet<ReleaseId>,
    started: u16,
}

impl MemorySlots {
    /// Two empty slots.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on this release ends as soon as it is started.
    pub fn let_fail(&self, release: ReleaseId) {
        self.table().broken.insert(release);
    }

    /// Ends what runs in a slot, as when a machine dies.
    pub fn kill(&self, slot: Slot) {
        self.table().running.remove(&slot);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn start(&mut self, slot: Slot, release: &StagedRelease) -> Result<Running, SlotError> {
        match self.running.get(&slot) {
            Some(running) if running.release == release.id => return Ok(running.clone()),
            Some(running) => return Err(SlotError::Occupied { slot, release: running.release }),
            None => {}
        }
        if self.broken.contains(&release.id) {
            return Err(SlotError::NotReady { slot, why: "it ended with status 1".to_owned() });
        }
        self.started = self.started.wrapping_add(1);
        let port = 10_000 + self.started % 50_000;
        let endpoint = Endpoint::http("127.0.0.1", port).ok();
        let instance = Instance::new(format!("memory-{}", self.started), endpoint);
        let running = Running::new(release.id, vec![instance]);
        self.running.insert(slot, running.clone());
        Ok(running)
    }
}

impl SlotRuntime for MemorySlots {
    fn start<'a>(
        &'a self,
        slot: Slot,
        release: &'a StagedRelease,
        _context: &'a StepContext,
    ) -> BoxFuture<'a, Result<Running, SlotError>> {
        async move { self.table().start(slot, release) }.boxed()
    }

    fn inspect(&self, slot: Slot) -> BoxFuture<'_, Result<SlotStatus, SlotError>> {
        let running = self.table().running.get(&slot).cloned();
        let status = running.map_or(SlotStatus::Empty, |running| SlotStatus::Occupied {
            running,
            ready: true,
            why: String::new(),
        });
        ready(Ok(status)).boxed()
    }

    fn stop(&self, slot: Slot, _grace: Duration) -> BoxFuture<'_, Result<(), SlotError>> {
        async move {
            self.kill(slot);
            Ok(())
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use evergen_artifact::Digest;
    use jiff::Timestamp;

    use super::*;
    use crate::{Provenance, Version};

    #[test]
    fn conforms() {
        let release = |text: &str| {
            let id = ReleaseId::new(Digest::of(text.as_bytes()));
            let provenance = Provenance::new(Timestamp::UNIX_EPOCH, "a test");
            StagedRelease::new(id, Version::parse(text).unwrap(), "".into(), provenance)
        };
        let slots = MemorySlots::new();
        let [one, two] = ["1.0", "2.0"].map(release);
        let laws = crate::conformance::check_slots(&slots, &one, &two);
        futures::executor::block_on(laws);
    }
}
