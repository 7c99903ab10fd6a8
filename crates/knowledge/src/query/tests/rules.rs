//! Rules of queries one by one.

use evergen_delta::{Quad, Term};

use super::equivalence::{prefixes, spelled};
use super::generate::{iri, snapshot};
use crate::{Answer, Query, Snapshot, TrackedReader, Value};

fn model() -> Snapshot {
    let p = || iri("p");
    let quads = [
        (iri("b"), p(), Term::literal("2")),
        (iri("a"), p(), Term::literal("1")),
        (iri("a"), p(), Term::tagged("1", "en")),
        (iri("c"), p(), Term::Blank("x".into())),
        (Term::Blank("x".into()), iri("q"), iri("a")),
    ];
    snapshot(
        &quads
            .into_iter()
            .map(|(subject, predicate, object)| Quad { subject, predicate, object, graph: None })
            .collect(),
    )
}

fn answer(text: &str, bound: &[(&str, Term)]) -> String {
    let snapshot = model();
    let names: Vec<&str> = bound.iter().map(|(name, _)| *name).collect();
    let values: Vec<Value> = bound.iter().map(|(_, term)| Value::computed(term.clone())).collect();
    let query = Query::compile(text, &prefixes(), &names).unwrap();
    match query.evaluate(&snapshot, &values).unwrap() {
        Answer::Boolean(answer) => answer.to_string(),
        Answer::Rows(rows) => {
            let lines = spelled(&snapshot, &rows.rows).into_iter().map(|row| row.join(" "));
            lines.collect::<Vec<_>>().join("; ")
        }
        Answer::Graph(triples) => {
            let name = |value: &Value| value.term(&snapshot).unwrap().to_string();
            let lines = triples.iter().map(|triple| triple.each_ref().map(name).join(" "));
            lines.collect::<Vec<_>>().join("; ")
        }
    }
    .replace("http://example.org/", "")
}

#[track_caller]
fn check(text: &str, bound: &[(&str, Term)], expected: &str) {
    assert_eq!(answer(text, bound), expected);
}

#[test]
fn rows_are_sorted_by_content() {
    check("SELECT ?s ?o { ?s ex:p ?o }", &[], "<a> \"1\"@en; <a> \"1\"; <b> \"2\"; <c> _:x");
    check("SELECT ?s ?o { ?o ex:q ?s }", &[], "<a> _:x");
}

#[test]
fn order_by_is_kept_and_ties_are_broken_by_content() {
    check(
        "SELECT ?s ?o { ?s ex:p ?o } ORDER BY DESC(?s)",
        &[],
        "<c> _:x; <b> \"2\"; <a> \"1\"@en; <a> \"1\"",
    );
}

#[test]
fn limit_takes_the_first_by_content() {
    check("SELECT ?s { ?s ex:p ?o } LIMIT 1", &[], "<a>");
    check("SELECT ?s { { SELECT ?s { ?s ex:p ?o } OFFSET 3 } }", &[], "<c>");
}

#[test]
fn aggregates_see_their_values_in_order() {
    let text = "SELECT (GROUP_CONCAT(?o; separator=\",\") AS ?all) (SAMPLE(?o) AS ?one) \
                { ?s ex:p ?o FILTER(isLiteral(?o)) }";
    check(text, &[], "\"1,1,2\" \"1\"@en");
    let text = "SELECT (GROUP_CONCAT(?o) AS ?all) \
                { { SELECT ?o { ?s ex:p ?o FILTER(isLiteral(?o)) } ORDER BY DESC(?o) } }";
    check(text, &[], "\"2 1 1\"");
}

#[test]
fn bound_variables_are_bound_under_group_by() {
    let count = "SELECT (COUNT(?o) AS ?n) { ?s ex:p ?o }";
    check(count, &[("s", iri("a"))], "\"2\"^^<http://www.w3.org/2001/XMLSchema#integer>");
    check(count, &[("s", iri("q"))], "\"0\"^^<http://www.w3.org/2001/XMLSchema#integer>");
    let groups = "SELECT ?s (COUNT(?o) AS ?n) { ?s ex:p ?o } GROUP BY ?s";
    check(groups, &[("s", iri("b"))], "<b> \"1\"^^<http://www.w3.org/2001/XMLSchema#integer>");
    check(groups, &[("s", iri("q"))], "");
}

