//! What front matter and settings ask for, through the engine's public face.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says by panicking what failed")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use evergen_artifact::{ArtifactPath, Digest};
use evergen_regeneration::{
    Access, CycleError, Diagnostic, ModuleSettings, PassError, Passes, Project, RegenerationEngine,
    RunReport, Settings, TextPass,
};
use tempfile::TempDir;

const MODEL: &str =
    "@prefix ex: <http://example.org/> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
ex:Order a owl:Class ; ex:size 3 . ex:Product a owl:Class .";

struct Fixture {
    folder: TempDir,
    settings: Settings,
    passes: Passes,
}

fn project(templates: &[(&str, &str)]) -> Fixture {
    let mut settings = Settings::default();
    settings.model.sources = vec!["model.ttl".to_owned()];
    settings.model.prefixes.insert("ex".to_owned(), "http://example.org/".to_owned());
    let folder = TempDir::new().unwrap();
    let fixture = Fixture { folder, settings, passes: Passes::default() };
    fixture.write("model.ttl", MODEL);
    for (name, text) in templates {
        fixture.write(&format!("templates/{name}"), text);
    }
    fixture
}

impl Fixture {
    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder.path().join("gen"))
            .map(|entries| {
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
            })
            .unwrap_or_default();
        names.sort();
        names
    }

    fn open(&self) -> Result<RegenerationEngine, CycleError> {
        let project = Project::new(self.folder.path(), self.settings.clone());
        let project = project.with_passes(self.passes.clone());
        RegenerationEngine::open(project, Access::Write { wait: None })
    }

    fn try_run(&self) -> Result<RunReport, CycleError> {
        self.open()?.run(&mut |_| {})
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join("gen").join(name)).unwrap()
    }

    fn run(&self) -> RunReport {
        self.try_run().unwrap()
    }

    fn problem(&self) -> Diagnostic {
        match self.try_run() {
            Err(CycleError::Rejected(mut problems)) if problems.len() == 1 => problems.remove(0),
            other => panic!("expected one problem, got {other:?}"),
        }
    }
}

const EACH: &str = "+++
for_each = \"SELECT ?class WHERE { ?class a owl:Class }\"
to = \"{{ class | local_name }}.txt\"
";

#[test]
fn when_decides_whether_there_is_an_artifact() {
    let fixture = project(&[("a.j2", &format!("{EACH}when = 'class.out(\"ex:size\")'\n+++\nx\n"))]);
    fixture.run();
    assert_eq!(fixture.files(), ["Order.txt"]);
    fixture.write(
        "model.ttl",
        &MODEL.replace("ex:Product a", "ex:Product ex:size 1 ; a").replace(" ; ex:size 3", ""),
    );
    let report = fixture.run();
    assert_eq!((report.artifacts.written, report.artifacts.deleted), (1, 1));
    assert_eq!(fixture.files(), ["Product.txt"]);
}

#[test]
fn a_declared_file_is_a_dependency() {
    let fixture = project(&[("a.j2", &format!("{EACH}depends_on = [\"notes.md\"]\n+++\nx\n"))]);
    fixture.write("notes.md", "one");
    fixture.run();
    assert_eq!(fixture.run().artifacts.evaluated, 0);
    fixture.write("notes.md", "two!");
    assert_eq!(fixture.run().artifacts.rendered, 2);
}

#[test]
fn a_declared_generator_is_a_dependency_and_a_cycle_is_refused() {
    let front = |name: &str, on: &str| {
        format!(
            "+++\nto = \"{name}.txt\"\ndepends_on = [\"{on}\"]\n[queries]\nsizes = \"SELECT ?x WHERE {{ ?x ex:{name} ?y }}\"\n+++\n{{{{ sizes | length }}}}\n"
        )
    };
    let fixture = project(&[
        (
            "size.j2",
            "+++\nto = \"size.txt\"\n[queries]\nsizes = \"SELECT ?x WHERE { ?x ex:size ?y }\"\n+++\n{{ sizes | length }}\n",
        ),
        ("b.j2", &front("b", "size.j2")),
    ]);
    fixture.run();
    fixture.write("model.ttl", &MODEL.replace("ex:size 3", "ex:size 3, 4"));
    assert_eq!(fixture.run().artifacts.rendered, 2, "b says that it depends on size");
    fixture.write("templates/size.j2", &front("size", "b.j2"));
    let problem = fixture.problem();
    assert_eq!(problem.code, "template::cycle");
    assert!(
        problem.message.contains("b.j2 -> size.j2") || problem.message.contains("size.j2 -> b.j2"),
        "{}",
        problem.message
    );
}

