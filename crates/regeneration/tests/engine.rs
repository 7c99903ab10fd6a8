//! The engine, through its public face, on real folders.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says by panicking what failed")]

use std::fs;
use std::path::Path;

use evergen_regeneration::{
    Access, Action, Basis, CycleError, Decision, DriftKind, Project, RegenerationEngine, RunReport,
    Settings,
};
use tempfile::TempDir;

const MODEL: &str = r#"
@prefix ex: <http://example.org/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
ex:Order a owl:Class ; rdfs:label "Order"@en .
ex:Product a owl:Class ; rdfs:label "Product"@en .
ex:total rdfs:domain ex:Order ; rdfs:comment "What it costs" .
ex:name rdfs:domain ex:Product .
"#;

const TEMPLATE: &str = r#"+++
for_each = "SELECT ?class WHERE { ?class a owl:Class }"
to = "{{ class | local_name | snake }}.txt"
[queries]
properties = "SELECT ?p ?comment WHERE { ?p rdfs:domain ?class OPTIONAL { ?p rdfs:comment ?comment } }"
+++
{{ class.label("en") }}
{% for row in properties -%}
- {{ row.p | local_name }}{% if row.comment %}: {{ row.comment }}{% endif %}
{% endfor -%}
"#;

struct Fixture {
    folder: TempDir,
    settings: Settings,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self { folder: TempDir::new().unwrap(), settings: Settings::default() };
        fixture.write("model.ttl", MODEL);
        fixture.write("templates/class.txt.j2", TEMPLATE);
        let mut fixture = fixture;
        fixture.settings.model.sources = vec!["model.ttl".to_owned()];
        fixture
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.path().join(path)).unwrap()
    }

    fn change(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{from:?} is not in {path}");
        self.write(path, &text.replace(from, to));
    }

    fn engine(&self) -> RegenerationEngine {
        let project = Project::new(self.path(), self.settings.clone());
        RegenerationEngine::open(project, Access::Write { wait: None }).unwrap()
    }

    fn run(&self) -> RunReport {
        self.engine().run(&mut |_| {}).unwrap()
    }

    fn fails(&self) -> Vec<String> {
        match self.engine().run(&mut |_| {}) {
            Err(CycleError::Rejected(problems)) => {
                problems.into_iter().map(|problem| problem.message).collect()
            }
            other => panic!("expected a rejection, got {other:?}"),
        }
    }

    fn verify(&self) {
        let report = self.engine().verify().unwrap();
        assert_eq!(report.differences, [], "incremental must equal from scratch");
        assert_eq!(report.diagnostics, [], "there must be state to go on from");
    }
}

/// Total, evaluated, rendered, written, unchanged, deleted, refused.
fn counts(report: &RunReport) -> [u64; 7] {
    let a = report.artifacts;
    [a.total, a.evaluated, a.rendered, a.written, a.unchanged, a.deleted, a.refused]
}

#[test]
fn a_first_run_makes_everything_and_a_second_one_nothing() {
    let fixture = Fixture::new();
    assert_eq!(counts(&fixture.run()), [2, 2, 2, 2, 0, 0, 0]);
    assert_eq!(fixture.read("gen/order.txt"), "Order\n- total: What it costs\n");
    assert_eq!(counts(&fixture.run()), [2, 0, 0, 0, 0, 0, 0]);
    fixture.verify();
}

#[test]
fn a_changed_comment_makes_one_artifact_anew() {
    let fixture = Fixture::new();
    fixture.run();
    fixture.change("model.ttl", "What it costs", "The sum");
    let report = fixture.run();
    assert_eq!(counts(&report), [2, 1, 1, 1, 0, 0, 0]);
    assert_eq!((report.model.inserted, report.model.removed), (1, 1));
    assert_eq!(fixture.read("gen/order.txt"), "Order\n- total: The sum\n");
    fixture.verify();
}

#[test]
fn a_changed_label_renders_without_new_rows() {
    let fixture = Fixture::new();
    fixture.run();
    fixture.change("model.ttl", "\"Product\"@en", "\"Ware\"@en");
    assert_eq!(counts(&fixture.run()), [2, 1, 1, 1, 0, 0, 0]);
    assert_eq!(fixture.read("gen/product.txt"), "Ware\n- name\n");
    fixture.verify();
}

