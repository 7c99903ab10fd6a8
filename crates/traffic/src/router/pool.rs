//! One replica, and the connections to it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use evergen_deployment::Endpoint;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::body::Upload;
use super::tasks::Tasks;

pub(crate) type Connection = SendRequest<Upload>;

/// How long connections to a replica may take and be kept.
#[derive(Clone, Debug)]
pub(crate) struct PoolLimits {
    pub(crate) connect: Duration,
    pub(crate) response: Duration,
    pub(crate) keep_alive: Duration,
    pub(crate) idle: usize,
}

/// One process that answers, and its idle connections.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) endpoint: Endpoint,
    idle: Mutex<Vec<Idle>>,
    busy: AtomicUsize,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
}

/// A request that got no answer.
#[derive(Debug)]
pub(crate) enum SendFailure {
    /// No byte of it was sent; here it is again.
    NotSent(Box<Request<Upload>>, SendFault),
    /// It was sent, and may have had an effect.
    Sent(SendFault),
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SendFault {
    #[error("no connection")]
    Connect(#[source] std::io::Error),
    #[error("no connection in time")]
    ConnectTimeout,
    #[error("no HTTP on the connection")]
    Handshake(#[source] hyper::Error),
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    #[error("no answer in time")]
    ResponseTimeout,
}

/// An answer, and the connection that is free again when its body has ended.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) response: Response<Incoming>,
    pub(crate) lease: Lease,
}

impl Replica {
    pub(crate) fn new(endpoint: Endpoint) -> Arc<Self> {
        Arc::new(Self { endpoint, idle: Mutex::default(), busy: AtomicUsize::new(0) })
    }

    /// How many requests it is answering.
    pub(crate) fn busy(&self) -> usize {
        self.busy.load(Ordering::Relaxed)
    }

    /// Sends a request over an idle connection, or else a new one.
    ///
    /// An idle connection may turn out to be closed at its other end. As long as no byte
    /// was sent, the next one is taken, whatever the request's method.
    pub(crate) async fn send(
        self: &Arc<Self>,
        mut request: Request<Upload>,
        limits: &PoolLimits,
        tasks: &Tasks,
    ) -> Result<Answered, SendFailure> {
        let mut busy = Lease::new(self.clone(), limits);
        loop {
            let (connection, fresh) = match self.take_idle(limits) {
                Some(connection) => (connection, false),
                None => match self.connect(limits, tasks).await {
                    Ok(connection) => (connection, true),
                    Err(fault) => return Err(SendFailure::NotSent(Box::new(request), fault)),
                },
            };
            let connection = busy.connection.insert(connection);
            let sending = connection.try_send_request(request);
            match timeout(limits.response, sending).await {
                Err(_) => return Err(SendFailure::Sent(SendFault::ResponseTimeout)),
                Ok(Ok(response)) => return Ok(Answered { response, lease: busy }),
                Ok(Err(mut error)) => match (error.take_message(), fresh) {
                    (Some(again), false) => request = again,
                    (Some(again), true) => {
                        let fault = SendFault::Broken(error.into_error());
                        return Err(SendFailure::NotSent(Box::new(again), fault));
                    }
                    (None, _) => {
                        return Err(SendFailure::Sent(SendFault::Broken(error.into_error())));
                    }
                },
            }
        }
    }

    async fn connect(&self, limits: &PoolLimits, tasks: &Tasks) -> Result<Connection, SendFault> {
        let connecting = TcpStream::connect(self.endpoint.authority());
        let stream = timeout(limits.connect, connecting)
            .await
            .map_err(|_| SendFault::ConnectTimeout)?
            .map_err(SendFault::Connect)?;
        // Without it small writes wait for acknowledgements; a failure costs only time.
        let _ = stream.set_nodelay(true);
        let (connection, driver) =
            http1::handshake(TokioIo::new(stream)).await.map_err(SendFault::Handshake)?;
        tasks.spawn_servant(async move {
            if let Err(error) = driver.with_upgrades().await {
                tracing::debug!(%error, "a connection to a replica ended");
            }
        });
        Ok(connection)
    }

    /// The connection that was used last, if it is still good.
    fn take_idle(&self, limits: &PoolLimits) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|kept| {
            !kept.connection.is_closed() && kept.since.elapsed() < limits.keep_alive
        });
        let ready = idle.iter().rposition(|kept| kept.connection.is_ready())?;
        Some(idle.remove(ready).connection)
    }

    fn give_back(&self, connection: Connection, most: usize) {
        if connection.is_closed() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < most {
            idle.push(Idle { connection, since: Instant::now() });
        }
    }

    /// Closes the connections that nobody uses.
    pub(crate) fn close_idle(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        drop(idle);
    }
}

/// A connection in use. Dropping it closes the connection; [`end`](Self::end) keeps it.
#[derive(Debug)]
pub(crate) struct Lease {
    replica: Arc<Replica>,
    connection: Option<Connection>,
    most: usize,
}

impl Lease {
    fn new(replica: Arc<Replica>, limits: &PoolLimits) -> Self {
        replica.busy.fetch_add(1, Ordering::Relaxed);
        Self { replica, connection: None, most: limits.idle }
    }

    /// Keeps the connection for the next request: the body of the answer has ended.
    pub(crate) fn end(mut self) {
        if let Some(connection) = self.connection.take() {
            self.replica.give_back(connection, self.most);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.replica.busy.fetch_sub(1, Ordering::Relaxed);
    }
}
