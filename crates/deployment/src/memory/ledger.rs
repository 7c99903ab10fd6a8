use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    AppendError, ControlRequest, DeploymentLedger, Entry, Lease, LedgerView, LockError,
    ReadLedgerError,
};

/// A ledger in memory.
#[derive(Debug, Default)]
pub struct MemoryLedger {
    held: Arc<Mutex<bool>>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: Vec<Entry>,
    epoch: u64,
    wish: Option<ControlRequest>,
}

/// Frees the lock when it is dropped.
struct Guard(Arc<Mutex<bool>>);

impl Drop for Guard {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

impl MemoryLedger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DeploymentLedger for MemoryLedger {
    fn lock(&self) -> Result<Lease, LockError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if *held {
            return Err(LockError::Held { holder: "another task".to_owned() });
        }
        *held = true;
        let mut kept = self.kept();
        kept.epoch += 1;
        Ok(Lease::new(kept.epoch, Box::new(Guard(Arc::clone(&self.held)))))
    }

    fn is_held(&self) -> bool {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, lease: &Lease, entries: &[Entry]) -> Result<(), AppendError> {
        let mut kept = self.kept();
        if lease.epoch() != kept.epoch {
            let why = "the ledger was locked again since".to_owned();
            return Err(AppendError::Stale { epoch: lease.epoch(), why });
        }
        kept.entries.extend_from_slice(entries);
        Ok(())
    }

    fn read(&self) -> Result<LedgerView, ReadLedgerError> {
        let kept = self.kept();
        let epoch = kept.entries.iter().map(|entry| entry.epoch).max().unwrap_or_default();
        Ok(LedgerView { entries: kept.entries.clone(), epoch, ..LedgerView::default() })
    }

    fn ask(&self, request: &ControlRequest) -> Result<(), AppendError> {
        self.kept().wish = Some(request.clone());
        Ok(())
    }

    fn asked(&self, _lease: &Lease) -> Result<Option<ControlRequest>, ReadLedgerError> {
        Ok(self.kept().wish.take())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn conforms() {
        crate::conformance::check_ledger(&super::MemoryLedger::new());
    }
}
