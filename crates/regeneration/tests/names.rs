//! Names that outlive changes of the model, kept in a file beside the lock.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what failed")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

use evergen_delta::{QuadPattern, TermRef};
use evergen_knowledge::TrackedReader;
use evergen_regeneration::{
    Access, CycleError, KeepError, NameKeeper, Project, RegenerationEngine, RunReport, Settings,
};
use tempfile::TempDir;

const TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
const CLASS: &str = "http://www.w3.org/2000/01/rdf-schema#Class";

/// Numbers the classes, in the order in which they were first seen.
struct Numbers;

impl Numbers {
    fn classes() -> QuadPattern {
        let id = |iri| Some(TermRef::Iri(iri).id());
        QuadPattern::default_graph(None, id(TYPE), id(CLASS))
    }
}

impl NameKeeper for Numbers {
    fn file_name(&self) -> &'static str {
        "numbers.ttl"
    }

    fn keep(&self, reader: &dyn TrackedReader, previous: &str) -> Result<String, KeepError> {
        let mut numbers = BTreeMap::new();
        for (line, text) in (1..).zip(previous.lines()) {
            let parts: Vec<&str> = text.split(' ').collect();
            let [subject, _, number, "."] = parts[..] else {
                return Err(KeepError::new("this is no number", Some(line)));
            };
            numbers.insert(subject.to_owned(), number.parse().unwrap_or(0));
        }
        let mut classes: Vec<String> = reader
            .quads(Self::classes())
            .filter_map(|quad| Some(reader.term(quad.subject)?.to_string()))
            .collect();
        classes.sort();
        for class in classes {
            let next = numbers.values().max().map_or(1, |most: &u32| most + 1);
            numbers.entry(class).or_insert(next);
        }
        let mut text = String::new();
        for (class, number) in numbers {
            writeln!(text, "{class} <urn:number> {number} .").unwrap();
        }
        Ok(text)
    }
}

const TEMPLATE: &str = r#"+++
for_each = "SELECT ?class ?number WHERE { ?class a rdfs:Class ; <urn:number> ?number }"
to = "{{ class | local_name }}.txt"
+++
{{ number }}
"#;

struct Fixture(TempDir);

impl Fixture {
    fn new(classes: &[&str]) -> Self {
        let fixture = Self(TempDir::new().unwrap());
        fs::create_dir(fixture.0.path().join("templates")).unwrap();
        fixture.write("templates/class.j2", TEMPLATE);
        fixture.write("numbers.ttl", "");
        fixture.model(classes);
        fixture
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.0.path().join(path), text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.path().join(path)).unwrap()
    }

    fn model(&self, classes: &[&str]) {
        let mut text = String::new();
        for class in classes {
            writeln!(text, "<http://x/{class}> a <{CLASS}> .").unwrap();
        }
        self.write("model.ttl", &text);
    }

    fn engine(&self, access: Access) -> RegenerationEngine {
        let mut settings = Settings::default();
        settings.model.sources = vec!["model.ttl".to_owned()];
        let project = Project::new(self.0.path(), settings).with_name_keeper(Arc::new(Numbers));
        RegenerationEngine::open(project, access).unwrap()
    }

    fn try_run(&self) -> Result<RunReport, CycleError> {
        self.engine(Access::Write { wait: None }).run(&mut |_| {})
    }

    fn run(&self) -> (u64, u64) {
        let report = self.try_run().unwrap();
        (report.artifacts.evaluated, report.artifacts.written)
    }
}

#[test]
fn what_is_new_gets_a_name_which_it_keeps() {
    let fixture = Fixture::new(&["m"]);
    assert_eq!(fixture.run(), (1, 1));
    assert_eq!(fixture.read("gen/m.txt"), "1\n");
    fixture.model(&["a", "m"]);
    assert_eq!(fixture.run(), (1, 1), "the other class has its name already");
    assert_eq!([fixture.read("gen/a.txt"), fixture.read("gen/m.txt")], ["2\n", "1\n"]);
    assert_eq!(fixture.run(), (0, 0));
}

#[test]
fn a_name_waits_for_what_is_gone() {
    let fixture = Fixture::new(&["a", "b"]);
    fixture.run();
    fixture.model(&["b"]);
    fixture.run();
    fixture.model(&["b", "c"]);
    fixture.run();
    fixture.model(&["a", "b", "c"]);
    fixture.run();
    let numbers = ["a", "b", "c"].map(|class| fixture.read(&format!("gen/{class}.txt")));
    assert_eq!(numbers, ["1\n", "2\n", "3\n"]);
}

#[test]
fn an_edit_of_the_file_is_a_change_of_the_model() {
    let fixture = Fixture::new(&["a", "b"]);
    fixture.run();
    fixture.write("numbers.ttl", &fixture.read("numbers.ttl").replace("1 .", "7 ."));
    assert_eq!(fixture.run(), (1, 1));
    assert_eq!(fixture.read("gen/a.txt"), "7\n");
}

#[test]
fn state_that_is_lost_loses_no_name() {
    let fixture = Fixture::new(&["b"]);
    fixture.run();
    fixture.model(&["a", "b"]);
    fixture.run();
    fs::remove_dir_all(fixture.0.path().join(".evergen")).unwrap();
    assert_eq!(fixture.run().1, 0);
    assert_eq!(fixture.read("gen/a.txt"), "2\n");
    let verified = fixture.engine(Access::Read).verify().unwrap();
    assert!(verified.differences.is_empty(), "{verified:?}");
}

#[test]
fn a_preview_names_and_writes_nothing() {
    let fixture = Fixture::new(&["a"]);
    let plan = fixture.engine(Access::Read).plan().unwrap();
    assert_eq!(plan.artifacts.written, 1);
    assert_eq!(fixture.read("numbers.ttl"), "");
}

#[test]
fn a_refused_cycle_gives_no_names() {
    let fixture = Fixture::new(&["a"]);
    fixture.write("templates/wrong.j2", "+++\nto = \"x\"\n+++\n{{ 1 / 0 }}{{ nothing }}\n");
    fixture.try_run().unwrap_err();
    assert_eq!(fixture.read("numbers.ttl"), "");
}

#[test]
fn a_fault_of_the_file_is_told_with_its_line() {
    let fixture = Fixture::new(&["a"]);
    fixture
        .write("numbers.ttl", "<http://x/b> <urn:number> 1 .\n<http://x/c> a <urn:d>, <urn:e> .\n");
    let Err(CycleError::Rejected(problems)) = fixture.try_run() else { panic!("it ran") };
    let told = (problems[0].file.as_deref(), problems[0].line, &*problems[0].message);
    assert_eq!(told, (Some("numbers.ttl"), Some(2), "this is no number"));
}

/// What the keeper read is remembered, so that it is asked again for that and nothing else.
#[test]
fn a_keeper_is_asked_when_what_it_read_changes() {
    let fixture = Fixture::new(&["A"]);
    fixture.run();
    let text = fixture.read("numbers.ttl");
    let mut model = fixture.read("model.ttl");
    model.push_str("<http://x/A> <http://x/note> \"a note\" .\n");
    fixture.write("model.ttl", &model);
    fixture.run();
    assert_eq!(fixture.read("numbers.ttl"), text);
    writeln!(model, "<http://x/B> a <{CLASS}> .").unwrap();
    fixture.write("model.ttl", &model);
    fixture.run();
    assert!(fixture.read("numbers.ttl").contains("<http://x/B>"));
}
