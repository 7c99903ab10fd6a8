//! Bodies on their way through, which may not stand still for ever.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use super::pool::Lease;
use super::table::Ticket;

/// A body broke off, or stood still.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyFault {
    #[error("the body broke off")]
    Broken(#[source] hyper::Error),
    #[error("the body stood still for {0:?}")]
    Stalled(Duration),
}

/// A body that fails when nothing comes for a while.
#[derive(Debug)]
struct Moving {
    inner: Incoming,
    limit: Duration,
    /// Only a body that had to wait has a timer.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Moving {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) {
            if let Some(timer) = &mut self.timer {
                timer.as_mut().reset(Instant::now() + self.limit);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(BodyFault::Broken)));
        }
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Some(Err(BodyFault::Stalled(limit))))
    }
}

/// The body of a request on its way to a replica.
#[derive(Debug)]
pub(crate) struct Upload(Moving);

impl Upload {
    pub(crate) fn new(inner: Incoming, limit: Duration) -> Self {
        Self(Moving { inner, limit, timer: None })
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        self.get_mut().0.poll(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.inner.size_hint()
    }
}

/// The body of an answer on its way to the client. The request counts as in flight until
/// this is dropped; then its connection is kept if the body has come to its end.
#[derive(Debug)]
pub(crate) struct Download {
    body: Moving,
    ticket: Ticket,
    lease: Option<Lease>,
}

impl Download {
    pub(crate) fn new(inner: Incoming, limit: Duration, ticket: Ticket, lease: Lease) -> Self {
        Self { body: Moving { inner, limit, timer: None }, ticket, lease: Some(lease) }
    }

    fn end(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.end();
        }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let this = self.get_mut();
        let frame = ready!(this.body.poll(context));
        match &frame {
            None => this.end(),
            Some(Err(_)) => {
                this.lease = None;
                this.ticket.fail();
            }
            Some(Ok(_)) => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.inner.size_hint()
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        // Whoever writes the body need not ask for a frame behind the last one.
        if self.body.inner.is_end_stream() {
            self.end();
        }
    }
}
