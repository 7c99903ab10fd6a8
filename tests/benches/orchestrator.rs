//! What the loop costs, and what its limit is worth: `cargo xtask bench orchestrator`.
//!
//! A bar that is missed is said, and is no failure: a loaded machine says little about a
//! program. What each row means stands in `docs/benchmarks.md`.

#[path = "../../crates/orchestrator/tests/loads/model.rs"]
mod model;
#[path = "orchestrator/record.rs"]
mod record;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use evergen_artifact::ProposedChanges;
use evergen_deployment::InMemoryDeployments;
use evergen_events::{ChangeEvent, GraphChangeNotifier};
use evergen_orchestrator::{OrchestratorConfig, RegenerationOrchestrator};
use evergen_regeneration::{Prepared, RegenerateError, Regenerated, Regenerator, Work, WorkKey};
use evergen_telemetry::{TelemetryCollector, TelemetryConfig};
use futures::future::{BoxFuture, FutureExt};

const CONCURRENT: usize = 64;
const WORK: Duration = Duration::from_millis(10);

fn main() -> Result<()> {
    let (mut quick, mut file) = (false, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => quick = true,
            "--record" => file = Some(arguments.next().context("--record wants a file")?),
            // What cargo says to every benchmark.
            "--bench" => {}
            unknown => bail!("there is no option `{unknown}`; there are --quick, --record FILE"),
        }
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let rounds = if quick { 3 } else { 15 };
    println!("{threads} processors; best and median of {rounds} rounds");
    println!("{:<58} {:>12} {:>12} {:>12}  verdict", "work", "measured", "bar", "reach for");
    println!("{}", "-".repeat(110));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Some(file) = file {
        return record::record(&runtime, std::path::Path::new(&file));
    }
    runtime.block_on(makespan(rounds))?;
    runtime.block_on(overhead(rounds, if quick { 1_000 } else { 10_000 }))?;
    limits(if quick { 1 } else { 5 });
    Ok(())
}

/// Work that takes a time and makes nothing.
struct Sleeper(Duration);

impl Regenerator for Sleeper {
    fn key(&self, event: &ChangeEvent) -> WorkKey {
        WorkKey::new(event.subject.as_str())
    }

    fn prepare(&self, _work: Work) -> BoxFuture<'_, Result<Box<dyn Prepared>, RegenerateError>> {
        let time = self.0;
        async move {
            if !time.is_zero() {
                tokio::time::sleep(time).await;
            }
            Ok(Box::new(Nothing(Arc::default())) as Box<dyn Prepared>)
        }
        .boxed()
    }
}

struct Nothing(Arc<ProposedChanges>);

impl Prepared for Nothing {
    fn proposed(&self) -> &Arc<ProposedChanges> {
        &self.0
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Regenerated, RegenerateError>> {
        async { Ok(Regenerated::default()) }.boxed()
    }

    fn discard(self: Box<Self>) -> BoxFuture<'static, ()> {
        async {}.boxed()
    }
}

struct Loop {
    orchestrator: RegenerationOrchestrator,
    notifier: GraphChangeNotifier,
}

impl Loop {
    fn new(work: Duration) -> Result<Self> {
        let config = OrchestratorConfig::builder()
            .max_concurrent(CONCURRENT)
            .debounce_ms(0)
            .queue_capacity(20_000)
            .build()?;
        let notifier = GraphChangeNotifier::default();
        let orchestrator = RegenerationOrchestrator::new(
            config,
            Arc::new(Sleeper(work)),
            Arc::new(InMemoryDeployments::new(Vec::new())?),
            TelemetryCollector::new(TelemetryConfig::default())?,
            notifier.clone(),
        );
        Ok(Self { orchestrator, notifier })
    }

    /// Publishes events and waits until each of them is acknowledged.
    async fn work_through(&self, round: usize, events: usize) -> Result<Duration> {
        let before = self.orchestrator.get_stats().events_processed;
        let subject = |event| format!("http://example.org/{round}/{event}");
        let events: Vec<ChangeEvent> =
            (0..events).map(|event| ChangeEvent::node_updated(subject(event))).collect();
        let wanted = before + events.len() as u64;
        let mut cycles = self.orchestrator.follow_cycles();
        let began = Instant::now();
        self.notifier.publish_batch(events).await?;
        loop {
            cycles.next().await.context("the loop is gone")?;
            let stats = self.orchestrator.get_stats();
            if stats.events_processed >= wanted {
                let took = began.elapsed();
                ensure!(stats.regenerations_failed == 0, "work failed: {stats:?}");
                return Ok(took);
            }
        }
    }
}