#[test]
fn a_change_that_nobody_reads_makes_nothing() {
    let fixture = Fixture::new();
    fixture.run();
    fixture.change(
        "model.ttl",
        "ex:name rdfs:domain",
        "ex:name rdfs:seeAlso ex:other ; rdfs:domain",
    );
    assert_eq!(counts(&fixture.run()), [2, 0, 0, 0, 0, 0, 0]);
    fixture.verify();
}

#[test]
fn rows_that_come_out_equal_are_not_rendered() {
    let fixture = Fixture::new();
    fixture.change(
        "model.ttl",
        "ex:name rdfs:domain ex:Product .",
        "ex:name rdfs:domain ex:Product . ex:x rdfs:domain ex:Order .",
    );
    fixture.run();
    // ex:x is another property of the order, and a comment in a second graph is not read.
    fixture.write(
        "model.ttl",
        &fixture
            .read("model.ttl")
            .replace("ex:x rdfs:domain ex:Order .", "ex:x rdfs:domain ex:Order, ex:Order ."),
    );
    assert_eq!(counts(&fixture.run()), [2, 0, 0, 0, 0, 0, 0]);
    fixture.verify();
}

#[test]
fn a_class_that_comes_and_goes_brings_its_file_along() {
    let fixture = Fixture::new();
    fixture.run();
    fixture.write(
        "model.ttl",
        &format!("{MODEL}\nex:Customer a owl:Class ; rdfs:label \"Customer\" ."),
    );
    assert_eq!(counts(&fixture.run()), [3, 1, 1, 1, 0, 0, 0]);
    assert_eq!(fixture.read("gen/customer.txt"), "Customer\n");
    fixture.verify();
    fixture.write("model.ttl", MODEL);
    assert_eq!(counts(&fixture.run()), [2, 0, 0, 0, 0, 1, 0]);
    assert!(!fixture.path().join("gen/customer.txt").exists());
    fixture.verify();
}

#[test]
fn a_warm_engine_does_as_a_cold_one() {
    let fixture = Fixture::new();
    fixture.run();
    let mut engine = fixture.engine();
    for (from, to) in [
        ("What it costs", "A"),
        ("\"A\"", "\"B\""),
        ("ex:name rdfs:domain ex:Product", "ex:name rdfs:domain ex:Order"),
    ] {
        fixture.change("model.ttl", from, to);
        let report = engine.run(&mut |_| {}).unwrap();
        assert!(report.artifacts.written > 0);
        assert_eq!(engine.verify().unwrap().differences, []);
    }
    assert_eq!(fixture.read("gen/order.txt"), "Order\n- name\n- total: B\n");
}

#[test]
fn a_changed_template_makes_its_artifacts_anew() {
    let fixture = Fixture::new();
    fixture.write("templates/one.txt.j2", "+++\nto = \"one.txt\"\n+++\none\n");
    fixture.run();
    fixture.change("templates/class.txt.j2", "- {{", "* {{");
    let report = fixture.run();
    assert_eq!(counts(&report), [3, 2, 2, 2, 0, 0, 0]);
    fixture.verify();
}

#[test]
fn an_included_file_is_a_dependency_that_is_found() {
    let fixture = Fixture::new();
    fixture.write("templates/_head.j2", "head one\n");
    fixture.change("templates/class.txt.j2", "+++\n{{", "+++\n{% include \"_head.j2\" %}{{");
    fixture.run();
    fixture.write("templates/_head.j2", "head two\n");
    assert_eq!(counts(&fixture.run()), [2, 2, 2, 2, 0, 0, 0]);
    assert!(fixture.read("gen/order.txt").starts_with("head two\n"));
    fixture.verify();
}

#[test]
fn a_file_that_is_missing_is_written_again() {
    let fixture = Fixture::new();
    fixture.run();
    fs::remove_file(fixture.path().join("gen/order.txt")).unwrap();
    assert_eq!(counts(&fixture.run()), [2, 1, 1, 1, 0, 0, 0]);
}