#[test]
fn blank_nodes_can_be_bound() {
    check("SELECT ?o { ?s ex:q ?o }", &[("s", Term::Blank("x".into()))], "<a>");
    check("SELECT ?s { ?s ex:p+ ?o }", &[("o", Term::Blank("x".into()))], "<c>");
}

#[test]
fn a_bound_variable_is_shown_where_it_is_selected() {
    check("SELECT * { ?s ex:p ?o }", &[("o", Term::literal("2"))], "\"2\" <b>");
}

#[test]
fn minus_of_something_else_takes_nothing_away() {
    check("SELECT ?o { ?s ex:p ?o MINUS { ?x ex:q ?y } }", &[("s", iri("b"))], "\"2\"");
    check("SELECT ?o { ?s ex:p ?o MINUS { ?s ex:p \"2\" } }", &[("s", iri("b"))], "");
}

#[test]
fn ask() {
    check("ASK { ?s ex:p \"2\" }", &[], "true");
    check("ASK { ?s ex:p \"2\" }", &[("s", iri("a"))], "false");
    check("ASK { ?s ex:p+ \"2\" }", &[("s", iri("b"))], "true");
}

#[test]
fn construct() {
    check(
        "CONSTRUCT { ?o ex:of ?s . ?s ex:has ?o } WHERE { ?s ex:p ?o }",
        &[("s", iri("c"))],
        "<c> <has> _:x; _:x <of> <c>",
    );
    let nodes = "CONSTRUCT { ?s ex:part [ ex:value ?o ] } WHERE { ?s ex:p ?o }";
    let once = answer(nodes, &[("s", iri("a"))]);
    assert_eq!(once.matches("<value>").count(), 2, "a node for each solution: {once}");
    assert_eq!(once, answer(nodes, &[("s", iri("a"))]), "under the same names each time");
}

#[test]
fn variables_without_a_value_in_the_row_are_free() {
    let query = Query::compile("SELECT ?s ?o { ?s ex:p ?o }", &prefixes(), &["s", "o"]).unwrap();
    let bound = [None, Some(Value::computed(Term::literal("2")))];
    let rows = query.evaluate_partial(&model(), &bound).unwrap().into_rows();
    assert_eq!(spelled(&model(), &rows), [["<http://example.org/b>", "\"2\""]]);
}

#[test]
fn computed_terms_carry_their_text() {
    let snapshot = model();
    let query =
        Query::compile("SELECT (CONCAT(?o, \"!\") AS ?x) { ex:b ex:p ?o }", &prefixes(), &[]);
    let rows = query.unwrap().evaluate(&snapshot, &[]).unwrap().into_rows();
    let value = rows[0][0].as_ref().unwrap();
    assert!(snapshot.term(value.id()).is_none());
    assert_eq!(value.term(&snapshot).unwrap().text(), "2!");
}

#[test]
fn warnings_name_what_reads_everything() {
    let warnings = |text: &str, bound: &[&str]| {
        let query = Query::compile(text, &prefixes(), bound).unwrap();
        query.warnings().iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    insta::assert_snapshot!(
        [
            warnings("SELECT * { ?a ex:p* ?b }", &[]),
            warnings("SELECT * { ?a ex:p* ?b }", &["a"]),
            warnings("SELECT * { ?a ex:q ?x . ?x ex:p? ?b }", &[]),
            warnings("SELECT * { ?a ex:q ?x FILTER NOT EXISTS { ?y ex:p* ?b } }", &[]),
            warnings("SELECT * { GRAPH ?g {} }", &[]),
        ]
        .join("\n")
    );
}

#[test]
fn prefixes_expand() {
    let expand = |name: &str| match prefixes().expand(name) {
        Ok(iri) => iri,
        Err(error) => error.to_string(),
    };
    insta::assert_snapshot!(
        [
            "schema:name",
            "ex:a",
            "<urn:x>",
            "https://schema.org/",
            "urn:a:b",
            "no:name",
            "name",
            "ex:a b"
        ]
        .map(expand)
        .join("\n")
    );
}

#[test]
fn wrong_numbers_of_values_are_an_error() {
    let query = Query::compile("ASK { ?s ?p ?o }", &prefixes(), &["s"]).unwrap();
    let error = query.evaluate(&model(), &[]).unwrap_err();
    insta::assert_snapshot!(error);
}
