//! One version for all packages, by the kind of change in their interface.

use std::fs;
use std::path::PathBuf;

use evergen_packs::{languages, name_keeper, packs, version_keeper, views};
use evergen_regeneration::{
    Access, Basis, CycleError, Project, RegenerationEngine, RunReport, Settings, VersionChangeKind,
};
use proptest::prelude::*;
use tempfile::TempDir;

const PREFIXES: &str = "
@prefix : <http://example.org/> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
";
const ORDER: &str = ":Order a owl:Class . :total rdfs:domain :Order ; rdfs:range xsd:decimal .";
const NOTE: &str = ":note rdfs:domain :Order ; rdfs:range xsd:string .";

/// The manifests that hold a version, each with what stands around it.
const MANIFESTS: [(&str, &str, &str); 8] = [
    ("rust/Cargo.toml", "\nversion = \"", "\""),
    ("typescript/package.json", "\"version\": \"", "\""),
    ("jsonschema/package.json", "\"version\": \"", "\""),
    ("openapi/openapi.json", "\"version\": \"", "\""),
    ("python/pyproject.toml", "\nversion = \"", "\""),
    ("java/pom.xml", "<version>", "</version>"),
    ("kotlin/build.gradle.kts", "\nversion = \"", "\""),
    ("csharp/Model.csproj", "<Version>", "</Version>"),
];

struct Versioned {
    folder: TempDir,
    languages: &'static [&'static str],
    auto: bool,
}

impl Versioned {
    fn new(languages: &'static [&'static str], model: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("templates")).unwrap();
        let versioned = Self { folder, languages, auto: true };
        versioned.model(model);
        versioned
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.path(path), text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn model(&self, text: &str) {
        self.write("model.ttl", &format!("{PREFIXES}{text}"));
    }

    fn engine(&self, access: Access) -> RegenerationEngine {
        let mut settings = Settings::default();
        settings.model.sources = vec!["model.ttl".to_owned()];
        settings.regeneration.target_languages =
            self.languages.iter().map(|name| (*name).to_owned()).collect();
        settings.regeneration.auto_version = self.auto;
        let project = Project::new(self.folder.path(), settings)
            .with_packs(packs())
            .with_languages(languages())
            .with_views(views())
            .with_name_keeper(name_keeper())
            .with_version_keeper(version_keeper());
        RegenerationEngine::open(project, access).unwrap()
    }

    fn try_run(&self) -> Result<RunReport, CycleError> {
        self.engine(Access::Write { wait: None }).run(&mut |_| {})
    }

    /// Runs, and says how the version changed.
    fn run(&self) -> Option<(String, VersionChangeKind)> {
        let report = self.try_run().unwrap_or_else(|error| panic!("{:#?}", error.diagnostics()));
        report.version.map(|change| (change.to, change.kind))
    }

    fn version(&self) -> String {
        let text = self.read("evergen.version.ttl");
        text.split("ev:version \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    fn verify(&self) {
        let verified = self.engine(Access::Read).verify().unwrap();
        assert!(verified.differences.is_empty(), "{verified:#?}");
    }
}

/// Checks that a change of the model makes this version of this kind.
#[track_caller]
fn check(changed: Option<(String, VersionChangeKind)>, version: &str, kind: VersionChangeKind) {
    let (found, how) = changed.unwrap_or_else(|| panic!("there is no new version"));
    assert_eq!((found.as_str(), how), (version, kind));
}

#[test]
fn one_version_stands_in_all_manifests() {
    let versioned = Versioned::new(&crate::names::LANGUAGES, &format!("{ORDER} {NOTE}"));
    let everywhere = |version: &str| {
        for (manifest, before, after) in MANIFESTS {
            let text = versioned.read(&format!("gen/{manifest}"));
            let wanted = format!("{before}{version}{after}");
            assert!(text.contains(&wanted), "{wanted} in {manifest}:\n{text}");
        }
    };
    check(versioned.run(), "0.1.0", VersionChangeKind::First);
    everywhere("0.1.0");
    versioned.model(ORDER);
    let plan = versioned.engine(Access::Read).plan().unwrap();
    assert_eq!(plan.version.as_ref().map(|change| change.to.as_str()), Some("0.2.0"));
    assert_eq!(versioned.version(), "0.1.0", "a plan writes nothing");
    let drift = versioned.engine(Access::Read).check().unwrap().drift;
    assert!(drift.iter().any(|drift| drift.path == "rust/Cargo.toml"), "{drift:#?}");
    check(versioned.run(), "0.2.0", VersionChangeKind::Breaking);
    everywhere("0.2.0");
    versioned.verify();
    let log = versioned.read("gen/CHANGELOG.md");
    let entry = "## [0.2.0]\n\n### Removed\n\n- **Breaking:** The property `Order.note` (<http://example.org/note>).\n\n## [0.1.0]\n";
    assert!(log.contains(entry), "{log}");
}

