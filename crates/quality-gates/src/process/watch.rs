//! Which processes belong to a run, and their end.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};

/// How long it may take until all are gone.
const PATIENCE: Duration = Duration::from_millis(450);

/// All processes of one run, found again in `/proc` although they fork, leave the group, start a
/// session or lose their parent.
///
/// A process belongs to the run if it is the program or a descendant that was ever seen as
/// such; if it is in the program's group or session; if it carries the run's marker in its
/// environment; or if it was left to the system's first process, carries no marker of any run and
/// works in a folder that is ours alone. The last rule is for what wiped all other traces, and
/// holds for private folders only: anybody's processes work in folders like `/tmp`.
#[derive(Debug)]
pub(super) struct Watch {
    root: Pid,
    marker: String,
    private: Option<PathBuf>,
    since: u64,
    seen: BTreeMap<i32, u64>,
    ended: bool,
}

/// What a look at the run shows.
#[derive(Debug, Default)]
pub(super) struct View {
    living: Vec<(i32, u64)>,
    /// What all of them together have resident, in bytes.
    pub(super) memory: u64,
}

/// The part of `/proc/<pid>/stat` that matters here.
#[derive(Clone, Copy, Debug)]
struct Stat {
    pid: i32,
    state: u8,
    parent: i32,
    group: i32,
    session: i32,
    started: u64,
    resident: u64,
}

impl Watch {
    /// Watches the run of this program; `private` is a folder in which nobody else works.
    pub(super) fn new(root: Pid, marker: String, private: Option<&Path>) -> Self {
        let own = root.as_raw_nonzero().get();
        let since = Stat::read(own).map_or(0, |stat| stat.started);
        let private = private.and_then(|folder| folder.canonicalize().ok());
        let seen = BTreeMap::from([(own, since)]);
        Self { root, marker, private, since, seen, ended: false }
    }

    /// Looks for all processes of the run. Reads a few files of each process that is younger than
    /// the run: some tens of microseconds on a quiet machine.
    pub(super) fn look(&mut self) -> View {
        let candidates = self.candidates();
        let mut belongs: Vec<Stat> = Vec::new();
        let mut strangers = Vec::new();
        for stat in candidates {
            if self.is_known(&stat) { belongs.push(stat) } else { strangers.push(stat) }
        }
        // Whoever has a parent among them is one of them.
        loop {
            let is_child = |stat: &Stat| belongs.iter().any(|other| other.pid == stat.parent);
            let (children, rest): (Vec<Stat>, Vec<Stat>) =
                strangers.into_iter().partition(is_child);
            strangers = rest;
            if children.is_empty() {
                break;
            }
            belongs.extend(children);
        }
        belongs.extend(strangers.into_iter().filter(|stat| self.is_stray(stat)));
        self.seen.extend(belongs.iter().map(|stat| (stat.pid, stat.started)));
        let living: Vec<&Stat> = belongs.iter().filter(|stat| stat.is_living()).collect();
        let pages: u64 = living.iter().map(|stat| stat.resident).sum();
        View {
            living: living.iter().map(|stat| (stat.pid, stat.started)).collect(),
            memory: pages.saturating_mul(rustix::param::page_size() as u64),
        }
    }

    /// Kills all of them, and returns how many there were besides the program itself.
    pub(super) async fn end(&mut self) -> usize {
        let started = Instant::now();
        let mut left = 0;
        loop {
            let view = self.strike();
            let own = self.root.as_raw_nonzero().get();
            left = left.max(view.living.iter().filter(|(pid, _)| *pid != own).count());
            if view.living.is_empty() || started.elapsed() > PATIENCE {
                self.ended = view.living.is_empty();
                return left;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn strike(&mut self) -> View {
        let view = self.look();
        for (pid, started) in &view.living {
            kill(*pid, *started);
        }
        view
    }

    fn candidates(&self) -> Vec<Stat> {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        let pids =
            entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
        pids.filter_map(Stat::read).filter(|stat| stat.started >= self.since).collect()
    }

    fn is_known(&self, stat: &Stat) -> bool {
        let own = self.root.as_raw_nonzero().get();
        stat.group == own
            || stat.session == own
            || self.seen.get(&stat.pid) == Some(&stat.started)
            || environment(stat.pid).is_some_and(|text| holds(&text, &self.marker))
    }

    /// A process that lost all traces but the place where it works.
    fn is_stray(&self, stat: &Stat) -> bool {
        let Some(private) = &self.private else { return false };
        let works_here = fs::read_link(format!("/proc/{}/cwd", stat.pid))
            .is_ok_and(|folder| folder.starts_with(private));
        works_here
            && adopts_orphans(stat.parent)
            && !environment(stat.pid).is_some_and(|text| holds(&text, "EVERGEN_GATE_RUN="))
    }
}

/// Whether a process is one to which the system gives those who lost their parent.
fn adopts_orphans(pid: i32) -> bool {
    pid == 1 || fs::read(format!("/proc/{pid}/comm")).is_ok_and(|name| name == b"systemd\n")
}

impl Drop for Watch {
    /// For a run that was given up: what would wait elsewhere is done here, in a millisecond.
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let _ = kill_process_group(self.root, Signal::KILL);
        for _ in 0..5 {
            if self.strike().living.is_empty() {
                break;
            }
        }
    }
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
        // The name may hold anything, so what follows its last parenthesis counts.
        let end = text.iter().rposition(|byte| *byte == b')')?;
        let rest = std::str::from_utf8(&text[end + 1..]).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<i64>().ok();
        Some(Self {
            pid,
            state: *fields.first()?.as_bytes().first()?,
            parent: i32::try_from(number(1)?).ok()?,
            group: i32::try_from(number(2)?).ok()?,
            session: i32::try_from(number(3)?).ok()?,
            started: u64::try_from(number(19)?).ok()?,
            resident: u64::try_from(number(21)?).unwrap_or_default(),
        })
    }

    fn is_living(&self) -> bool {
        !matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// When a process began, as the system counts.
pub(super) fn began(pid: i32) -> Option<u64> {
    Stat::read(pid).map(|stat| stat.started)
}

/// All living processes that carry a marker in their environment.
pub(super) fn marked(marker: &str) -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let is_marked = |pid: &i32| {
        environment(*pid).is_some_and(|text| holds(&text, marker))
            && Stat::read(*pid).is_some_and(|stat| stat.is_living())
    };
    pids.filter(is_marked).collect()
}

fn environment(pid: i32) -> Option<Vec<u8>> {
    fs::read(format!("/proc/{pid}/environ")).ok()
}

fn holds(environment: &[u8], start: &str) -> bool {
    environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(start.as_bytes()))
}

/// Kills a process, unless its number has gone to another one by now.
fn kill(pid: i32, started: u64) {
    let Some(number) = Pid::from_raw(pid) else { return };
    let Ok(handle) = pidfd_open(number, PidfdFlags::empty()) else { return };
    if Stat::read(pid).is_some_and(|stat| stat.started == started) {
        let _ = pidfd_send_signal(handle, Signal::KILL);
    }
}
