//! The engine behind its port: published quads, gates that say no, and errors of others.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use evergen_delta::{Delta, Quad, Term};
use evergen_events::{ChangeEvent, ChangeType, OffsetSet};
use evergen_regeneration::conformance::{self, Subject, Visible};
use evergen_regeneration::{
    Access, Diagnostic, MemoryRegenerator, Project, QueuedEvent, RegenerateError, Regenerated,
    RegenerationEngine, Regenerator, Settings, SharedEngine, Verdict, Work,
};
use futures::executor::block_on;
use tempfile::TempDir;
use uuid::Uuid;

const TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
const CLASS: &str = "http://www.w3.org/2002/07/owl#Class";
const TEMPLATE: &str = "+++\nfor_each = 'SELECT ?class WHERE { ?class a owl:Class }'\n\
     to = '{{ class | local_name }}.txt'\n+++\n{{ class | local_name }}\n";

struct Fixture {
    folder: TempDir,
    engine: SharedEngine,
}

fn settings(published: bool) -> Settings {
    let mut settings = Settings::default();
    settings.model.sources = vec!["model.ttl".to_owned()];
    settings.model.published = published.then(|| "published.nq".to_owned());
    settings
}

fn open(folder: &Path, published: bool) -> SharedEngine {
    let project = Project::new(folder, settings(published));
    let engine = RegenerationEngine::open(project, Access::Write { wait: None }).unwrap();
    SharedEngine::new(engine).unwrap()
}

fn fixture(published: bool) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    std::fs::write(folder.path().join("templates/class.txt.j2"), TEMPLATE).unwrap();
    model(folder.path(), &["First"]);
    let engine = open(folder.path(), published);
    Fixture { folder, engine }
}

fn model(folder: &Path, classes: &[&str]) {
    let lines: Vec<String> = classes
        .iter()
        .map(|class| format!("<http://example.org/{class}> a <{CLASS}> .\n"))
        .collect();
    let classes = lines.concat();
    std::fs::write(folder.join("model.ttl"), classes).unwrap();
}

fn class(name: &str) -> ChangeEvent {
    let subject = format!("http://example.org/{name}");
    let mut delta = Delta::default();
    delta.insert(Quad {
        subject: Term::iri(subject.as_str()),
        predicate: Term::iri(TYPE),
        object: Term::iri(CLASS),
        graph: None,
    });
    ChangeEvent::node_added(subject).with_delta(delta)
}

fn without_class(name: &str) -> ChangeEvent {
    let event = class(name);
    let delta = event.delta.clone().unwrap().inverted();
    event.with_delta(delta)
}

fn hint() -> ChangeEvent {
    ChangeEvent::new(ChangeType::Bulk, "file:model.ttl")
}

fn work(engine: &dyn Regenerator, event: ChangeEvent) -> Work {
    let mut offsets = OffsetSet::new();
    offsets.insert(0);
    let key = engine.key(&event);
    Work::new(Uuid::now_v7(), key, vec![QueuedEvent::new(offsets, Arc::new(event))], 1)
}

fn take(engine: &SharedEngine, event: ChangeEvent) -> Result<Regenerated, RegenerateError> {
    block_on(async { engine.prepare(work(engine, event)).await?.commit().await })
}

fn visible(folder: &Path) -> Visible {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder.join("gen")).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        files.insert(name, std::fs::read(path).unwrap());
    }
    files
}