#[test]
fn an_edit_is_kept_and_told_until_it_is_taken_back() {
    let fixture = Fixture::new();
    fixture.run();
    let generated = fixture.read("gen/order.txt");
    fixture.write("gen/order.txt", "mine\n");
    fixture.change("model.ttl", "What it costs", "The sum");
    let report = fixture.run();
    assert_eq!(counts(&report), [2, 1, 1, 0, 0, 0, 1]);
    assert!(!report.succeeded());
    assert_eq!(fixture.read("gen/order.txt"), "mine\n");
    assert_eq!(fixture.engine().check().unwrap().drift[0].kind, DriftKind::Edited);
    fixture.write("gen/order.txt", &generated);
    assert_eq!(counts(&fixture.run())[3], 1);
    assert!(fixture.read("gen/order.txt").contains("The sum"));
    fixture.verify();
}

#[test]
fn an_edit_is_merged_where_the_template_says_so() {
    let fixture = Fixture::new();
    fixture.change("templates/class.txt.j2", "+++\nfor_each", "+++\non_edit = \"merge\"\nfor_each");
    fixture.run();
    fixture.write("gen/order.txt", &format!("{}\nmine\n", fixture.read("gen/order.txt")));
    fixture.change("model.ttl", "\"Order\"@en", "\"Purchase\"@en");
    let report = fixture.run();
    assert_eq!(report.changes[0].action, Action::Merge);
    assert_eq!(fixture.read("gen/order.txt"), "Purchase\n- total: What it costs\n\nmine\n");
    assert_eq!(counts(&fixture.run()), [2, 0, 0, 0, 0, 0, 0]);
    fixture.verify();
}

#[test]
fn marked_regions_survive() {
    let fixture = Fixture::new();
    let template = "+++\nfor_each = \"SELECT ?class WHERE { ?class a owl:Class }\"\nto = \"{{ class | local_name }}.txt\"\non_edit = \"keep-regions\"\n+++\n{{ class.label() }}\n# evergen:keep body\n# evergen:end\n";
    fixture.write("templates/class.txt.j2", template);
    fixture.run();
    let edited = fixture.read("gen/Order.txt").replace("keep body\n", "keep body\nmine\n");
    fixture.write("gen/Order.txt", &edited);
    fixture.change("model.ttl", "\"Order\"@en", "\"Purchase\"@en");
    let report = fixture.run();
    assert_eq!(report.artifacts.refused, 0);
    assert_eq!(
        fixture.read("gen/Order.txt"),
        "Purchase\n# evergen:keep body\nmine\n# evergen:end\n"
    );
    fixture.change("gen/Order.txt", "Purchase", "Mine");
    assert_eq!(fixture.run().artifacts.refused, 1);
}

#[test]
fn a_fresh_clone_goes_on_from_the_lock_file() {
    let fixture = Fixture::new();
    fixture.run();
    fs::remove_dir_all(fixture.path().join(".evergen")).unwrap();
    fixture.change("model.ttl", "ex:Product a owl:Class ;", "ex:Product");
    let report = fixture.run();
    assert_eq!(counts(&report), [1, 1, 1, 0, 1, 1, 0]);
    assert!(!fixture.path().join("gen/product.txt").exists());
    fixture.verify();
}

#[test]
fn a_foreign_file_is_not_overwritten() {
    let fixture = Fixture::new();
    fixture.write("gen/order.txt", "somebody else's\n");
    let report = fixture.run();
    assert_eq!(counts(&report), [2, 2, 2, 1, 0, 0, 1]);
    assert_eq!(fixture.read("gen/order.txt"), "somebody else's\n");
    assert_eq!(fixture.run().artifacts.refused, 1);
}

#[test]
fn damaged_state_is_a_notice_and_a_full_generation() {
    let fixture = Fixture::new();
    fixture.run();
    for entry in fs::read_dir(fixture.path().join(".evergen")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
        fs::write(path, bytes).unwrap();
    }
    fixture.change("model.ttl", "What it costs", "The sum");
    let report = fixture.run();
    assert_eq!(report.diagnostics[0].code, "state::unusable");
    assert_eq!(counts(&report), [2, 2, 2, 1, 1, 0, 0]);
    fixture.verify();
}

#[test]
fn two_artifacts_of_one_path_are_both_named() {
    let fixture = Fixture::new();
    fixture.change("templates/class.txt.j2", "{{ class | local_name | snake }}.txt", "same.txt");
    let problems = fixture.fails();
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].contains("http://example.org/Order")
            && problems[0].contains("http://example.org/Product"),
        "{problems:?}"
    );
    assert!(!fixture.path().join("gen").exists());
}