#[test]
fn a_template_that_never_ends_is_stopped() {
    let mut fixture = project(&[(
        "a.j2",
        "+++\nto = \"a\"\n+++\n{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
    )]);
    fixture.settings.limits.fuel = 10_000;
    assert_eq!(fixture.problem().code, "template::fuel");
    assert_eq!(fixture.files(), [""; 0]);
}

#[test]
fn an_artifact_has_a_size_limit() {
    let mut fixture = project(&[(
        "a.j2",
        "+++\nto = \"a\"\n+++\n{% for a in range(999) %}0123456789{% endfor %}",
    )]);
    fixture.settings.limits.max_artifact_bytes = 1000;
    assert!(fixture.problem().message.contains("max_artifact_bytes"));
}

#[test]
fn a_template_reaches_no_file_but_templates() {
    for path in ["../model.ttl", "/etc/passwd", "model.ttl"] {
        let fixture =
            project(&[("a.j2", &format!("+++\nto = \"a\"\n+++\n{{% include \"{path}\" %}}"))]);
        assert_eq!(fixture.problem().code, "template::render");
    }
}

#[test]
fn output_paths_stay_inside() {
    for path in [
        "../a",
        "/a",
        "a/../../b",
        "a\\b",
        "c:/a",
        "nul.txt",
        ".git/config",
        ".evergen/meta",
        "a\u{202e}b",
        "a/ /b",
        "",
    ] {
        let fixture = project(&[("a.j2", &format!("+++\nto = '{path}'\n+++\nx"))]);
        assert_eq!(fixture.problem().code, "output::path", "{path}");
        assert!(!fixture.folder.path().join("gen").exists());
    }
}

fn module(required: &[&str], critical_files: &[&str], critical: bool) -> ModuleSettings {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let mut module = ModuleSettings::default();
    "orders".clone_into(&mut module.name);
    module.required = owned(required);
    module.critical_files = owned(critical_files);
    module.critical = critical;
    module
}

#[test]
fn modules_are_validated_partial_or_failed() {
    let mut fixture = project(&[("a.j2", &format!("{EACH}+++\nx\n"))]);
    let mut check = |module: ModuleSettings, wanted: [u64; 3], succeeds: bool| {
        fixture.settings.modules = vec![module];
        let report = fixture.run();
        let found = report.modules;
        assert_eq!([found.validated, found.partial, found.failed], wanted);
        assert_eq!(report.succeeded(), succeeds);
    };
    check(module(&["Order.txt", "*.txt"], &["Product.txt"], true), [1, 0, 0], true);
    check(module(&["Order.txt", "Missing.txt"], &[], false), [0, 1, 0], false);
    check(module(&["Order.txt"], &["Missing.txt"], true), [0, 0, 1], false);
}

#[test]
fn thresholds_can_be_set() {
    let mut fixture = project(&[("a.j2", &format!("{EACH}+++\nx\n"))]);
    fixture.settings.modules = vec![module(&["Order.txt", "Missing.txt"], &[], false)];
    assert!(!fixture.run().succeeded());
    fixture.settings.completeness.required_files = 0.5;
    assert!(fixture.run().succeeded());
}

#[test]
fn an_import_that_leads_nowhere_makes_a_module_partial() {
    for (name, text, target) in [
        ("a.ts", "import { B } from \"./b\";\n", "./b"),
        ("a.py", "from .b import B\n", ".b"),
        ("lib.rs", "pub mod b;\n", "b"),
    ] {
        let mut fixture = project(&[("a.j2", &format!("+++\nto = \"{name}\"\n+++\n{text}"))]);
        fixture.settings.modules = vec![module(&[name], &[], false)];
        let report = fixture.run();
        assert_eq!(report.modules.partial, 1, "{name}");
        assert!(
            report
                .diagnostics
                .iter()
                .any(|found| found.message.contains(&format!("{name}:1 refers to `{target}`")))
        );
    }
}

#[test]
fn a_critical_artifact_that_is_held_back_fails_the_run() {
    let fixture = project(&[("a.j2", "+++\nto = \"a.txt\"\ncritical = true\n+++\nx\n")]);
    fixture.run();
    fixture.write("gen/a.txt", "mine\n");
    let report = fixture.run();
    assert!(!report.complete);
    assert!(report.diagnostics.iter().any(|found| found.code == "completeness::critical"));
}

