//! Connections that have left HTTP, and streams that may not stand still.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// How long a side may be silent whose other side has ended.
const HALF_CLOSED: Duration = Duration::from_secs(5);

/// Passes bytes on in both directions until both have ended, one broke, or neither moved
/// for `limit`.
pub(crate) async fn run<A, B>(client: A, mut replica: B, limit: Duration)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let began = Instant::now();
    let (moved, half) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut client = Watched { inner: client, began, moved: moved.clone(), half: half.clone() };
    let passing = copy_bidirectional(&mut client, &mut replica);
    tokio::pin!(passing);
    loop {
        let limit = if half.load(Ordering::Relaxed) { limit.min(HALF_CLOSED) } else { limit };
        let last = || began + Duration::from_millis(moved.load(Ordering::Relaxed));
        // A side that ends shortens the wait, so it is looked for now and then.
        let look_at = (last() + limit).min(Instant::now() + HALF_CLOSED);
        tokio::select! {
            ended = &mut passing => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "an upgraded connection broke");
                }
                return;
            }
            () = sleep_until(look_at) => {}
        }
        if last() + limit <= Instant::now() {
            tracing::debug!(?limit, "an upgraded connection was silent for too long");
            return;
        }
    }
}

/// Notes when bytes moved.
struct Watched<S> {
    inner: S,
    began: Instant,
    /// Milliseconds after the beginning.
    moved: Arc<AtomicU64>,
    /// Set when one of the two sides has ended.
    half: Arc<AtomicBool>,
}

impl<S> Watched<S> {
    fn note(&self) {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(millis, Ordering::Relaxed);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.inner).poll_read(context, buffer));
        self.note();
        if buffer.filled().len() == before {
            self.half.store(true, Ordering::Relaxed);
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, bytes));
        self.note();
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The other side has nothing more to say.
        self.half.store(true, Ordering::Relaxed);
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// A stream to a client that fails when the client takes nothing for a while.
pub(crate) struct Patient<S> {
    inner: S,
    limit: Duration,
    /// Set while a write waits.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(crate) fn new(inner: S, limit: Duration) -> Self {
        Self { inner, limit, timer: None }
    }

    fn waited<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.timer = None;
            return written;
        }
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.waited(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.waited(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