#[test]
fn an_error_leaves_the_last_output_and_heals() {
    let fixture = Fixture::new();
    fixture.run();
    let before = fixture.read("gen/order.txt");
    fixture.change(
        "templates/class.txt.j2",
        "{{ class.label(\"en\") }}",
        "{{ class.out(\"rdfs:nothing\") | first }}",
    );
    assert!(!fixture.fails().is_empty());
    assert_eq!(fixture.read("gen/order.txt"), before);
    fixture.change("templates/class.txt.j2", "rdfs:nothing", "rdfs:label");
    fixture.run();
    fixture.verify();
}

#[test]
fn errors_of_model_and_template_come_at_once() {
    let fixture = Fixture::new();
    fixture.change("model.ttl", "ex:Order a owl:Class ;", "ex:Order a owl:Class ;;; unknown:x");
    fixture.change("templates/class.txt.j2", "{% endfor -%}", "");
    let problems = fixture.fails();
    assert!(problems.len() >= 2, "{problems:?}");
}

#[test]
fn explain_names_triples_lines_and_template() {
    let fixture = Fixture::new();
    fixture.run();
    let explanation = fixture.engine().explain("order.txt", Some(2)).unwrap();
    assert_eq!(explanation.text.as_deref(), Some("- total: What it costs"));
    assert_eq!(explanation.templates[0].file, "templates/class.txt.j2");
    assert_eq!(explanation.templates[0].lines, [9]);
    let triples: Vec<(String, Option<u32>)> =
        explanation.triples.iter().map(|t| (t.triple.clone(), t.line)).collect();
    assert!(triples.contains(&(
        "<http://example.org/total> <http://www.w3.org/2000/01/rdf-schema#comment> \"What it costs\"".to_owned(),
        Some(7)
    )), "{triples:?}");
    assert!(explanation.queries.iter().any(|query| query.name == "properties"));
    assert!(explanation.last.is_some());
}

/// Whether a line ends with its line break, or begins with it: it is made of its own.
#[test]
fn explain_keeps_the_lines_of_a_loop_apart() {
    let fixture = Fixture::new();
    fixture.change("model.ttl", "ex:name rdfs:domain ex:Product", "ex:name rdfs:domain ex:Order");
    for body in [
        "{% for row in found %}- {{ row.p | local_name }}\n{% endfor %}",
        "Of it:{% for row in found %}\n- {{ row.p | local_name }}{% endfor %}\n",
    ] {
        let head = "+++\nfor_each = \"SELECT ?class WHERE { ?class a owl:Class }\"\nto = \"{{ class | local_name }}.txt\"\n[queries]\nfound = \"SELECT ?p WHERE { ?p rdfs:domain ?class } ORDER BY ?p\"\n+++\n";
        fixture.write("templates/class.txt.j2", &format!("{head}{body}"));
        fixture.run();
        let text = fixture.read("gen/Order.txt");
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| line.starts_with('-')) {
            let explained = fixture.engine().explain("Order.txt", Some(number)).unwrap();
            assert_eq!(explained.basis, Basis::Used);
            let name = line.trim_start_matches("- ");
            let triples: Vec<String> =
                explained.triples.into_iter().map(|found| found.triple).collect();
            assert_eq!(
                triples,
                [format!(
                    "<http://example.org/{name}> <http://www.w3.org/2000/01/rdf-schema#domain> <http://example.org/Order>"
                )],
                "{text}"
            );
        }
    }
}

#[test]
fn plan_and_diff_write_nothing() {
    let fixture = Fixture::new();
    fixture.run();
    fixture.change("model.ttl", "What it costs", "The sum");
    let before = fixture.read("gen/order.txt");
    let plan = fixture.engine().plan().unwrap();
    assert_eq!(plan.changes.len(), 1);
    let diff = fixture.engine().diff().unwrap();
    assert!(diff[0].unified.starts_with("--- a/gen/order.txt\n"), "{}", diff[0].unified);
    assert!(
        diff[0].unified.contains("-- total: What it costs\n+- total: The sum\n"),
        "{}",
        diff[0].unified
    );
    assert_eq!(fixture.read("gen/order.txt"), before);
    assert_eq!(counts(&fixture.run()), [2, 1, 1, 1, 0, 0, 0]);
}

