//! The laws of [`Regenerator`], as tests for any implementation.

#![expect(clippy::panic, reason = "a law that does not hold ends the test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use evergen_events::{ChangeEvent, OffsetSet};
use futures::executor::block_on;
use uuid::Uuid;

use crate::regenerator::{Prepared, QueuedEvent, Regenerator, Work};

/// What can be seen from outside: paths and bytes.
pub type Visible = BTreeMap<String, Vec<u8>>;

/// An implementation under test.
pub struct Subject {
    /// The implementation.
    pub regenerator: Arc<dyn Regenerator>,
    /// Looks at what is visible.
    pub look: Box<dyn Fn() -> Visible>,
    /// Makes an event that changes what is visible, another one for each number.
    pub event: Box<dyn Fn(u64) -> ChangeEvent>,
}

/// Tests an implementation. `make` gives a new one each time.
///
/// # Panics
/// A law does not hold.
pub fn check(make: &mut dyn FnMut() -> Subject) {
    nothing_is_visible_before_the_commit(&make());
    what_is_discarded_or_dropped_leaves_nothing(&make());
    work_that_comes_again_changes_nothing(&make());
    a_proposal_tells_what_will_be_visible(&make());
}

fn prepare(subject: &Subject, numbers: &[u64]) -> Box<dyn Prepared> {
    let events: Vec<QueuedEvent> = numbers.iter().map(|number| queued(subject, *number)).collect();
    let key = subject.regenerator.key(&(subject.event)(numbers[0]));
    let work = Work::new(Uuid::now_v7(), key, events, 1);
    block_on(subject.regenerator.prepare(work)).unwrap_or_else(|error| panic!("prepare: {error}"))
}

fn queued(subject: &Subject, number: u64) -> QueuedEvent {
    let mut offsets = OffsetSet::new();
    offsets.insert(number);
    QueuedEvent::new(offsets, Arc::new((subject.event)(number)))
}

fn commit(prepared: Box<dyn Prepared>) {
    block_on(prepared.commit()).unwrap_or_else(|error| panic!("commit: {error}"));
}

fn nothing_is_visible_before_the_commit(subject: &Subject) {
    let before = (subject.look)();
    let prepared = prepare(subject, &[1]);
    assert_eq!((subject.look)(), before, "visible before the commit");
    commit(prepared);
    assert_ne!((subject.look)(), before, "invisible after the commit");
}

fn what_is_discarded_or_dropped_leaves_nothing(subject: &Subject) {
    commit(prepare(subject, &[1]));
    let before = (subject.look)();
    block_on(prepare(subject, &[2]).discard());
    assert_eq!((subject.look)(), before, "discarded work is visible");
    drop(prepare(subject, &[3]));
    // What comes after a dropped piece of work waits for it to be gone.
    block_on(prepare(subject, &[2]).discard());
    assert_eq!((subject.look)(), before, "dropped work is visible");
}

fn work_that_comes_again_changes_nothing(subject: &Subject) {
    commit(prepare(subject, &[1]));
    let before = (subject.look)();
    let again = prepare(subject, &[1]);
    assert!(again.proposed().is_empty(), "work that comes again has something to change");
    commit(again);
    assert_eq!((subject.look)(), before, "work that comes again has an effect");
}

fn a_proposal_tells_what_will_be_visible(subject: &Subject) {
    let prepared = prepare(subject, &[1]);
    let mut expected = (subject.look)();
    for change in &**prepared.proposed() {
        match change.bytes() {
            Some(bytes) => expected.insert(change.path.to_string(), bytes.to_vec()),
            None => expected.remove(change.path.as_str()),
        };
    }
    commit(prepared);
    assert_eq!((subject.look)(), expected, "the proposal was not what came");
}
