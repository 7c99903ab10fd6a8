//! Who answers the next request, and what is known of those that were answered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use evergen_deployment::{Endpoint, Slot, Split};

use tokio::sync::Notify;

use super::affinity::thousandth;
use super::latency::Latencies;
use super::pool::Replica;

/// The routes, and the counts of each slot.
#[derive(Debug)]
pub(crate) struct Table {
    routes: RwLock<Routes>,
    draws: AtomicU64,
    slots: [Arc<SlotCounts>; 2],
}

#[derive(Clone, Debug)]
struct Routes {
    split: Option<Split>,
    replicas: [Arc<[Arc<Replica>]>; 2],
}

/// What is counted of one slot since the router started.
#[derive(Debug, Default)]
pub(crate) struct SlotCounts {
    /// Requests that were answered, well or not.
    pub(crate) requests: AtomicU64,
    /// Those that failed: no connection, no answer in time, a status of 500 or more, or a body
    /// that broke off.
    pub(crate) errors: AtomicU64,
    /// Requests that their client gave up before they were answered.
    pub(crate) abandoned: AtomicU64,
    /// Requests that are being answered, and upgraded connections.
    pub(crate) in_flight: AtomicU64,
    /// Upgraded connections among them.
    pub(crate) tunnels: AtomicU64,
    /// Told whenever nothing is in flight any more.
    pub(crate) idle: Notify,
    /// Times from the arrival of a request to the head of its answer.
    pub(crate) latencies: Latencies,
}

const fn index(slot: Slot) -> usize {
    match slot {
        Slot::Blue => 0,
        Slot::Green => 1,
    }
}

impl Table {
    pub(crate) fn new(split: Option<Split>, blue: &[Endpoint], green: &[Endpoint]) -> Self {
        let fresh = |endpoints: &[Endpoint]| endpoints.iter().cloned().map(Replica::new).collect();
        let routes = Routes { split, replicas: [fresh(blue), fresh(green)] };
        Self { routes: RwLock::new(routes), draws: AtomicU64::new(0), slots: Default::default() }
    }

    /// Changes the split, for all requests that are drawn from now on.
    pub(crate) fn set(&self, split: Split) {
        self.routes.write().unwrap_or_else(PoisonError::into_inner).split = Some(split);
    }

    /// Changes who answers for `slot`. Replicas that stay keep their connections.
    pub(crate) fn serve(&self, slot: Slot, endpoints: &[Endpoint]) {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let known = &routes.replicas[index(slot)];
        let kept = |endpoint: &Endpoint| known.iter().find(|replica| replica.endpoint == *endpoint);
        let replicas = endpoints.iter().map(|endpoint| {
            kept(endpoint).cloned().unwrap_or_else(|| Replica::new(endpoint.clone()))
        });
        routes.replicas[index(slot)] = replicas.collect();
    }

    /// Draws the slot of a request and counts it in. None if there is no split yet, or nobody answers
    /// for that slot.
    ///
    /// Both happen under one lock, so whoever sets a split and then finds a slot idle knows
    /// that nothing is on its way into it.
    pub(crate) fn draw(&self, point: Option<u16>) -> Option<Ticket> {
        let point = point.unwrap_or_else(|| self.next_point());
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        let green = routes.split?.of(Slot::Green);
        let slot = if point < green { Slot::Green } else { Slot::Blue };
        let replicas = routes.replicas[index(slot)].clone();
        if replicas.is_empty() {
            return None;
        }
        let counts = self.slots[index(slot)].clone();
        counts.in_flight.fetch_add(1, Ordering::SeqCst);
        drop(routes);
        Some(Ticket { counts, replicas, since: Instant::now(), state: TicketState::Waiting })
    }