#[test]
fn a_run_without_change_makes_no_version() {
    let versioned = Versioned::new(&["rust"], ORDER);
    versioned.run();
    let files = ["evergen.version.ttl", "gen/CHANGELOG.md"];
    let before = files.map(|file| versioned.read(file));
    assert_eq!(versioned.try_run().unwrap().artifacts.evaluated, 0);
    fs::remove_dir_all(versioned.path(".evergen")).unwrap();
    let report = versioned.try_run().unwrap();
    assert_eq!((report.artifacts.written, report.version), (0, None), "state that is lost");
    let report = versioned.engine(Access::Write { wait: None }).run_full(&mut |_| {}).unwrap();
    assert_eq!((report.artifacts.written, report.version), (0, None));
    assert_eq!(files.map(|file| versioned.read(file)), before);
}

#[test]
fn the_kind_of_change_decides() {
    let versioned = Versioned::new(&["rust"], ORDER);
    versioned.run();
    let raised = versioned.read("evergen.version.ttl").replace("\"0.1.0\"", "\"1.0.0\"");
    versioned.write("evergen.version.ttl", &raised);
    assert_eq!(versioned.run(), None, "a version by hand is kept");
    assert!(versioned.read("gen/rust/Cargo.toml").contains("\"1.0.0\""));
    versioned.model(&format!("{ORDER} {NOTE}"));
    check(versioned.run(), "1.1.0", VersionChangeKind::Additive);
    let commented = ":Order rdfs:comment \"What was ordered.\" .";
    versioned.model(&format!("{ORDER} {NOTE} {commented}"));
    check(versioned.run(), "1.1.1", VersionChangeKind::Internal);
    versioned.model(&format!("{ORDER} {commented}"));
    check(versioned.run(), "2.0.0", VersionChangeKind::Breaking);
    fs::create_dir_all(versioned.path("packs/rust")).unwrap();
    versioned.write("packs/rust/more.j2", "+++\nto = \"MORE.md\"\n+++\nMore.\n");
    check(versioned.run(), "2.0.1", VersionChangeKind::Internal);
    versioned.verify();
}

/// A name that is changed by hand is the name that users of the code see.
#[test]
fn a_new_name_breaks() {
    let versioned = Versioned::new(&["rust"], ORDER);
    versioned.run();
    let names = versioned.read("evergen.names.ttl").replace("\"total\"", "\"sum\"");
    versioned.write("evergen.names.ttl", &names);
    check(versioned.run(), "0.2.0", VersionChangeKind::Breaking);
    let log = versioned.read("gen/CHANGELOG.md");
    assert!(
        log.contains("The property `Order.total` is called `sum` now (<http://example.org/total>)"),
        "{log}"
    );
}

#[test]
fn entries_by_hand_are_kept() {
    let versioned = Versioned::new(&["rust"], ORDER);
    versioned.run();
    let log = versioned.read("gen/CHANGELOG.md");
    let log = log.replace("## [0.1.0]", "## [Unreleased]\n\n- Soon.\n\n## [0.1.0] - 2026-01-02");
    versioned.write("gen/CHANGELOG.md", &log);
    versioned.model(&format!("{ORDER} {NOTE}"));
    versioned.run();
    let now = versioned.read("gen/CHANGELOG.md");
    let (before, after) = now.split_once("## [0.1.1]").unwrap();
    assert!(before.ends_with("## [Unreleased]\n\n- Soon.\n\n"), "{now}");
    assert!(
        after.contains("## [0.1.0] - 2026-01-02\n\n### Added\n\n- The first version.\n"),
        "{now}"
    );
}

#[test]
fn without_the_setting_all_is_as_it_was() {
    let mut versioned = Versioned::new(&["rust"], ORDER);
    versioned.auto = false;
    assert_eq!(versioned.run(), None);
    assert!(!versioned.path("evergen.version.ttl").exists());
    assert!(!versioned.path("gen/CHANGELOG.md").exists());
    assert!(versioned.read("gen/rust/Cargo.toml").contains("\"0.1.0\""));
    versioned.auto = true;
    check(versioned.run(), "0.1.0", VersionChangeKind::First);
    versioned.model(":Order a owl:Class .");
    check(versioned.run(), "0.2.0", VersionChangeKind::Breaking);
    versioned.auto = false;
    versioned.model(ORDER);
    assert_eq!(versioned.run(), None);
    assert!(versioned.read("gen/rust/Cargo.toml").contains("\"0.2.0\""), "it stays where it is");
    versioned.auto = true;
    check(versioned.run(), "0.2.1", VersionChangeKind::Additive);
    versioned.verify();
}

#[test]
fn a_run_that_fails_makes_no_version() {
    let versioned = Versioned::new(&["rust"], ORDER);
    versioned.run();
    let files = ["evergen.version.ttl", "gen/CHANGELOG.md", "gen/rust/Cargo.toml"];
    let before = files.map(|file| versioned.read(file));
    versioned.model(&format!("{ORDER} {NOTE}"));
    versioned.write("templates/wrong.j2", "+++\nto = \"x\"\n+++\n{{ nothing.at.all }}\n");
    versioned.try_run().unwrap_err();
    assert_eq!(files.map(|file| versioned.read(file)), before);
    fs::remove_file(versioned.path("templates/wrong.j2")).unwrap();
    check(versioned.run(), "0.1.1", VersionChangeKind::Additive);
}

