use std::fs::File;
use std::io;
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evergen_deployment::{
    Endpoint, Instance, Running, Secret, Slot, SlotError, SlotRuntime, SlotStatus, StagedRelease,
    StepContext, Variables,
};
use evergen_resilience::SettingsError;
use futures::future::{BoxFuture, FutureExt as _};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use super::launch::{self, LaunchError, Placeholders};
use super::proc::{self, Listener, ProcessId};
use super::ready;
use super::record::{Record, Records, Started, tail};
use super::settings::{ProcessSettings, pace};

/// Runs releases as processes of this machine, which outlive whoever starts them.
///
/// What runs is known by a record in the folder of the settings and by a variable that all
/// processes of a run inherit. The record is written before the first process is started, so
/// nothing runs that `inspect` and `stop` don't find; and its processes are known by number and
/// time of start, so nothing else is ever taken for them.
///
/// A process that empties its environment, starts a session of its own and loses its parent is
/// not found.
#[derive(Clone, Debug)]
pub struct ProcessSlots {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: ProcessSettings,
    records: Records,
    /// Processes whose parent we are: they stay in the system's table until we look at them.
    children: Mutex<Vec<Child>>,
}

/// What the record says, and what really runs of it.
struct Seen {
    record: Record,
    members: Vec<ProcessId>,
}

/// How many processes are remembered that have ended.
const CHILDREN_KEPT: usize = 256;

/// The right to change a slot, for as long as anything that changes it goes on.
type Held = Arc<File>;

impl ProcessSlots {
    /// Slots with these settings. Nothing is touched yet.
    ///
    /// # Errors
    /// A setting is out of range.
    pub fn new(settings: ProcessSettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        let records = Records::new(settings.folder.clone());
        Ok(Self { inner: Arc::new(Inner { settings, records, children: Mutex::default() }) })
    }

    /// Where the output of a replica goes, counted from 0.
    pub fn log(&self, slot: Slot, replica: u16) -> std::path::PathBuf {
        self.inner.records.log(slot, replica)
    }

