//! What is wrong with a query, and where.

use super::equivalence::prefixes;
use crate::Query;

/// The message, where it points, and the text that it points at.
fn check(text: &str, bound: &[&str]) -> String {
    let error = Query::compile(text, &prefixes(), bound).expect_err("the query is wrong");
    let pointed = &text[error.span.clone()];
    format!("{}:{}: {error} [{pointed}]", error.line, error.column)
}

#[test]
fn syntax() {
    let texts = [
        "SELECT ?a WHERE { ?a ex:p }",
        "SELECT ?a WHERE { ?a ex:p ?b",
        "SELEC ?a WHERE { ?a ex:p ?b }",
        "SELECT ?a WHERE {\n  ?a ex:p ?b .\n  FILTER(?b = )\n}",
        "SELECT ?a WHERE { \"ä\" ex:p ?b FILTER ) }",
        "SELECT ?a WHERE { <no-scheme> ex:p ?a }",
        "SELECT ?a (1 AS ?a) WHERE { ?a ex:p ?b }",
        "SELECT ?a (COUNT(?b) AS ?n) WHERE { ?a ex:p ?b }",
        "SELECT ?a WHERE { ?a ex:p ?b BIND(1 AS ?b) }",
        "SELECT ?a WHERE { ?a ex:p \"open }",
        "",
    ];
    insta::assert_snapshot!(texts.map(|text| check(text, &[])).join("\n"));
}

#[test]
fn unknown_prefixes() {
    let texts = [
        "SELECT ?a WHERE { ?a foo:bar ?b }",
        "SELECT ?a WHERE {\n ?a ex:p/^foo:bar ?b }",
        "SELECT ?a WHERE { ?a a foo: . ?a ex:p ?b }",
    ];
    insta::assert_snapshot!(texts.map(|text| check(text, &[])).join("\n"));
}

#[test]
fn what_a_repeatable_result_cannot_have() {
    let texts = [
        "SELECT ?a WHERE { ?a ex:p ?b FILTER(?b < NOW()) }",
        "SELECT (RAND() AS ?r) WHERE {}",
        "SELECT (UUID() AS ?r) WHERE {}",
        "SELECT (STRUUID() AS ?r) WHERE {}",
        "# NOW is not used\nSELECT (BNODE() AS ?r) WHERE { ?a ex:p \"bnode\" }",
        "SELECT ?a WHERE { SERVICE <http://example.org/sparql> { ?a ex:p ?b } }",
        "SELECT ?a WHERE { ?a ex:p ?b FILTER NOT EXISTS { BIND(now() AS ?now) } }",
        "SELECT ?a FROM ex:g WHERE { ?a ex:p ?b }",
        "DESCRIBE ex:a",
        "SELECT ?a WHERE { ?a ex:p ?b FILTER(ex:similar(?a, ?b)) }",
        "SELECT ?a WHERE { ?a ex:p ?b LATERAL { ?b ex:p ?c } }",
    ];
    insta::assert_snapshot!(texts.map(|text| check(text, &[])).join("\n"));
}

#[test]
fn variables_of_the_row_are_not_assigned() {
    let texts = [
        "SELECT (STR(?l) AS ?label) WHERE { ?class rdfs:label ?l }",
        "SELECT ?x WHERE { ?class rdfs:label ?x BIND(1 AS ?label) }",
    ];
    insta::assert_snapshot!(texts.map(|text| check(text, &["class", "label"])).join("\n"));
}

#[test]
fn any_text_is_refused_or_compiled() {
    use proptest::prelude::*;
    let config = super::equivalence::cases(500);
    proptest!(config, |(text in "[a-zA-Z?{}:.<>\"'#\\\\() \\n*|/^!äß☃]{0,60}")| {
        if let Err(error) = Query::compile(&format!("SELECT * {text}"), &prefixes(), &[]) {
            prop_assert!(error.line > 0 && error.column > 0);
        }
    });
}
