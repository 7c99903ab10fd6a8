use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _, ready};

use crate::{
    HealthProbe, Hook, HookError, HookReport, MigrationError, MigrationPhase, Migrator, Notice,
    Notifier, NotifyError, ProbeTarget, ReleaseId, Side, StepContext, Verdict,
};

/// A panic in between leaves the value as it was: each change is the last thing that is done.
fn held<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A probe by a list of the releases that do not do well.
#[derive(Debug, Default)]
pub struct MemoryProbe {
    name: String,
    bad: Mutex<Vec<(ReleaseId, String)>>,
}

impl MemoryProbe {
    /// A probe that all releases pass.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), bad: Mutex::default() }
    }

    /// From now on this release fails.
    pub fn let_fail(&self, release: ReleaseId, why: impl Into<String>) {
        held(&self.bad).push((release, why.into()));
    }
}

impl HealthProbe for MemoryProbe {
    fn name(&self) -> &str {
        &self.name
    }

    fn probe<'a>(&'a self, target: &'a ProbeTarget) -> BoxFuture<'a, Verdict> {
        let bad = held(&self.bad);
        let found = bad.iter().find(|(release, _)| *release == target.context.release.id);
        ready(found.map_or(Verdict::Pass, |(_, why)| Verdict::fail(why))).boxed()
    }
}

/// A hook that remembers the releases it ran for, and refuses those that it was told to.
#[derive(Debug, Default)]
pub struct MemoryHook {
    name: String,
    refused: Mutex<Vec<ReleaseId>>,
    ran: Mutex<Vec<ReleaseId>>,
}

impl MemoryHook {
    /// A hook that always succeeds.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// From now on it fails for this release.
    pub fn refuse(&self, release: ReleaseId) {
        held(&self.refused).push(release);
    }

    /// The releases that it ran for, the oldest first.
    pub fn ran(&self) -> Vec<ReleaseId> {
        held(&self.ran).clone()
    }
}

impl Hook for MemoryHook {
    fn name(&self) -> &str {
        &self.name
    }

    fn run<'a>(&'a self, context: &'a StepContext) -> BoxFuture<'a, Result<HookReport, HookError>> {
        let release = context.release.id;
        held(&self.ran).push(release);
        if held(&self.refused).contains(&release) {
            let (hook, output) = (self.name.clone(), "it was told to refuse".to_owned());
            let status = "exit status 1".to_owned();
            return ready(Err(HookError::Failed { hook, status, output })).boxed();
        }
        ready(Ok(HookReport::new(Duration::ZERO, String::new()))).boxed()
    }
}

/// A schema that is nothing but the phase it is in.
#[derive(Debug)]
pub struct MemoryMigrator {
    name: String,
    phase: Mutex<MigrationPhase>,
}

impl MemoryMigrator {
    /// A migration that is pending.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), phase: Mutex::new(MigrationPhase::Pending) }
    }

    fn refused(&self, action: &'static str, why: &str) -> MigrationError {
        let (migration, why) = (self.name.clone(), why.to_owned());
        MigrationError::Refused { migration, action, why }
    }

    fn move_to(&self, next: MigrationPhase) -> Result<(), MigrationError> {
        let mut phase = held(&self.phase);
        match (*phase, next) {
            (MigrationPhase::Pending, MigrationPhase::Contracted) => {
                Err(self.refused("contract", "it was not expanded; expand it first"))
            }
            (MigrationPhase::Contracted, _) => Ok(()),
            _ => {
                *phase = next;
                Ok(())
            }
        }
    }
}

impl Migrator for MemoryMigrator {
    fn name(&self) -> &str {
        &self.name
    }

    fn phase<'a>(
        &'a self,
        _context: &'a StepContext,
    ) -> BoxFuture<'a, Result<MigrationPhase, MigrationError>> {
        ready(Ok(*held(&self.phase))).boxed()
    }

    fn expand<'a>(
        &'a self,
        _context: &'a StepContext,
    ) -> BoxFuture<'a, Result<(), MigrationError>> {
        ready(self.move_to(MigrationPhase::Expanded)).boxed()
    }

    fn check<'a>(
        &'a self,
        side: Side,
        _context: &'a StepContext,
    ) -> BoxFuture<'a, Result<(), MigrationError>> {
        let fits = match (*held(&self.phase), side) {
            (MigrationPhase::Contracted, Side::Old) => {
                Err(self.refused("check", "what the old release needs was removed"))
            }
            (MigrationPhase::Pending, Side::New) => {
                Err(self.refused("check", "what the new release needs is not there yet"))
            }
            _ => Ok(()),
        };
        ready(fits).boxed()
    }

    fn contract<'a>(
        &'a self,
        _context: &'a StepContext,
    ) -> BoxFuture<'a, Result<(), MigrationError>> {
        ready(self.move_to(MigrationPhase::Contracted)).boxed()
    }
}

/// A notifier that keeps what it is told; a notice that comes twice, once.
#[derive(Debug, Default)]
pub struct MemoryNotifier {
    name: String,
    told: Mutex<Vec<Notice>>,
}

impl MemoryNotifier {
    /// A notifier that was told nothing.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), told: Mutex::default() }
    }

    /// What it was told, the oldest first.
    pub fn told(&self) -> Vec<Notice> {
        held(&self.told).clone()
    }
}

impl Notifier for MemoryNotifier {
    fn name(&self) -> &str {
        &self.name
    }

    fn notify<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), NotifyError>> {
        let mut told = held(&self.told);
        if !told.iter().any(|known| known.id == notice.id) {
            told.push(notice.clone());
        }
        ready(Ok(())).boxed()
    }
}