    /// Does something that blocks, on a thread for it.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> T + Send + 'static,
    ) -> io::Result<T> {
        let inner = self.inner.clone();
        tokio::task::spawn_blocking(move || work(&inner)).await.map_err(io::Error::other)
    }

    async fn hold(&self, slot: Slot, action: &'static str) -> Result<Held, SlotError> {
        let until = Instant::now() + pace::LOCK;
        loop {
            let held = self.blocking(move |inner| inner.records.lock(slot)).await.flatten();
            match held {
                // Any process that this one is just starting has the file until it is its program.
                Err(error)
                    if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < until =>
                {
                    sleep(pace::LOOK).await;
                }
                held => {
                    return held.map(Arc::new).map_err(|error| unavailable(slot, action, error));
                }
            }
        }
    }

    async fn look(&self, slot: Slot, action: &'static str) -> Result<Option<Seen>, SlotError> {
        let seen = self.blocking(move |inner| inner.look(slot)).await.flatten();
        seen.map_err(|error| unavailable(slot, action, error))
    }

    async fn run(
        &self,
        slot: Slot,
        release: &StagedRelease,
        context: &StepContext,
    ) -> Result<Running, SlotError> {
        // What fails must still be cleared away within the deadline.
        let spare = (context.deadline / 5).min(pace::FAILED + Duration::from_secs(1));
        let until = Instant::now() + context.deadline.saturating_sub(spare);
        let held = self.hold(slot, "start").await?;
        let given = context.variables.clone();
        let read = self.blocking(move |inner| launch::secrets(&inner.settings, &given)).await;
        let secrets = read.map_err(|error| unavailable(slot, "start", error))?;
        if let Some(seen) = self.look(slot, "start").await? {
            if !seen.members.is_empty() && seen.record.release != release.id {
                return Err(SlotError::Occupied { slot, release: seen.record.release });
            }
            if seen.is_whole() {
                let secrets = secrets.unwrap_or_else(|_| context.variables.clone());
                return self.finish(slot, seen.record, &secrets, until, &held).await;
            }
            // What was left by a start that was cut short, or by a process that died.
            self.clear(slot, Duration::ZERO, &held).await?;
        }
        let secrets = secrets.map_err(|error| SlotError::Setup { slot, why: error.to_string() })?;
        let launched = {
            let (release, secrets, held) = (release.clone(), secrets.clone(), held.clone());
            self.blocking(move |inner| {
                let launched = inner.launch(slot, &release, &secrets);
                drop(held);
                launched
            })
        };
        match launched.await.map_err(|error| unavailable(slot, "start", error)) {
            Ok(Ok(record)) => self.finish(slot, record, &secrets, until, &held).await,
            Ok(Err(error)) | Err(error) => {
                self.clear(slot, Duration::ZERO, &held).await?;
                Err(error)
            }
        }
    }

    /// Waits until all processes of a record are ready, or else clears the slot.
    async fn finish(
        &self,
        slot: Slot,
        mut record: Record,
        secrets: &Variables,
        until: Instant,
        held: &Held,
    ) -> Result<Running, SlotError> {
        if let Err(why) = self.wait(slot, &record, until).await {
            self.clear(slot, pace::FAILED, held).await?;
            return Err(SlotError::NotReady { slot, why: redacted(&why, secrets) });
        }
        let running = self.inner.running(&record);
        if !record.complete {
            record.complete = true;
            let saved =
                self.blocking(move |inner| inner.records.save(slot, &record)).await.flatten();
            if let Err(error) = saved {
                self.clear(slot, pace::FAILED, held).await?;
                return Err(unavailable(slot, "start", error));
            }
        }
        Ok(running)
    }

    async fn wait(&self, slot: Slot, record: &Record, until: Instant) -> Result<(), String> {
        loop {
            let faults = self.faults(record).await?;
            let Some((replica, fault)) = faults.into_iter().next() else { return Ok(()) };
            let over = match &fault {
                Fault::Ended(status) => format!("replica {replica} ended with {status}"),
                Fault::Waiting(why) if Instant::now() >= until => {
                    format!("replica {replica} was not ready in time: {why}")
                }
                Fault::Waiting(_) => {
                    sleep(pace::LOOK).await;
                    continue;
                }
            };
            let log = self.inner.records.log(slot, replica);
            let end = self.blocking(move |_| tail(&log)).await.unwrap_or_default();
            let end = if end.is_empty() { "it printed nothing".to_owned() } else { end };
            return Err(format!("{over}; the end of its output:\n{end}"));
        }
    }

    /// What keeps the processes of a record from being ready, the worst first.
    async fn faults(&self, record: &Record) -> Result<Vec<(u16, Fault)>, String> {
        let looked = record.clone();
        let states = self.blocking(move |inner| inner.states(&looked)).await.flatten();
        let states = states.map_err(|error| format!("can't look at its processes: {error}"))?;
        let mut faults = Vec::new();
        for ((replica, started), fault) in (0..).zip(&record.replicas).zip(states) {
            let fault = match fault {
                None => {
                    let at = (self.inner.settings.host.as_str(), started.port);
                    let asked = ready::ask(&self.inner.settings.readiness, at, pace::ANSWER).await;
                    asked.err().map(Fault::Waiting)
                }
                known => known,
            };
            faults.extend(fault.map(|fault| (replica, fault)));
        }
        faults.sort_by_key(|(_, fault)| matches!(fault, Fault::Waiting(_)));
        Ok(faults)
    }

    /// Ends all that is left in a slot, and forgets it.
    async fn clear(&self, slot: Slot, grace: Duration, held: &Held) -> Result<(), SlotError> {
        let stages = [(Signal::TERM, grace), (Signal::KILL, pace::FORCE)];
        for (signal, patience) in stages {
            let until = Instant::now() + patience;
            // Once is enough for a signal that asks; force must also meet what is born meanwhile.
            let mut told = false;
            loop {
                let left =
                    self.look(slot, "stop").await?.map_or_else(Vec::new, |seen| seen.members);
                if left.is_empty() {
                    return self.forget(slot, held).await;
                }
                if !told || signal == Signal::KILL {
                    told = true;
                    self.signal(&left, signal).await;
                }
                if Instant::now() >= until {
                    break;
                }
                sleep(pace::LOOK).await;
            }
        }
        let left = self.look(slot, "stop").await?.map_or_else(Vec::new, |seen| {
            seen.members.iter().map(|member| identity(*member, &seen.record.boot)).collect()
        });
        if left.is_empty() {
            self.forget(slot, held).await
        } else {
            Err(SlotError::NotStopped { slot, left })
        }
    }

    async fn signal(&self, members: &[ProcessId], signal: Signal) {
        let members = members.to_vec();
        let sent = self.blocking(move |_| {
            for member in members {
                if let Err(error) = proc::send(member, signal) {
                    // Whoever can't be reached is found again, and reported as left.
                    tracing::warn!(process = %member, %error, "a signal was not sent");
                }
            }
        });
        let _ = sent.await;
    }

    async fn forget(&self, slot: Slot, held: &Held) -> Result<(), SlotError> {
        let held = held.clone();
        let forgotten = self.blocking(move |inner| {
            inner.reap();
            let removed = inner.records.remove(slot);
            drop(held);
            removed
        });
        forgotten.await.flatten().map_err(|error| unavailable(slot, "stop", error))
    }
}

