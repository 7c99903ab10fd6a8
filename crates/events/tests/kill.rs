//! Kills a process that publishes, at random instants, and holds what is found against
//! what it had been promised.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use evergen_events::{
    Acknowledger, ChangeEvent, Consumer, ConsumerName, Durability, EventLog, GraphChangeNotifier,
    OffsetSet, Position, SegmentLog, SegmentReader, SegmentSettings, Term,
};
use uuid::Uuid;

const FOLDER: &str = "EVERGEN_EVENTS_KILL_FOLDER";
const DURABILITY: &str = "EVERGEN_EVENTS_KILL_DURABILITY";
const PUBLISHERS: usize = 12;

fn settings(durability: Durability) -> SegmentSettings {
    SegmentSettings::default().with_durability(durability).with_segment_bytes(96 << 10)
}

fn worker() -> ConsumerName {
    ConsumerName::parse("worker").unwrap()
}

/// One line in one call, so that a kill leaves a whole line or a part at the very end.
fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).unwrap();
}

/// Started by the other tests, this publishes until it is killed; by itself it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publish_for_ever() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let power = std::env::var(DURABILITY).is_ok_and(|durability| durability == "power");
    let durability = if power { Durability::Power } else { Durability::Process };
    let log = SegmentLog::open(Path::new(&folder), settings(durability)).unwrap();
    let torn = log.torn_tails();
    let events = torn.iter().filter(|tail| tail.file.extension().is_some()).count();
    assert!(events <= 1 && torn.len() <= 2, "{torn:?}");
    let log: Arc<dyn EventLog> = Arc::new(log);
    let notifier = GraphChangeNotifier::builder().with_log(Arc::clone(&log)).build().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for publisher in 0..PUBLISHERS {
        tasks.spawn(publish(notifier.clone(), publisher));
    }
    let consumer = Consumer::open(log, worker(), Position::Oldest).await.unwrap();
    consume(consumer).await;
}

async fn publish(notifier: GraphChangeNotifier, publisher: usize) {
    for number in 0_usize.. {
        let text = "x".repeat((publisher * 37 + number * 11) % 900);
        let event = |part| {
            let subject = format!("urn:{publisher}:{number}:{part}");
            ChangeEvent::node_updated(subject).with_property("urn:text", Term::literal(&*text))
        };
        let batch: Vec<_> = (0..=publisher % 3).map(event).collect();
        let ids: Vec<_> = batch.iter().map(|event| event.id).collect();
        let offsets = notifier.publish_batch(batch).await.unwrap();
        let lines = offsets.zip(ids).map(|(offset, id)| format!("event {offset} {id}\n"));
        tell(&lines.collect::<String>());
    }
}

/// Acknowledges most of what comes, some of it late.
async fn consume(mut consumer: Consumer) {
    let acknowledger: Acknowledger = consumer.acknowledger();
    let mut late = Vec::new();
    loop {
        let batch = consumer.next_batch(64).await.unwrap();
        let (now, later): (Vec<u64>, Vec<u64>) =
            batch.iter().map(|entry| entry.offset).partition(|offset| offset % 7 != 3);
        let done: Vec<u64> =
            if late.len() > 40 { now.into_iter().chain(late.drain(..20)).collect() } else { now };
        late.extend(later);
        acknowledger.acknowledge(done.iter().copied()).await.unwrap();
        let lines = done.iter().map(|offset| format!("done {offset}\n"));
        tell(&lines.collect::<String>());
    }
}

/// What the killed processes had been promised.
#[derive(Default)]
struct Ledger {
    events: BTreeMap<u64, Uuid>,
    done: OffsetSet,
}

impl Ledger {
    /// Notes what a line promises. The end of a line may have been lost, and with it the line.
    fn note(&mut self, line: &str) -> bool {
        let Some(line) = line.strip_suffix('\n') else { return false };
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("event"), Some(offset), Some(id)) => {
                let offset = offset.parse().unwrap();
                let before = self.events.insert(offset, id.parse().unwrap());
                assert!(before.is_none(), "offset {offset} was given twice");
                true
            }
            (Some("done"), Some(offset), None) => {
                self.done.insert(offset.parse().unwrap());
                true
            }
            _ => false,
        }
    }

    /// Holds what is on disk against it, from this offset on.
    fn check(&self, folder: &Path, from: u64) -> u64 {
        let reader = SegmentReader::open(folder).unwrap();
        let bounds = reader.bounds().unwrap();
        let mut next = from;
        while next < bounds.end {
            for entry in reader.read(Position::Offset(next), 4096).unwrap() {
                assert_eq!(entry.offset, next, "offsets have no gap");
                if let Some(id) = self.events.get(&next) {
                    assert_eq!(entry.event.id, *id, "at {next} is another event");
                }
                next += 1;
            }
        }
        let last = self.events.last_key_value().map_or(0, |(last, _)| last + 1);
        assert!(last <= bounds.end, "{last} was promised, and {} is there", bounds.end);
        let consumers = reader.consumers().unwrap();
        for range in self.done.ranges() {
            let known = &consumers[&worker()];
            assert_eq!(known.missing(range.clone()), 0, "{range:?} was acknowledged");
        }
        bounds.end
    }
}

/// Numbers that look random, from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Lets the child work until it has been promised some more, and then a random time; kills it.
fn kill_once(folder: &Path, durability: &str, ledger: &mut Ledger, random: &mut Random) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["publish_for_ever", "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(DURABILITY, durability)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let promises = random.below(300);
    let mut line = String::new();
    let mut noted = 0;
    // The first child lives until it has acknowledged something, too.
    while noted < promises || ledger.done.is_empty() {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0, "the child has ended by itself");
        noted += u64::from(ledger.note(&line));
    }
    let instant = Instant::now() + Duration::from_micros(random.below(4000));
    while Instant::now() < instant {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success(), "it was killed, and had not failed before");
    loop {
        line.clear();
        if out.read_line(&mut line).unwrap() == 0 {
            break;
        }
        ledger.note(&line);
    }
}

fn check_kills(kills: usize, durability: &str) {
    let seed = jiff::Timestamp::now().as_nanosecond().unsigned_abs();
    let seed = u64::try_from(seed & u128::from(u64::MAX)).unwrap() | 1;
    println!("seed {seed}");
    let mut random = Random(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::default();
    let mut checked = 0;
    for _ in 0..kills {
        kill_once(folder.path(), durability, &mut ledger, &mut random);
        checked = ledger.check(folder.path(), checked);
    }
    // All of it once more, as the next process would see it.
    drop(SegmentLog::open(folder.path(), settings(Durability::Process)).unwrap());
    let end = ledger.check(folder.path(), 0);
    println!("{kills} kills, {} promises, {end} events", ledger.events.len());
    assert!(ledger.events.len() >= kills * 10 && !ledger.done.is_empty());
    assert!(ledger.events.len() as u64 <= end);
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    check_kills(90, "process");
}

#[test]
fn what_was_acknowledged_and_flushed_survives_a_kill() {
    check_kills(25, "power");
}
