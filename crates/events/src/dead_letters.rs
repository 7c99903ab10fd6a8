use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::disk::{Disk, Durability, System};
use crate::journal::{self, Failure, Journal};
use crate::patience::blocking;
use crate::record::{Kind, MAX_PAYLOAD};
use crate::segment::lock;
use crate::{
    ChangeEvent, Damage, GraphChangeNotifier, InvalidEvent, OpenError, PublishError, ReadError,
    SettingError, SharedError, TornTail,
};

mod replay;
#[cfg(test)]
mod tests;

use self::replay::Replay;

/// An event whose last attempt has failed, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The event. Its id is the letter's.
    pub event: ChangeEvent,
    /// Its offset in the log it was read from.
    pub offset: Option<u64>,
    /// All attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// When it was given up.
    pub buried_at: Timestamp,
}

/// An attempt that has failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Attempt {
    /// When it failed.
    pub at: Timestamp,
    /// What failed.
    pub component: String,
    /// The error, with its causes.
    pub error: String,
}

impl Attempt {
    /// An attempt that has failed at this time.
    pub fn new(at: Timestamp, component: impl Into<String>, error: impl Into<String>) -> Self {
        Self { at, component: component.into(), error: error.into() }
    }
}

impl DeadLetter {
    /// A letter that is given up at this time.
    pub fn new(event: ChangeEvent, attempts: Vec<Attempt>, buried_at: Timestamp) -> Self {
        Self { event, offset: None, attempts, buried_at }
    }

    /// Says where the event stands in the log.
    #[must_use]
    pub fn with_offset(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// The id by which the letter is known: the event's.
    pub fn id(&self) -> Uuid {
        self.event.id
    }
}

/// Events that nobody could work on, kept until a person decides. Cheap to clone.
///
/// They are bounded in number, and none is ever thrown out for another: when it is full,
/// `bury` refuses, and its caller must not acknowledge the event.
///
/// On disk they survive what the log survives, and are kept in a journal of the same
/// records. Changes run on tokio's threads for blocking work, if there is a runtime; a change
/// whose future is dropped is made all the same.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    store: Arc<Mutex<Store>>,
    torn: Option<TornTail>,
}

#[derive(Debug)]
struct Store {
    letters: BTreeMap<Uuid, DeadLetter>,
    /// Replays that were begun and whose letters are still there.
    replays: BTreeMap<Uuid, Replay>,
    /// Letters that somebody replays right now.
    under_way: BTreeSet<Uuid>,
    capacity: usize,
    journal: Option<Journal>,
    broken: Option<SharedError>,
    _lock: Option<File>,
}

/// A record of the journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Change {
    Buried(Box<DeadLetter>),
    Gone(Uuid),
    /// The letter is going to be published like this.
    Replays {
        letter: Uuid,
        replay: Replay,
    },
}

/// What a journal says.
type Kept = (BTreeMap<Uuid, DeadLetter>, BTreeMap<Uuid, Replay>);

const FILE: &str = "dead-letters";

impl DeadLetters {
    /// Letters that are gone with the process.
    pub fn in_memory(capacity: usize) -> Self {
        let store = Store {
            letters: BTreeMap::new(),
            replays: BTreeMap::new(),
            under_way: BTreeSet::new(),
            capacity: capacity.max(1),
            journal: None,
            broken: None,
            _lock: None,
        };
        Self { store: Arc::new(Mutex::new(store)), torn: None }
    }

