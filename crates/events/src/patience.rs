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
