//! Parts of artifacts: made again by themselves, and to nobody's surprise.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says by panicking what failed")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use evergen_delta::{TermId, TermRef};
use evergen_knowledge::{TrackedReader, navigate};
use evergen_regeneration::{
    Access, AskError, CycleError, ModelView, Project, RegenerationEngine, Remark, Reply, Settings,
    ViewMemory, Views,
};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use tempfile::TempDir;

const LABEL: &str = "http://www.w3.org/2000/01/rdf-schema#label";

/// Tells the label of a node, and counts how often it has to look.
#[derive(Default)]
struct Labels(AtomicUsize);

impl ModelView for Labels {
    fn name(&self) -> &'static str {
        "labels"
    }

    fn version(&self) -> u32 {
        1
    }

    fn ask(
        &self,
        reader: &dyn TrackedReader,
        _memory: &mut ViewMemory,
        _question: &str,
        subject: Option<TermId>,
    ) -> Result<Reply, AskError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let subject = subject.ok_or(AskError::NoSubject)?;
        let found = navigate::out(reader, subject, TermRef::Iri(LABEL).id());
        let texts = found.into_iter().filter_map(|id| Some(reader.term(id)?.text().to_owned()));
        let texts: Vec<String> = texts.collect();
        let odd = texts.iter().filter(|text| *text == "odd").map(|_| Remark {
            message: "it is odd".to_owned(),
            help: "make it even".to_owned(),
            evidence: Vec::new(),
        });
        Ok(Reply::new(&texts).with_remarks(odd))
    }
}

struct Fixture {
    folder: TempDir,
    labels: Arc<Labels>,
    fuel: Option<u64>,
    bytes: Option<u64>,
}

const HEAD: &str = "+++\nto = \"all.txt\"\n[queries]\nthings = \"SELECT ?thing WHERE { ?thing a rdfs:Class } ORDER BY ?thing\"\n+++\n";
const BODY: &str = "{% for row in things %}{{ part(\"_one.j2\", row.thing) }}\n{% endfor %}";
/// The same with all of them at once.
const ALL: &str = "{{ parts(\"_one.j2\", things | map(attribute=\"thing\") | list, \"\\n\") }}";
const PART: &str =
    "{{ subject }}: {{ labels.of(subject) | join }} {{ subject.out('rdfs:comment') | join }}";

