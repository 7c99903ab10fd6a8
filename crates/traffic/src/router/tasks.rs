//! The tasks of a router: each of them is ended and joined with it.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Owns tasks. They are asked to finish first, and are cut off by [`abort`](Self::abort).
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    /// Tasks that go on as long as anybody needs them, and are not waited for.
    servants: TaskTracker,
    finish: CancellationToken,
    abort: CancellationToken,
}

impl Tasks {
    /// Runs a task until it ends or is cut off.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(until(self.abort.clone(), task));
    }

    /// Runs a task that serves others: once they are done, it is cut off.
    pub(crate) fn spawn_servant(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.servants.spawn(until(self.abort.clone(), task));
    }

    /// Ends when tasks are asked to finish.
    pub(crate) async fn finishing(&self) {
        self.finish.cancelled().await;
    }

    /// Asks all tasks to finish, waits up to `grace`, cuts off the rest and joins them.
    /// Returns how many were cut off.
    pub(crate) async fn finish(&self, grace: std::time::Duration) -> usize {
        self.finish.cancel();
        self.tracker.close();
        let all_done = tokio::time::timeout(grace, self.tracker.wait()).await.is_ok();
        let left = if all_done { 0 } else { self.tracker.len() };
        self.abort.cancel();
        self.tracker.wait().await;
        self.servants.close();
        self.servants.wait().await;
        left
    }
}

async fn until(abort: CancellationToken, task: impl Future<Output = ()>) {
    tokio::select! {
        () = task => {}
        () = abort.cancelled() => {}
    }
}