#[test]
fn the_result_does_not_depend_on_the_number_of_workers() {
    let classes = (0..100).fold(String::new(), |text, n| format!("{text} ex:C{n} a owl:Class ."));
    let mut texts = Vec::new();
    for workers in [1, 2, 7] {
        let mut fixture = project(&[("a.j2", &format!("{EACH}+++\n{{{{ class }}}}\n"))]);
        fixture.write("model.ttl", &format!("{MODEL}{classes}"));
        fixture.settings.regeneration.parallel_workers = workers;
        fixture.run();
        texts.push(fs::read_to_string(fixture.folder.path().join("evergen.lock")).unwrap());
    }
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]));
}

/// Sorts lines and puts a mark before them.
struct Sorting {
    mark: &'static str,
}

impl TextPass for Sorting {
    fn name(&self) -> &'static str {
        "sorting"
    }

    fn digest(&self) -> Digest {
        Digest::of(self.mark.as_bytes())
    }

    fn takes(&self, path: &ArtifactPath) -> bool {
        Path::new(path.as_str()).extension().is_some_and(|ending| ending == "txt")
    }

    fn apply(&self, _path: &ArtifactPath, text: &[u8]) -> Result<Vec<u8>, PassError> {
        let text = String::from_utf8_lossy(text);
        if text.contains("bad") {
            return Err(PassError::new("the text is bad").with_help("be good"));
        }
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        Ok(format!("{}\n{}\n", self.mark, lines.join("\n")).into_bytes())
    }
}

fn sorting(mark: &'static str) -> Passes {
    Passes::new([Arc::new(Sorting { mark }) as Arc<dyn TextPass>])
}

const LINES: &str = "z\n{{ class | local_name }}\na\n";

#[test]
fn a_pass_is_part_of_what_an_artifact_is_made_by() {
    let other = EACH.replace(".txt", ".md");
    let templates =
        [("a.j2", format!("{EACH}+++\n{LINES}")), ("b.j2", format!("{other}+++\n{LINES}"))];
    let mut fixture = project(&templates.each_ref().map(|(name, text)| (*name, text.as_str())));
    fixture.run();
    assert_eq!(fixture.read("Order.txt"), "z\nOrder\na\n");

    fixture.passes = sorting("# one");
    assert_eq!(fixture.run().artifacts.written, 2, "what it takes, and nothing else");
    assert_eq!(fixture.read("Order.txt"), "# one\nOrder\na\nz\n");
    assert_eq!(fixture.read("Order.md"), "z\nOrder\na\n");
    assert_eq!(fixture.run().artifacts.evaluated, 0);
    assert!(fixture.open().unwrap().verify().unwrap().differences.is_empty());

    fixture.passes = sorting("# two");
    assert_eq!(fixture.run().artifacts.written, 2, "another pass makes other artifacts");
    fixture.write("gen/Order.txt", "mine");
    assert_eq!(fixture.run().artifacts.refused, 1, "an edit is one of what the pass gave");
}

#[test]
fn a_line_that_a_pass_moved_is_explained_by_what_was_rendered() {
    let mut fixture = project(&[("a.j2", &format!("{EACH}+++\n{LINES}"))]);
    fixture.passes = sorting("# one");
    fixture.run();
    let mut engine = fixture.open().unwrap();
    let moved = engine.explain("Order.txt", Some(2)).unwrap();
    assert_eq!(moved.text.as_deref(), Some("Order"));
    assert_eq!(moved.passes, ["sorting"]);
    assert_eq!(moved.templates[0].lines, [6]);
}

#[test]
fn a_pass_that_fails_writes_nothing_and_says_what_to_do() {
    let mut fixture = project(&[("a.j2", &format!("{EACH}+++\n{LINES}"))]);
    fixture.run();
    fixture.passes = sorting("# one");
    fixture.write("templates/a.j2", &format!("{EACH}+++\nbad\n"));
    let problem = fixture.problem();
    assert_eq!(problem.code, "pass::failed");
    let told = "the pass `sorting` failed: the text is bad (and 1 more rows)";
    assert_eq!(problem.message, told);
    assert_eq!(problem.help.as_deref(), Some("be good"));
    assert_eq!(fixture.read("Order.txt"), "z\nOrder\na\n");
}
