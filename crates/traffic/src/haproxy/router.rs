use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use evergen_deployment::{
    Drained, Endpoint, RouterError, RouterState, Slot, Split, TrafficCounts, TrafficRouter,
};
use evergen_resilience::SettingsError;
use futures::future::{BoxFuture, FutureExt as _};
use tokio::time::{Instant, sleep};

use super::plan::{Plan, Server, Unfit};
use super::report::{self, ServerCounts, ServerState};
use super::settings::HaproxySettings;
use super::socket;
use crate::durable;

/// Between two looks at a slot that drains.
const LOOK: Duration = Duration::from_millis(10);

/// Shares requests by the weights of HAProxy's servers, without a reload.
///
/// Every change is first in the file from which HAProxy starts, so that one that is killed
/// comes back with it; then in HAProxy itself, the gaining side first; and is then read
/// back. One deployer at a time may use it, as for every environment.
#[derive(Clone, Debug)]
pub struct HaproxyRouter {
    settings: Arc<HaproxySettings>,
}

/// The file with the backend can't be written or read.
#[derive(Debug, thiserror::Error)]
#[error("can't {action} `{}`", path.display())]
struct FileError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// HAProxy refused a command.
#[derive(Debug, thiserror::Error)]
#[error("HAProxy was told `{command}` and says: {answer}")]
struct CommandRefused {
    command: String,
    answer: String,
}

impl HaproxyRouter {
    /// A router by these settings. Nothing is touched yet.
    ///
    /// # Errors
    /// A setting is out of range.
    pub fn new(settings: HaproxySettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self { settings: Arc::new(settings) })
    }

    /// Writes the file with our backend unless it is there, so that HAProxy can be started.
    /// In it nobody gets any traffic.
    ///
    /// # Errors
    /// The file can't be looked for or written.
    pub async fn prepare(&self) -> Result<(), RouterError> {
        let action = "prepare the file of HAProxy";
        if self.file(action, durable::read).await?.is_none() {
            self.save(action, &Plan::default()).await?;
        }
        Ok(())
    }

    /// Does something with the file, on a thread that may block.
    async fn file<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce(&std::path::Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, RouterError> {
        let path = self.settings.file.clone();
        let done = tokio::task::spawn_blocking(move || work(&path)).await;
        done.map_err(io::Error::other).flatten().map_err(|source| {
            let source = FileError { action: "use", path: self.settings.file.clone(), source };
            RouterError::Unavailable { action, source: Box::new(source) }
        })
    }

    async fn save(&self, action: &'static str, plan: &Plan) -> Result<(), RouterError> {
        let text = plan.file(&self.settings).map_err(|unfit| refused(&unfit))?;
        self.file(action, move |path| durable::write(path, text.as_bytes())).await
    }

    async fn say(&self, action: &'static str, command: &str) -> Result<String, RouterError> {
        let said = socket::say(&self.settings.socket, command, self.settings.patience).await;
        said.map_err(|error| RouterError::Unavailable { action, source: Box::new(error) })
    }

    /// Says a command that is answered by nothing, or by a text that begins so.
    async fn order(&self, action: &'static str, command: String) -> Result<(), RouterError> {
        let answer = self.say(action, &command).await?;
        let answer = answer.trim();
        let good = ["IP changed", "port changed", "no need to change"];
        if answer.is_empty() || good.iter().any(|text| answer.contains(text)) {
            return Ok(());
        }
        let answer = answer.chars().take(200).collect();
        let source = Box::new(CommandRefused { command, answer });
        Err(RouterError::Unavailable { action, source })
    }

    async fn servers(&self, action: &'static str) -> Result<Vec<ServerState>, RouterError> {
        let command = format!("show servers state {}", self.settings.backend);
        let answer = self.say(action, &command).await?;
        report::servers(&answer).ok_or_else(|| nonsense(action, &answer))
    }

    async fn server_counts(&self, action: &'static str) -> Result<Vec<ServerCounts>, RouterError> {
        // 4 stands for servers, and -1 for all of them.
        let command = format!("show stat {} 4 -1", self.settings.backend);
        let answer = self.say(action, &command).await?;
        report::counts(&answer).ok_or_else(|| nonsense(action, &answer))
    }

    async fn state(&self, action: &'static str) -> Result<RouterState, RouterError> {
        let (servers, counts) = (self.servers(action).await?, self.server_counts(action).await?);
        Ok(report::state(&servers, &counts))
    }

    async fn plan(&self, action: &'static str) -> Result<Plan, RouterError> {
        let RouterState { split, blue, green, .. } = self.state(action).await?;
        Ok(Plan { split, blue: blue.endpoints, green: green.endpoints })
    }

    /// Brings HAProxy from one plan to another: the file, the gaining side, the losing side;
    /// then reads back. When it fails, the file says again what it said before.
    async fn change(
        &self,
        action: &'static str,
        (old, new): (&Plan, &Plan),
    ) -> Result<(), RouterError> {
        let servers = new.servers(self.settings.replicas).map_err(|unfit| refused(&unfit))?;
        self.save(action, new).await?;
        let applied = self.apply(action, &servers, gaining(old, new)).await;
        if applied.is_err()
            && let Err(error) = self.save(action, old).await
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the file keeps the new split"
            );
        }
        applied
    }

    async fn apply(
        &self,
        action: &'static str,
        servers: &[Server],
        gaining: Slot,
    ) -> Result<(), RouterError> {
        let known = self.servers(action).await?;
        for slot in [gaining, gaining.other()] {
            for server in servers.iter().filter(|server| server.slot == slot) {
                let before = known.iter().find(|known| known.name == server.name);
                self.apply_one(action, server, before).await?;
            }
        }
        let known = self.servers(action).await?;
        let differs = |server: &&Server| {
            let now = known.iter().find(|known| known.name == server.name);
            now.is_none_or(|now| !is_in_effect(server, now))
        };
        let Some(server) = servers.iter().find(differs) else { return Ok(()) };
        let now = known.iter().find(|known| known.name == server.name);
        let does = now.map_or_else(|| "no such server".to_owned(), |now| format!("{now:?}"));
        Err(RouterError::NotInEffect { told: format!("{server:?}"), does })
    }

    /// Gives a server its address, then its weight, then its state; what is as it should be is
    /// left alone. One that goes out of use loses its weight first.
    async fn apply_one(
        &self,
        action: &'static str,
        server: &Server,
        before: Option<&ServerState>,
    ) -> Result<(), RouterError> {
        let at = format!("set server {}/{}", self.settings.backend, server.name);
        let Server { address, port, weight, used, .. } = server;
        if before.is_none_or(|before| before.weight != *weight) && !used {
            self.order(action, format!("{at} weight {weight}")).await?;
        }
        if !used && before.is_none_or(|before| !before.maintained) {
            self.order(action, format!("{at} state maint")).await?;
        }
        if before.is_none_or(|before| (before.address, before.port) != (*address, *port)) {
            self.order(action, format!("{at} addr {address} port {port}")).await?;
        }
        if *used && before.is_none_or(|before| before.weight != *weight) {
            self.order(action, format!("{at} weight {weight}")).await?;
        }
        if *used && *weight > 0 && before.is_none_or(|before| !before.takes) {
            self.order(action, format!("{at} state ready")).await?;
        }
        Ok(())
    }
}

