//! Views of the model: what templates ask of them counts as read.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says by panicking what failed")]

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use evergen_delta::{QuadPattern, TermId, TermRef};
use evergen_knowledge::{FactId, TrackedReader, navigate};
use evergen_regeneration::{
    Access, AskError, CycleError, ModelView, Project, RegenerationEngine, Reply, RunReport,
    Settings, ViewMemory, Views,
};
use serde::Serialize;
use tempfile::TempDir;

const COMMENT: &str = "http://www.w3.org/2000/01/rdf-schema#comment";

/// Tells the comments of a node.
#[derive(Default)]
struct Comments {
    version: u32,
    asked: AtomicUsize,
}

#[derive(Serialize)]
struct About {
    comments: Vec<String>,
}

impl ModelView for Comments {
    fn name(&self) -> &'static str {
        "comments"
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn ask(
        &self,
        reader: &dyn TrackedReader,
        memory: &mut ViewMemory,
        question: &str,
        subject: Option<TermId>,
    ) -> Result<Reply, AskError> {
        match question {
            "of" => {}
            "all" => return Ok(Reply::new(&Self::all(reader))),
            "first" => return Ok(Reply::new(&self.first(reader, memory))),
            _ => return Err(AskError::Unknown { known: &["of", "all", "first"] }),
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        let subject = subject.ok_or(AskError::NoSubject)?;
        let found = navigate::out(reader, subject, TermRef::Iri(COMMENT).id());
        let texts = found.into_iter().filter_map(|id| Some(reader.term(id)?.text().to_owned()));
        Ok(Reply::new(&About { comments: texts.collect() }))
    }
}

impl Comments {
    /// All classes that have a comment.
    fn all(reader: &dyn TrackedReader) -> Vec<Thing> {
        let pattern = QuadPattern::default_graph(None, Some(TermRef::Iri(COMMENT).id()), None);
        let subjects: BTreeSet<TermId> = reader.quads(pattern).map(|quad| quad.subject).collect();
        let iris = subjects.iter().filter_map(|id| Some(reader.term(*id)?.text().to_owned()));
        iris.map(|iri| Thing { iri }).collect()
    }

    /// The first comment of `<urn:a>`, which is looked up once and remembered.
    fn first(&self, reader: &dyn TrackedReader, memory: &mut ViewMemory) -> String {
        let fact = FactId::of("first", &[]);
        let known: Option<String> = memory.take();
        if known.is_some() {
            reader.uses_fact(fact);
        }
        let first = known.unwrap_or_else(|| {
            self.asked.fetch_add(1, Ordering::Relaxed);
            reader.open_fact(fact);
            let subject = TermRef::Iri("urn:a").id();
            let found = navigate::out(reader, subject, TermRef::Iri(COMMENT).id());
            let text = found.first().and_then(|id| reader.term(*id));
            let text = text.map_or_else(String::new, |text| text.text().to_owned());
            reader.close_fact();
            text
        });
        memory.leave(Some(first.clone()));
        first
    }
}

#[derive(Serialize)]
struct Thing {
    iri: String,
}

struct Fixture {
    folder: TempDir,
    view: Arc<Comments>,
    prefix: Option<(&'static str, &'static str)>,
}

impl Fixture {
    fn new(template: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("templates")).unwrap();
        let fixture = Self { folder, view: Arc::default(), prefix: None };
        fixture.write("templates/one.j2", template);
        fixture.write("templates/two.j2", &template.replace(".txt", ".text"));
        fixture.model("one", "two");
        fixture
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.folder.path().join(path), text).unwrap();
    }

    fn model(&self, first: &str, second: &str) {
        let text = format!(
            "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
             <urn:a> a rdfs:Class ; rdfs:comment \"{first}\" . <urn:b> a rdfs:Class ; rdfs:comment \"{second}\" ."
        );
        self.write("model.ttl", &text);
    }

    fn open(&self) -> Result<RegenerationEngine, CycleError> {
        let mut settings = Settings::default();
        settings.model.sources = vec!["model.ttl".to_owned()];
        let prefixes =
            self.prefix.iter().map(|(name, iri)| ((*name).to_owned(), (*iri).to_owned()));
        settings.model.prefixes.extend(prefixes);
        let views = Views::new().with(Arc::clone(&self.view) as Arc<dyn ModelView>);
        let project = Project::new(self.folder.path(), settings).with_views(views);
        RegenerationEngine::open(project, Access::Write { wait: None })
    }

    fn try_run(&self) -> Result<RunReport, CycleError> {
        self.open()?.run(&mut |_| {})
    }

    fn run(&self) -> RunReport {
        self.try_run().unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join("gen").join(name)).unwrap()
    }

    /// What is said of a project that can't be run.
    fn refusal(&self) -> String {
        match self.try_run() {
            Err(CycleError::Rejected(problems)) => problems[0].message.clone(),
            other => panic!("{other:?}"),
        }
    }
}

const TEMPLATE: &str = r#"+++
for_each = "SELECT ?class WHERE { ?class a rdfs:Class }"
to = "{{ class | local_name | replace('urn:', '') }}.txt"
+++
{{ comments.of(class).comments | join(", ") }}
"#;

