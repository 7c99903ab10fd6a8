//! The whole loop as a program, built together with the tests that kill it.
//!
//! `loop-under-test FOLDER FROM` publishes a change after the other to subjects in turn, and
//! prints the number of each change as soon as it is acknowledged; `loop-under-test FOLDER
//! drain` publishes nothing, and ends when everything that was published is done.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use evergen_deployment::InMemoryDeployments;
use evergen_events::{
    ChangeEvent, ConsumerName, Delta, GraphChangeNotifier, Quad, SegmentLog, SegmentSettings, Term,
};
use evergen_llm::MockClient;
use evergen_orchestrator::{OrchestratorConfig, RegenerationOrchestrator};
use evergen_regeneration::{Project, RegenerationEngine, Settings, SharedEngine};
use evergen_telemetry::{TelemetryCollector, TelemetryConfig};

/// How many subjects there are.
const SUBJECTS: u64 = 5;
/// How long the last process may take for what is left.
const PATIENCE: Duration = Duration::from_mins(2);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [folder, what] => run(Path::new(folder), what),
        _ => Err(anyhow::anyhow!("usage: loop-under-test FOLDER FROM|drain")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

fn run(folder: &Path, what: &str) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let (orchestrator, notifier) = open(folder)?;
        orchestrator.start().await?;
        match what.parse::<u64>() {
            Ok(from) => publish(&notifier, from).await,
            Err(_) => drain(&orchestrator, &notifier).await,
        }
    })
}

fn open(folder: &Path) -> Result<(RegenerationOrchestrator, GraphChangeNotifier)> {
    let settings = SegmentSettings::default().with_segment_bytes(1 << 16);
    let log = SegmentLog::open(&folder.join("log"), settings)?;
    let notifier = GraphChangeNotifier::builder().with_log(Arc::new(log)).build()?;
    let telemetry = TelemetryCollector::new(TelemetryConfig::default())?;
    let mut project = Settings::default();
    project.model.published = Some("published.nq".to_owned());
    project.regeneration.parallel_workers = 1;
    let client = Arc::new(MockClient::with_response("not asked"));
    let project = Project::new(folder, project);
    let engine = RegenerationEngine::for_programs(project, client, notifier.clone())?;
    let config = OrchestratorConfig::builder().debounce_ms(1).retry_base_ms(5).build()?;
    let orchestrator = RegenerationOrchestrator::new(
        config,
        Arc::new(SharedEngine::new(engine)?),
        Arc::new(InMemoryDeployments::new(Vec::new())?),
        telemetry,
        notifier.clone(),
    );
    Ok((orchestrator, notifier))
}

/// Each change takes the last label of its subject away and gives it a new one: done twice,
/// in another order or not at all, any of them would leave another model.
async fn publish(notifier: &GraphChangeNotifier, from: u64) -> Result<()> {
    let mut out = std::io::stdout();
    for number in from.. {
        writeln!(out, "try {number}")?;
        out.flush()?;
        notifier.publish(change(number)).await?;
        writeln!(out, "ack {number}")?;
        out.flush()?;
    }
    Ok(())
}

fn change(number: u64) -> ChangeEvent {
    let subject = format!("http://example.org/S{}", number % SUBJECTS);
    let quad = |predicate: &str, object: Term| Quad {
        subject: Term::iri(subject.as_str()),
        predicate: Term::iri(predicate),
        object,
        graph: None,
    };
    let label = |number: u64| {
        let predicate = "http://www.w3.org/2000/01/rdf-schema#label";
        quad(predicate, Term::literal(number.to_string()))
    };
    let mut delta = Delta::default();
    if let Some(before) = number.checked_sub(SUBJECTS) {
        delta.remove(label(before));
    }
    delta.insert(label(number));
    delta.insert(quad(
        "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
        Term::iri("http://www.w3.org/2002/07/owl#Class"),
    ));
    ChangeEvent::node_updated(subject.clone()).with_delta(delta)
}

async fn drain(
    orchestrator: &RegenerationOrchestrator,
    notifier: &GraphChangeNotifier,
) -> Result<()> {
    let name = ConsumerName::parse("orchestrator")?;
    let log = notifier.log();
    let started = std::time::Instant::now();
    loop {
        let consumers = log.consumers();
        let done = consumers.get(&name).context("the loop has no consumer")?;
        if done.low() == log.bounds().end {
            break;
        }
        if started.elapsed() > PATIENCE {
            bail!("{} of {} events are done", done.low(), log.bounds().end);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    orchestrator.stop().await?;
    Ok(())
}
