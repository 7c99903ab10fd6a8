//! What a router does when it is told something.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use evergen_deployment::{Backend, Endpoint, RouterState, Slot, TrafficCounts};
use tokio::time::{Instant, timeout_at};

use super::control::{RouterAnswer, RouterCommand, RouterStats, SlotStats};
use super::kept::{Kept, KeptError, Unfit};
use super::table::Table;

/// Longer than this nobody waits for a slot.
const LONGEST_DRAIN: Duration = Duration::from_hours(24);

/// The table, and the file that it is made of.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) table: Arc<Table>,
    path: PathBuf,
    kept: Mutex<Kept>,
    started: u64,
}

#[derive(Debug, thiserror::Error)]
enum ChangeError {
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error(transparent)]
    Kept(#[from] KeptError),
}

impl Engine {
    /// Goes on from the state file. Blocks.
    pub(crate) fn load(path: PathBuf) -> Result<Arc<Self>, KeptError> {
        let kept = Kept::load(&path)?;
        let table = Arc::new(Table::new(kept.split, &kept.blue, &kept.green));
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        Ok(Arc::new(Self { table, path, kept: Mutex::new(kept), started }))
    }

    /// Carries a command out. Dropping the future leaves a change done or not.
    pub(crate) async fn carry_out(self: &Arc<Self>, command: RouterCommand) -> RouterAnswer {
        match command {
            RouterCommand::Read {} => RouterAnswer::State(self.state()),
            RouterCommand::Stats {} => RouterAnswer::Stats(self.stats()),
            RouterCommand::Set { green } => {
                self.change(move |kept| kept.with_split(green), move |table| table.set(green)).await
            }
            RouterCommand::Point { slot, endpoints } => self.point(slot, endpoints).await,
            RouterCommand::Drain { slot, deadline_ms } => {
                self.drain(slot, Duration::from_millis(deadline_ms)).await
            }
        }
    }

    async fn point(self: &Arc<Self>, slot: Slot, endpoints: Vec<Endpoint>) -> RouterAnswer {
        let mut unique: Vec<Endpoint> = Vec::new();
        for endpoint in endpoints {
            if !unique.contains(&endpoint) {
                unique.push(endpoint);
            }
        }
        let kept = unique.clone();
        self.change(
            move |old| old.with_endpoints(slot, &kept),
            move |table| table.serve(slot, &unique),
        )
        .await
    }

    /// Makes a change: first in the file, then in effect. Changes come one after another.
    async fn change(
        self: &Arc<Self>,
        next: impl FnOnce(&Kept) -> Result<Kept, Unfit> + Send + 'static,
        apply: impl FnOnce(&Table) + Send + 'static,
    ) -> RouterAnswer {
        let this = self.clone();
        // The file is flushed under the lock, on a thread that may block.
        let change = tokio::task::spawn_blocking(move || {
            let mut kept = this.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let next = next(&kept)?;
            if *kept != next {
                next.save(&this.path).inspect_err(|_| {
                    // The new file may have its name already; what is in effect is the old.
                    let _ = kept.save(&this.path);
                })?;
                apply(&this.table);
                *kept = next;
            }
            Ok::<_, ChangeError>(())
        });
        match change.await {
            Ok(Ok(())) => RouterAnswer::Done,
            Ok(Err(ChangeError::Unfit(unfit))) => RouterAnswer::Refused { why: unfit.to_string() },
            Ok(Err(ChangeError::Kept(error))) => RouterAnswer::Failed { why: chain(&error) },
            Err(error) => RouterAnswer::Failed { why: error.to_string() },
        }
    }

    fn state(&self) -> RouterState {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let backend = |slot| {
            let active = self.table.counts(slot).in_flight.load(Ordering::SeqCst);
            Backend::new(kept.endpoints(slot).to_vec(), active)
        };
        RouterState::new(kept.split, backend(Slot::Blue), backend(Slot::Green))
    }

    fn stats(&self) -> RouterStats {
        let of = |slot| {
            let counts = self.table.counts(slot);
            // Errors before requests: what comes in between makes no more errors than requests.
            let errors = counts.errors.load(Ordering::SeqCst);
            let requests = counts.requests.load(Ordering::SeqCst);
            SlotStats {
                counts: TrafficCounts::new(requests, errors)
                    .with_latencies(counts.latencies.read()),
                abandoned: counts.abandoned.load(Ordering::Relaxed),
                active: counts.in_flight.load(Ordering::SeqCst),
                tunnels: counts.tunnels.load(Ordering::Relaxed),
            }
        };
        let (blue, green) = (of(Slot::Blue), of(Slot::Green));
        RouterStats { started: self.started, process: std::process::id(), blue, green }
    }

    async fn drain(&self, slot: Slot, deadline: Duration) -> RouterAnswer {
        let split = self.kept.lock().unwrap_or_else(PoisonError::into_inner).split;
        let permille = split.map_or(0, |split| split.of(slot));
        if permille > 0 {
            return RouterAnswer::Refused {
                why: Unfit::StillServing { slot, permille }.to_string(),
            };
        }
        self.table.close_idle(slot);
        let until = Instant::now() + deadline.min(LONGEST_DRAIN);
        let counts = self.table.counts(slot);
        loop {
            let idle = counts.idle.notified();
            tokio::pin!(idle);
            // From here on no end of a request is missed.
            idle.as_mut().enable();
            let left = counts.in_flight.load(Ordering::SeqCst);
            if left == 0 || timeout_at(until, idle).await.is_err() {
                self.table.close_idle(slot);
                let left = counts.in_flight.load(Ordering::SeqCst);
                return RouterAnswer::Drained { left };
            }
        }
    }
}

/// An error and its causes in one line, for an answer that goes out of the process.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
