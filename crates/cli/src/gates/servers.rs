//! The servers of the gates that stay warm, which somebody must end.

use std::sync::{Arc, Mutex, PoisonError};

use evergen_quality_gates::ServerGate;
use evergen_quality_gates::adapters::ReadyAdapter;
use futures::future::join_all;

/// The gates of one loop that keep a server. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Servers {
    gates: Arc<Mutex<Vec<Arc<ServerGate<ReadyAdapter>>>>>,
}

impl Servers {
    /// Takes a gate in, whose server is then ended with the others.
    pub(super) fn adopt(&self, gate: ServerGate<ReadyAdapter>) -> Arc<ServerGate<ReadyAdapter>> {
        let gate = Arc::new(gate);
        self.gates.lock().unwrap_or_else(PoisonError::into_inner).push(gate.clone());
        gate
    }

    /// Ends all servers, and waits until they are gone: for less than a second.
    pub(super) async fn close(&self) {
        let gates = std::mem::take(&mut *self.gates.lock().unwrap_or_else(PoisonError::into_inner));
        join_all(gates.iter().map(|gate| gate.close())).await;
    }
}
