//! What it costs to record an event: `cargo xtask bench telemetry`.
//!
//! Each row runs its baseline in the same run, in turns with our work, and compares the
//! best rounds: what another process takes from the machine only ever adds. A bar that is
//! missed is said, and is no failure.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use evergen_telemetry::{Body, MemorySink, TelemetryCollector, TelemetryConfig, TelemetryEvent};
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

/// The system's allocator, with a count of what each thread has asked of it.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "an allocator can't be written without; it only hands on")]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What others keep of an event, in a list behind a lock.
struct Kept {
    component: &'static str,
    nanoseconds: u64,
    succeeded: bool,
}

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
    // Many short rounds: on a machine with other work, some of them find it free.
    let (rounds, events) = if quick { (60, 5_000) } else { (300, 50_000) };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{threads} processors; best of {rounds} rounds of {events} events, ours and the baselines' in turns"
    );
    println!("{:<58} {:>12} {:>12} {:>12}  verdict", "work", "measured", "bar", "reach for");
    println!("{}", "-".repeat(110));
    record(rounds, events)?;
    two_threads(rounds, events)?;
    with_sink(rounds, events)?;
    reading(rounds / 10)
}

/// One event as the orchestrator records it.
fn event(number: u64) -> TelemetryEvent {
    let body = Body::RegenerationCompleted {
        evaluated: 1,
        rendered: 1,
        written: 1,
        deleted: 0,
        refused: 0,
    };
    TelemetryEvent::new("engine", body)
        .succeeded(Duration::from_nanos(1_000_000 + (number & 0xffff)))
}

fn record(rounds: usize, events: u64) -> Result<()> {
    let collector = TelemetryCollector::new(TelemetryConfig::default())?;
    let histogram = Histogram::new(exponential_buckets(0.0001, 2.0, 20));
    let mut best = [f64::INFINITY; 3];
    let before = ALLOCATIONS.get();
    (0..events).for_each(|number| collector.record(black_box(event(number))));
    let allocations = ALLOCATIONS.get() - before;
    for _ in 0..rounds {
        best[0] =
            best[0].min(nanoseconds(events, |number| collector.record(black_box(event(number)))));
        best[1] = best[1]
            .min(nanoseconds(events, |number| histogram.observe(black_box(seconds(number)))));
        let list = RwLock::new(Vec::new());
        best[2] = best[2].min(nanoseconds(events, |number| {
            let kept = Kept { component: "engine", nanoseconds: number, succeeded: true };
            list.write().unwrap_or_else(PoisonError::into_inner).push(black_box(kept));
        }));
        consume(&list);
    }
    row("record, one thread", best[0], "ns", Limit::AtMost(200.0, 60.0));
    note(&format!(
        "{:.1} x prometheus-client's histogram alone ({:.1} ns)",
        best[0] / best[1],
        best[1]
    ));
    note(&format!(
        "{:.2} x a list of records behind a lock ({:.1} ns)",
        best[0] / best[2],
        best[2]
    ));
    row(
        "record, allocations in all events of a round",
        as_f64(allocations),
        "",
        Limit::AtMost(0.0, 0.0),
    );
    Ok(())
}

fn seconds(number: u64) -> f64 {
    as_f64(1_000_000 + (number & 0xffff)) / 1e9
}

/// Looks at what was kept, so that it had to be.
fn consume(list: &RwLock<Vec<Kept>>) {
    let list = list.read().unwrap_or_else(PoisonError::into_inner);
    black_box(
        list.iter()
            .filter(|kept| kept.succeeded && !kept.component.is_empty())
            .map(|kept| kept.nanoseconds)
            .max(),
    );
}

fn two_threads(rounds: usize, events: u64) -> Result<()> {
    let collector = TelemetryCollector::new(TelemetryConfig::default())?;
    let list = RwLock::new(Vec::with_capacity(1024));
    let recorded = |number| collector.record(black_box(event(number)));
    // What the machine gives two threads that have nothing in common.
    let multiply = |number: u64| {
        black_box((0..16).fold(number, |sum, step| black_box(sum).wrapping_mul(step | 1)));
    };
    let kept = |number| {
        let mut list = list.write().unwrap_or_else(PoisonError::into_inner);
        list.push(Kept { component: "engine", nanoseconds: number, succeeded: true });
        if list.len() == 1024 {
            list.clear();
        }
    };
    let (mut ours, mut alone, mut locked) = (Best::default(), Best::default(), Best::default());
    for _ in 0..rounds {
        ours.take(events, &recorded)?;
        alone.take(events, &multiply)?;
        locked.take(events, &kept)?;
    }
    let (ours, alone, locked) = (ours.ratio(), alone.ratio(), locked.ratio());
    row("record, two threads by one", ours, "x", Limit::AtLeast(1.7, 1.9));
    note(&format!(
        "{alone:.2} x for threads that share nothing; {locked:.2} x for a list behind a lock"
    ));
    Ok(())
}

