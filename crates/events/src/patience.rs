//! Waiting, but not for ever.

use std::future::Future;
use std::task::Poll;
use std::time::Duration;

/// Waits at most as long as `limit`. What is ready at once costs no timer.
pub(crate) async fn within<F: Future + Unpin>(limit: Duration, mut future: F) -> Option<F::Output> {
    if let Poll::Ready(output) = futures::poll!(&mut future) {
        return Some(output);
    }
    tokio::time::timeout(limit, future).await.ok()
}

/// Does blocking work where it holds nobody up: on tokio's threads for that, if there is a
/// runtime. What was begun is finished, even if the future is dropped.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return work() };
    match runtime.spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down, and with it whoever waits here.
            Err(_) => std::future::pending().await,
        },
    }
}
