//! The watcher, as its user has it in hand.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use notify::{Config, RecommendedWatcher, Watcher};
use tokio::sync::oneshot;

use super::driver::{Driver, System};
use super::handover::{Bursts, handover};
use super::scope::WatchScope;
use super::signals::{Listener, Signal};
use super::{WatchError, WatchMode, WatchTiming};

/// How much is taken at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Events that wait.
    pub(super) queue: usize,
    /// Folders of whose events the system tells. Each takes a kilobyte of the kernel's
    /// memory, and other programs want some, too.
    pub(super) folders: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { queue: 32_768, folders: 50_000 }
    }
}

/// A scope, and who waits for it to be taken over.
type Order = (WatchScope, oneshot::Sender<()>);

/// What the thread that watches and others share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) stop: AtomicBool,
    /// Whether the system, or the queue, lost events.
    pub(super) lost: Arc<AtomicBool>,
    desk: Mutex<Desk>,
}

#[derive(Debug)]
struct Desk {
    orders: Vec<Order>,
    closed: bool,
    mode: WatchMode,
}

impl Shared {
    fn new() -> Self {
        let desk = Desk { orders: Vec::new(), closed: false, mode: WatchMode::Events };
        Self { stop: AtomicBool::new(false), lost: Arc::default(), desk: Mutex::new(desk) }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        // Nothing under this lock can leave it half changed.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take_orders(&self) -> Vec<Order> {
        std::mem::take(&mut self.desk().orders)
    }

    pub(super) fn set_mode(&self, mode: WatchMode) {
        self.desk().mode = mode;
    }

    /// Refuses all orders from now on.
    pub(super) fn close(&self) {
        let mut desk = self.desk();
        desk.closed = true;
        desk.orders.clear();
    }
}

/// Watches the files of a project on a thread of its own. Dropping it ends that thread,
/// and waits for it.
#[derive(Debug)]
pub(crate) struct FileWatcher {
    shared: Arc<Shared>,
    signals: SyncSender<Signal>,
    thread: Option<JoinHandle<()>>,
    /// Closes when the thread is about to end.
    done: oneshot::Receiver<()>,
}

impl FileWatcher {
    /// Looks at all files of the scope, which blocks for as long as that takes, and tells
    /// of what changes afterwards.
    ///
    /// Where the system can't watch so many folders, or not at all, stamps are compared
    /// often instead; [`mode`](Self::mode) says so.
    ///
    /// # Errors
    /// A time that can't be meant, or no thread can be started.
    pub(crate) fn start(
        scope: WatchScope,
        timing: WatchTiming,
    ) -> Result<(Self, Bursts), WatchError> {
        Self::start_within(scope, timing, Bounds::default())
    }

    pub(super) fn start_within(
        scope: WatchScope,
        timing: WatchTiming,
        bounds: Bounds,
    ) -> Result<(Self, Bursts), WatchError> {
        timing.validate()?;
        let (signals, inbox) = mpsc::sync_channel(bounds.queue);
        let (alive, ended) = mpsc::channel();
        let shared = Arc::new(Shared::new());
        let listener = Listener::new(signals.clone(), Arc::clone(&shared.lost), alive);
        let watcher = RecommendedWatcher::new(listener, Config::default());
        let system = System { watcher: watcher.map_err(|error| error.to_string()), ended };
        let (giver, bursts) = handover();
        let (done_sender, done) = oneshot::channel::<()>();
        let driver =
            Driver::start(scope, (timing, bounds), Arc::clone(&shared), inbox, system, giver);
        let work = move || {
            driver.run();
            drop(done_sender);
        };
        let thread = thread::Builder::new().name("evergen-watch".to_owned()).spawn(work);
        let thread = Some(thread.map_err(WatchError::Thread)?);
        Ok((Self { shared, signals, thread, done }, bursts))
    }

    /// Watches another scope from now on, after settings have changed.
    ///
    /// Files are not told of because they are new in the scope; run a cycle afterwards,
    /// which looks at them all. If the caller no longer waits, it is done all the same.
    ///
    /// # Errors
    /// The watcher has ended.
    pub(crate) async fn rescope(&self, scope: WatchScope) -> Result<(), WatchError> {
        let (sender, done) = oneshot::channel();
        {
            let mut desk = self.shared.desk();
            if desk.closed {
                return Err(WatchError::Ended);
            }
            desk.orders.push((scope, sender));
        }
        self.wake();
        done.await.map_err(|_| WatchError::Ended)
    }

    /// How changes become known at present.
    pub(crate) fn mode(&self) -> WatchMode {
        self.shared.desk().mode.clone()
    }

    /// Ends the watching, and waits until its threads have ended. A burst that is not over
    /// is not told of any more.
    pub(crate) async fn stop(mut self) {
        self.ask_to_stop();
        // An error says that the thread is about to end, which is what is waited for.
        let _ended = (&mut self.done).await;
    }

    fn ask_to_stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        // If there is no room, the thread is awake.
        let _awake = self.signals.try_send(Signal::Wake);
    }

    /// What the system's events go to.
    #[cfg(test)]
    pub(super) fn listener(&self) -> Listener {
        let (alive, _) = mpsc::channel();
        Listener::new(self.signals.clone(), Arc::clone(&self.shared.lost), alive)
    }
}

impl Drop for FileWatcher {
    fn drop(&mut self) {
        self.ask_to_stop();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that watches files has panicked");
        }
    }
}
