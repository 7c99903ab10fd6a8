use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _, ready};

use crate::{
    Backend, Drained, Endpoint, RouterError, RouterState, Slot, Split, TrafficCounts, TrafficRouter,
};

/// A router that keeps its shares and moves no traffic; what its slots have answered is told
/// to it.
#[derive(Debug)]
pub struct MemoryRouter {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    shown: RouterState,
    counts: [TrafficCounts; 2],
    /// Every split that was set, the oldest first.
    splits: Vec<Split>,
}

impl Default for MemoryRouter {
    fn default() -> Self {
        let shown = RouterState::new(None, Backend::default(), Backend::default());
        let counts = [TrafficCounts::default(), TrafficCounts::default()];
        Self { state: Mutex::new(State { shown, counts, splits: Vec::new() }) }
    }
}

impl MemoryRouter {
    /// A router that sends nothing anywhere.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what a slot has answered so far.
    pub fn record(&self, slot: Slot, counts: TrafficCounts) {
        self.state().counts[usize::from(slot == Slot::Green)] = counts;
    }

    /// Every split that was set, the oldest first.
    pub fn splits(&self) -> Vec<Split> {
        self.state().splits.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn backend(&mut self, slot: Slot) -> &mut Backend {
        match slot {
            Slot::Blue => &mut self.shown.blue,
            Slot::Green => &mut self.shown.green,
        }
    }

    fn share(&self, slot: Slot) -> u16 {
        self.shown.split.map_or(0, |split| split.of(slot))
    }

    fn point(&mut self, slot: Slot, endpoints: &[Endpoint]) -> Result<(), RouterError> {
        if endpoints.is_empty() && self.share(slot) > 0 {
            let why = format!("slot {slot} has traffic; move it away before its endpoints go");
            return Err(RouterError::Refused { why });
        }
        self.backend(slot).endpoints = endpoints.to_vec();
        Ok(())
    }

    fn set(&mut self, split: Split) -> Result<(), RouterError> {
        let nobody =
            |slot: &Slot| split.of(*slot) > 0 && self.shown.backend(*slot).endpoints.is_empty();
        if let Some(slot) = Slot::BOTH.iter().find(|slot| nobody(slot)) {
            let why = format!("slot {slot} has no endpoint; start it before it gets traffic");
            return Err(RouterError::Refused { why });
        }
        self.shown.split = Some(split);
        self.splits.push(split);
        Ok(())
    }

    fn drain(&self, slot: Slot) -> Result<Drained, RouterError> {
        if self.share(slot) > 0 {
            let why = format!("slot {slot} has traffic and would never be idle");
            return Err(RouterError::Refused { why });
        }
        Ok(Drained::new(self.shown.backend(slot).active))
    }
}

impl TrafficRouter for MemoryRouter {
    fn read(&self) -> BoxFuture<'_, Result<RouterState, RouterError>> {
        ready(Ok(self.state().shown.clone())).boxed()
    }

    fn point<'a>(
        &'a self,
        slot: Slot,
        endpoints: &'a [Endpoint],
    ) -> BoxFuture<'a, Result<(), RouterError>> {
        async move { self.state().point(slot, endpoints) }.boxed()
    }

    fn set(&self, split: Split) -> BoxFuture<'_, Result<(), RouterError>> {
        async move { self.state().set(split) }.boxed()
    }

    fn drain(
        &self,
        slot: Slot,
        _deadline: Duration,
    ) -> BoxFuture<'_, Result<Drained, RouterError>> {
        async move { self.state().drain(slot) }.boxed()
    }

    fn counts(&self, slot: Slot) -> BoxFuture<'_, Result<TrafficCounts, RouterError>> {
        let counts = self.state().counts[usize::from(slot == Slot::Green)].clone();
        ready(Ok(counts)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conforms() {
        let [blue, green] = [1, 2].map(|port| Endpoint::http("127.0.0.1", port).unwrap());
        let router = MemoryRouter::new();
        futures::executor::block_on(crate::conformance::check_router(&router, &blue, &green));
    }
}