    /// Opens the letters of a folder, which is made if need be; it must not be that of a
    /// log. Keeps at most `capacity` letters, 1 to 1,048,576, or as many as are there already.
    pub fn open(folder: &Path, capacity: usize, durability: Durability) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(System { durability }), folder, capacity)
    }

    fn open_on(disk: Arc<dyn Disk>, folder: &Path, capacity: usize) -> Result<Self, OpenError> {
        SettingError::check_count("capacity", capacity, 1, 1 << 20)?;
        let lock = lock(&*disk, folder)?;
        let path = folder.join(FILE);
        let contents = journal::read(&path, Kind::DeadLetters)?;
        let (letters, replays) = taken_together(&path, &contents.payloads)?;
        contents.torn.iter().for_each(TornTail::warn);
        let payloads = snapshot(&letters, &replays);
        let made = Journal::create(disk, path.clone(), Kind::DeadLetters, &payloads);
        let store = Store {
            letters,
            replays,
            under_way: BTreeSet::new(),
            capacity,
            journal: Some(made.map_err(|failure| failure.into_open_error(&path))?),
            broken: None,
            _lock: Some(lock),
        };
        Ok(Self { store: Arc::new(Mutex::new(store)), torn: contents.torn })
    }

    /// Reads the letters of a folder and changes nothing; another process may be
    /// writing them meanwhile.
    pub fn peek(folder: &Path) -> Result<Vec<DeadLetter>, OpenError> {
        let path = folder.join(FILE);
        let contents = journal::read(&path, Kind::DeadLetters)?;
        Ok(taken_together(&path, &contents.payloads)?.0.into_values().collect())
    }

    /// What was cut off when the letters were opened.
    pub fn torn_tail(&self) -> Option<&TornTail> {
        self.torn.as_ref()
    }

    /// Keeps a letter; one of the same id is replaced.
    pub async fn bury(&self, letter: DeadLetter) -> Result<(), DeadLetterError> {
        self.change(move |store| store.bury(letter)).await
    }

    /// All letters, the oldest events first.
    pub fn list(&self) -> Vec<DeadLetter> {
        self.lock().letters.values().cloned().collect()
    }

    /// One letter.
    pub fn get(&self, id: Uuid) -> Option<DeadLetter> {
        self.lock().letters.get(&id).cloned()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lock().letters.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lock().letters.is_empty()
    }

    /// Publishes the event of a letter anew and forgets the letter; gives the new offset.
    ///
    /// The new event has an id of its own, and the correlation id of the old one, or its id
    /// where it had none. That id is kept before the event is published. So whatever comes
    /// between the two steps, an error, a dropped future or the end of the process, the next
    /// call finds the event in the log of the notifier and publishes it no second time; unless that
    /// part of the log has been removed meanwhile: then it is published again rather than lost.
    pub async fn replay(
        &self,
        id: Uuid,
        notifier: &GraphChangeNotifier,
    ) -> Result<u64, DeadLetterError> {
        replay::run(self, id, notifier).await
    }

    /// Forgets a letter for good, and gives it back for the last time.
    pub async fn discard(&self, id: Uuid) -> Result<DeadLetter, DeadLetterError> {
        self.change(move |store| store.discard(id)).await
    }

    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> T {
        let letters = self.clone();
        blocking(move || change(&mut letters.lock())).await
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    fn bury(&mut self, letter: DeadLetter) -> Result<(), DeadLetterError> {
        if self.letters.len() >= self.capacity && !self.letters.contains_key(&letter.id()) {
            return Err(DeadLetterError::Full { capacity: self.capacity });
        }
        letter.event.validate()?;
        let change = Change::Buried(Box::new(letter.clone()));
        self.keep(&change)?;
        self.letters.insert(letter.id(), letter);
        self.tidy();
        Ok(())
    }

    fn discard(&mut self, id: Uuid) -> Result<DeadLetter, DeadLetterError> {
        if self.under_way.contains(&id) {
            return Err(DeadLetterError::UnderWay { id });
        }
        self.forget(id)
    }

    fn forget(&mut self, id: Uuid) -> Result<DeadLetter, DeadLetterError> {
        if !self.letters.contains_key(&id) {
            return Err(DeadLetterError::Unknown { id });
        }
        self.keep(&Change::Gone(id))?;
        self.replays.remove(&id);
        let letter = self.letters.remove(&id).ok_or(DeadLetterError::Unknown { id })?;
        self.tidy();
        Ok(letter)
    }

    fn keep(&mut self, change: &Change) -> Result<(), DeadLetterError> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        if let Some(error) = &self.broken {
            return Err(DeadLetterError::MustReopen(Arc::clone(error)));
        }
        let payload = encode(change);
        if payload.len() > MAX_PAYLOAD {
            return Err(DeadLetterError::TooLarge { bytes: payload.len(), limit: MAX_PAYLOAD });
        }
        journal.append(&[payload]).map_err(|failure| match failure {
            Failure::Refused(error) => DeadLetterError::Medium(Arc::new(error)),
            Failure::Broken(error) => {
                let error: SharedError = Arc::new(error);
                self.broken = Some(Arc::clone(&error));
                DeadLetterError::MustReopen(error)
            }
        })
    }

    /// Writes the journal anew when it holds much that is gone. What was asked for is
    /// kept already, so that a failure concerns only what comes next.
    fn tidy(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        let (letters, replays) = (&self.letters, &self.replays);
        if let Err(error) = journal.shorten(|| snapshot(letters, replays)) {
            tracing::error!(%error, "the journal of the dead letters has to be opened anew");
            self.broken = Some(Arc::new(error));
        }
    }
}

