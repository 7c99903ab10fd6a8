use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use evergen_events::Acknowledger;
use futures::future::FutureExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::graves::{DeadEvent, DeadEvents};
use super::task::chain;
use crate::scheduler::ErrandId;

type Answer = (ErrandId, Result<(), Arc<str>>);

const WAITING: usize = 1_024;
/// Shorter than the time after which the scheduler gives an order again.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Has acknowledgements and burials carried out beside the loop, in the order they came, one at
/// a time each; acknowledgements that wait are carried out together.
pub(super) struct Desk {
    pub(super) answers: mpsc::Receiver<Answer>,
    answer: mpsc::Sender<Answer>,
    acknowledgements: Option<mpsc::Sender<(ErrandId, Vec<u64>)>>,
    burials: Option<mpsc::Sender<(ErrandId, Vec<DeadEvent>)>>,
    clerks: Vec<JoinHandle<()>>,
}

impl Desk {
    pub(super) fn start(
        acknowledger: Option<Acknowledger>,
        dead_events: Arc<dyn DeadEvents>,
    ) -> Self {
        let (answer, answers) = mpsc::channel(WAITING);
        let (burials, orders) = mpsc::channel(WAITING);
        let mut clerks = vec![tokio::spawn(bury_all(dead_events, orders, answer.clone()))];
        let acknowledgements = acknowledger.map(|acknowledger| {
            let (acknowledgements, orders) = mpsc::channel(WAITING);
            clerks.push(tokio::spawn(acknowledge_all(acknowledger, orders, answer.clone())));
            acknowledgements
        });
        Self { answers, answer, acknowledgements, burials: Some(burials), clerks }
    }

    /// The answer, if there is one at once.
    pub(super) fn acknowledge(&self, errand: ErrandId, offsets: Vec<u64>) -> Option<Answer> {
        let Some(orders) = self.acknowledgements.as_ref().filter(|_| !offsets.is_empty()) else {
            return Some((errand, Ok(())));
        };
        let refused = orders.try_send((errand, offsets)).is_err();
        refused.then(|| (errand, Err("too many acknowledgements wait".into())))
    }

    /// The answer, if there is one at once.
    pub(super) fn bury(&self, errand: ErrandId, events: Vec<DeadEvent>) -> Option<Answer> {
        let orders = self.burials.as_ref();
        let sent = orders.is_some_and(|orders| orders.try_send((errand, events)).is_ok());
        (!sent).then(|| (errand, Err("too many burials wait".into())))
    }

    /// Ends the clerks. Orders that are not carried out by now are lost, and were not confirmed.
    pub(super) async fn stop(&mut self) {
        self.acknowledgements = None;
        self.burials = None;
        self.answers.close();
        for clerk in self.clerks.drain(..) {
            clerk.abort();
            // It is aborted, or has ended.
            let _ = clerk.await;
        }
        debug_assert!(self.answer.is_closed());
    }
}

async fn acknowledge_all(
    acknowledger: Acknowledger,
    mut orders: mpsc::Receiver<(ErrandId, Vec<u64>)>,
    answers: mpsc::Sender<Answer>,
) {
    let mut batch = Vec::new();
    while orders.recv_many(&mut batch, WAITING).await > 0 {
        let offsets: Vec<u64> = batch.iter().flat_map(|(_, offsets)| offsets).copied().collect();
        let asked = async {
            let done = acknowledger.acknowledge(offsets).await;
            done.map_err(|error| Arc::from(chain(&error)))
        };
        let result = attended(asked, "acknowledged").await;
        for (errand, _) in batch.drain(..) {
            if answers.send((errand, result.clone())).await.is_err() {
                return;
            }
        }
    }
}

async fn bury_all(
    dead_events: Arc<dyn DeadEvents>,
    mut orders: mpsc::Receiver<(ErrandId, Vec<DeadEvent>)>,
    answers: mpsc::Sender<Answer>,
) {
    while let Some((errand, events)) = orders.recv().await {
        let result = attended(bury_each(&*dead_events, events), "kept").await;
        if answers.send((errand, result)).await.is_err() {
            return;
        }
    }
}

/// An order to somebody else's code, which may hang or panic: the clerk goes on in any case.
async fn attended(
    order: impl Future<Output = Result<(), Arc<str>>>,
    doing: &str,
) -> Result<(), Arc<str>> {
    let caught = AssertUnwindSafe(order).catch_unwind();
    match tokio::time::timeout(TIMEOUT, caught).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(format!("a panic came while events were to be {doing}").into()),
        Err(_) => Err(format!("events were not {doing} in time").into()),
    }
}

async fn bury_each(dead_events: &dyn DeadEvents, events: Vec<DeadEvent>) -> Result<(), Arc<str>> {
    for event in events {
        dead_events.bury(event).await.map_err(|error| Arc::<str>::from(chain(&error)))?;
    }
    Ok(())
}
