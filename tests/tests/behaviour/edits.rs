//! Edits of generated files, while the model goes on.

use evergen_tests::project::{Fixture, counts};

const COUNT: &str = r#"+++
for_each = "SELECT (COUNT(?label) AS ?n) WHERE { ?x rdfs:label ?label } HAVING (COUNT(?label) > 0)"
to = "count.txt"
+++
{{ n }}
"#;

fn model(labels: usize) -> String {
    let line = |number| {
        format!(
            "<http://example.org/x> <http://www.w3.org/2000/01/rdf-schema#label> \"{number}\" .\n"
        )
    };
    (0..labels).map(line).collect()
}

/// A project whose one file was edited before its row became another, or none.
fn edited(labels: usize) -> Fixture {
    let fixture = Fixture::new();
    fixture.write("model/x.nt", model(1)).write("model/empty.ttl", "");
    fixture.write("templates/count.j2", COUNT);
    assert_eq!(counts(&fixture.run())[3], 1);
    fixture.write("gen/count.txt", "mine\n").write("model/x.nt", model(labels));
    assert_eq!(fixture.run().artifacts.refused, 1);
    assert_eq!(fixture.read("gen/count.txt"), "mine\n");
    fixture
}

#[test]
fn an_edit_is_refused_until_it_is_taken_back_also_when_the_row_is_another() {
    let fixture = edited(2);
    assert_eq!(fixture.run().artifacts.refused, 1, "as long as it is there");
    assert!(fixture.read("evergen.lock").contains("count.txt"));
    fixture.write("gen/count.txt", "1\n");
    let report = fixture.run();
    assert_eq!(counts(&report), [1, 1, 1, 1, 0, 0, 0], "{:?}", report.changes);
    assert_eq!(fixture.read("gen/count.txt"), "2\n");
    fixture.equals_scratch();
}

#[test]
fn an_edited_file_without_a_row_is_kept_and_told_until_it_is_gone() {
    let fixture = edited(0);
    for _ in 0..2 {
        assert_eq!(counts(&fixture.run()), [0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(fixture.engine().check().unwrap().drift.len(), 1);
        assert_eq!(fixture.read("gen/count.txt"), "mine\n");
        assert!(fixture.read("evergen.lock").contains("count.txt"));
    }
    std::fs::remove_file(fixture.path().join("gen/count.txt")).unwrap();
    assert_eq!(counts(&fixture.run()), [0; 7]);
    assert_eq!(fixture.engine().check().unwrap().drift, []);
    assert!(!fixture.read("evergen.lock").contains("count.txt"));
}
