//! How fast events get around: `cargo xtask bench events`.
//!
//! Each row runs its baseline in the same run, in turns with our work, and compares the
//! medians. A bar that is missed is said, and is no failure. What each row means stands in
//! `docs/benchmarks.md`.

#[expect(dead_code, reason = "the other benchmark uses all of it")]
#[path = "engine/measure.rs"]
mod measure;
#[expect(dead_code, reason = "the other benchmark uses all of it")]
#[path = "engine/table.rs"]
mod table;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use evergen_events::{
    ChangeEvent, EventLog, GraphChangeNotifier, LogEntry, MemoryLog, Position, SegmentLog,
    SegmentSettings, Subscription, Term,
};
use rustix::fs::{FallocateFlags, fallocate};
use tokio::runtime::Runtime;
use tokio::sync::broadcast;

use crate::measure::{Pair, Timing, in_turns, median, spell, time, wall};
use crate::table::{Goal, Row};

const PUBLISHERS: usize = 64;

fn main() -> Result<()> {
    let mut quick = false;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--quick" => quick = true,
            // What cargo says to every benchmark.
            "--bench" => {}
            unknown => bail!("there is no option `{unknown}`; there is --quick"),
        }
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    println!("{:.2} of 2 processors are free", measure::free_processors()?);
    table::print_head();
    for subscribers in [1, 4, 16] {
        notifier(&runtime, subscribers, quick)?.print();
    }
    for row in durable(&runtime, quick)? {
        row.print();
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a rate of three digits is printed")]
fn rate(count: usize, seconds: f64) -> f64 {
    count as f64 / seconds
}

fn spell_rate(rate: f64) -> String {
    if rate >= 1e6 { format!("{:.2} M/s", rate / 1e6) } else { format!("{:.1} k/s", rate / 1e3) }
}

/// An event of about 512 bytes as JSON.
fn event(number: usize) -> ChangeEvent {
    let text = Term::literal("x".repeat(130));
    ChangeEvent::node_updated(format!("http://example.org/node/{number:08}"))
        .with_property("http://www.w3.org/2000/01/rdf-schema#comment", text)
}

fn notifier(runtime: &Runtime, subscribers: usize, quick: bool) -> Result<Row> {
    let count = if quick { 20_000 } else { 200_000 };
    let events: Vec<_> = (0..count).map(event).collect();
    let rounds = if quick { 1 } else { 5 };
    let ours = |single| {
        let events = events.clone();
        move || runtime.block_on(through_notifier(events, subscribers, single))
    };
    let pair = in_turns(
        rounds,
        || ours(true)(),
        || runtime.block_on(through_broadcast(events.clone(), subscribers)),
    )?;
    let batches: Result<Vec<Timing>> = (0..rounds).map(|_| ours(false)()).collect();
    let Pair { ours, baseline } = pair;
    let measured = wall(&baseline) / wall(&ours);
    Ok(Row {
        name: format!("notifier, {subscribers} subscriber(s), {count} events"),
        ours: spell_rate(rate(count, wall(&ours))),
        baseline: format!("broadcast {}", spell_rate(rate(count, wall(&baseline)))),
        measured,
        goal: Goal::at_least(0.3, 0.6, "×"),
        note: format!("in batches of 64: {}", spell_rate(rate(count, wall(&batches?)))),
    })
}

async fn through_notifier(
    events: Vec<ChangeEvent>,
    subscribers: usize,
    single: bool,
) -> Result<Timing> {
    let count = events.len();
    let log = Arc::new(MemoryLog::new(count, Duration::from_secs(10)));
    let notifier = GraphChangeNotifier::builder().with_log(log).build()?;
    let readers: Vec<_> = (0..subscribers)
        .map(|_| {
            let mut subscriber = notifier.subscribe(Subscription::all());
            async move {
                let mut seen = 0;
                while seen < count {
                    seen += subscriber.next_batch().await.context("it has not ended")??.len();
                }
                anyhow::Ok(())
            }
        })
        .collect();
    let publisher = async move {
        if single {
            for event in events {
                notifier.publish(event).await?;
            }
        } else {
            let mut events = events.into_iter().peekable();
            while events.peek().is_some() {
                notifier.publish_batch(events.by_ref().take(64).collect()).await?;
            }
        }
        // The readers' end would end with it.
        anyhow::Ok(notifier)
    };
    run(publisher, readers).await
}

async fn through_broadcast(events: Vec<ChangeEvent>, subscribers: usize) -> Result<Timing> {
    let count = events.len();
    let (sender, _) = broadcast::channel::<Arc<ChangeEvent>>(count);
    let readers: Vec<_> = (0..subscribers)
        .map(|_| {
            let mut receiver = sender.subscribe();
            async move {
                for _ in 0..count {
                    receiver.recv().await?;
                }
                anyhow::Ok(())
            }
        })
        .collect();
    let publisher = async move {
        for event in events {
            sender.send(Arc::new(event)).ok().context("somebody listens")?;
        }
        anyhow::Ok(sender)
    };
    run(publisher, readers).await
}

/// Runs all of them as tasks, until all are done.
async fn run<T: Send + 'static>(
    publisher: impl Future<Output = Result<T>> + Send + 'static,
    readers: Vec<impl Future<Output = Result<()>> + Send + 'static>,
) -> Result<Timing> {
    let readers: Vec<_> = readers.into_iter().map(tokio::spawn).collect();
    let started = std::time::Instant::now();
    let kept = tokio::spawn(publisher).await??;
    for reader in readers {
        reader.await??;
    }
    let wall = started.elapsed();
    drop(kept);
    Ok(Timing { wall, cpu: Duration::ZERO })
}