#[test]
fn imports_are_followed_to_local_copies() {
    let mut fixture = Fixture::new();
    fixture.write("other/base.ttl", "@prefix ex: <http://example.org/> . @prefix owl: <http://www.w3.org/2002/07/owl#> . ex:Base a owl:Class .");
    let import = "<http://example.org/> <http://www.w3.org/2002/07/owl#imports> <http://example.org/base>, <http://example.org/nowhere> .";
    fixture.write("model.ttl", &format!("{MODEL}\n{import}"));
    fixture
        .settings
        .model
        .imports
        .insert("http://example.org/base".into(), "other/base.ttl".into());
    // A class without a label stops the template, so the import must have been read.
    assert!(!fixture.fails().is_empty());
    fixture.change(
        "other/base.ttl",
        "ex:Base a owl:Class",
        "ex:Base a owl:Class ; <http://www.w3.org/2000/01/rdf-schema#label> \"Base\"",
    );
    let report = fixture.run();
    assert_eq!(counts(&report), [3, 3, 3, 3, 0, 0, 0]);
    assert!(
        report
            .diagnostics
            .iter()
            .any(|notice| notice.code == "model::import" && notice.message.contains("nowhere"))
    );
    fixture.change("other/base.ttl", "\"Base\"", "\"Ground\"");
    assert_eq!(counts(&fixture.run()), [3, 1, 1, 1, 0, 0, 0]);
    fixture.change("model.ttl", "<http://example.org/base>, ", "");
    assert_eq!(counts(&fixture.run()), [2, 0, 0, 0, 0, 1, 0]);
    fixture.verify();
}

#[test]
fn a_template_that_goes_and_comes_back_makes_its_artifacts_again() {
    let fixture = Fixture::new();
    fixture.write("templates/one.txt.j2", "+++\nto = \"one.txt\"\n+++\none\n");
    fixture.run();
    let template = fixture.read("templates/class.txt.j2");
    fs::remove_file(fixture.path().join("templates/class.txt.j2")).unwrap();
    assert_eq!(counts(&fixture.run()), [1, 0, 0, 0, 0, 2, 0]);
    fixture.write("templates/class.txt.j2", &template);
    assert_eq!(counts(&fixture.run()), [3, 2, 2, 2, 0, 0, 0]);
    fixture.verify();
}

#[test]
fn a_file_is_no_folder() {
    let fixture = Fixture::new();
    fixture.write("templates/one.txt.j2", "+++\nto = \"order.txt/one\"\n+++\none\n");
    assert!(fixture.fails()[0].contains("`order.txt/one` lies below `order.txt`"));
}

#[test]
fn a_row_survives_the_last_quad_that_names_its_term() {
    let fixture = Fixture::new();
    fixture.write("templates/class.txt.j2", "+++\nfor_each = \"SELECT ?x WHERE { VALUES ?x { ex:total } }\"\nto = \"x.txt\"\n+++\n{{ x }} {{ x.out(\"rdfs:seeAlso\") | length }}\n");
    let mut fixture = fixture;
    fixture.settings.model.prefixes.insert("ex".into(), "http://example.org/".into());
    fixture.run();
    fixture.change(
        "model.ttl",
        "ex:total rdfs:domain ex:Order ; rdfs:comment \"What it costs\" .",
        "",
    );
    fixture.run();
    // Enough steps for a new base, in which the term would have no use.
    for round in 0..70 {
        fixture.write(
            "model.ttl",
            &format!(
                "{}\n# {round}\nex:y{round} a ex:Thing .",
                MODEL.replace(
                    "ex:total rdfs:domain ex:Order ; rdfs:comment \"What it costs\" .",
                    ""
                )
            ),
        );
        fixture.run();
    }
    fixture.change("model.ttl", "ex:y69 a", "ex:total rdfs:seeAlso ex:z . ex:y69 a");
    fixture.run();
    assert_eq!(fixture.read("gen/x.txt"), "http://example.org/total 1\n");
    fixture.verify();
}

