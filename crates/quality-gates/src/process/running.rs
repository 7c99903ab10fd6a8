use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Instant;

use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::time::timeout;

use super::{GRACE, Request, TICK, Watch, begin, exit_code};
use crate::{Crash, Fault};

/// A program that goes on until it is ended, with its pipes. When this is dropped, no process of
/// the run is left, as with [`run`](super::run).
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) stdin: ChildStdin,
    pub(crate) stdout: ChildStdout,
    pub(crate) stderr: ChildStderr,
    child: Child,
    watch: Watch,
    memory: u64,
    looked: Instant,
}

impl Running {
    /// Starts it with an open standard input. The limits on time and output are the caller's to
    /// keep.
    pub(crate) fn start(request: Request) -> Result<Self, Fault> {
        let request = Request { input: Some(Arc::new([])), ..request };
        let (mut child, watch) = begin(&request)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(Fault::infra("the new process has no pipes", "Try again."));
        };
        let (memory, looked) = (request.limits.memory, Instant::now());
        Ok(Self { stdin, stdout, stderr, child, watch, memory, looked })
    }

    /// Looks at what all of its processes hold, unless that was done a moment ago.
    pub(crate) fn look(&mut self) -> Result<(), Fault> {
        if self.looked.elapsed() < TICK {
            return Ok(());
        }
        self.looked = Instant::now();
        if self.watch.look().memory > self.memory {
            let how = Crash::Memory { limit_bytes: self.memory };
            return Err(Fault::Crash { how, said: String::new() });
        }
        Ok(())
    }

    /// Whether the program itself has not ended.
    pub(crate) fn is_living(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Why it ended, for one that closed its pipes; `said` is the last that it wrote.
    pub(crate) async fn death(&mut self, said: &str) -> Fault {
        let status: Option<ExitStatus> =
            timeout(GRACE, self.child.wait()).await.ok().and_then(Result::ok);
        let crash = |how| Fault::Crash { how, said: said.to_owned() };
        match status.map(|status| exit_code(status, &[], said.as_bytes())) {
            Some(Ok(code)) => crash(Crash::Exit { code }),
            Some(Err(fault)) => fault,
            None => Fault::unparsable("its output", "it closed it and went on"),
        }
    }

    /// Ends all of its processes, and waits until they are gone.
    pub(crate) async fn end(mut self) {
        self.watch.end().await;
        let _ = timeout(GRACE, self.child.wait()).await;
    }

    /// Waits for a program that was asked to end, and ends what is left then.
    pub(crate) async fn end_in_peace(mut self) {
        let _ = timeout(GRACE, self.child.wait()).await;
        self.end().await;
    }
}
