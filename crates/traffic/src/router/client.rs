use std::io;
use std::path::PathBuf;
use std::time::Duration;

use evergen_deployment::{
    Drained, Endpoint, RouterError, RouterState, Slot, Split, TrafficCounts, TrafficRouter,
};
use futures::future::{BoxFuture, FutureExt as _};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::control::{RouterAnswer, RouterCommand, RouterStats};

/// No answer is longer: it names at most 512 endpoints.
const LONGEST_ANSWER: u64 = 1024 * 1024;

/// Tells a [`Router`](crate::Router) what to do, in this process or another.
#[derive(Clone, Debug)]
pub struct RouterClient {
    socket: PathBuf,
    patience: Duration,
}

/// The socket of a router does not answer.
#[derive(Debug, thiserror::Error)]
enum Unreachable {
    #[error("no router listens at `{}`; start it", path.display())]
    NoRouter {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the router at `{}` broke off", path.display())]
    Broken {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the router at `{}` did not answer within {patience:?}", path.display())]
    Silent { path: PathBuf, patience: Duration },
    #[error("the router answered: {why}")]
    Failed { why: String },
}

impl RouterClient {
    /// A client of the router with this control socket. It waits five seconds for an answer.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into(), patience: Duration::from_secs(5) }
    }

    /// Sets how long it waits for an answer.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// What the router has counted since it started, of both slots.
    ///
    /// # Errors
    /// It can't be reached, or its answer makes no sense.
    pub async fn stats(&self) -> Result<RouterStats, RouterError> {
        let action = "read the router's counts";
        match self.ask(action, &RouterCommand::Stats {}, Duration::ZERO).await? {
            RouterAnswer::Stats(stats) => Ok(stats),
            other => Err(unexpected(action, other)),
        }
    }

    async fn tell(&self, action: &'static str, command: &RouterCommand) -> Result<(), RouterError> {
        match self.ask(action, command, Duration::ZERO).await? {
            RouterAnswer::Done => Ok(()),
            other => Err(unexpected(action, other)),
        }
    }

    /// Asks once, and waits `longer` than for other answers.
    async fn ask(
        &self,
        action: &'static str,
        command: &RouterCommand,
        longer: Duration,
    ) -> Result<RouterAnswer, RouterError> {
        let unavailable = |source| RouterError::Unavailable { action, source: Box::new(source) };
        let patience = self.patience.saturating_add(longer);
        let line = timeout(patience, self.exchange(command)).await;
        let silent = |_| Unreachable::Silent { path: self.socket.clone(), patience };
        let line = line.map_err(silent).flatten().map_err(unavailable)?;
        serde_json::from_slice(&line).map_err(|_| {
            let answer = String::from_utf8_lossy(&line).trim().chars().take(200).collect();
            RouterError::Nonsense { action, answer }
        })
    }

    async fn exchange(&self, command: &RouterCommand) -> Result<Vec<u8>, Unreachable> {
        let path = || self.socket.clone();
        let mut stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|source| Unreachable::NoRouter { path: path(), source })?;
        let broken = |source| Unreachable::Broken { path: path(), source };
        let mut text = serde_json::to_vec(command).map_err(|error| broken(error.into()))?;
        text.push(b'\n');
        stream.write_all(&text).await.map_err(broken)?;
        let mut line = Vec::new();
        let mut answer = BufReader::new(&mut stream).take(LONGEST_ANSWER);
        answer.read_until(b'\n', &mut line).await.map_err(broken)?;
        if line.is_empty() {
            return Err(broken(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(line)
    }
}

fn unexpected(action: &'static str, answer: RouterAnswer) -> RouterError {
    match answer {
        RouterAnswer::Refused { why } => RouterError::Refused { why },
        RouterAnswer::Failed { why } => {
            RouterError::Unavailable { action, source: Box::new(Unreachable::Failed { why }) }
        }
        other => RouterError::Nonsense { action, answer: format!("{other:?}") },
    }
}

impl TrafficRouter for RouterClient {
    fn read(&self) -> BoxFuture<'_, Result<RouterState, RouterError>> {
        async move {
            let action = "read the router's state";
            match self.ask(action, &RouterCommand::Read {}, Duration::ZERO).await? {
                RouterAnswer::State(state) => Ok(state),
                other => Err(unexpected(action, other)),
            }
        }
        .boxed()
    }

    fn point<'a>(
        &'a self,
        slot: Slot,
        endpoints: &'a [Endpoint],
    ) -> BoxFuture<'a, Result<(), RouterError>> {
        let command = RouterCommand::Point { slot, endpoints: endpoints.to_vec() };
        async move { self.tell("point the router to a slot", &command).await }.boxed()
    }

    fn set(&self, split: Split) -> BoxFuture<'_, Result<(), RouterError>> {
        async move {
            let command = RouterCommand::Set { green: split };
            self.tell("set the router's split", &command).await?;
            let does = self.read().await?.split;
            if does == Some(split) {
                return Ok(());
            }
            let does = does.map_or_else(|| "no split".to_owned(), |split| split.to_string());
            Err(RouterError::NotInEffect { told: split.to_string(), does })
        }
        .boxed()
    }

    fn drain(&self, slot: Slot, deadline: Duration) -> BoxFuture<'_, Result<Drained, RouterError>> {
        async move {
            let action = "drain a slot of the router";
            let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
            let command = RouterCommand::Drain { slot, deadline_ms };
            match self.ask(action, &command, deadline).await? {
                RouterAnswer::Drained { left } => Ok(Drained::new(left)),
                other => Err(unexpected(action, other)),
            }
        }
        .boxed()
    }

    fn counts(&self, slot: Slot) -> BoxFuture<'_, Result<TrafficCounts, RouterError>> {
        async move { Ok(self.stats().await?.of(slot).counts.clone()) }.boxed()
    }
}