fn names(folder: &Path) -> String {
    visible(folder).into_keys().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_engine_conforms() {
    conformance::check(&mut || {
        let Fixture { folder, engine } = fixture(true);
        Subject {
            regenerator: Arc::new(engine),
            look: Box::new(move || visible(folder.path())),
            event: Box::new(|number| class(&format!("C{number}"))),
        }
    });
}

#[test]
fn the_memory_conforms() {
    conformance::check(&mut || {
        let memory = MemoryRegenerator::new();
        let seen = memory.clone();
        let look = move || {
            let artifacts = seen.artifacts().into_iter();
            artifacts.map(|(path, bytes)| (path.to_string(), bytes.to_vec())).collect()
        };
        Subject {
            regenerator: Arc::new(memory),
            look: Box::new(look),
            event: Box::new(|number| ChangeEvent::node_added(format!("urn:x:{number}"))),
        }
    });
}

#[test]
fn published_quads_are_a_source_that_stays() {
    let Fixture { folder, engine } = fixture(true);
    let regenerated = take(&engine, class("Order")).unwrap();
    assert_eq!((regenerated.counts.written, regenerated.bytes_written), (2, 12));
    assert_eq!(regenerated.verdict, Verdict::Done);
    assert_eq!(names(folder.path()), "First.txt Order.txt");
    drop(engine);

    let engine = open(folder.path(), true);
    assert_eq!(take(&engine, hint()).unwrap().counts.evaluated, 0);
    take(&engine, without_class("Order")).unwrap();
    assert_eq!(names(folder.path()), "First.txt");
    let text = std::fs::read_to_string(folder.path().join("published.nq")).unwrap();
    assert_eq!(text, "");
}

#[test]
fn what_a_gate_holds_back_is_not_published_either() {
    let Fixture { folder, engine } = fixture(true);
    take(&engine, class("Order")).unwrap();
    let prepared = block_on(engine.prepare(work(&engine, class("Product")))).unwrap();
    let proposed: Vec<_> =
        prepared.proposed().iter().map(|change| change.path.to_string()).collect();
    assert_eq!(proposed, ["Product.txt"]);
    block_on(prepared.discard());
    take(&engine, hint()).unwrap();
    assert_eq!(names(folder.path()), "First.txt Order.txt");
    assert!(!folder.path().join("published.nq.before").exists());
}

#[test]
fn a_project_that_takes_no_quads_says_so() {
    let Fixture { engine, .. } = fixture(false);
    let error = take(&engine, class("Order")).unwrap_err();
    assert!(!error.is_transient());
    insta::assert_snapshot!(error, @"the events can't be taken: the project takes no published quads; `published` under `[model]` names a file for them");
}

#[test]
fn hostile_quads_are_refused_and_leave_nothing() {
    let Fixture { folder, engine } = fixture(true);
    let mut delta = Delta::default();
    delta.insert(Quad {
        subject: Term::iri("http://x/> <http://p> <http://o> .\n<http://y"),
        predicate: Term::iri(TYPE),
        object: Term::iri(CLASS),
        graph: None,
    });
    let error = take(&engine, ChangeEvent::node_added("urn:x:a").with_delta(delta)).unwrap_err();
    assert!(matches!(error, RegenerateError::Rejected { .. }), "{error}");
    let mut delta = Delta::default();
    let (subject, predicate, object) =
        (Term::Blank("b".to_owned()), Term::iri(TYPE), Term::iri(CLASS));
    delta.insert(Quad { subject, predicate, object, graph: None });
    let error = take(&engine, ChangeEvent::node_added("urn:x:a").with_delta(delta)).unwrap_err();
    assert!(error.to_string().contains("blank node"), "{error}");
    take(&engine, hint()).unwrap();
    assert_eq!(names(folder.path()), "First.txt");
    assert!(!folder.path().join("published.nq").exists());
}

#[test]
fn a_wrong_model_is_a_verdict_and_the_last_good_output_stands() {
    let Fixture { folder, engine } = fixture(true);
    take(&engine, hint()).unwrap();
    std::fs::write(folder.path().join("model.ttl"), "<http://x").unwrap();
    let regenerated = take(&engine, hint()).unwrap();
    let Verdict::Rejected { diagnostics } = regenerated.verdict else { panic!("it passed") };
    assert_eq!(diagnostics[0].code, "model::syntax");
    // Quads that come meanwhile are their sender's to send again.
    let error = take(&engine, class("Order")).unwrap_err();
    assert!(matches!(error, RegenerateError::Rejected { .. }), "{error}");
    assert_eq!(names(folder.path()), "First.txt");

    model(folder.path(), &["Second"]);
    assert_eq!(take(&engine, hint()).unwrap().verdict, Verdict::Done);
    assert_eq!(names(folder.path()), "Second.txt");
}

#[test]
fn a_change_of_quads_that_was_cut_short_is_taken_back() {
    let Fixture { folder, engine } = fixture(true);
    take(&engine, class("Order")).unwrap();
    drop(engine);
    let published = folder.path().join("published.nq");
    std::fs::copy(&published, folder.path().join("published.nq.before")).unwrap();
    std::fs::write(&published, format!("<http://example.org/Half> <{TYPE}> <{CLASS}> .\n"))
        .unwrap();
    let engine = open(folder.path(), true);
    take(&engine, hint()).unwrap();
    assert_eq!(names(folder.path()), "First.txt Order.txt");
}

#[test]
fn new_settings_are_read_where_an_event_says_so() {
    let Fixture { folder, engine } = fixture(false);
    drop(engine);
    let root = folder.path().to_owned();
    let project = Project::new(&root, settings(false));
    let engine = RegenerationEngine::open(project, Access::Write { wait: None }).unwrap();
    let engine = SharedEngine::with_reload(engine, move || {
        let mut settings = settings(false);
        settings.regeneration.output_dir = "other".to_owned();
        Ok(Project::new(&root, settings))
    });
    let engine = engine.unwrap();
    take(&engine, hint()).unwrap();
    assert!(!folder.path().join("other").exists());
    take(&engine, ChangeEvent::new(ChangeType::ConfigurationChanged, "file:evergen.toml")).unwrap();
    assert!(folder.path().join("other/First.txt").exists());
}

/// An engine whose configuration is what `reload` says, counting the times that it is asked.
fn reloading(
    folder: &Path,
    reload: impl Fn(usize) -> Result<Settings, Vec<Diagnostic>> + Send + 'static,
) -> SharedEngine {
    let project = Project::new(folder, settings(true));
    let engine = RegenerationEngine::open(project, Access::Write { wait: None }).unwrap();
    let (root, mut asked) = (folder.to_owned(), 0);
    let engine = SharedEngine::with_reload(engine, move || {
        asked += 1;
        reload(asked).map(|settings| Project::new(&root, settings))
    });
    engine.unwrap()
}

fn wrong() -> Vec<Diagnostic> {
    vec![Diagnostic::error("config::unknown_key", "unknown key")]
}

fn configuration() -> ChangeEvent {
    ChangeEvent::new(ChangeType::ConfigurationChanged, "file:evergen.toml")
}

fn rejected(regenerated: Result<Regenerated, RegenerateError>) -> bool {
    matches!(regenerated.unwrap().verdict, Verdict::Rejected { .. })
}

#[test]
fn a_wrong_configuration_is_told_until_it_is_mended() {
    let Fixture { folder, engine } = fixture(true);
    drop(engine);
    let engine = reloading(folder.path(), |asked| match asked {
        1..=2 => Err(wrong()),
        _ => Ok(settings(true)),
    });
    assert!(rejected(take(&engine, configuration())));
    assert!(rejected(take(&engine, hint())), "it is still wrong");
    assert_eq!(take(&engine, hint()).unwrap().verdict, Verdict::Done);
}

#[test]
fn quads_that_come_with_a_wrong_configuration_are_not_taken_for_done() {
    let Fixture { folder, engine } = fixture(true);
    drop(engine);
    let engine = reloading(folder.path(), |_| Err(wrong()));
    let mut event = class("Order");
    event.change = ChangeType::ConfigurationChanged;
    let error = take(&engine, event).unwrap_err();
    assert!(matches!(error, RegenerateError::Rejected { .. }), "{error}");
    // Others go by the settings that were good.
    assert_eq!(take(&engine, class("Product")).unwrap().verdict, Verdict::Done);
    assert_eq!(names(folder.path()), "First.txt Product.txt");
}

#[test]
fn settings_are_taken_over_as_a_whole_or_not_at_all() {
    let Fixture { folder, engine } = fixture(true);
    drop(engine);
    std::fs::write(folder.path().join("broken.nq"), "<http://x").unwrap();
    let engine = reloading(folder.path(), |_| {
        let mut settings = settings(true);
        settings.model.published = Some("broken.nq".to_owned());
        settings.regeneration.output_dir = "other".to_owned();
        Ok(settings)
    });
    assert!(rejected(take(&engine, configuration())));
    take(&engine, class("Order")).unwrap();
    assert_eq!(names(folder.path()), "First.txt Order.txt");
    assert!(!folder.path().join("other").exists());
}

#[test]
fn an_engine_that_panicked_goes_on_with_the_next_work() {
    let Fixture { folder, engine } = fixture(true);
    drop(engine);
    let engine = reloading(folder.path(), |asked| match asked {
        1 => panic!("on purpose"),
        _ => Ok(settings(true)),
    });
    let error = take(&engine, configuration()).unwrap_err();
    assert!(error.is_transient());
    assert_eq!(error.to_string(), "the engine panicked: on purpose");
    take(&engine, class("Order")).unwrap();
    assert_eq!(take(&engine, hint()).unwrap().verdict, Verdict::Done);
    assert_eq!(names(folder.path()), "First.txt Order.txt");
}

#[test]
fn what_others_write_to_the_published_file_is_kept() {
    let Fixture { folder, engine } = fixture(true);
    take(&engine, class("A")).unwrap();
    let published = folder.path().join("published.nq");
    let mut text = std::fs::read_to_string(&published).unwrap();
    writeln!(text, "<http://example.org/B> <{TYPE}> <{CLASS}> .").unwrap();
    std::fs::write(&published, text).unwrap();
    take(&engine, class("C")).unwrap();
    assert_eq!(names(folder.path()), "A.txt B.txt C.txt First.txt");
    // Whoever may read other files of the project may read this one.
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions();
    assert_eq!(mode(&published), mode(&folder.path().join("model.ttl")));
}

#[test]
fn what_is_left_for_a_person_is_named() {
    let Fixture { folder, engine } = fixture(true);
    take(&engine, hint()).unwrap();
    std::fs::write(folder.path().join("gen/First.txt"), "mine\n").unwrap();
    let regenerated = take(&engine, class("Order")).unwrap();
    let Verdict::Incomplete { left } = regenerated.verdict else { panic!("nothing was left") };
    assert!(left[0].starts_with("First.txt: it was edited by hand"), "{left:?}");
    assert_eq!(names(folder.path()), "First.txt Order.txt");
}

#[test]
fn an_engine_catches_up_with_what_was_published_without_an_orchestrator() {
    let Fixture { folder, engine } = fixture(true);
    drop(engine);
    let notifier = evergen_events::GraphChangeNotifier::default();
    let client = Arc::new(evergen_llm::MockClient::with_response("unused"));
    let project = Project::new(folder.path(), settings(true));
    let engine = RegenerationEngine::for_programs(project, client, notifier.clone()).unwrap();
    let engine = SharedEngine::new(engine).unwrap();
    block_on(async {
        for name in ["A", "B", "A"] {
            notifier.publish(class(name)).await.unwrap();
        }
        notifier.publish(without_class("B")).await.unwrap();
        assert_eq!(engine.catch_up().await.unwrap(), 4);
        assert_eq!(engine.catch_up().await.unwrap(), 0);
    });
    assert_eq!(names(folder.path()), "A.txt First.txt");
}
