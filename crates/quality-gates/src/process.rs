//! Running programs that may do anything: crash, hang, flood, fork and stay.
//!
//! Memory is held by looking at what all processes of the run have resident, twenty times a
//! second, and by a limit of the system's on each process's data as a net against leaps in
//! between. An address-space limit (`RLIMIT_AS`) would be simpler and is no use: Node, Go and the
//! JVM reserve far more addresses than they ever fill. A control group would be exact, and needs
//! rights that users of a command line mostly do not have.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::{Crash, Fault, Limits};

mod environment;
mod guardian;
mod running;
mod watch;

pub(crate) use self::environment::{Home, clean_environment};
pub use self::guardian::{appoint_guardian, guard_tools};
pub(crate) use self::running::Running;
use self::watch::Watch;

/// How long output may stay open after the program itself has ended.
const GRACE: Duration = Duration::from_millis(200);

/// How often the memory and the descendants of a run are looked at.
const TICK: Duration = Duration::from_millis(50);

/// A program to run, with nothing left to chance.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) folder: PathBuf,
    /// Whether nobody else works in the folder. Only then is what works there and lost all other
    /// traces taken for a part of the run, and ended with it.
    pub(crate) private: bool,
    pub(crate) environment: BTreeMap<OsString, OsString>,
    pub(crate) input: Option<Arc<[u8]>>,
    pub(crate) limits: Limits,
}

/// A run that came to its own end, with all that it wrote.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) duration: Duration,
}

/// Runs a program to its end, or to that of its limits.
///
/// When this returns or is dropped, no process of the run is left: not the program, not what it
/// forked, not what left its group. Should this process be killed meanwhile, that is left to the
/// [guardian](appoint_guardian).
pub(crate) async fn run(request: Request) -> Result<Finished, Fault> {
    let started = Instant::now();
    let (mut child, mut watch) = begin(&request)?;
    let outcome = follow(&mut child, &request, &mut watch).await;
    let (status, output) = match outcome {
        Ok(ended) => ended,
        Err(fault) => {
            watch.end().await;
            let _ = timeout(GRACE, child.wait()).await;
            return Err(fault);
        }
    };
    let (stdout, stderr) = output;
    let code = exit_code(status, &stdout, &stderr)?;
    Ok(Finished { code, stdout, stderr, duration: started.elapsed() })
}

/// Starts a program under its limits. The watch ends the run also when it is dropped.
fn begin(request: &Request) -> Result<(Child, Watch), Fault> {
    let marker = format!("EVERGEN_GATE_RUN={}", uuid::Uuid::now_v7());
    let child = spawn(request, &marker)?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| Fault::infra("the new process has no number", "Try again."))?;
    let watch = Watch::new(pid, marker, request.private.then_some(&*request.folder));
    limit(pid, request.limits.memory);
    Ok((child, watch))
}

type Written = (Vec<u8>, Vec<u8>);

async fn follow(
    child: &mut Child,
    request: &Request,
    watch: &mut Watch,
) -> Result<(ExitStatus, Written), Fault> {
    let limits = request.limits;
    let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let input = request.input.clone();
    let reading = async move {
        let (stdin, stdout, stderr) = streams;
        let read = tokio::try_join!(
            read_all(stdout, "standard output", limits.output),
            read_all(stderr, "standard error", limits.output),
            feed(stdin, input),
        )?;
        Ok::<_, Fault>((read.0, read.1))
    };
    tokio::pin!(reading);
    let deadline = sleep(limits.time);
    tokio::pin!(deadline);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    let mut written = None;
    let status = loop {
        tokio::select! {
            read = &mut reading, if written.is_none() => written = Some(read?),
            status = child.wait() => break status,
            () = &mut deadline => {
                let limit_ms = u64::try_from(limits.time.as_millis()).unwrap_or(u64::MAX);
                return Err(Fault::Timeout { limit_ms });
            }
            _ = ticks.tick() => {
                if watch.look().memory > limits.memory {
                    let how = Crash::Memory { limit_bytes: limits.memory };
                    return Err(Fault::Crash { how, said: String::new() });
                }
            }
        }
    };
    let status = status
        .map_err(|error| Fault::infra(format!("waiting for it failed: {error}"), "Try again."))?;
    let written = match written {
        Some(written) => Some(written),
        None => timeout(GRACE, &mut reading).await.ok().transpose()?,
    };
    // What it left behind is not asked for, and must not outlive the verdict.
    let left = watch.end().await;
    match written {
        Some(written) => Ok((status, written)),
        None if status.signal().is_some() => {
            exit_code(status, &[], &[]).map(|_| (status, Written::default()))
        }
        None => Err(Fault::infra(
            format!("it ended, and {left} process(es) that it had started went on with its output"),
            "Run the tool so that it waits for what it starts, without a daemon or server.",
        )),
    }
}