/// The best rates of one thread and of two.
#[derive(Default)]
struct Best([f64; 2]);

impl Best {
    fn take(&mut self, events: u64, work: &(impl Fn(u64) + Sync)) -> Result<()> {
        self.0[0] = self.0[0].max(rate(1, events, work)?);
        self.0[1] = self.0[1].max(rate(2, events, work)?);
        Ok(())
    }

    fn ratio(&self) -> f64 {
        self.0[1] / self.0[0]
    }
}

/// Events in a second, by so many threads together: from the first start to the last end,
/// so threads that run after each other gain nothing.
fn rate(threads: usize, events: u64, work: &(impl Fn(u64) + Sync)) -> Result<f64> {
    let ready = AtomicUsize::new(0);
    let run = || {
        ready.fetch_add(1, Ordering::AcqRel);
        // A barrier of the system would wake one long after the other.
        while ready.load(Ordering::Acquire) < threads {
            std::hint::spin_loop();
        }
        let start = Instant::now();
        (0..events).for_each(work);
        (start, Instant::now())
    };
    let times = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        handles.into_iter().map(ScopedJoinHandle::join).collect::<Result<Vec<_>, _>>()
    });
    let times = times.ok().context("a thread panicked")?;
    let start = times.iter().map(|(start, _)| *start).min().context("no thread")?;
    let end = times.iter().map(|(_, end)| *end).max().context("no thread")?;
    Ok(as_f64(threads as u64 * events) / end.saturating_duration_since(start).as_secs_f64())
}

/// The same with a sink: the event goes through a queue as well.
fn with_sink(rounds: usize, events: u64) -> Result<()> {
    let mut config = TelemetryConfig::default();
    config.queue_capacity = 1 << 20;
    config.sink_queue_capacity = 1 << 20;
    let collector = TelemetryCollector::builder(config).sink(MemorySink::new(1024)).start()?;
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
        best = best.min(nanoseconds(events, |number| collector.record(black_box(event(number)))));
        collector.flush_blocking()?;
    }
    let metrics = collector.get_metrics();
    row("record with a sink, one thread", best, "ns", Limit::AtMost(1000.0, 200.0));
    note(&format!(
        "{} events dropped",
        metrics.dropped.events + metrics.sinks.iter().map(|sink| sink.dropped).sum::<u64>()
    ));
    Ok(())
}

fn reading(rounds: usize) -> Result<()> {
    let collector = TelemetryCollector::new(TelemetryConfig::default())?;
    (0..100_000).for_each(|number| collector.record(event(number)));
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
        best = best.min(nanoseconds(20, |_| drop(black_box(collector.get_metrics()))));
    }
    row("get_metrics, all windows", best / 1e3, "µs", Limit::AtMost(2000.0, 1000.0));
    Ok(())
}

/// Nanoseconds for each call.
fn nanoseconds(calls: u64, mut work: impl FnMut(u64)) -> f64 {
    let start = Instant::now();
    (0..calls).for_each(&mut work);
    start.elapsed().as_secs_f64() * 1e9 / as_f64(calls)
}

#[derive(Clone, Copy)]
enum Limit {
    /// The bar, and what to reach for.
    AtMost(f64, f64),
    AtLeast(f64, f64),
}

fn row(work: &str, measured: f64, unit: &str, limit: Limit) {
    let (sign, bar, reach, met, reached) = match limit {
        Limit::AtMost(bar, reach) => ('≤', bar, reach, measured <= bar, measured <= reach),
        Limit::AtLeast(bar, reach) => ('≥', bar, reach, measured >= bar, measured >= reach),
    };
    let verdict = match (met, reached) {
        (_, true) => "pass, reached",
        (true, _) => "pass",
        _ => "MISSED",
    };
    println!(
        "{work:<58} {:>12} {:>12} {:>12}  {verdict}",
        format!("{measured:.2} {unit}"),
        format!("{sign} {bar} {unit}"),
        format!("{sign} {reach} {unit}")
    );
}

fn note(text: &str) {
    println!("    {text}");
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
fn as_f64(value: u64) -> f64 {
    value as f64
}
