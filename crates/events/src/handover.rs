//! How publishers hand their work to the thread that commits it.
//!
//! Compiled twice, as [`super::watched`] is, for the model check.

use std::collections::VecDeque;
use std::time::Duration;

use super::watched::Watched;

/// A bounded queue from many tasks to one thread, which takes as much as there is.
#[derive(Debug)]
pub(crate) struct Handover<C> {
    queue: Watched<Queue<C>>,
}

#[derive(Debug)]
struct Queue<C> {
    items: VecDeque<(C, usize)>,
    weight: usize,
    capacity: usize,
    closed: bool,
}

/// The thread takes nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

impl<C> Handover<C> {
    /// A queue for items that together weigh no more than `capacity`.
    pub(crate) fn new(capacity: usize) -> Self {
        let queue = Queue { items: VecDeque::new(), weight: 0, capacity, closed: false };
        Self { queue: Watched::new(queue) }
    }

    /// Waits for room, and takes the item out of `item`. One that alone weighs more than
    /// the capacity has room in an empty queue.
    pub(crate) fn push<'a>(
        &'a self,
        item: &'a mut Option<C>,
        weight: usize,
    ) -> impl Future<Output = Result<(), Closed>> + Unpin + 'a {
        self.queue.wait_to_change(move |queue| queue.push(item, weight))
    }

    /// Blocks until there is something, and takes items that weigh `most` together, or the
    /// first alone if it weighs more. `None` when the queue is closed and empty.
    pub(crate) fn take(&self, most: usize) -> Option<Vec<C>> {
        self.queue.block_until(None, |queue| {
            if queue.items.is_empty() {
                return queue.closed.then_some(None);
            }
            Some(Some(queue.take(most)))
        })?
    }

    /// Blocks until items of that weight wait, or the time is over.
    pub(crate) fn linger(&self, weight: usize, time: Duration) {
        let enough = |queue: &mut Queue<C>| (queue.weight >= weight || queue.closed).then_some(());
        self.queue.block_until(Some(time), enough);
    }

    /// How much waits.
    pub(crate) fn weight(&self) -> usize {
        self.queue.look(|queue| queue.weight)
    }

    /// Takes nothing more. What is in the queue is taken out of it still.
    pub(crate) fn close(&self) {
        self.queue.change(|queue| queue.closed = true);
    }
}

impl<C> Queue<C> {
    fn push(&mut self, item: &mut Option<C>, weight: usize) -> Option<Result<(), Closed>> {
        if self.closed {
            return Some(Err(Closed));
        }
        if self.weight + weight > self.capacity && !self.items.is_empty() {
            return None;
        }
        self.weight += weight;
        self.items.push_back((item.take()?, weight));
        Some(Ok(()))
    }

    fn take(&mut self, most: usize) -> Vec<C> {
        let (mut taken, mut weight) = (Vec::new(), 0);
        while let Some((item, own)) = self.items.pop_front() {
            if weight + own > most && !taken.is_empty() {
                self.items.push_front((item, own));
                break;
            }
            weight += own;
            taken.push(item);
        }
        self.weight -= weight;
        taken
    }
}
