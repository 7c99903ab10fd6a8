//! Parts that do what a test tells them to.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::Duration;

use evergen_artifact::{ArtifactPath, ProposedChange, ProposedChanges};
use evergen_deployment::{DeployError, Deployer, Deployment, DeploymentRequest, Effect};
use evergen_events::{ChangeEvent, GraphChangeNotifier};
use evergen_orchestrator::{
    OrchestratorConfig, OrchestratorConfigBuilder, RegenerationOrchestrator,
};
use evergen_regeneration::{
    Prepared, RegenerateError, Regenerated, Regenerator, Verdict, Work, WorkKey,
};
use evergen_telemetry::{MemorySink, TelemetryCollector, TelemetryConfig};
use futures::future::{BoxFuture, FutureExt};

/// What becomes of the work for a subject.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Well,
    /// Fails so many times, then goes well.
    Fails(usize),
    Refused,
    Panics(usize),
    Hangs,
    Takes(Duration),
    CommitTakes(Duration),
    CommitHangs,
    ModelIsWrong,
    LeavesSome,
    ChangesNothing,
    /// Blocks its thread, so that it can't be cancelled, until the door is opened.
    Blocks,
}

#[derive(Clone, Default)]
pub(crate) struct Workshop {
    ways: Arc<Mutex<HashMap<String, Way>>>,
    tries: Arc<Mutex<HashMap<String, usize>>>,
    pub(crate) commits: Arc<Mutex<BTreeMap<String, usize>>>,
    running: Arc<AtomicUsize>,
    pub(crate) most: Arc<AtomicUsize>,
    pub(crate) door: Arc<Door>,
    /// What was proposed last.
    pub(crate) proposed: Arc<Mutex<Weak<ProposedChanges>>>,
}

/// Holds threads up until it is opened.
#[derive(Default)]
pub(crate) struct Door(Mutex<bool>, Condvar);

impl Door {
    pub(crate) fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    pub(crate) fn wait(&self) {
        let closed = |open: &mut bool| !*open;
        drop(self.1.wait_while(self.0.lock().unwrap(), closed).unwrap());
    }
}

/// Opens the door when a test ends, however it does: else its runtime would wait for ever.
pub(crate) struct Opens(pub(crate) Arc<Door>);

impl Drop for Opens {
    fn drop(&mut self) {
        self.0.open();
    }
}

pub(crate) fn iri(name: &str) -> String {
    format!("http://example.org/{name}")
}

pub(crate) fn event(name: &str) -> ChangeEvent {
    ChangeEvent::node_added(iri(name))
}

impl Workshop {
    pub(crate) fn with(self, name: &str, way: Way) -> Self {
        self.set(name, way);
        self
    }

    pub(crate) fn set(&self, name: &str, way: Way) {
        self.ways.lock().unwrap().insert(iri(name), way);
    }

    pub(crate) fn tries(&self, name: &str) -> usize {
        self.tries.lock().unwrap().get(&iri(name)).copied().unwrap_or(0)
    }

    pub(crate) fn commits(&self, name: &str) -> usize {
        self.commits.lock().unwrap().get(&iri(name)).copied().unwrap_or(0)
    }

    pub(crate) fn all_commits(&self) -> usize {
        self.commits.lock().unwrap().values().sum()
    }
}

struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Regenerator for Workshop {
    fn key(&self, event: &ChangeEvent) -> WorkKey {
        WorkKey::new(event.subject.as_str())
    }

    fn prepare(&self, work: Work) -> BoxFuture<'_, Result<Box<dyn Prepared>, RegenerateError>> {
        let subject = work.key.as_str().to_owned();
        let way = self.ways.lock().unwrap().get(&subject).copied().unwrap_or(Way::Well);
        let tries = {
            let mut tries = self.tries.lock().unwrap();
            let tries = tries.entry(subject.clone()).or_default();
            *tries += 1;
            *tries
        };
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let running = Running(Arc::clone(&self.running));
        let broken = || RegenerateError::Storage {
            doing: "writing aside".to_owned(),
            source: "the disk is full".into(),
        };
        async move {
            match way {
                Way::Fails(times) if tries <= times => return Err(broken()),
                Way::Refused => {
                    let why = "it makes no sense".to_owned();
                    return Err(RegenerateError::Rejected { why, diagnostics: Vec::new() });
                }
                Way::Panics(times) if tries <= times => panic!("the workshop is on fire"),
                Way::Hangs => std::future::pending().await,
                Way::Blocks => tokio::task::block_in_place(|| self.door.wait()),
                Way::Takes(time) => tokio::time::sleep(time).await,
                _ => {}
            }
            let path = ArtifactPath::parse(&format!("{}.txt", subject.rsplit('/').next().unwrap()))
                .unwrap();
            let change = ProposedChange::write(path, "test", subject.clone().into_bytes(), false);
            let changes = if matches!(way, Way::ChangesNothing) { vec![] } else { vec![change] };
            let proposed = Arc::new(ProposedChanges::new(changes));
            *self.proposed.lock().unwrap() = Arc::downgrade(&proposed);
            let commits = Arc::clone(&self.commits);
            Ok(Box::new(Piece { subject, way, proposed, commits, _running: running })
                as Box<dyn Prepared>)
        }
        .boxed()
    }
}

struct Piece {
    subject: String,
    way: Way,
    proposed: Arc<ProposedChanges>,
    commits: Arc<Mutex<BTreeMap<String, usize>>>,
    _running: Running,
}

impl Prepared for Piece {
    fn proposed(&self) -> &Arc<ProposedChanges> {
        &self.proposed
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Regenerated, RegenerateError>> {
        async move {
            match self.way {
                Way::CommitTakes(time) => tokio::time::sleep(time).await,
                Way::CommitHangs => std::future::pending().await,
                _ => {}
            }
            let mut regenerated = Regenerated::default();
            if matches!(self.way, Way::LeavesSome) {
                regenerated.verdict = Verdict::Incomplete { left: vec!["a.txt: kept".to_owned()] };
            }
            if matches!(self.way, Way::ModelIsWrong) {
                regenerated.verdict = Verdict::Rejected { diagnostics: Vec::new() };
                return Ok(regenerated);
            }
            *self.commits.lock().unwrap().entry(self.subject.clone()).or_default() += 1;
            regenerated.counts.written = 1;
            regenerated.bytes_written = self.proposed.written_bytes();
            regenerated.phases.insert("render", Duration::from_millis(1));
            Ok(regenerated)
        }
        .boxed()
    }

    fn discard(self: Box<Self>) -> BoxFuture<'static, ()> {
        async {}.boxed()
    }
}

/// Deploys to `staging`, if told to; fails so many times first, or refuses for good.
#[derive(Default)]
pub(crate) struct Port {
    pub(crate) automatic: bool,
    /// Whether it lacks something.
    pub(crate) behind: AtomicBool,
    /// Whether it remembers what it lacks.
    pub(crate) remembers: bool,
    /// The environment that refuses everything.
    pub(crate) refuses: Option<&'static str>,
    /// How many deployments were asked for.
    pub(crate) asked: AtomicUsize,
    /// Whether failures are of `staging` alone.
    pub(crate) only_staging_fails: bool,
    /// How many deployments block their thread until the door is opened.
    pub(crate) blocks: AtomicUsize,
    pub(crate) door: Arc<Door>,
    /// Where it has deployed to, in order.
    pub(crate) places: Mutex<Vec<String>>,
    pub(crate) fails: AtomicUsize,
    pub(crate) hangs: AtomicUsize,
    pub(crate) deployed: AtomicUsize,
}

impl Deployer for Port {
    fn automatic(&self) -> Vec<String> {
        if self.automatic { vec!["staging".to_owned()] } else { Vec::new() }
    }

    fn remembers(&self) -> bool {
        self.remembers
    }

    fn is_behind(&self) -> bool {
        self.behind.load(Ordering::SeqCst)
    }

