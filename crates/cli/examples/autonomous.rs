//! The whole loop in one program: publish what changes, and files follow.
//!
//! `cargo run -p evergen --example autonomous` works in a new folder and prints what it did.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use evergen_deployment::{Environment, InMemoryDeployments};
use evergen_events::{ChangeEvent, Delta, GraphChangeNotifier, Quad, Term};
use evergen_llm::MockClient;
use evergen_orchestrator::{OrchestratorConfig, RegenerationOrchestrator};
use evergen_regeneration::{Project, RegenerationEngine, Settings, SharedEngine};
use evergen_telemetry::{TelemetryCollector, TelemetryConfig, Window};

const TEMPLATE: &str = "+++
for_each = 'SELECT ?class WHERE { ?class a owl:Class }'
to = '{{ class | local_name | snake }}.rs'
+++
/// {{ class.out('rdfs:comment') | first | default('') | doc('rust') }}
pub struct {{ class | local_name | pascal }};
";

#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join("templates"))?;
    std::fs::write(folder.path().join("templates/class.rs.j2"), TEMPLATE)?;

    let notifier = GraphChangeNotifier::default();
    let telemetry = TelemetryCollector::new(TelemetryConfig::default())?;
    let client = Arc::new(MockClient::with_response("not asked here"));
    let engine =
        RegenerationEngine::for_programs(project(folder.path()), client, notifier.clone())?;
    let staging = Environment::new("staging").with_auto_deploy(true);
    let deployment = Arc::new(InMemoryDeployments::new(vec![staging])?);
    let orchestrator = RegenerationOrchestrator::new(
        OrchestratorConfig::default(),
        Arc::new(SharedEngine::new(engine)?),
        Arc::clone(&deployment) as _,
        telemetry.clone(),
        notifier.clone(),
    );

    let mut cycles = orchestrator.follow_cycles();
    orchestrator.start().await?;
    for name in ["Order", "Product"] {
        notifier.publish(class(name)).await?;
    }
    let mut written = 0;
    while written < 2 {
        let cycle = tokio::time::timeout(Duration::from_secs(30), cycles.next()).await?;
        let cycle = cycle.ok_or("the loop has ended")?;
        println!("cycle {}: {:?}, {} written", cycle.id, cycle.outcome, cycle.written);
        if let Some(error) = cycle.errors.first() {
            return Err(error.clone().into());
        }
        written += cycle.written;
    }
    orchestrator.stop().await?;

    let stats = orchestrator.get_stats();
    println!("{} events in {} cycles", stats.events_processed, stats.total_cycles);
    let metrics = telemetry.get_metrics();
    println!("success rate {:?}", metrics.window(Window::Total).success_rate());
    let live = deployment.live("staging").ok_or("nothing was deployed")?;
    for path in live.paths() {
        print!("--- {path}\n{}", String::from_utf8_lossy(live.file(path).unwrap_or_default()));
    }
    telemetry.shutdown().await?;
    Ok(())
}

/// A project in `folder` whose model is what is published.
fn project(folder: &Path) -> Project {
    let mut settings = Settings::default();
    settings.model.published = Some("published.nq".to_owned());
    Project::new(folder, settings).with_languages(evergen_packs::languages())
}

/// A class has come into the model.
fn class(name: &str) -> ChangeEvent {
    let subject = format!("http://example.org/{name}");
    let about = |predicate: &str, object: Term| Quad {
        subject: Term::iri(subject.as_str()),
        predicate: Term::iri(predicate),
        object,
        graph: None,
    };
    let mut delta = Delta::default();
    delta.insert(about(
        "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
        Term::iri("http://www.w3.org/2002/07/owl#Class"),
    ));
    delta.insert(about(
        "http://www.w3.org/2000/01/rdf-schema#comment",
        Term::literal(format!("What a {} is.", name.to_lowercase())),
    ));
    ChangeEvent::node_added(subject.clone()).with_delta(delta)
}
