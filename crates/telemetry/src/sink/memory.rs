//! Keeps the latest records in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::record::Record;
use crate::sink::{SinkError, TelemetrySink};

/// Keeps the latest records, up to a number: for a live view, and for tests.
#[derive(Debug)]
pub struct MemorySink {
    capacity: usize,
    records: Mutex<VecDeque<Arc<Record>>>,
}

impl MemorySink {
    /// Keeps up to `capacity` records; the oldest go first.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, records: Mutex::default() }
    }

    /// What is kept, oldest first.
    pub fn records(&self) -> Vec<Arc<Record>> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Record>>> {
        // The list is whole after every step, so a panic elsewhere does not harm it.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TelemetrySink for MemorySink {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn accept(&self, records: &[Arc<Record>]) -> Result<(), SinkError> {
        let mut kept = self.lock();
        kept.extend(records.iter().cloned());
        let surplus = kept.len().saturating_sub(self.capacity);
        kept.drain(..surplus);
        Ok(())
    }

    fn flush(&self) -> Result<(), SinkError> {
        Ok(())
    }
}