impl SlotRuntime for ProcessSlots {
    fn start<'a>(
        &'a self,
        slot: Slot,
        release: &'a StagedRelease,
        context: &'a StepContext,
    ) -> BoxFuture<'a, Result<Running, SlotError>> {
        self.run(slot, release, context).boxed()
    }

    fn inspect(&self, slot: Slot) -> BoxFuture<'_, Result<SlotStatus, SlotError>> {
        async move {
            let Some(seen) = self.look(slot, "inspect").await? else {
                return Ok(SlotStatus::Empty);
            };
            if seen.members.is_empty() {
                return Ok(SlotStatus::Empty);
            }
            let running = self.inner.what_runs(&seen);
            let why = if seen.is_whole() {
                let faults = self.faults(&seen.record).await;
                let faults =
                    faults.map_err(|why| unavailable(slot, "inspect", io::Error::other(why)))?;
                faults
                    .into_iter()
                    .next()
                    .map(|(replica, fault)| format!("replica {replica}: {fault}"))
            } else {
                Some("some of its processes are gone, or its start was cut short".to_owned())
            };
            let (ready, why) = (why.is_none(), why.unwrap_or_default());
            Ok(SlotStatus::Occupied { running, ready, why })
        }
        .boxed()
    }

    fn stop(&self, slot: Slot, grace: Duration) -> BoxFuture<'_, Result<(), SlotError>> {
        async move {
            let held = self.hold(slot, "stop").await?;
            self.clear(slot, grace, &held).await
        }
        .boxed()
    }
}

/// Why a process takes no requests.
#[derive(Debug)]
enum Fault {
    Ended(String),
    Waiting(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ended(status) => write!(formatter, "it ended with {status}"),
            Self::Waiting(why) => formatter.write_str(why),
        }
    }
}

impl Seen {
    /// Whether every process that was started runs, and all were.
    fn is_whole(&self) -> bool {
        let started = &self.record.replicas;
        self.record.complete && started.iter().all(|known| self.members.contains(&known.process))
    }
}

impl Inner {
    fn look(&self, slot: Slot) -> io::Result<Option<Seen>> {
        self.reap();
        let Some(record) = self.records.load(slot)? else { return Ok(None) };
        // Nothing outlives the system it ran on.
        let members = if record.boot == proc::boot()? {
            proc::members(&record.mark, &record.leaders())?
        } else {
            Vec::new()
        };
        Ok(Some(Seen { record, members }))
    }

    /// Starts all processes of a slot. The record is there before they are.
    fn launch(
        &self,
        slot: Slot,
        release: &StagedRelease,
        secrets: &Variables,
    ) -> Result<Record, SlotError> {
        let io = |error| unavailable(slot, "start", error);
        let setup = |error: LaunchError| match error {
            LaunchError::Ended { .. } => SlotError::NotReady { slot, why: error.to_string() },
            other => SlotError::Setup { slot, why: other.to_string() },
        };
        let ports = launch::free_ports(&self.settings).map_err(setup)?;
        let mut record = Record::new(proc::boot().map_err(io)?, release.id);
        self.records.save(slot, &record).map_err(io)?;
        for (replica, port) in (0..).zip(ports) {
            let log = self.records.open_log(slot, replica).map_err(LaunchError::Log);
            let log = log.map_err(setup)?;
            let place = Placeholders { slot, replica, port, release };
            let launched = launch::launch(&self.settings, &place, (&record.mark, secrets), &log);
            let (child, process) = launched.map_err(|error| match setup(error) {
                SlotError::NotReady { slot, why } => {
                    let end = tail(&self.records.log(slot, replica));
                    let why = format!("replica {replica} {why}; the end of its output:\n{end}");
                    SlotError::NotReady { slot, why: redacted(&why, secrets) }
                }
                other => other,
            })?;
            self.children.lock().unwrap_or_else(PoisonError::into_inner).push(child);
            record.replicas.push(Started { process, port });
        }
        self.records.save(slot, &record).map_err(io)?;
        Ok(record)
    }

