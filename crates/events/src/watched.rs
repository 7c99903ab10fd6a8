//! A value that tasks and threads wait for.
//!
//! This file is compiled twice: here with the locks of the standard library, and in
//! the model check with locks whose every interleaving is tried. That is why it takes
//! them from its neighbour `sync`.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::sync::{Condvar, Mutex, MutexGuard};

/// A value behind a lock. Whoever waits looks again after each change.
///
/// The lock is held only while a closure looks at the value or changes it, never
/// across an await, and no waker is woken under it.
#[derive(Debug)]
pub(crate) struct Watched<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    value: T,
    /// The tasks that wait, each by the number of its wait.
    wakers: Vec<(u64, Waker)>,
    next: u64,
    /// How many threads wait.
    blocked: usize,
}

impl<T> Watched<T> {
    pub(crate) fn new(value: T) -> Self {
        let state = State { value, wakers: Vec::new(), next: 0, blocked: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Looks at the value.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock().value)
    }

    /// Changes the value in a way that nobody waits for.
    pub(crate) fn change_quietly<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut self.lock().value)
    }

    /// Changes the value and lets all who wait look again.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let mut state = self.lock();
        let result = change(&mut state.value);
        self.wake(state);
        result
    }

    /// Waits until `ready` gives something. It may change the value when it does.
    pub(crate) fn wait_for<R, F>(&self, ready: F) -> Wait<'_, T, F>
    where
        F: FnMut(&mut T) -> Option<R> + Unpin,
    {
        Wait { watched: self, ready, number: None, wakes: false }
    }

    /// Waits until `change` has been done, which lets all others who wait look again.
    pub(crate) fn wait_to_change<R, F>(&self, change: F) -> Wait<'_, T, F>
    where
        F: FnMut(&mut T) -> Option<R> + Unpin,
    {
        Wait { watched: self, ready: change, number: None, wakes: true }
    }

    /// Blocks the thread until `ready` gives something, which lets all others who wait look
    /// again; or until `timeout` is over, and then gives nothing.
    pub(crate) fn block_until<R>(
        &self,
        timeout: Option<Duration>,
        mut ready: impl FnMut(&mut T) -> Option<R>,
    ) -> Option<R> {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let mut state = self.lock();
        loop {
            if let Some(result) = ready(&mut state.value) {
                self.wake(state);
                return Some(result);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return None;
            }
            state.blocked += 1;
            state = self.wait(state, left);
            state.blocked -= 1;
        }
    }

    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State<T>>,
        timeout: Option<Duration>,
    ) -> MutexGuard<'a, State<T>> {
        match timeout {
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                let waited = self.changed.wait_timeout(state, timeout);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    fn wake(&self, mut state: MutexGuard<'_, State<T>>) {
        let wakers = mem::take(&mut state.wakers);
        let blocked = state.blocked > 0;
        drop(state);
        if blocked {
            self.changed.notify_all();
        }
        for (_, waker) in wakers {
            waker.wake();
        }
    }

    /// A closure that panics leaves the value as it was at that point, which all of
    /// ours can go on from.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Watched::wait_for`]. Dropping it leaves no trace.
#[must_use = "futures do nothing unless polled"]
pub(crate) struct Wait<'a, T, F> {
    watched: &'a Watched<T>,
    ready: F,
    number: Option<u64>,
    wakes: bool,
}

impl<T, R, F> Future for Wait<'_, T, F>
where
    F: FnMut(&mut T) -> Option<R> + Unpin,
{
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        let this = &mut *self;
        let mut state = this.watched.lock();
        if let Some(result) = (this.ready)(&mut state.value) {
            if let Some(number) = this.number.take() {
                state.wakers.retain(|(other, _)| *other != number);
            }
            if this.wakes {
                this.watched.wake(state);
            }
            return Poll::Ready(result);
        }
        let number = *this.number.get_or_insert_with(|| {
            state.next += 1;
            state.next
        });
        match state.wakers.iter_mut().find(|(other, _)| *other == number) {
            Some((_, waker)) => waker.clone_from(context.waker()),
            None => state.wakers.push((number, context.waker().clone())),
        }
        Poll::Pending
    }
}

impl<T, F> Drop for Wait<'_, T, F> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.watched.lock().wakers.retain(|(other, _)| *other != number);
        }
    }
}