#[test]
fn an_answer_stands_in_the_artifact_and_is_asked_once() {
    let fixture = Fixture::new(TEMPLATE);
    assert_eq!(fixture.run().artifacts.written, 4);
    assert_eq!([fixture.read("a.txt"), fixture.read("b.text")], ["one\n", "two\n"]);
    assert_eq!(fixture.view.asked.load(Ordering::Relaxed), 2, "one answer serves two artifacts");
}

#[test]
fn what_an_answer_read_is_read_by_every_artifact_that_asked() {
    let fixture = Fixture::new(TEMPLATE);
    fixture.run();
    fixture.model("one", "three");
    let report = fixture.run();
    assert_eq!((report.artifacts.evaluated, report.artifacts.written), (2, 2));
    assert_eq!([fixture.read("b.txt"), fixture.read("b.text")], ["three\n", "three\n"]);
}

#[test]
fn a_view_can_decide_whether_there_is_an_artifact() {
    let fixture = Fixture::new(&TEMPLATE.replacen(
        "+++\n{{",
        "when = \"'one' in comments.of(class).comments\"\n+++\n{{",
        1,
    ));
    fixture.run();
    assert!(!fixture.folder.path().join("gen/b.txt").exists());
    fixture.model("two", "one");
    fixture.run();
    assert!(!fixture.folder.path().join("gen/a.txt").exists());
    assert_eq!(fixture.read("b.txt"), "one\n");
}

#[test]
fn an_iri_can_be_asked_about() {
    for name in ["urn:b", "<urn:b>", "here:b"] {
        let asked = format!("of('{name}')");
        let mut fixture = Fixture::new(&TEMPLATE.replace("of(class)", &asked));
        fixture.prefix = Some(("here", "urn:"));
        fixture.run();
        assert_eq!(fixture.read("a.txt"), "two\n", "{name}");
    }
}

#[test]
fn another_version_of_a_view_makes_everything_again() {
    let mut fixture = Fixture::new(TEMPLATE);
    fixture.run();
    assert_eq!(fixture.run().artifacts.evaluated, 0);
    fixture.view = Arc::new(Comments { version: 1, ..Comments::default() });
    assert_eq!(fixture.run().artifacts.evaluated, 4);
}

#[test]
fn a_query_of_the_same_name_hides_a_view() {
    let fixture = Fixture::new(
        &TEMPLATE
            .replace("+++\n{{", "[queries]\ncomments = \"SELECT ?text WHERE { ?class rdfs:comment ?text }\"\n+++\n{{")
            .replace("comments.of(class).comments", "comments | map(attribute='text')"),
    );
    fixture.run();
    assert_eq!(fixture.read("a.txt"), "one\n");
}