fn encode(change: &Change) -> Vec<u8> {
    // Every map has text for keys and no part can refuse, so there is no error to meet.
    serde_json::to_vec(change).unwrap_or_default()
}

fn snapshot(
    letters: &BTreeMap<Uuid, DeadLetter>,
    replays: &BTreeMap<Uuid, Replay>,
) -> Vec<Vec<u8>> {
    let letters = letters.values().map(|letter| Change::Buried(Box::new(letter.clone())));
    let replays =
        replays.iter().map(|(id, replay)| Change::Replays { letter: *id, replay: *replay });
    letters.chain(replays).map(|change| encode(&change)).collect()
}

/// Takes all records of a journal together.
fn taken_together(path: &Path, payloads: &[Vec<u8>]) -> Result<Kept, Box<Damage>> {
    let (mut letters, mut replays) = Kept::default();
    for (offset, payload) in (0..).zip(payloads) {
        match serde_json::from_slice(payload) {
            Ok(Change::Buried(letter)) => drop(letters.insert(letter.id(), *letter)),
            Ok(Change::Gone(id)) => drop((letters.remove(&id), replays.remove(&id))),
            Ok(Change::Replays { letter, replay }) => drop(replays.insert(letter, replay)),
            Err(error) => {
                let fault = format!("the letter can't be read: {error}");
                return Err(Box::new(Damage::new(path.to_owned(), 0, offset, fault)));
            }
        }
    }
    Ok((letters, replays))
}

/// Reads the bytes of a file of letters, for fuzzing.
pub(crate) fn parse(bytes: &[u8]) {
    let path = Path::new(FILE);
    if let Ok(contents) = journal::parse(path, Kind::DeadLetters, bytes) {
        let _ = taken_together(path, &contents.payloads);
    }
}

/// Why something about dead letters was not done.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeadLetterError {
    /// There are as many as there may be.
    #[error("there are {capacity} dead letters already; replay or discard some")]
    Full {
        /// How many are kept.
        capacity: usize,
    },
    /// No letter has this id.
    #[error("there is no dead letter `{id}`")]
    Unknown {
        /// The id.
        id: Uuid,
    },
    /// Somebody replays the letter right now.
    #[error("dead letter `{id}` is being replayed")]
    UnderWay {
        /// The id.
        id: Uuid,
    },
    /// The event makes no sense.
    #[error("the event is not valid")]
    Invalid(#[from] InvalidEvent),
    /// The letter is larger than can be kept.
    #[error("the dead letter takes {bytes} bytes; at most {limit} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The largest size.
        limit: usize,
    },
    /// The event could not be published; the letter is still there.
    #[error("the event could not be published")]
    Publish(#[from] PublishError),
    /// An earlier replay did not come to its end, and the log can't be searched for its event.
    #[error("the log can't be searched for the replayed event")]
    Search(#[from] ReadError),
    /// The medium failed, and nothing was changed.
    #[error("the medium of the dead letters failed")]
    Medium(#[source] SharedError),
    /// The medium failed in a way that leaves open what it holds.
    #[error("the dead letters have to be opened anew, because their medium failed")]
    MustReopen(#[source] SharedError),
}
