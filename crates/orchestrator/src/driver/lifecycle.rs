use self::sync::Mutex;

#[cfg(test)]
mod tests;

/// The lock of the lifecycle. The model check replaces it.
mod sync {
    #[cfg(not(test))]
    pub(super) use std::sync::Mutex;

    #[cfg(test)]
    pub(super) use shuttle::sync::Mutex;
}

/// Where a loop stands between being made and being stopped.
///
/// `R` is what reaches the running loop. Whoever moves from idle to starting is the only one
/// who may say what became of it.
#[derive(Debug)]
pub(super) struct Lifecycle<R>(Mutex<Stage<R>>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage<R> {
    Idle,
    Starting,
    Running(R),
    Stopping(R),
}

impl<R: Clone> Lifecycle<R> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Stage::Idle))
    }

    /// Begins a start, if the loop is idle; else where it stands.
    pub(super) fn begin(&self) -> Result<(), Stage<R>> {
        self.change(|stage| match stage {
            Stage::Idle => {
                *stage = Stage::Starting;
                Ok(())
            }
            other => Err(other.clone()),
        })
    }

    /// The start that was begun has failed.
    pub(super) fn undo(&self) {
        self.change(|stage| {
            if matches!(stage, Stage::Starting) {
                *stage = Stage::Idle;
            }
        });
    }

    /// The start that was begun is done.
    pub(super) fn started(&self, running: R) {
        self.change(|stage| {
            if matches!(stage, Stage::Starting) {
                *stage = Stage::Running(running);
            }
        });
    }

    /// Begins to stop; gives what reaches the loop, and whether somebody stops it already.
    pub(super) fn stop(&self) -> Option<(R, bool)> {
        self.change(|stage| match stage.clone() {
            Stage::Running(running) => {
                *stage = Stage::Stopping(running.clone());
                Some((running, false))
            }
            Stage::Stopping(running) => Some((running, true)),
            Stage::Idle | Stage::Starting => None,
        })
    }

    /// The loop has ended.
    pub(super) fn ended(&self) {
        self.change(|stage| *stage = Stage::Idle);
    }

    /// What reaches the loop, unless it is stopped.
    pub(super) fn running(&self) -> Option<R> {
        self.change(|stage| match stage {
            Stage::Running(running) => Some(running.clone()),
            _ => None,
        })
    }

    /// Whether something of the loop is there.
    pub(super) fn is_alive(&self) -> bool {
        self.change(|stage| matches!(stage, Stage::Running(_) | Stage::Stopping(_)))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Stage<R>) -> T) -> T {
        // Nothing below panics, so what a poisoned lock holds is whole.
        let mut stage = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut stage)
    }
}
