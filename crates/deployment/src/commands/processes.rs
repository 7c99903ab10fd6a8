//! What a command has started, found and ended.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::{Instant, sleep};

/// The variable by which descendants are known that left the process group.
pub(super) const MARK: &str = "EVERGEN_RUN";

/// How long the processes have to end by themselves once they are asked to.
const GRACE: Duration = Duration::from_millis(200);
/// How long they may take to be gone after that.
const GONE: Duration = Duration::from_millis(300);

/// All processes of one run: the group of its first process, and whoever bears its mark.
///
/// When it is dropped they are ended at once: this is what happens to a run whose future is
/// dropped.
#[derive(Debug)]
pub(super) struct Family {
    group: Option<Pid>,
    mark: String,
    /// Whether all of it is known to have ended.
    ended: bool,
}

impl Family {
    pub(super) fn new(leader: Option<u32>, mark: String) -> Self {
        let group = leader.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Self { group, mark, ended: false }
    }

    /// Asks all processes to end, makes them end, and says which are left after half a
    /// second.
    pub(super) async fn end(&mut self) -> Vec<u32> {
        self.signal(Signal::TERM);
        if self.gone_within(GRACE).await.is_empty() {
            self.ended = true;
            return Vec::new();
        }
        self.signal(Signal::KILL);
        let left = self.gone_within(GONE).await;
        self.ended = left.is_empty();
        left
    }

    async fn gone_within(&self, time: Duration) -> Vec<u32> {
        let until = Instant::now() + time;
        loop {
            let left = self.members();
            if left.is_empty() || Instant::now() >= until {
                return left;
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// The processes that are alive; one that only waits to be reaped is not.
    fn members(&self) -> Vec<u32> {
        scan::members(self.group, &self.mark)
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group
            && scan::group_is_ours(group, &self.mark)
        {
            // It may be gone already, which is what is wanted.
            let _gone = kill_process_group(group, signal);
        }
        scan::signal_marked(&self.mark, signal);
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        if !self.ended {
            self.signal(Signal::KILL);
        }
    }
}

#[cfg(target_os = "linux")]
mod scan {
    use std::fs;

    use rustix::process::{
        Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal, test_kill_process_group,
    };

    use super::MARK;

    /// The group is there as long as a process of it is, so its number can't be another's
    /// while a member is alive.
    pub(super) fn group_is_ours(group: Pid, _mark: &str) -> bool {
        test_kill_process_group(group).is_ok()
    }

    pub(super) fn members(group: Option<Pid>, mark: &str) -> Vec<u32> {
        let group = group.map(Pid::as_raw_nonzero).map(std::num::NonZero::get);
        let found = processes().filter(|process| {
            let Some((state, of)) = state_and_group(*process) else { return false };
            !matches!(state, 'Z' | 'X') && (Some(of) == group || is_marked(*process, mark))
        });
        found.collect()
    }

    pub(super) fn signal_marked(mark: &str, signal: Signal) {
        for process in processes() {
            let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) else { continue };
            // Opened before it is looked at: what is signalled is what was looked at.
            let Ok(opened) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
            if is_marked(process, mark) {
                let _gone = pidfd_send_signal(&opened, signal);
            }
        }
    }

    fn processes() -> impl Iterator<Item = u32> {
        let own = std::process::id();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.filter(move |process| *process != own)
    }

    fn state_and_group(process: u32) -> Option<(char, i32)> {
        let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name stands in parentheses and may hold anything.
        let mut fields = text.rsplit_once(") ")?.1.split(' ');
        let state = fields.next()?.chars().next()?;
        let group = fields.nth(1)?.parse().ok()?;
        Some((state, group))
    }

    fn is_marked(process: u32, mark: &str) -> bool {
        let wanted = format!("{MARK}={mark}");
        let variables = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        variables.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    }
}

#[cfg(not(target_os = "linux"))]
mod scan {
    use rustix::process::{Pid, Signal, test_kill_process_group};

    pub(super) fn group_is_ours(group: Pid, _mark: &str) -> bool {
        test_kill_process_group(group).is_ok()
    }

    pub(super) fn members(group: Option<Pid>, _mark: &str) -> Vec<u32> {
        let alive = group.filter(|group| test_kill_process_group(*group).is_ok());
        alive.map(|group| group.as_raw_nonzero().get().unsigned_abs()).into_iter().collect()
    }

    pub(super) fn signal_marked(_mark: &str, _signal: Signal) {}
}
