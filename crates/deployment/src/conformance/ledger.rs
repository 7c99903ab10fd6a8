//! The laws of [`DeploymentLedger`], as tests for any implementation.

use jiff::Timestamp;

use crate::{AppendError, ControlRequest, DeploymentLedger, Entry, Lease, LockError, Record, Wish};

/// Tests an empty ledger.
///
/// # Panics
/// A law does not hold.
pub fn check_ledger(ledger: &dyn DeploymentLedger) {
    assert!(entries(ledger).is_empty(), "an empty ledger has no records");
    let first = lock(ledger);
    let second = ledger.lock();
    assert!(matches!(second, Err(LockError::Held { .. })), "two locks at once: {second:?}");
    assert!(ledger.is_held(), "a lock that is held is told");
    let kept = [entry(&first, "ann"), entry(&first, "bob")];
    append(ledger, &first, &kept);
    assert_eq!(entries(ledger), kept, "what was appended is read, in order");
    let epoch = first.epoch();
    let stale = Lease::new(epoch, Box::new(()));
    drop(first);
    let later = lock(ledger);
    assert!(later.epoch() > epoch, "a later lock has a higher epoch");
    append(ledger, &later, &[entry(&later, "cid")]);
    let refused = ledger.append(&stale, &[entry(&stale, "dan")]);
    assert!(matches!(refused, Err(AppendError::Stale { .. })), "a stale epoch: {refused:?}");
    assert_eq!(entries(ledger).len(), 3, "a refusal changes nothing");
    wishes_are_taken_once(ledger, &later);
}

fn wishes_are_taken_once(ledger: &dyn DeploymentLedger, lease: &Lease) {
    for wish in [Wish::Pause, Wish::Abort] {
        let request = ControlRequest::new(wish, "ann", 1);
        ledger.ask(&request).unwrap_or_else(|error| panic!("a wish was not left: {error}"));
    }
    let asked = || ledger.asked(lease).unwrap_or_else(|error| panic!("no answer: {error}"));
    assert_eq!(asked(), Some(ControlRequest::new(Wish::Abort, "ann", 1)), "the later wish");
    assert_eq!(asked(), None, "a wish is taken once");
}

fn lock(ledger: &dyn DeploymentLedger) -> Lease {
    ledger.lock().unwrap_or_else(|error| panic!("a free ledger was not locked: {error}"))
}

fn append(ledger: &dyn DeploymentLedger, lease: &Lease, entries: &[Entry]) {
    let kept = ledger.append(lease, entries);
    kept.unwrap_or_else(|error| panic!("records were not kept: {error}"));
}

fn entries(ledger: &dyn DeploymentLedger) -> Vec<Entry> {
    ledger.read().unwrap_or_else(|error| panic!("it can't be read: {error}")).entries
}

fn entry(lease: &Lease, by: &str) -> Entry {
    Entry::new(lease.epoch(), Timestamp::UNIX_EPOCH, Record::Paused { by: by.to_owned() })
}