#[test]
fn a_fault_of_the_file_is_told_with_its_line() {
    let versioned = Versioned::new(&["rust"], ORDER);
    versioned.run();
    let text = versioned.read("evergen.version.ttl").replace("\"0.1.0\"", "\"one\"");
    versioned.write("evergen.version.ttl", &text);
    let Err(CycleError::Rejected(problems)) = versioned.try_run() else { panic!("it ran") };
    assert_eq!(
        (problems[0].file.as_deref(), problems[0].line),
        (Some("evergen.version.ttl"), Some(4))
    );
    assert!(problems[0].message.contains("`one`"), "{problems:?}");
}

#[test]
fn a_template_may_have_the_changelog_for_itself() {
    let versioned = Versioned::new(&["rust"], ORDER);
    versioned.write(
        "templates/log.j2",
        "+++\nto = \"changelog.md\"\n+++\nMine: {{ schema.version() }}.\n",
    );
    let report = versioned.try_run().unwrap();
    let codes: Vec<&str> = report.diagnostics.iter().map(|found| found.code.as_str()).collect();
    assert!(codes.contains(&"version::changelog"), "{codes:?}");
    assert_eq!(versioned.read("gen/changelog.md"), "Mine: 0.1.0.\n");
    assert!(!versioned.path("gen/CHANGELOG.md").exists());
}

/// What a line of a manifest was read from is the line of the file with the version.
#[test]
fn the_version_is_explained() {
    let versioned = Versioned::new(&["rust"], ORDER);
    versioned.run();
    let explained = versioned.engine(Access::Read).explain("rust/Cargo.toml", Some(3)).unwrap();
    let text = format!("{explained:?}");
    assert!(text.contains("evergen.version.ttl"), "{text}");
}

/// What a class is was all read before the first line was written; a line tells what it names.
#[test]
fn lines_are_explained_by_what_they_name() {
    let model = format!("{ORDER} {NOTE} :total rdfs:comment \"What it costs, all in all.\" .");
    let versioned = Versioned::new(&["rust"], &model);
    versioned.run();
    let path = "rust/src/types/order.rs";
    let text = versioned.read(&format!("gen/{path}"));
    let explain = |wanted: &str| {
        let place = text.lines().position(|line| line.contains(wanted)).unwrap();
        let line = u32::try_from(place + 1).unwrap();
        let explained = versioned.engine(Access::Read).explain(path, Some(line)).unwrap();
        assert_eq!(explained.basis, Basis::Named, "{wanted}");
        let triples = explained.triples.into_iter().map(|found| found.triple);
        triples.collect::<Vec<_>>().join("\n")
    };
    let field = explain("pub total:");
    assert!(field.contains("/total> <http://www.w3.org/2000/01/rdf-schema#range>"), "{field}");
    assert!(!field.contains("/note>"), "{field}");
    let comment = explain("all in all");
    assert!(comment.contains("What it costs") && comment.lines().count() == 1, "{comment}");
}

const STATEMENTS: [&str; 10] = [
    ORDER,
    NOTE,
    ":Order rdfs:comment \"One.\" .",
    ":Order rdfs:comment \"Two.\" .",
    ":Line a owl:Class .",
    ":Line rdfs:subClassOf :Order .",
    ":total a owl:FunctionalProperty .",
    ":State a owl:Class ; owl:oneOf ( :Open :Sent ) .",
    ":state rdfs:domain :Order ; rdfs:range :State .",
    ":note owl:deprecated true .",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Whatever changes in whatever order: versions go up, a second run makes none, and what
    /// is left equals a generation from scratch.
    #[test]
    fn versions_go_up_and_nothing_else_shows_the_way(
        steps in prop::collection::vec(prop::collection::vec(any::<bool>(), 10), 1..6),
    ) {
        let versioned = Versioned::new(&["rust"], ORDER);
        versioned.run();
        let number = |text: &str| -> Vec<u64> {
            text.split('.').map(|part| part.parse().unwrap()).collect()
        };
        for step in steps {
            let chosen = STATEMENTS.iter().zip(&step).filter(|(_, is_chosen)| **is_chosen);
            let text: Vec<&str> = chosen.map(|(statement, _)| *statement).collect();
            let before = versioned.version();
            versioned.model(&text.join("\n"));
            let report = versioned.try_run().unwrap();
            let changed = report.version.is_some();
            prop_assert_eq!(changed, number(&versioned.version()) > number(&before));
            prop_assert!(changed || report.artifacts.written == 0, "{:#?}", report.changes);
            versioned.verify();
            let again = versioned.try_run().unwrap();
            prop_assert_eq!((again.version, again.artifacts.evaluated), (None, 0));
        }
    }
}