/// Where files are made, see `docs/benchmarks.md`.
fn folder() -> Result<tempfile::TempDir> {
    let place = std::env::var_os("EVERGEN_BENCH_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    std::fs::create_dir_all(&place)?;
    Ok(tempfile::tempdir_in(place)?)
}

fn durable(runtime: &Runtime, quick: bool) -> Result<[Row; 2]> {
    let each = if quick { 10 } else { 500 };
    let rounds = if quick { 1 } else { 5 };
    let count = PUBLISHERS * each;
    let singles = if quick { 20 } else { 200 };
    let (mut ours, mut bare, mut single, mut groups) = (vec![], vec![], vec![], vec![]);
    for _ in 0..=rounds {
        let (timing, sizes) = runtime.block_on(append(each))?;
        ours.push(timing.wall.as_secs_f64());
        bare.push(write_and_flush(&sizes)?.wall.as_secs_f64());
        single.push(write_and_flush(&vec![512; singles])?.wall.as_secs_f64());
        groups.push(rate(count, 1.0) / rate(sizes.len(), 1.0));
    }
    // The first of each is a turn to warm up.
    let middle = |times: &[f64]| median(times.iter().skip(1).copied());
    let (ours, bare) = (middle(&ours), middle(&bare));
    let group = median(groups);
    let per_event = rate(singles, middle(&single));
    let name = format!("durable append, {PUBLISHERS} publishers, {count} events");
    let row = |baseline, measured, goal| Row {
        name: name.clone(),
        ours: spell_rate(rate(count, ours)),
        baseline,
        measured,
        goal,
        note: String::new(),
    };
    let mut rows = [
        row(
            format!("a flush for each {}", spell_rate(per_event)),
            rate(count, ours) / per_event,
            Goal::at_least(10.0, 10.0, "×"),
        ),
        row(
            format!("bare, same batches {}", spell_rate(rate(count, bare))),
            bare / ours,
            Goal::at_least(0.3, 0.5, "×"),
        ),
    ];
    rows[1].note =
        format!("{group:.0} events a flush; {} each, all included", spell(ours / rate(count, 1.0)));
    Ok(rows)
}

/// Appends from many tasks, and tells how many bytes were flushed together.
async fn append(each: usize) -> Result<(Timing, Vec<usize>)> {
    let folder = folder()?;
    let log = Arc::new(SegmentLog::open(folder.path(), SegmentSettings::default())?);
    let events: Vec<Vec<_>> = (0..PUBLISHERS)
        .map(|task| (0..each).map(|number| Arc::new(event(task * each + number))).collect())
        .collect();
    let started = std::time::Instant::now();
    let tasks: Vec<_> = events
        .into_iter()
        .map(|events| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for event in events {
                    log.append(vec![event]).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    let wall = started.elapsed();
    let mut entries = Vec::new();
    while entries.len() < PUBLISHERS * each {
        let read = log.read(Position::Offset(entries.len() as u64), usize::MAX).await?;
        ensure!(!read.is_empty(), "everything is there");
        entries.extend(read);
    }
    let groups = entries.chunk_by(|one, next| one.appended_at == next.appended_at);
    let size = |entry: &LogEntry| entry.event.to_json().len() + 36;
    let sizes = groups.map(|group| group.iter().map(size).sum()).collect();
    Ok((Timing { wall, cpu: Duration::ZERO }, sizes))
}

/// Writes so many bytes one after the other into a preallocated file, each with a flush.
fn write_and_flush(sizes: &[usize]) -> Result<Timing> {
    let folder = folder()?;
    let file = File::create(Path::new(folder.path()).join("bare"))?;
    fallocate(&file, FallocateFlags::empty(), 0, 64 << 20)?;
    file.sync_all()?;
    let bytes = vec![7; sizes.iter().copied().max().unwrap_or(0)];
    let ((), timing) = time(|| {
        let mut position = 0;
        for size in sizes {
            file.write_all_at(&bytes[..*size], position)?;
            file.sync_data()?;
            position += *size as u64;
        }
        Ok(())
    })?;
    Ok(timing)
}
