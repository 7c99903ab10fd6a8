//! The port over nothing but memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evergen_artifact::{ArtifactPath, Digest, ProposedChange, ProposedChanges, ProposedKind};
use evergen_events::{ChangeEvent, ChangeType};
use futures::future::{BoxFuture, FutureExt, ready};
use serde::Serialize;

use crate::regenerator::{Prepared, RegenerateError, Regenerated, Regenerator, Work, WorkKey};

/// Makes one artifact for each subject, from the latest event that told of it: its IRI and its
/// known properties, as JSON.
///
/// For programs that only want to see events become artifacts, for demonstrations, and
/// for tests of whoever calls a [`Regenerator`]. Cheap to clone; clones share the artifacts.
#[derive(Clone, Debug, Default)]
pub struct MemoryRegenerator {
    artifacts: Arc<Mutex<BTreeMap<ArtifactPath, Arc<[u8]>>>>,
}

impl MemoryRegenerator {
    /// No artifacts yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The artifacts that are visible.
    pub fn artifacts(&self) -> BTreeMap<ArtifactPath, Arc<[u8]>> {
        self.lock().clone()
    }

    /// Where the artifact of a subject is.
    pub fn path(subject: &str) -> ArtifactPath {
        let digest = Digest::of(subject.as_bytes()).to_string();
        let name = subject.rsplit(['/', '#', ':']).next().unwrap_or_default();
        let fine = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let name: String = name.chars().filter(fine).take(40).collect();
        let digest = digest.get(..12).unwrap_or_default();
        // Letters, digits, `_`, `-` and an extension: a valid path on every system.
        ArtifactPath::parse(&format!("n-{name}-{digest}.json"))
            .unwrap_or_else(|_| unreachable!("a path of plain characters is valid"))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ArtifactPath, Arc<[u8]>>> {
        self.artifacts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Serialize)]
struct Text<'a> {
    subject: &'a str,
    properties: BTreeMap<&'a str, Vec<String>>,
}

fn text(event: &ChangeEvent) -> Result<Vec<u8>, RegenerateError> {
    let properties = event.properties.iter().map(|(property, values)| {
        (property.as_str(), values.iter().map(ToString::to_string).collect())
    });
    let text = Text { subject: &event.subject, properties: properties.collect() };
    serde_json::to_vec_pretty(&text).map_err(|error| RegenerateError::Rejected {
        why: error.to_string(),
        diagnostics: Vec::new(),
    })
}

impl Regenerator for MemoryRegenerator {
    fn key(&self, event: &ChangeEvent) -> WorkKey {
        WorkKey::new(event.subject.as_str())
    }

    fn prepare(&self, work: Work) -> BoxFuture<'_, Result<Box<dyn Prepared>, RegenerateError>> {
        let staged = self.stage(&work).map(|proposed| {
            let all = self.clone();
            Box::new(Staged { all, proposed: Arc::new(proposed), events: work.events.len() })
                as Box<dyn Prepared>
        });
        ready(staged).boxed()
    }
}

impl MemoryRegenerator {
    fn stage(&self, work: &Work) -> Result<ProposedChanges, RegenerateError> {
        let there = self.lock();
        let mut changes = Vec::new();
        for queued in &work.events {
            let event = &queued.event;
            let path = Self::path(&event.subject);
            let before = there.get(&path);
            if event.change == ChangeType::NodeRemoved {
                changes.push(ProposedChange::remove(path, "memory"));
            } else {
                let text = text(event)?;
                changes.push(ProposedChange::write(path, "memory", text, before.is_some()));
            }
        }
        let latest = ProposedChanges::new(changes);
        let differs = |change: &&ProposedChange| {
            there.get(&change.path).map(|bytes| &**bytes) != change.bytes()
        };
        Ok(ProposedChanges::new(latest.iter().filter(differs).cloned().collect()))
    }
}

struct Staged {
    all: MemoryRegenerator,
    proposed: Arc<ProposedChanges>,
    events: usize,
}

impl Prepared for Staged {
    fn proposed(&self) -> &Arc<ProposedChanges> {
        &self.proposed
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Regenerated, RegenerateError>> {
        async move {
            let mut regenerated = Regenerated::default();
            let counts = &mut regenerated.counts;
            counts.evaluated = self.events as u64;
            counts.rendered = self.events as u64;
            let mut artifacts = self.all.lock();
            for change in &*self.proposed {
                if let ProposedKind::Write { bytes, .. } = &change.kind {
                    artifacts.insert(change.path.clone(), Arc::clone(bytes));
                    counts.written += 1;
                } else {
                    artifacts.remove(&change.path);
                    counts.deleted += 1;
                }
            }
            counts.total = artifacts.len() as u64;
            drop(artifacts);
            regenerated.bytes_written = self.proposed.written_bytes();
            Ok(regenerated)
        }
        .boxed()
    }

    fn discard(self: Box<Self>) -> BoxFuture<'static, ()> {
        ready(()).boxed()
    }
}