impl Fixture {
    fn new(body: &str, part: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let fixture = Self { folder, labels: Arc::default(), fuel: None, bytes: None };
        fs::create_dir(fixture.folder.path().join("templates")).unwrap();
        fixture.write("templates/all.j2", &format!("{HEAD}{body}"));
        fixture.write("templates/_one.j2", part);
        fixture.model("one", "two", "");
        fixture
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.folder.path().join(path), text).unwrap();
    }

    fn model(&self, first: &str, second: &str, more: &str) {
        self.write(
            "model.ttl",
            &format!(
                "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n\
                 <urn:a> a rdfs:Class ; rdfs:label \"{first}\" .\n\
                 <urn:b> a rdfs:Class ; rdfs:label \"{second}\" .\n{more}"
            ),
        );
    }

    fn project(&self) -> Project {
        let mut settings = Settings::default();
        settings.model.sources = vec!["model.ttl".to_owned()];
        let limits = &mut settings.limits;
        limits.fuel = self.fuel.unwrap_or(limits.fuel);
        limits.max_artifact_bytes = self.bytes.unwrap_or(limits.max_artifact_bytes);
        let views = Views::new().with(Arc::clone(&self.labels) as Arc<dyn ModelView>);
        Project::new(self.folder.path(), settings).with_views(views)
    }

    fn engine(&self) -> RegenerationEngine {
        let access = Access::Write { wait: Some(Duration::from_secs(10)) };
        RegenerationEngine::open(self.project(), access).unwrap()
    }

    fn read(&self) -> String {
        fs::read_to_string(self.folder.path().join("gen/all.txt")).unwrap()
    }

    fn verify(&self) {
        let mut engine = RegenerationEngine::open(self.project(), Access::Read).unwrap();
        assert_eq!(engine.verify().unwrap().differences, []);
    }

    fn refusal(&self) -> (String, Option<String>, Option<u32>) {
        match self.engine().run(&mut |_| {}) {
            Err(CycleError::Rejected(problems)) => {
                let first = problems.into_iter().next().unwrap();
                (first.message, first.file, first.line)
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_part_is_made_again_when_what_it_read_is_touched_and_only_then() {
    let fixture = Fixture::new(BODY, PART);
    let mut engine = fixture.engine();
    engine.run(&mut |_| {}).unwrap();
    assert_eq!(fixture.read(), "urn:a: one \nurn:b: two \n");
    let looks = || fixture.labels.0.swap(0, Ordering::Relaxed);
    assert_eq!(looks(), 2);
    // What a view answered, what was navigated to, and a thing more.
    fixture.model("one", "three", "");
    engine.run(&mut |_| {}).unwrap();
    assert_eq!(fixture.read(), "urn:a: one \nurn:b: three \n");
    assert_eq!(looks(), 1);
    fixture.model("one", "three", "<urn:b> rdfs:comment \"new\" .");
    engine.run(&mut |_| {}).unwrap();
    assert_eq!(fixture.read(), "urn:a: one \nurn:b: three new\n");
    fixture.model("one", "three", "<urn:b> rdfs:comment \"new\" . <urn:c> a rdfs:Class .");
    engine.run(&mut |_| {}).unwrap();
    assert_eq!(fixture.read(), "urn:a: one \nurn:b: three new\nurn:c:  \n");
    fixture.verify();
}

#[test]
fn what_a_part_read_is_read_by_the_artifact() {
    let fixture = Fixture::new(BODY, PART);
    fixture.engine().run(&mut |_| {}).unwrap();
    // Another process knows no part, but what the artifact read.
    fixture.model("one", "two", "<urn:a> rdfs:comment \"later\" .");
    let report = fixture.engine().run(&mut |_| {}).unwrap();
    assert_eq!((report.artifacts.evaluated, report.artifacts.written), (1, 1));
    assert_eq!(fixture.read(), "urn:a: one later\nurn:b: two \n");
    fixture.model("one", "two", "<urn:a> rdfs:comment \"later\" ; rdfs:seeAlso <urn:b> .");
    assert_eq!(fixture.engine().run(&mut |_| {}).unwrap().artifacts.evaluated, 0);
}

#[test]
fn another_template_of_a_part_makes_all_of_them_again() {
    let fixture = Fixture::new(BODY, PART);
    let mut engine = fixture.engine();
    engine.run(&mut |_| {}).unwrap();
    fixture.write("templates/_one.j2", "<{{ subject }}>");
    engine.run(&mut |_| {}).unwrap();
    assert_eq!(fixture.read(), "<urn:a>\n<urn:b>\n");
    fixture.verify();
}

#[test]
fn a_part_explains_itself() {
    let fixture = Fixture::new(BODY, PART);
    fixture.engine().run(&mut |_| {}).unwrap();
    let explained = fixture.engine().explain("all.txt", Some(2)).unwrap();
    let explained = serde_json::to_string_pretty(&explained).unwrap();
    assert!(explained.contains("two"), "{explained}");
    assert!(explained.contains("templates/_one.j2"), "{explained}");
}

#[test]
fn each_line_of_a_part_explains_itself() {
    let lines =
        "{{ subject }}\n{{ labels.of(subject) | join }}\n{{ subject.out('rdfs:comment') | join }}";
    let fixture = Fixture::new(BODY, lines);
    fixture.model("one", "two", "<urn:a> rdfs:comment \"first\" . <urn:b> rdfs:comment \"last\" .");
    fixture.engine().run(&mut |_| {}).unwrap();
    assert_eq!(fixture.read(), "urn:a\none\nfirst\nurn:b\ntwo\nlast\n");
    for (line, shown, hidden, template) in [
        (2, "one", "first", 2),
        (3, "first", "two", 3),
        (5, "two", "last", 2),
        (6, "last", "first", 3),
    ] {
        let explained = fixture.engine().explain("all.txt", Some(line)).unwrap();
        let triples = serde_json::to_string(&explained.triples).unwrap();
        assert!(triples.contains(shown) && !triples.contains(hidden), "{line}: {triples}");
        let templates = serde_json::to_string(&explained.templates).unwrap();
        let place = format!("templates/_one.j2\",\"lines\":[{template}]");
        assert!(templates.contains(&place), "{line}: {templates}");
    }
}

#[test]
fn what_views_remark_is_told_again_when_a_part_is_used_again() {
    let part = "{{ labels.of(subject) | join }}";
    let fixture = Fixture::new(BODY, part);
    fixture.model("odd", "two", "");
    let mut engine = fixture.engine();
    let warnings = |engine: &mut RegenerationEngine| -> Vec<String> {
        let report = engine.run(&mut |_| {}).unwrap();
        report.diagnostics.into_iter().map(|told| told.message).collect()
    };
    assert_eq!(warnings(&mut engine), ["it is odd"]);
    fixture.model("odd", "three", "");
    assert_eq!(warnings(&mut engine), ["it is odd"]);
    fixture.model("even", "three", "");
    assert_eq!(warnings(&mut engine), [""; 0]);
}

#[test]
fn a_name_that_the_front_matter_gives_hides_the_function() {
    let fixture = Fixture::new("{{ part }}", PART);
    let text = HEAD.replace("things =", "part = \"ASK { ?x a rdfs:Class }\"\nthings =");
    fixture.write("templates/all.j2", &format!("{text}{{{{ part }}}}"));
    fixture.engine().run(&mut |_| {}).unwrap();
    assert_eq!(fixture.read(), "True");
}

/// All at once are what each by itself is.
#[test]
fn many_parts_are_kept_each_by_itself() {
    let body = "{{ parts(\"_one.j2\", things | map(attribute=\"thing\"), \" |\\n\") }}.\n{{ parts(\"_one.j2\", []) }}{{ parts(\"_one.j2\", [\"urn:x\", \"urn:y\"]) }}\n";
    let part = "{{ subject }}: {{ labels.of(subject) | join }}";
    let fixture = Fixture::new(body, part);
    let mut engine = fixture.engine();
    engine.run(&mut |_| {}).unwrap();
    assert_eq!(fixture.read(), "urn:a: one |\nurn:b: two.\nurn:x: urn:y: \n");
    let looks = || fixture.labels.0.swap(0, Ordering::Relaxed);
    assert_eq!(looks(), 4);
    fixture.model("one", "three", "<urn:y> rdfs:label \"why\" .");
    engine.run(&mut |_| {}).unwrap();
    assert_eq!(fixture.read(), "urn:a: one |\nurn:b: three.\nurn:x: urn:y: why\n");
    assert_eq!(looks(), 2);
    fixture.verify();
    drop(engine);
    // Another process knows no part, but of what each was made.
    fixture.model("first", "three", "<urn:y> rdfs:label \"why\" .");
    fixture.engine().run(&mut |_| {}).unwrap();
    assert_eq!(fixture.read(), "urn:a: first |\nurn:b: three.\nurn:x: urn:y: why\n");
    // The first line is also where the list of all subjects is taken from the rows.
    for (line, shown, hidden) in [(1, "first", "why"), (2, "three", "why"), (3, "why", "first")] {
        let explained = fixture.engine().explain("all.txt", Some(line)).unwrap();
        let triples = serde_json::to_string(&explained.triples).unwrap();
        assert!(triples.contains(shown) && !triples.contains(hidden), "{line}: {triples}");
    }
}

/// Some things, each with the number that its label tells.
fn things(numbers: &BTreeMap<u32, u32>) -> (String, String) {
    let mut model = "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n".to_owned();
    let mut lines = Vec::new();
    for (thing, number) in numbers {
        let _ = writeln!(model, "<urn:t{thing:03}> a rdfs:Class ; rdfs:label \"{number}\" .");
        lines.push(format!("urn:t{thing:03}: {number}"));
    }
    (model, lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// A list so long that it is kept as a whole follows what is taken from it, what comes to it
    /// and what changes in it, wherever that is and however much at once.
    #[test]
    fn a_long_list_is_always_that_of_the_model(
        steps in vec(vec((0u32..80, any::<bool>()), 0..6), 1..12),
    ) {
        let fixture = Fixture::new(ALL, "{{ subject }}: {{ labels.of(subject) | join }}");
        let mut numbers: BTreeMap<u32, u32> = (0..60).map(|thing| (thing, 0)).collect();
        let mut engine = fixture.engine();
        for (step, changes) in (1..).zip(&steps) {
            for (thing, is_gone) in changes {
                if *is_gone {
                    numbers.remove(thing);
                } else {
                    numbers.insert(*thing, step);
                }
            }
            let (model, text) = things(&numbers);
            fixture.write("model.ttl", &model);
            engine.run(&mut |_| {}).unwrap();
            prop_assert_eq!(fixture.read(), text);
        }
        fixture.verify();
    }
}

/// What a part reads hangs on its template: what is noted of it has to as well.
#[test]
fn a_part_of_another_template_is_stale_by_what_that_one_reads() {
    let fixture = Fixture::new(BODY, "{{ subject }}: {{ labels.of(subject) | join }}");
    fixture.engine().run(&mut |_| {}).unwrap();
    fixture.write("templates/_one.j2", "{{ subject }}: {{ subject.out('rdfs:comment') | join }}");
    fixture.engine().run(&mut |_| {}).unwrap();
    assert_eq!(fixture.read(), "urn:a: \nurn:b: \n");
    fixture.model("one", "two", "<urn:b> rdfs:comment \"said\" .");
    fixture.engine().run(&mut |_| {}).unwrap();
    assert_eq!(fixture.read(), "urn:a: \nurn:b: said\n");
    // The label is read no more.
    fixture.model("one", "other", "<urn:b> rdfs:comment \"said\" .");
    assert_eq!(fixture.engine().run(&mut |_| {}).unwrap().artifacts.evaluated, 0);
}

#[test]
fn wrong_parts_are_told_with_the_place() {
    let refusals = [
        ("{{ parts(\"_one.j2\", 7) }}", PART),
        ("{{ parts(\"_one.j2\", [7]) }}", PART),
        ("{{ parts(\"_one.j2\", [], 7) }}", PART),
        ("{{ parts(\"_one.j2\", \"urn:a\") }}", PART),
        ("{{ parts(\"_one.j2\", none_such) }}", PART),
        ("{{ parts(\"_one.j2\", things | map(attribute=\"thin\")) }}", PART),
        ("\n{{ part(\"_one.j2\") }}", PART),
        ("{{ part(\"_one.j2\", 7) }}", PART),
        ("{{ part(3, \"urn:a\") }}", PART),
        ("{{ part(\"_none.j2\", \"urn:a\") }}", PART),
        ("{{ part(\"_one.j2\", \"urn:a\") }}", "one\n{{ things }}"),
        ("{{ part(\"_one.j2\", \"urn:a\") }}", "{{ part(\"_one.j2\", \"urn:a\") }}"),
        ("{{ part(\"_one.j2\", \"urn:a\") }}", "{{ labels.of(subject }}"),
    ]
    .map(|(body, part)| format!("{:?}", Fixture::new(body, part).refusal()));
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    ("parts() takes a template, what each part is about and what stands between them, like parts(\"_message.j2\", classes, \"\\n\"): a list of nodes or texts, and a text", Some("templates/all.j2"), Some(6))
    ("parts() takes a template, what each part is about and what stands between them, like parts(\"_message.j2\", classes, \"\\n\"): a list of nodes or texts, and a text", Some("templates/all.j2"), Some(6))
    ("parts() takes a template, what each part is about and what stands between them, like parts(\"_message.j2\", classes, \"\\n\"): a list of nodes or texts, and a text", Some("templates/all.j2"), Some(6))
    ("parts() takes a template, what each part is about and what stands between them, like parts(\"_message.j2\", classes, \"\\n\"): a list of nodes or texts, and a text", Some("templates/all.j2"), Some(6))
    ("`none_such` is not defined", Some("templates/all.j2"), Some(6))
    ("a row has no `thin`; did you mean `thing`?", Some("templates/all.j2"), Some(6))
    ("part() takes a template and what it is about, like part(\"_message.j2\", class): a node or a text", Some("templates/all.j2"), Some(7))
    ("part() takes a template and what it is about, like part(\"_message.j2\", class): a node or a text", Some("templates/all.j2"), Some(6))
    ("part() takes a template and what it is about, like part(\"_message.j2\", class): a node or a text", Some("templates/all.j2"), Some(6))
    ("template \"_none.j2\" does not exist", Some("templates/all.j2"), Some(6))
    ("`things` is undefined", Some("templates/_one.j2"), Some(2))
    ("a part has no parts of its own; include the template", Some("templates/_one.j2"), Some(1))
    ("unexpected `}`, expected `,`", Some("templates/_one.j2"), Some(1))
    "#);
}

/// Whether an artifact is within its limits does not depend on what is kept.
#[test]
fn all_parts_together_have_the_fuel_of_one_artifact() {
    let part = "{% for n in range(300) %}{{ n }}{% endfor %}{{ labels.of(subject) | join }}";
    for body in [BODY, ALL] {
        let mut fixture = Fixture::new(body, part);
        fixture.fuel = Some(5_000);
        let mut engine = fixture.engine();
        engine.run(&mut |_| {}).unwrap();
        fixture.model("one", "two", "<urn:c> a rdfs:Class . <urn:d> a rdfs:Class .");
        let error = engine.run(&mut |_| {}).unwrap_err();
        let CycleError::Rejected(problems) = error else { panic!("{error}") };
        drop(engine);
        assert_eq!(problems[0].code, "template::fuel");
        assert_eq!(fixture.refusal().0, problems[0].message);
    }
}

/// The same of the size, which is that of the text and not of what it might have been.
#[test]
fn all_parts_together_are_as_long_as_one_artifact_may_be() {
    let mut fixture = Fixture::new(ALL, "{{ labels.of(subject) | join }}");
    fixture.bytes = Some(10);
    let mut engine = fixture.engine();
    fixture.model("1234", "56789", "");
    engine.run(&mut |_| {}).unwrap();
    assert_eq!(fixture.read(), "1234\n56789");
    fixture.model("1234", "56789x", "");
    let error = engine.run(&mut |_| {}).unwrap_err();
    let CycleError::Rejected(problems) = error else { panic!("{error}") };
    drop(engine);
    assert_eq!(fixture.refusal().0, problems[0].message);
    assert!(problems[0].message.contains("larger than 10 bytes"), "{}", problems[0].message);
}