    /// Multiples of the golden ratio: any run of draws is spread evenly over the whole.
    fn next_point(&self) -> u16 {
        let draw = self.draws.fetch_add(1, Ordering::Relaxed);
        thousandth(draw.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn counts(&self, slot: Slot) -> &SlotCounts {
        &self.slots[index(slot)]
    }

    /// Closes the connections to `slot` that nobody uses.
    pub(crate) fn close_idle(&self, slot: Slot) {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        let replicas = routes.replicas[index(slot)].clone();
        drop(routes);
        replicas.iter().for_each(|replica| replica.close_idle());
    }
}

/// One request that is counted in its slot until this is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    counts: Arc<SlotCounts>,
    replicas: Arc<[Arc<Replica>]>,
    since: Instant,
    state: TicketState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TicketState {
    Waiting,
    Answered { failed: bool },
}

impl Ticket {
    /// The replicas of the slot, the least busy first.
    pub(crate) fn candidates(&self) -> Vec<Arc<Replica>> {
        let mut candidates = self.replicas.to_vec();
        if let [_, _, ..] = candidates.as_slice() {
            let turn = fastrand::usize(..candidates.len());
            candidates.rotate_left(turn);
            candidates.sort_by_key(|replica| replica.busy());
        }
        candidates
    }

    /// Counts the answer; a failure that shows later is still counted by [`fail`](Self::fail).
    pub(crate) fn answered(&mut self, failed: bool) {
        if self.state != TicketState::Waiting {
            return;
        }
        self.state = TicketState::Answered { failed };
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        self.counts.latencies.record(self.since.elapsed());
        if failed {
            self.counts.errors.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a failure, at most one for a request.
    pub(crate) fn fail(&mut self) {
        match self.state {
            TicketState::Waiting => self.answered(true),
            TicketState::Answered { failed: true } => {}
            TicketState::Answered { failed: false } => {
                self.state = TicketState::Answered { failed: true };
                self.counts.errors.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Counts the request as an upgraded connection for as long as the answer lives.
    pub(crate) fn into_tunnel(self) -> TunnelTicket {
        self.counts.tunnels.fetch_add(1, Ordering::Relaxed);
        TunnelTicket(self)
    }

    /// How long ago the request came.
    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.state == TicketState::Waiting {
            self.counts.abandoned.fetch_add(1, Ordering::Relaxed);
        }
        if self.counts.in_flight.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.counts.idle.notify_waiters();
        }
    }
}

/// An upgraded connection, counted until this is dropped.
#[derive(Debug)]
pub(crate) struct TunnelTicket(Ticket);

impl Drop for TunnelTicket {
    fn drop(&mut self) {
        self.0.counts.tunnels.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(green: u16) -> Table {
        let endpoint = |port| [Endpoint::http("127.0.0.1", port).unwrap()];
        Table::new(Split::giving(Slot::Green, green).ok(), &endpoint(1), &endpoint(2))
    }

    fn greens(table: &Table, draws: u32) -> u32 {
        let tickets: Vec<_> = (0..draws).map(|_| table.draw(None).unwrap()).collect();
        let green: *const SlotCounts = table.counts(Slot::Green);
        let found = tickets.iter().map(|ticket| u32::from(Arc::as_ptr(&ticket.counts) == green));
        found.sum()
    }

    #[test]
    fn any_run_of_requests_is_shared_as_the_split_says() {
        for green in [0, 1, 100, 333, 500, 999, 1000] {
            let table = table(green);
            for run in [1000, 700, 1000] {
                let share = f64::from(run) * f64::from(green) / 1000.0;
                let found = f64::from(greens(&table, run));
                assert!((found - share).abs() <= 4.0, "{found} of {run} at {green}");
            }
        }
    }

    #[test]
    fn a_share_of_nothing_gets_nothing_and_all_gets_all() {
        assert_eq!(greens(&table(0), 20_000), 0);
        assert_eq!(greens(&table(1000), 20_000), 20_000);
        let fixed = table(100);
        let counted = |point| {
            let _ticket = fixed.draw(Some(point)).unwrap();
            fixed.counts(Slot::Green).in_flight.load(Ordering::SeqCst)
        };
        assert_eq!([counted(99), counted(100)], [1, 0]);
    }

    #[test]
    fn a_request_is_in_flight_until_its_ticket_is_dropped_and_counted_once() {
        let table = table(1000);
        let counts = table.counts(Slot::Green);
        let mut ticket = table.draw(None).unwrap();
        ticket.answered(false);
        ticket.answered(true);
        ticket.fail();
        ticket.fail();
        assert_eq!(counts.in_flight.load(Ordering::SeqCst), 1);
        drop(ticket);
        drop(table.draw(None));
        let read = |count: &AtomicU64| count.load(Ordering::SeqCst);
        let all =
            [&counts.in_flight, &counts.requests, &counts.errors, &counts.abandoned].map(read);
        assert_eq!(all, [0, 1, 1, 1]);
    }
}