    fn deploy(&self, request: DeploymentRequest) -> BoxFuture<'_, Result<Deployment, DeployError>> {
        async move {
            let environment = request.environment.clone();
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.refuses == Some(environment.as_str()) {
                let why = "it is not allowed".to_owned();
                return Err(DeployError::Rejected { environment, why });
            }
            if environment == "nowhere" {
                return Err(DeployError::UnknownEnvironment {
                    name: environment,
                    known: Vec::new(),
                });
            }
            let left = |count: &AtomicUsize| {
                count
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                    .is_ok()
            };
            if left(&self.hangs) {
                std::future::pending::<()>().await;
            }
            if left(&self.blocks) {
                // Without this, whatever waits behind it on this worker would be blocked, too.
                tokio::task::block_in_place(|| self.door.wait());
                return Err(DeployError::Unavailable { environment, why: "too late".to_owned() });
            }
            let may_fail = !self.only_staging_fails || environment == "staging";
            if may_fail && left(&self.fails) {
                return Err(DeployError::Unavailable { environment, why: "no answer".to_owned() });
            }
            let number = self.deployed.fetch_add(1, Ordering::SeqCst) as u64 + 1;
            self.places.lock().unwrap().push(environment.clone());
            let release = request.changes.digest();
            Ok(Deployment::new(
                environment,
                request.execution_id,
                number,
                release,
                Effect::Published,
            ))
        }
        .boxed()
    }
}

/// A loop with these parts, and what a test looks at.
pub(crate) struct Bench {
    pub(crate) orchestrator: RegenerationOrchestrator,
    pub(crate) notifier: GraphChangeNotifier,
    pub(crate) workshop: Workshop,
    pub(crate) port: Arc<Port>,
    pub(crate) telemetry: TelemetryCollector,
    pub(crate) sink: Arc<MemorySink>,
}

/// Settings for tests: short waits, and few of them.
pub(crate) fn quick() -> OrchestratorConfigBuilder {
    OrchestratorConfig::builder()
        .max_concurrent(4)
        .debounce_ms(0)
        .task_timeout_ms(1_000)
        .commit_timeout_ms(500)
        .deploy_timeout_ms(1_000)
        .max_tries(3)
        .retry_base_ms(10)
        .retry_max_ms(50)
        .breaker_threshold(100)
        .stop_grace_ms(2_000)
}

impl Bench {
    pub(crate) fn new(config: OrchestratorConfig, workshop: Workshop, port: Port) -> Self {
        Self::on(GraphChangeNotifier::default(), config, workshop, port)
    }

    pub(crate) fn on(
        notifier: GraphChangeNotifier,
        config: OrchestratorConfig,
        workshop: Workshop,
        port: Port,
    ) -> Self {
        let sink = Arc::new(MemorySink::new(100_000));
        let builder =
            TelemetryCollector::builder(TelemetryConfig::default()).sink(Arc::clone(&sink));
        let telemetry = builder.start().unwrap();
        let port = Arc::new(port);
        let orchestrator = RegenerationOrchestrator::new(
            config,
            Arc::new(workshop.clone()),
            Arc::clone(&port) as Arc<dyn Deployer>,
            telemetry.clone(),
            notifier.clone(),
        );
        Self { orchestrator, notifier, workshop, port, telemetry, sink }
    }

    pub(crate) async fn publish(&self, names: &[&str]) {
        let events = names.iter().map(|name| event(name)).collect();
        self.notifier.publish_batch(events).await.unwrap();
    }

    /// Waits until something holds, which is looked at after each millisecond of the
    /// runtime's own time.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..600_000 {
            if holds(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!(
            "{what} did not come: {:?} {:?}",
            self.orchestrator.view(),
            self.orchestrator.get_stats()
        );
    }

    pub(crate) async fn until_processed(&self, events: u64) {
        self.until("the end of events", |bench| {
            let settled = bench.orchestrator.get_stats().events_processed >= events;
            settled && bench.orchestrator.view().in_hand == 0
        })
        .await;
    }
}
