//! What consumers have acknowledged, as a journal.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::disk::Disk;
use crate::journal::{Contents, Failure, Journal};
use crate::record::Kind;
use crate::{Acknowledged, ConsumerName, Damage, OffsetSet};

pub(super) type Consumers = BTreeMap<ConsumerName, Acknowledged>;

/// The name of the journal.
pub(super) const FILE: &str = "consumers";

/// A record of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Change {
    /// The consumer has acknowledged exactly this.
    Is { consumer: ConsumerName, acknowledged: Acknowledged },
    /// It has acknowledged these, too.
    Adds { consumer: ConsumerName, offsets: OffsetSet },
    /// It is forgotten.
    Goes { consumer: ConsumerName },
}

impl Change {
    fn apply(self, consumers: &mut Consumers) -> Result<(), String> {
        match self {
            Self::Is { consumer, acknowledged } => {
                consumers.insert(consumer, acknowledged);
            }
            Self::Adds { consumer, offsets } => match consumers.get_mut(&consumer) {
                Some(known) => known.add(&offsets),
                None => return Err(format!("consumer `{consumer}` was never opened")),
            },
            Self::Goes { consumer } => {
                consumers.remove(&consumer);
            }
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        // Every map has text for keys and no part can refuse, so there is no error to meet.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Takes all records of a journal together.
pub(super) fn replay(path: &Path, contents: &Contents) -> Result<Consumers, Box<Damage>> {
    let mut consumers = Consumers::new();
    for (offset, payload) in (0..).zip(&contents.payloads) {
        let change: Result<Change, _> = serde_json::from_slice(payload);
        let applied = change.map_err(|error| error.to_string());
        applied
            .and_then(|change| change.apply(&mut consumers))
            .map_err(|fault| Box::new(Damage::new(path.to_owned(), 0, offset, fault)))?;
    }
    Ok(consumers)
}

fn snapshot(consumers: &Consumers) -> Vec<Vec<u8>> {
    let all = consumers.iter().map(|(consumer, acknowledged)| Change::Is {
        consumer: consumer.clone(),
        acknowledged: acknowledged.clone(),
    });
    all.map(|change| change.encode()).collect()
}

/// The journal, open for writing.
#[derive(Debug)]
pub(super) struct Cursors {
    journal: Journal,
}

impl Cursors {
    /// Writes what is known as a new journal, so that nothing torn is left.
    pub(super) fn create(
        disk: Arc<dyn Disk>,
        folder: &Path,
        consumers: &Consumers,
    ) -> Result<Self, Failure> {
        let path = folder.join(FILE);
        let journal = Journal::create(disk, path, Kind::Cursors, &snapshot(consumers))?;
        Ok(Self { journal })
    }

    /// Keeps changes; `after` is what is known with them.
    pub(super) fn append(&mut self, changes: &[Change], after: &Consumers) -> Result<(), Failure> {
        let payloads: Vec<_> = changes.iter().map(Change::encode).collect();
        self.journal.append(&payloads)?;
        self.journal.shorten(|| snapshot(after)).map_err(Failure::Broken)
    }
}
