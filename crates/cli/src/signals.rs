//! The signals by which a system asks a program to end.

use std::io;
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
#[cfg(unix)]
use std::sync::{Arc, LazyLock, OnceLock};

/// Whether signals end the process, as they do where nobody waits for them.
#[cfg(unix)]
static UNHEARD: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// How many wait.
#[cfg(unix)]
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Waits for SIGINT (Ctrl-C), SIGTERM, SIGHUP (a terminal that closes) and SIGQUIT.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
    #[cfg(unix)]
    quit: tokio::signal::unix::Signal,
}

impl Signals {
    /// Until this value is dropped these signals do not end the process by themselves. Needs a
    /// runtime.
    #[cfg(unix)]
    pub(crate) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        end_where_nobody_waits()?;
        let signals = Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
        };
        WAITING.fetch_add(1, Ordering::SeqCst);
        UNHEARD.store(false, Ordering::SeqCst);
        Ok(signals)
    }

    /// From now on Ctrl-C does not end the process by itself. Needs a runtime.
    #[cfg(not(unix))]
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Ready when one comes. Dropping the future loses none.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
            _ = self.quit.recv() => {}
        }
        #[cfg(not(unix))]
        drop(tokio::signal::ctrl_c().await);
    }
}

#[cfg(unix)]
impl Drop for Signals {
    fn drop(&mut self) {
        if WAITING.fetch_sub(1, Ordering::SeqCst) == 1 {
            UNHEARD.store(true, Ordering::SeqCst);
        }
    }
}

/// What is listened to once is listened to for as long as the process lives, and no longer ends
/// it: so a second listener does, where nobody waits.
#[cfg(unix)]
fn end_where_nobody_waits() -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    static DONE: OnceLock<()> = OnceLock::new();
    if DONE.set(()).is_ok() {
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
            signal_hook::flag::register_conditional_default(signal, UNHEARD.clone())?;
        }
    }
    Ok(())
}