#[test]
fn wrong_questions_are_told() {
    let refusal = |asked| Fixture::new(&TEMPLATE.replace("of(class).comments", asked)).refusal();
    insta::assert_snapshot!([refusal("who(class)"), refusal("of()"), refusal("of(3)"), refusal("of(class, class)")].join("\n"), @r"
    comments.who: there is no such question; the questions are of, all, first (and 1 more rows)
    comments.of: it needs a node, or an IRI (and 1 more rows)
    comments is asked about a node or an IRI, not about number (and 1 more rows)
    too many arguments (and 1 more rows)
    ");
}

#[test]
fn a_view_can_give_the_rows() {
    let rows = TEMPLATE
        .replace("\"SELECT ?class WHERE { ?class a rdfs:Class }\"", "\"class in comments.all()\"");
    let fixture = Fixture::new(&rows);
    assert_eq!(fixture.run().artifacts.written, 4);
    assert_eq!(fixture.read("b.txt"), "two\n");
    // What lists read is read of lists alone.
    fixture.model("one", "three");
    let report = fixture.run();
    assert_eq!((report.artifacts.evaluated, report.artifacts.written), (2, 2));
    fixture.write("model.ttl", "<urn:c> <http://www.w3.org/2000/01/rdf-schema#comment> \"new\" .");
    let report = fixture.run();
    assert_eq!((report.artifacts.written, report.artifacts.deleted), (2, 4));
    assert_eq!(fixture.read("c.txt"), "new\n");
}

#[test]
fn rows_that_no_view_gives_are_told() {
    let refusal = |rows: &str| {
        let text = format!("\"{rows}\"");
        let template = TEMPLATE.replace("\"SELECT ?class WHERE { ?class a rdfs:Class }\"", &text);
        Fixture::new(&template).refusal()
    };
    insta::assert_snapshot!(
        ["x in other.all()", "x in comments.all", "2x in comments.all()", "class in comments.who()", "class in comments.first()", "class in comments.of()"]
            .map(refusal)
            .join("\n"),
        @r"
    for_each: there is no view `other`; the views are comments
    for_each: `comments.all` is no list of a view; write it like `class in schema.classes()`
    for_each: `2x` is no name of a variable
    for_each: comments.who(): there is no such question; the questions are of, all, first
    for_each: comments.first() does not answer with a list of things that have an `iri`
    for_each: comments.of() is asked about one thing, and gives no list
    "
    );
}

/// Each artifact uses what was found out for the first one, and depends on it all the same.
#[test]
fn what_a_view_remembers_is_tracked_too() {
    let fixture =
        Fixture::new(&TEMPLATE.replace("of(class).comments | join(\", \")", "first(class)"));
    assert_eq!(fixture.run().artifacts.written, 4);
    assert_eq!([fixture.read("a.txt"), fixture.read("b.text")], ["one\n", "one\n"]);
    let asked = fixture.view.asked.load(Ordering::Relaxed);
    assert!(asked <= 2, "{asked} workers at most found it out");
    fixture.model("one", "three");
    assert_eq!(fixture.run().artifacts.evaluated, 0, "nothing read what changed");
    for text in ["four", "five"] {
        fixture.model(text, "three");
        let report = fixture.run();
        assert_eq!((report.artifacts.evaluated, report.artifacts.written), (4, 4));
        assert_eq!(fixture.read("b.txt"), format!("{text}\n"));
    }
}

#[test]
fn a_field_that_an_answer_has_not_is_a_mistake() {
    let of = |asked: &str| Fixture::new(&TEMPLATE.replace("of(class).comments", asked)).refusal();
    let when = TEMPLATE.replace("to =", "when = \"comments.of(class).coments == ''\"\nto =");
    insta::assert_snapshot!(
        [of("of(class).coments"), of("of(class).a"), Fixture::new(&when).refusal(), of("of(class).get()")].join("\n"),
        @r#"
    there is no `coments` here; did you mean `comments`? (and 1 more rows)
    there is no `a` here; the fields are comments (and 1 more rows)
    there is no `coments` here; did you mean `comments`? (and 1 more rows)
    get() takes the name of a field, like get("label") (and 1 more rows)
    "#
    );
    let known = TEMPLATE.replace("of(class).comments", "of(class).get('comments')");
    let fixture = Fixture::new(&known);
    fixture.run();
    assert_eq!(fixture.read("a.txt"), "one\n");
}

#[test]
fn a_text_is_an_iri_or_a_name_with_a_declared_prefix() {
    let of = |asked: &str| Fixture::new(&TEMPLATE.replace("of(class)", asked));
    insta::assert_snapshot!(of("of('exx:a')").refusal(), @"`exx:a`: the prefix exx: is not declared; prefixes are set in [model] prefixes (and 1 more rows)");
    // A statement names the first; the second is of a scheme that needs no authority.
    for known in ["of('urn:a')", "of('tag:a')", "of('http://example.org/')"] {
        of(known).run();
    }
}

#[test]
fn a_filter_takes_nothing_that_has_no_text() {
    let of = |value: &str| {
        Fixture::new(&TEMPLATE.replace("comments.of(class).comments | join(\", \")", value))
            .refusal()
    };
    let cases =
        ["class.label('de') | snake", "none | kebab", "[class] | pascal", "{} | local_name"];
    insta::assert_snapshot!(cases.map(of).join("\n"), @r"
    there is no value to take the text of (and 1 more rows)
    `none` has no text (and 1 more rows)
    a sequence has no text; take one thing of it, as with `first` or a loop (and 1 more rows)
    a map has no text; take one thing of it, as with `first` or a loop (and 1 more rows)
    ");
    let number = TEMPLATE.replace("comments.of(class).comments | join(\", \")", "3 | snake");
    Fixture::new(&number).run();
}

#[test]
fn an_engine_that_stays_asks_again_only_what_a_change_touches() {
    let all =
        "{{ comments.of('urn:a').comments | join }}, {{ comments.of('urn:b').comments | join }}";
    let template = TEMPLATE.replace("{{ comments.of(class).comments | join(\", \") }}", all);
    let fixture = Fixture::new(&template);
    let mut engine = fixture.open().unwrap();
    engine.run(&mut |_| {}).unwrap();
    let asked = || fixture.view.asked.swap(0, Ordering::Relaxed);
    assert!((2..=4).contains(&asked()), "two workers may ask at once");
    for (first, second) in [("one", "three"), ("four", "three"), ("four", "five")] {
        fixture.model(first, second);
        let report = engine.run(&mut |_| {}).unwrap();
        assert_eq!(report.artifacts.written, 4);
        assert_eq!(fixture.read("a.text"), format!("{first}, {second}\n"));
        assert!((1..=2).contains(&asked()), "one was touched, which two workers may find out");
    }
    // A model that can't be read asks nothing, and so leaves everything as it was.
    fixture.write("model.ttl", "<urn:a> a");
    engine.run(&mut |_| {}).unwrap_err();
    fixture.model("six", "five");
    engine.run(&mut |_| {}).unwrap();
    assert_eq!(fixture.read("a.txt"), "six, five\n");
    assert!((1..=2).contains(&asked()), "what a model that can't be read left was used");
    // What nobody wrote counts for nothing.
    fixture.model("seven", "five");
    engine.plan().unwrap();
    fixture.model("six", "eight");
    engine.run(&mut |_| {}).unwrap();
    assert_eq!(fixture.read("a.txt"), "six, eight\n");
}
