//! The end of tools whose owner was killed without a word.
//!
//! A process that gets SIGKILL can end nothing any more. The system could end its children for it
//! (`PR_SET_PDEATHSIG`), but only those that it forked itself, and when the *thread* that forked
//! ends, which a runtime's threads do as they like. So another process waits: it holds the end of
//! a pipe whose other end nobody but the owner has, and ends what the owner left behind.

use std::ffi::OsString;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use std::os::unix::process::CommandExt;

use rustix::process::Pid;

use super::watch::{self, Watch};

/// The variable by which a tool's owner is known.
pub(super) const OWNER: &str = "EVERGEN_GATE_OWNER";

/// How long what is left behind is looked for: what was being started when its owner died may
/// still appear.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often in a row nothing may be found until it is believed.
const LOOKS: u32 = 4;

/// What is run to wait.
static APPOINTED: OnceLock<(PathBuf, Vec<OsString>)> = OnceLock::new();

/// The process that waits, once there is one. Its pipe is held by nobody else.
static RUNNING: Mutex<Option<Child>> = Mutex::new(None);

/// How this process is known to its tools: its number, and when it began.
pub(super) static OWN: LazyLock<String> = LazyLock::new(|| {
    let pid = std::process::id();
    let began = i32::try_from(pid).ok().and_then(watch::began).unwrap_or_default();
    format!("{pid}-{began}")
});

/// Says which program outlives this process to end the tools that it may leave behind, should it
/// be killed. With these arguments and one more, the owner, it has to call [`guard_tools`] on its
/// standard input. It is started with the first tool. Without it, tools that run when their
/// owner gets SIGKILL run on to their own end.
///
/// The first call counts.
pub fn appoint_guardian(program: impl Into<PathBuf>, arguments: Vec<OsString>) {
    let _ = APPOINTED.set((program.into(), arguments));
}

/// Waits until the other end of `life` is closed, which its owner does by ending, and then ends
/// all tools of that owner. May be given up at any time; a thread of the runtime reads on until
/// the other end is closed.
pub async fn guard_tools(owner: &str, mut life: impl Read + Send + 'static) {
    let listening = move || {
        let mut nothing = [0; 64];
        while life.read(&mut nothing).is_ok_and(|read| read > 0) {}
    };
    // Who can't be heard any more is taken for gone, too.
    let _ = tokio::task::spawn_blocking(listening).await;
    let marker = format!("{OWNER}={owner}");
    let (started, mut silent) = (Instant::now(), 0);
    while silent < LOOKS && started.elapsed() < PATIENCE {
        let left = watch::marked(&marker);
        silent = if left.is_empty() { silent + 1 } else { 0 };
        for pid in left.into_iter().filter_map(Pid::from_raw) {
            Watch::new(pid, marker.clone(), None).end().await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Starts the guardian if one is appointed and none is running. That there is none is no reason
/// not to run a tool.
pub(super) fn awaken() {
    let Some((program, arguments)) = APPOINTED.get() else { return };
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    if running.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None))) {
        return;
    }
    let mut command = Command::new(program);
    command.args(arguments).arg(&*OWN).env_clear().current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // What ends the owner's group must not end it.
    match command.process_group(0).spawn() {
        Ok(child) => *running = Some(child),
        Err(error) => tracing::debug!(%error, "nobody waits to end tools"),
    }
}
