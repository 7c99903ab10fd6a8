//! How much is done for a change: exactly what it touches.

use std::fmt::Write as _;

use evergen_tests::project::{Fixture, counts};

const CLASSES: usize = 200;

const CLASS: &str = r#"+++
for_each = "SELECT ?class WHERE { ?class a owl:Class }"
to = "{{ class | local_name | snake }}.txt"
[queries]
properties = "SELECT ?p ?comment WHERE { ?p rdfs:domain ?class OPTIONAL { ?p rdfs:comment ?comment } }"
+++
{% include "_head.j2" %}
{{ class.label("en") }}
{% for row in properties -%}
- {{ row.p | local_name }}: {{ row.comment | default("") }}
{% endfor -%}
"#;

const INDEX: &str = r#"+++
to = "index.txt"
[queries]
classes = "SELECT ?class WHERE { ?class a owl:Class }"
+++
{% for row in classes %}{{ row.class | local_name }}
{% endfor %}"#;

/// 200 classes with three properties each in two files, and an index.
fn project() -> Fixture {
    let fixture = Fixture::new();
    let mut texts = [String::new(), String::new()];
    for text in &mut texts {
        text.push_str("@prefix ex: <http://example.org/> .\n@prefix owl: <http://www.w3.org/2002/07/owl#> .\n@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n");
    }
    for class in 0..CLASSES {
        let text = &mut texts[class % 2];
        let _ = writeln!(text, "ex:Class{class} a owl:Class ; rdfs:label \"Class {class}\"@en .");
        for property in 0..3 {
            let _ = writeln!(
                text,
                "ex:c{class}p{property} rdfs:domain ex:Class{class} ; rdfs:comment \"{class}/{property}\" ."
            );
        }
    }
    fixture.write("model/even.ttl", &texts[0]).write("model/odd.ttl", &texts[1]);
    fixture.write("templates/class.txt.j2", CLASS).write("templates/index.txt.j2", INDEX);
    fixture.write("templates/_head.j2", "made from a model\n");
    assert_eq!(counts(&fixture.run()), [201, 201, 201, 201, 0, 0, 0]);
    fixture
}

/// After a change: evaluated, rendered, written, unchanged, deleted. The engine is
/// a new one in one project, and goes on in another.
fn check(change: impl Fn(&mut Fixture), expected: [u64; 5]) {
    let mut cold = project();
    change(&mut cold);
    let report = cold.run();
    assert_eq!(counts(&report)[1..6], expected, "a new engine: {:#?}", report.changes);
    cold.equals_scratch();
    assert_eq!(counts(&cold.run())[1..], [0; 6], "and then nothing");

    let mut warm = project();
    let mut engine = warm.engine();
    assert_eq!(counts(&engine.run(&mut |_| {}).unwrap())[1..], [0; 6]);
    change(&mut warm);
    if *engine.project().settings() != warm.settings {
        engine.set_project(warm.project()).unwrap();
    }
    assert_eq!(counts(&engine.run(&mut |_| {}).unwrap())[1..6], expected, "a warm engine");
    assert_eq!(counts(&engine.run(&mut |_| {}).unwrap())[1..], [0; 6], "and then nothing");
}

#[test]
fn one_label_makes_one_artifact() {
    check(
        |project| project.change("model/even.ttl", "\"Class 42\"@en", "\"Forty-two\"@en"),
        [1, 1, 1, 0, 0],
    );
}

#[test]
fn one_comment_makes_one_artifact() {
    check(|project| project.change("model/odd.ttl", "\"43/1\"", "\"the one\""), [1, 1, 1, 0, 0]);
}

#[test]
fn a_class_that_comes_makes_itself_and_the_index() {
    let add = |project: &mut Fixture| {
        let text = project.read("model/even.ttl") + "ex:New a owl:Class ; rdfs:label \"New\" .\n";
        project.write("model/even.ttl", text);
    };
    check(add, [2, 2, 2, 0, 0]);
}

#[test]
fn a_class_that_goes_takes_its_file_along() {
    check(
        |project| project.change("model/even.ttl", "ex:Class42 a owl:Class ;", "ex:Class42"),
        [1, 1, 1, 0, 1],
    );
}

#[test]
fn a_class_that_is_renamed_is_another_one() {
    check(
        |project| project.change("model/even.ttl", "ex:Class42 a", "ex:Other a"),
        [2, 2, 2, 0, 1],
    );
}

#[test]
fn a_property_that_moves_makes_two_artifacts() {
    check(
        |project| {
            project.change(
                "model/even.ttl",
                "ex:c8p1 rdfs:domain ex:Class8 ",
                "ex:c8p1 rdfs:domain ex:Class9 ",
            );
        },
        [2, 2, 2, 0, 0],
    );
}

#[test]
fn a_template_makes_its_own_artifacts() {
    check(
        |project| project.change("templates/class.txt.j2", "- {{", "* {{"),
        [200, 200, 200, 0, 0],
    );
    check(|project| project.change("templates/index.txt.j2", "%}{{", "%}- {{"), [1, 1, 1, 0, 0]);
}

#[test]
fn an_edit_of_a_template_that_does_not_show_writes_nothing() {
    let comment = |project: &mut Fixture| {
        project.change("templates/class.txt.j2", "+++\n{%", "+++\n{# aside #}{%");
    };
    check(comment, [200, 200, 0, 200, 0]);
}

#[test]
fn a_partial_makes_the_artifacts_that_include_it() {
    check(|project| project.change("templates/_head.j2", "made", "drawn"), [200, 200, 200, 0, 0]);
}

#[test]
fn a_partial_that_nobody_includes_makes_nothing() {
    check(|project| _ = project.write("templates/_other.j2", "nothing"), [0; 5]);
}

#[test]
fn a_setting_that_rules_everything_makes_everything_and_writes_nothing() {
    let prefix = |project: &mut Fixture| {
        let iri = "http://other.example/".to_owned();
        project.settings.model.prefixes.insert("other".to_owned(), iri);
    };
    check(prefix, [201, 201, 0, 201, 0]);
}

#[test]
fn the_number_of_workers_makes_nothing() {
    check(|project| project.settings.regeneration.parallel_workers = 1, [0; 5]);
}

#[test]
fn a_source_that_is_written_again_makes_nothing() {
    check(|project| _ = project.write("model/odd.ttl", project.read("model/odd.ttl")), [0; 5]);
}

#[test]
fn a_triple_that_nobody_reads_makes_nothing() {
    check(
        |project| {
            project.change(
                "model/even.ttl",
                "ex:c8p1 rdfs:domain",
                "ex:c8p1 ex:unread 1 ; rdfs:domain",
            );
        },
        [0; 5],
    );
}

#[test]
fn a_second_statement_of_the_same_makes_nothing() {
    let again = |project: &mut Fixture| {
        let text = project.read("model/odd.ttl") + "ex:Class8 a owl:Class .\n";
        project.write("model/odd.ttl", text);
    };
    check(again, [0; 5]);
}

#[test]
fn an_output_that_is_missing_is_made_alone() {
    check(|project| project.remove("gen/class42.txt"), [1, 1, 1, 0, 0]);
}