#[test]
fn a_merged_edit_lives_on() {
    let fixture = Fixture::new();
    fixture.change("templates/class.txt.j2", "+++\nfor_each", "+++\non_edit = \"merge\"\nfor_each");
    fixture.run();
    fixture.write("gen/order.txt", &format!("{}\nmine\n", fixture.read("gen/order.txt")));
    for label in ["One", "Two", "Three"] {
        let text = fixture.read("model.ttl");
        let line = text.lines().find(|line| line.starts_with("ex:Order")).unwrap();
        fixture.change(
            "model.ttl",
            line,
            &format!("ex:Order a owl:Class ; rdfs:label \"{label}\"@en ."),
        );
        fixture.run();
        assert_eq!(
            fixture.read("gen/order.txt"),
            format!("{label}\n- total: What it costs\n\nmine\n")
        );
    }
    fixture.change("model.ttl", "ex:Order a owl:Class ;", "ex:Order");
    assert_eq!(fixture.run().artifacts.refused, 1, "the edit is not thrown away with its row");
    assert!(fixture.read("gen/order.txt").contains("mine"));
}

#[test]
fn a_file_that_an_edit_keeps_is_told_until_it_is_gone() {
    let fixture = Fixture::new();
    fixture.run();
    let generated = fixture.read("gen/order.txt");
    fixture.write("gen/order.txt", "mine\n");
    fixture.change("model.ttl", "ex:Order a owl:Class ;", "ex:Order");
    for _ in 0..2 {
        assert_eq!(fixture.run().artifacts.refused, 1);
        assert_eq!(fixture.engine().check().unwrap().drift[0].kind, DriftKind::Extra);
    }
    fs::remove_dir_all(fixture.path().join(".evergen")).unwrap();
    assert_eq!(fixture.run().artifacts.refused, 1, "a fresh clone knows it from the lock file");
    fixture.write("gen/order.txt", &generated);
    assert_eq!(fixture.run().artifacts.deleted, 1);
    assert_eq!(counts(&fixture.run()), [1, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn a_name_that_changes_its_case_leaves_no_second_file() {
    let fixture = Fixture::new();
    fixture.change("templates/class.txt.j2", " | snake", "");
    fixture.run();
    fixture.change("model.ttl", "ex:Order", "ex:ORDER");
    fixture.run();
    assert!(!fixture.path().join("gen/Order.txt").exists());
    assert!(fixture.path().join("gen/ORDER.txt").exists());
    fixture.verify();
}

#[test]
fn new_stamps_of_many_files_are_remembered_without_harm() {
    let fixture = Fixture::new();
    let classes = (0..100).fold(String::new(), |text, n| {
        format!(
            "{text}ex:C{n} a owl:Class ; rdfs:label \"C{n}\" .
"
        )
    });
    fixture.write("model.ttl", &format!("{MODEL}{classes}"));
    fixture.run();
    for round in 0..2 {
        for entry in fs::read_dir(fixture.path().join("gen")).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read(&path).unwrap();
            fs::write(path, text).unwrap();
        }
        assert_eq!(counts(&fixture.run()), [102, 0, 0, 0, 0, 0, 0]);
        fixture.change(
            "model.ttl",
            &format!("\"{}\"", if round == 0 { "C7" } else { "0" }),
            &format!("\"{round}\""),
        );
        assert_eq!(counts(&fixture.run()), [102, 1, 1, 1, 0, 0, 0]);
        fixture.verify();
    }
}

#[test]
fn a_list_that_is_kept_up_by_keys_notices_what_its_paths_reach() {
    let mut fixture = Fixture::new();
    fixture.settings.model.prefixes.insert("ex".into(), "http://example.org/".into());
    fixture.write(
        "templates/class.txt.j2",
        "+++\nfor_each = \"SELECT ?class WHERE { ?class a owl:Class FILTER EXISTS { ?class rdfs:subClassOf+ ex:Base } }\"\nto = \"{{ class | local_name }}.txt\"\n+++\nx\n",
    );
    fixture.run();
    for line in
        ["ex:N a owl:Class .", "ex:N rdfs:subClassOf ex:Mid .", "ex:Mid rdfs:subClassOf ex:Base ."]
    {
        fixture.write("model.ttl", &format!("{}{line}\n", fixture.read("model.ttl")));
        fixture.run();
        fixture.verify();
    }
    assert!(fixture.path().join("gen/N.txt").exists());
}

#[test]
fn a_lock_file_that_is_lost_or_merged_is_mended() {
    let fixture = Fixture::new();
    fixture.run();
    let lock = fixture.read("evergen.lock");
    fs::remove_file(fixture.path().join("evergen.lock")).unwrap();
    fixture.run();
    assert_eq!(fixture.read("evergen.lock"), lock);
    // Somebody else's branch brought an artifact that this model does not ask for.
    let digest = evergen_artifact::Digest::of(b"other\n");
    fixture.write("gen/z.txt", "other\n");
    fixture.write("evergen.lock", &format!("{lock}{digest} z.txt\tclass.txt.j2\n"));
    assert_eq!(fixture.run().artifacts.deleted, 1);
    assert_eq!(fixture.read("evergen.lock"), lock);
}

#[test]
fn the_order_of_template_folders_counts() {
    let mut fixture = Fixture::new();
    fixture.write("t2/class.txt.j2", &TEMPLATE.replace("- {{", "* {{"));
    fixture.settings.regeneration.template_dirs = vec!["templates".into(), "t2".into()];
    fixture.run();
    assert!(fixture.read("gen/order.txt").contains("* total"));
    fixture.settings.regeneration.template_dirs = vec!["t2".into(), "templates".into()];
    fixture.run();
    assert!(fixture.read("gen/order.txt").contains("- total"));
    fixture.verify();
}

#[test]
fn limits_of_the_model_count_as_settings() {
    let mut fixture = Fixture::new();
    fixture.run();
    fixture.settings.model.limits.max_literal_bytes = 3;
    assert!(!fixture.fails().is_empty());
}

#[test]
fn hopelessly_deep_queries_and_templates_are_errors() {
    let fixture = Fixture::new();
    let deep = format!("{}1{}", "(".repeat(20_000), ")".repeat(20_000));
    for (from, to) in [
        ("OPTIONAL {", format!("FILTER({deep}) OPTIONAL {{")),
        ("OPTIONAL {", format!("FILTER({}true) OPTIONAL {{", "!".repeat(20_000))),
        ("- {{", format!("{{{{ {}1 }}}} {{{{", "1+".repeat(100_000))),
        ("- {{", format!("{{{{ {}1 }}}} {{{{", "not ".repeat(100_000))),
    ] {
        fixture.write("templates/class.txt.j2", &TEMPLATE.replace(from, &to));
        assert!(!fixture.fails().is_empty());
    }
}

#[test]
fn a_dependent_is_made_again_whole() {
    let fixture = Fixture::new();
    fixture.change(
        "templates/class.txt.j2",
        "+++\nfor_each",
        "+++\ndepends_on = [\"one.txt.j2\"]\nfor_each",
    );
    fixture.write("templates/one.txt.j2", "+++\nto = \"one.txt\"\n[queries]\nall = \"SELECT ?c ?l WHERE { ?c rdfs:label ?l }\"\n+++\n{{ all | length }}\n");
    fixture.run();
    fixture.change("model.ttl", "\"Order\"@en", "\"Purchase\"@en");
    assert_eq!(counts(&fixture.run())[1], 3);
}

#[test]
fn an_edit_that_is_made_during_a_run_is_not_lost() {
    let fixture = Fixture::new();
    fixture.run();
    fixture.change("model.ttl", "What it costs", "The sum");
    let mut edited = false;
    let report = fixture.engine().run(&mut |progress| {
        if matches!(progress, evergen_regeneration::Progress::Artifact { .. }) && !edited {
            edited = true;
            fixture.write("gen/order.txt", "mine, just now\n");
        }
    });
    assert_eq!(report.unwrap().artifacts.refused, 1);
    assert_eq!(fixture.read("gen/order.txt"), "mine, just now\n");
}

#[test]
fn a_file_that_appears_during_a_run_is_not_overwritten() {
    let fixture = Fixture::new();
    fixture.run();
    fixture.change(
        "model.ttl",
        "ex:name rdfs",
        "ex:Ticket a owl:Class ; rdfs:label \"Ticket\"@en .\nex:name rdfs",
    );
    let report = fixture.engine().run(&mut |progress| {
        if matches!(progress, evergen_regeneration::Progress::Artifact { .. }) {
            fixture.write("gen/ticket.txt", "mine, just now\n");
        }
    });
    assert_eq!(report.unwrap().artifacts.refused, 1);
    assert_eq!(fixture.read("gen/ticket.txt"), "mine, just now\n");
}

#[test]
fn a_merge_does_not_lose_what_is_edited_meanwhile() {
    let mut fixture = Fixture::new();
    fixture.settings.regeneration.on_edit = evergen_regeneration::OnEdit::Merge;
    // Edits of lines that touch each other can't be merged.
    fixture.change("templates/class.txt.j2", "label(\"en\") }}\n", "label(\"en\") }}\n\n\n");
    fixture.run();
    fixture.change("gen/order.txt", "Order\n", "Order, mine\n");
    fixture.change("model.ttl", "What it costs", "The sum");
    let mut is_edited = false;
    let report = fixture.engine().run(&mut |progress| {
        if matches!(progress, evergen_regeneration::Progress::Artifact { .. }) && !is_edited {
            is_edited = true;
            fixture.change("gen/order.txt", "mine", "mine, and more");
        }
    });
    assert_eq!(report.unwrap().artifacts.written, 1);
    assert_eq!(fixture.read("gen/order.txt"), "Order, mine, and more\n\n\n- total: The sum\n");
}

#[test]
fn an_edit_that_is_made_while_a_gate_decides_is_not_lost() {
    let fixture = Fixture::new();
    fixture.run();
    fixture.change("model.ttl", "What it costs", "The sum");
    let mut engine = fixture.engine();
    let gate = |_| {
        fixture.write("gen/order.txt", "mine, just now\n");
        Decision::Commit
    };
    let error = engine.run_gated(&gate, &mut |_| {}).unwrap_err();
    assert!(matches!(error, CycleError::Storage { .. }), "{error}");
    assert_eq!(fixture.read("gen/order.txt"), "mine, just now\n");
    assert_eq!(engine.run(&mut |_| {}).unwrap().artifacts.refused, 1);
}

#[test]
fn a_commit_that_stops_half_way_is_finished_by_the_same_engine() {
    let fixture = Fixture::new();
    fixture.change("templates/class.txt.j2", "to = \"", "to = \"sub/");
    fixture.run();
    fixture.change(
        "model.ttl",
        "ex:name rdfs",
        "ex:Ticket a owl:Class ; rdfs:label \"Ticket\"@en .\nex:name rdfs",
    );
    let mut engine = fixture.engine();
    let folder = fixture.path().join("gen/sub");
    let gate = |_| {
        fs::remove_dir_all(&folder).unwrap();
        fs::write(&folder, "in the way").unwrap();
        Decision::Commit
    };
    engine.run_gated(&gate, &mut |_| {}).unwrap_err();
    fs::remove_file(&folder).unwrap();
    let report = engine.run(&mut |_| {}).unwrap();
    let notices: Vec<_> = report.diagnostics.iter().map(|found| found.code.as_str()).collect();
    assert!(notices.contains(&"state::recovered"), "{notices:?}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
    drop(engine);
    fixture.verify();
}

#[test]
fn explain_finds_what_a_loop_prints() {
    let fixture = Fixture::new();
    fixture.write("templates/_item.j2", "* {{ p | local_name }}");
    fixture.write(
        "templates/class.txt.j2",
        "+++\nfor_each = \"SELECT ?class WHERE { ?class a owl:Class }\"\nto = \"{{ class | local_name }}.txt\"\n+++\n{% for p in class.in(\"rdfs:domain\") %}{% include \"_item.j2\" %}\n{% endfor %}",
    );
    fixture.change("model.ttl", "ex:name rdfs:domain ex:Product", "ex:name rdfs:domain ex:Order");
    fixture.run();
    assert_eq!(fixture.read("gen/Order.txt"), "* name\n* total\n");
    let explanation = fixture.engine().explain("Order.txt", Some(2)).unwrap();
    let triples: Vec<&str> =
        explanation.triples.iter().map(|found| found.triple.as_str()).collect();
    assert_eq!(
        triples,
        [
            "<http://example.org/total> <http://www.w3.org/2000/01/rdf-schema#domain> <http://example.org/Order>"
        ]
    );
    assert_eq!(explanation.templates[0].file, "templates/_item.j2");
    let whole = fixture.engine().explain("Order.txt", None).unwrap();
    assert_eq!(whole.templates.len(), 2);
}