    /// What can be seen of each process without asking it.
    fn states(&self, record: &Record) -> io::Result<Vec<Option<Fault>>> {
        let members = proc::members(&record.mark, &record.leaders())?;
        let state = |started: &Started| {
            if !members.contains(&started.process) {
                return Ok(Some(Fault::Ended(self.end_of(started.process))));
            }
            let port = started.port;
            Ok(match proc::listener(port, &members)? {
                Listener::Ours => None,
                Listener::Nobody => Some(Fault::Waiting(format!("nothing listens at port {port}"))),
                Listener::Another => {
                    let why = format!("port {port} is used by a process that is not of this slot");
                    Some(Fault::Waiting(why))
                }
            })
        };
        record.replicas.iter().map(state).collect()
    }

    /// How a process ended, if we were its parent.
    fn end_of(&self, process: ProcessId) -> String {
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        // The latest of those that ever had this number.
        let same = |child: &&mut Child| i64::from(child.id()) == i64::from(process.number);
        let child = children.iter_mut().rev().find(same);
        let status = child.and_then(|child| child.try_wait().ok().flatten());
        status.map_or_else(
            || "a status that only its parent knows".to_owned(),
            |status| status.to_string(),
        )
    }

    /// Takes leave of children that have ended and of which nobody asks how.
    fn reap(&self) {
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        let ended: Vec<_> =
            children.iter_mut().map(|child| !matches!(child.try_wait(), Ok(None))).collect();
        // A child keeps its status once it was waited for: `end_of` finds the latest ones.
        let mut surplus = children.len().saturating_sub(CHILDREN_KEPT);
        let mut ended = ended.into_iter();
        children.retain(|_| {
            let goes = ended.next() == Some(true) && surplus > 0;
            surplus -= usize::from(goes);
            !goes
        });
    }

    fn running(&self, record: &Record) -> Running {
        let instances = record.replicas.iter().map(|started| self.instance(started, record));
        Running::new(record.release, instances.collect())
    }

    fn instance(&self, started: &Started, record: &Record) -> Instance {
        let endpoint = Endpoint::http(&self.settings.host, started.port).ok();
        Instance::new(identity(started.process, &record.boot), endpoint)
    }

    /// The processes that were started and still run, or whatever else runs.
    fn what_runs(&self, seen: &Seen) -> Running {
        let alive =
            seen.record.replicas.iter().filter(|known| seen.members.contains(&known.process));
        let mut instances: Vec<_> = alive.map(|known| self.instance(known, &seen.record)).collect();
        if instances.is_empty() {
            let others = seen.members.iter();
            instances
                .extend(others.map(|id| Instance::new(identity(*id, &seen.record.boot), None)));
        }
        Running::new(seen.record.release, instances)
    }
}

fn identity(process: ProcessId, boot: &str) -> String {
    format!("{}@{boot}:{}", process.number, process.began)
}

fn unavailable(slot: Slot, action: &'static str, error: io::Error) -> SlotError {
    SlotError::Unavailable { slot, action, source: Box::new(error) }
}

/// A text without the secrets that a process was given. What is shorter than four bytes is
/// no secret, and would make a text unreadable.
fn redacted(text: &str, secrets: &Variables) -> String {
    let long = secrets.values().map(Secret::expose).filter(|secret| secret.len() >= 4);
    let mut long: Vec<_> = long.collect();
    long.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    long.iter().fold(text.to_owned(), |text, secret| text.replace(secret, Secret::REDACTED))
}