fn best_and_median(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    let median = times.get(times.len() / 2).copied().unwrap_or(0.0);
    (times.first().copied().unwrap_or(0.0), median)
}

fn row(work: &str, measured: &str, bar: &str, reach: &str, met: bool) {
    let verdict = if met { "met" } else { "MISSED" };
    println!("{work:<58} {measured:>12} {bar:>12} {reach:>12}  {verdict}");
}

/// How long as many sleeps as there are places take, one after the other in waves.
async fn ideal(waves: u32) -> f64 {
    let mut times = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        tokio::time::sleep(WORK).await;
        times.push(began.elapsed().as_secs_f64());
    }
    best_and_median(times).1 * f64::from(waves)
}

async fn makespan(rounds: usize) -> Result<()> {
    let through = Loop::new(WORK)?;
    through.orchestrator.start().await?;
    through.work_through(0, 1_000).await?;
    let mut ratios = Vec::new();
    let mut sleep = 0.0;
    for round in 1..=rounds {
        let ideal = ideal(1_000_u32.div_ceil(64)).await;
        sleep = ideal / f64::from(1_000_u32.div_ceil(64));
        ratios.push(through.work_through(round, 1_000).await?.as_secs_f64() / ideal);
    }
    through.orchestrator.stop().await?;
    let (best, median) = best_and_median(ratios);
    row(
        "1,000 events × 10 ms, 64 at once, by the ideal makespan",
        &format!("{median:.3} ×"),
        "<= 1.05 ×",
        "<= 1.02 ×",
        median <= 1.05,
    );
    println!(
        "    best {best:.3} ×; ideal: 16 times one sleep of 10 ms, which takes {:.2} ms",
        sleep * 1e3
    );
    Ok(())
}

async fn overhead(rounds: usize, many: usize) -> Result<()> {
    let through = Loop::new(Duration::ZERO)?;
    through.orchestrator.start().await?;
    through.work_through(0, 1_000).await?;
    for (name, events) in
        [("1,000 events without work, each", 1_000), ("many events without work, each", many)]
    {
        let mut times = Vec::new();
        for round in 1..=rounds {
            let took = through.work_through(events + round, events).await?;
            times.push(took.as_secs_f64() * 1e6 / f64::from(u32::try_from(events)?));
        }
        let (best, median) = best_and_median(times);
        row(name, &format!("{median:.2} µs"), "<= 10 µs", "<= 3 µs", median <= 10.0);
        println!(
            "    best {best:.2} µs; {events} events, from before publishing to the last verdict"
        );
    }
    through.orchestrator.stop().await?;
    Ok(())
}

/// A load that shifts, against the best static limit and the default one.
fn by_static_limits(load: &str, found: &model::Comparison) {
    let (limit, best) = found.best_static;
    row(
        &format!("{load}, by the best static limit ({limit})"),
        &format!("{:.3} ×", found.adaptive / best),
        ">= 0.95 ×",
        "",
        found.adaptive >= 0.95 * best,
    );
    row(
        &format!("{load}, by the default static limit (2)"),
        &format!("{:.3} ×", found.adaptive / found.default_static),
        ">= 1.20 ×",
        "",
        found.adaptive >= 1.2 * found.default_static,
    );
}

fn limits(seeds: u64) {
    println!("\nadaptive limit in virtual time, shares of the best limit of each phase");
    for seed in 1..=seeds {
        let found = model::compare(&model::SHIFTING, 2, seed);
        by_static_limits(&format!("shifting load {seed}"), &found);
        let phases = model::SHIFTING.iter().zip(&found.best_of_phase).zip(&found.by_phase);
        for ((phase, (limit, rate)), share) in phases {
            println!("    {:<20} {share:.3} of {rate:.0}/s at {limit}", phase.name);
        }
    }
    let kinds = model::recorded();
    let phases = model::shifting(&kinds);
    let found = model::compare(&phases, 2, 1);
    by_static_limits("recorded load that shifts", &found);
    let steady = phases.iter().take(kinds.len()).chain(&model::SHIFTING);
    for phase in steady.copied() {
        let steady = [model::Phase { seconds: 120, ..phase }];
        let found = model::compare(&steady, 2, 5);
        row(
            &format!(
                "steady load, {}, by the best static limit ({})",
                phase.name, found.best_static.0
            ),
            &format!("{:.3} ×", found.adaptive),
            ">= 0.95 ×",
            "",
            found.adaptive >= 0.95,
        );
    }
}