fn spawn(request: &Request, marker: &str) -> Result<Child, Fault> {
    let (marker_name, marker_value) = marker.split_once('=').unwrap_or((marker, ""));
    let mut command = Command::new(&request.program);
    command
        .args(&request.arguments)
        .env_clear()
        .envs(&request.environment)
        .env(marker_name, marker_value)
        .env(guardian::OWNER, &*guardian::OWN)
        .current_dir(&request.folder)
        .stdin(if request.input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let program = request.program.display();
    guardian::awaken();
    command.spawn().map_err(|error| match error.kind() {
        _ if !request.folder.is_dir() => Fault::infra(
            format!("the folder {} is not there", request.folder.display()),
            "Check the state folder; something removes files from it.",
        ),
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::InvalidInput => {
            Fault::ToolMissing {
                tool: program.to_string(),
                why: error.to_string(),
                install: format!(
                    "Check that {program} and the interpreter that it names are there."
                ),
            }
        }
        ErrorKind::ArgumentListTooLong => Fault::infra(
            "the list of files is too long for one command",
            "Let the adapter hand over files in an argument file or in several runs.",
        ),
        _ if error.raw_os_error() == Some(8) => Fault::ToolMissing {
            tool: program.to_string(),
            why: "it is no program that can be executed here".to_owned(),
            install: format!("Install {program} for this system."),
        },
        _ => Fault::infra(
            format!("{program} could not be started: {error}"),
            "Check the limits on processes and memory of this system, then try again.",
        ),
    })
}

/// The net below what is looked at: set from outside, since nothing of ours runs between fork
/// and exec. That a limit can't be set is no reason not to run; the memory is looked at anyway.
fn limit(pid: Pid, memory: u64) {
    let of = |bytes: u64| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    for (resource, bytes) in [(Resource::Data, memory.saturating_mul(2)), (Resource::Core, 0)] {
        if let Err(error) = prlimit(Some(pid), resource, of(bytes)) {
            tracing::debug!(?resource, %error, "a limit of a tool could not be set");
        }
    }
}

async fn read_all(
    stream: Option<impl AsyncRead + Unpin>,
    what: &str,
    limit_bytes: u64,
) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let Some(stream) = stream else { return Ok(bytes) };
    let mut bounded = stream.take(limit_bytes.saturating_add(1));
    bounded.read_to_end(&mut bytes).await.map_err(|error| {
        Fault::infra(format!("reading its {what} failed: {error}"), "Try again.")
    })?;
    if bytes.len() as u64 > limit_bytes {
        return Err(Fault::Flood { what: what.to_owned(), limit_bytes });
    }
    Ok(bytes)
}

/// A program may end without reading its input: what it says then counts, not this.
async fn feed(stream: Option<ChildStdin>, input: Option<Arc<[u8]>>) -> Result<(), Fault> {
    if let (Some(mut stream), Some(input)) = (stream, input) {
        let _ = stream.write_all(&input).await;
        let _ = stream.shutdown().await;
    }
    Ok(())
}

fn exit_code(status: ExitStatus, stdout: &[u8], stderr: &[u8]) -> Result<i32, Fault> {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ok(code),
        (None, signal) => Err(Fault::Crash {
            how: Crash::Signal { number: signal.unwrap_or_default() },
            said: last_words(stdout, stderr),
        }),
    }
}

/// The end of what a program said, for people: of standard error, else of standard output.
pub(crate) fn last_words(stdout: &[u8], stderr: &[u8]) -> String {
    const KEPT: usize = 600;
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(4 * KEPT)..])
            .trim()
            .replace('\0', "\u{fffd}");
        let surplus = text.chars().count().saturating_sub(KEPT);
        text.chars().skip(surplus).collect::<String>()
    };
    let said = text(stderr);
    if said.is_empty() { text(stdout) } else { said }
}

#[cfg(test)]
mod tests;