impl TrafficRouter for HaproxyRouter {
    fn read(&self) -> BoxFuture<'_, Result<RouterState, RouterError>> {
        self.state("read the state of HAProxy").boxed()
    }

    fn point<'a>(
        &'a self,
        slot: Slot,
        endpoints: &'a [Endpoint],
    ) -> BoxFuture<'a, Result<(), RouterError>> {
        async move {
            let action = "point HAProxy to a slot";
            let old = self.plan(action).await?;
            let new = old.with_endpoints(slot, endpoints).map_err(|unfit| refused(&unfit))?;
            self.change(action, (&old, &new)).await
        }
        .boxed()
    }

    fn set(&self, split: Split) -> BoxFuture<'_, Result<(), RouterError>> {
        async move {
            let action = "set the split of HAProxy";
            let old = self.plan(action).await?;
            let new = old.with_split(split).map_err(|unfit| refused(&unfit))?;
            self.change(action, (&old, &new)).await
        }
        .boxed()
    }

    fn drain(&self, slot: Slot, deadline: Duration) -> BoxFuture<'_, Result<Drained, RouterError>> {
        async move {
            let action = "drain a slot of HAProxy";
            let until = Instant::now() + deadline.min(Duration::from_hours(24));
            let permille = self.plan(action).await?.share(slot);
            if permille > 0 {
                return Err(refused(&Unfit::StillServing { slot, permille }));
            }
            loop {
                let left = report::active(slot, &self.server_counts(action).await?);
                if left == 0 {
                    break;
                }
                if Instant::now() >= until {
                    return Ok(Drained::new(left));
                }
                sleep(LOOK).await;
            }
            // From here on not even a session that sticks to the slot comes back to it.
            for number in 1..=self.settings.replicas {
                let server = format!("{}/{slot}{number}", self.settings.backend);
                self.order(action, format!("set server {server} state maint")).await?;
            }
            Ok(Drained::new(report::active(slot, &self.server_counts(action).await?)))
        }
        .boxed()
    }

    fn counts(&self, slot: Slot) -> BoxFuture<'_, Result<TrafficCounts, RouterError>> {
        async move {
            let counts = self.server_counts("read the counts of HAProxy").await?;
            let of = counts.iter().filter(|server| report::slot_of(&server.name) == Some(slot));
            Ok(of.fold(TrafficCounts::default(), |mut sum, server| {
                sum.requests += server.counts.requests;
                sum.errors += server.counts.errors;
                sum
            }))
        }
        .boxed()
    }
}

/// The slot whose servers are brought up first.
fn gaining(old: &Plan, new: &Plan) -> Slot {
    match (old.split, new.split) {
        (Some(old), Some(new)) => new.gaining(old).unwrap_or(Slot::Blue),
        (None, Some(new)) => new.sole().unwrap_or(Slot::Blue),
        _ => Slot::Blue,
    }
}

fn is_in_effect(server: &Server, now: &ServerState) -> bool {
    let placed = (now.address, now.port) == (server.address, server.port);
    let state = if server.used { now.takes || server.weight == 0 } else { now.maintained };
    placed && now.weight == server.weight && state
}

fn refused(unfit: &Unfit) -> RouterError {
    RouterError::Refused { why: unfit.to_string() }
}

fn nonsense(action: &'static str, answer: &str) -> RouterError {
    RouterError::Nonsense { action, answer: answer.trim().chars().take(200).collect() }
}
