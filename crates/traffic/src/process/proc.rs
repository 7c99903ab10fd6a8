//! What the system says of processes. All of it blocks for as long as `/proc` does.

use std::collections::HashSet;
use std::fmt;
use std::io;

use procfs::net::TcpState;
use procfs::process::{FDTarget, Process, Stat};
use procfs::{ProcError, ProcResult};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// The variable by which the processes of a slot are known, whatever became of their parents.
pub(crate) const MARK: &str = "EVERGEN_SLOT_RUN";

/// A process that nothing else is ever taken for: its number, and when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ProcessId {
    pub(crate) number: i32,
    /// In ticks of the system since it was started.
    pub(crate) began: u64,
}

impl fmt::Display for ProcessId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.number, self.began)
    }
}

/// What tells this run of the system from others.
pub(crate) fn boot() -> io::Result<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(text.trim().to_owned())
}

/// The process that has this number now, unless it has ended.
pub(crate) fn identify(number: i32) -> io::Result<Option<ProcessId>> {
    Ok(living(number)?.map(|stat| id_of(&stat)))
}

/// Whether this very process still runs.
pub(crate) fn is_alive(process: ProcessId) -> io::Result<bool> {
    Ok(identify(process.number)? == Some(process))
}

/// Whether this process leads a session of its own.
pub(crate) fn leads_session(number: i32) -> io::Result<bool> {
    Ok(living(number)?.is_some_and(|stat| stat.session == number))
}

/// Sends a signal to this very process. One that has ended needs none.
pub(crate) fn send(process: ProcessId, signal: Signal) -> io::Result<()> {
    let Some(pid) = Pid::from_raw(process.number) else { return Ok(()) };
    let gone = rustix::io::Errno::SRCH;
    let handle = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(handle) => handle,
        Err(error) if error == gone => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    // The handle is of whoever has the number now, and stays of that one.
    if !is_alive(process)? {
        return Ok(());
    }
    match pidfd_send_signal(&handle, signal) {
        Err(error) if error != gone => Err(error.into()),
        _ => Ok(()),
    }
}

/// All processes that belong to a run: those with its mark, the sessions of its living
/// leaders, and the children of all these.
pub(crate) fn members(mark: &str, leaders: &[ProcessId]) -> io::Result<Vec<ProcessId>> {
    let all = table()?;
    let led = |stat: &Stat| {
        let is_leader = |other: &Stat| leaders.contains(&id_of(other));
        let leader = all.iter().find(|other| other.pid == stat.session);
        leader.is_some_and(is_leader) || is_leader(stat)
    };
    let mut found: HashSet<i32> = HashSet::new();
    for stat in &all {
        if led(stat) || has_mark(stat.pid, mark) {
            found.insert(stat.pid);
        }
    }
    loop {
        let before = found.len();
        let children: Vec<_> = all.iter().filter(|stat| found.contains(&stat.ppid)).collect();
        found.extend(children.iter().map(|stat| stat.pid));
        if found.len() == before {
            break;
        }
    }
    let members = all.iter().filter(|stat| found.contains(&stat.pid));
    // A zombie does nothing any more; it waits for its parent, who may be anybody.
    Ok(members.filter(|stat| !is_over(stat)).map(id_of).collect())
}

/// Who listens at a port of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    Nobody,
    /// One of the processes that were asked about.
    Ours,
    Another,
}

/// Tells whether one of `processes` listens at `port`. A process whose descriptors can't be
/// read, as one that has changed its user, is given the benefit of the doubt.
pub(crate) fn listener(port: u16, processes: &[ProcessId]) -> io::Result<Listener> {
    let mut tcp = procfs::net::tcp().map_err(into_io)?;
    // A system without IPv6 has no such table.
    tcp.extend(procfs::net::tcp6().unwrap_or_default());
    let listening = |entry: &procfs::net::TcpNetEntry| {
        entry.state == TcpState::Listen && entry.local_address.port() == port
    };
    let sockets: HashSet<u64> =
        tcp.iter().filter(|entry| listening(entry)).map(|entry| entry.inode).collect();
    if sockets.is_empty() {
        return Ok(Listener::Nobody);
    }
    let ours = processes.iter().any(|process| holds(process.number, &sockets).unwrap_or(true));
    Ok(if ours { Listener::Ours } else { Listener::Another })
}

/// Whether a process has one of these sockets open; none if it doesn't let us see.
fn holds(number: i32, sockets: &HashSet<u64>) -> Option<bool> {
    let descriptors = match Process::new(number).and_then(|process| process.fd()) {
        Ok(descriptors) => descriptors,
        Err(ProcError::NotFound(_)) => return Some(false),
        Err(_) => return None,
    };
    let mut targets = descriptors.flatten().map(|descriptor| descriptor.target);
    Some(
        targets.any(|target| matches!(target, FDTarget::Socket(inode) if sockets.contains(&inode))),
    )
}

fn table() -> io::Result<Vec<Stat>> {
    let all = procfs::process::all_processes().map_err(into_io)?;
    // Processes end while they are listed.
    Ok(all.flatten().filter_map(|process| process.stat().ok()).collect())
}

fn has_mark(number: i32, mark: &str) -> bool {
    let environment = std::fs::read(format!("/proc/{number}/environ")).unwrap_or_default();
    let wanted = format!("{MARK}={mark}");
    environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
}

fn living(number: i32) -> io::Result<Option<Stat>> {
    let stat: ProcResult<Stat> = Process::new(number).and_then(|process| process.stat());
    match stat {
        Ok(stat) if is_over(&stat) => Ok(None),
        Ok(stat) => Ok(Some(stat)),
        Err(ProcError::NotFound(_)) => Ok(None),
        // What ends while it is read is gone as well.
        Err(ProcError::Io(error, _)) if error.raw_os_error() == Some(3) => Ok(None),
        Err(error) => Err(into_io(error)),
    }
}

fn is_over(stat: &Stat) -> bool {
    matches!(stat.state, 'Z' | 'X' | 'x')
}

fn id_of(stat: &Stat) -> ProcessId {
    ProcessId { number: stat.pid, began: stat.starttime }
}

fn into_io(error: ProcError) -> io::Error {
    io::Error::other(error)
}
