//! Classes, what is above and below them, and what is said of them.

use evergen_schema::{Kind, Options, Schema};
use insta::assert_snapshot;

use crate::support::{id, local, model, show, show_with};

#[test]
fn parents_ancestors_and_children() {
    assert_snapshot!(show(
        ":Top a owl:Class . :Left a owl:Class ; rdfs:subClassOf :Top .
         :Right a rdfs:Class ; rdfs:subClassOf :Top, owl:Thing .
         :Both a owl:Class ; rdfs:subClassOf :Top, :Right, :Left ."
    ));
}

#[test]
fn a_class_need_not_be_declared_as_one() {
    assert_snapshot!(show(
        ":A rdfs:subClassOf :Nowhere . :p rdfs:domain :B . :s sh:targetClass :C .
         :q rdfs:range :Unknown ; rdfs:domain :B ."
    ));
}

#[test]
fn labels_comments_and_deprecation() {
    assert_snapshot!(show(
        ":A a owl:Class ; rdfs:label \"ein A\"@de, \"an A\"@en-GB, \"A\" ; rdfs:comment \"über A\"@de .
         :B a owl:Class ; skos:prefLabel \"B\" ; skos:definition \"about B\"@en ;
            rdfs:comment \"zu B\"@de ; owl:deprecated true .
         :C a owl:DeprecatedClass ; schema:supersededBy :A, :B .
         :D a owl:Class ; owl:deprecated false ; rdfs:label \" \" ."
    ));
}

#[test]
fn texts_in_another_language() {
    let mut options = Options::default();
    options.languages = vec!["de".to_owned(), "fr".to_owned()];
    assert_snapshot!(show_with(
        ":A a owl:Class ; rdfs:label \"ein A\"@de-at, \"an A\"@en, \"un A\"@fr .
         :B a owl:Class ; rdfs:label \"a B\"@en, \"B\", \"un B\"@fr .",
        &options
    ));
}

#[test]
fn equivalent_classes_are_one() {
    assert_snapshot!(show(
        ":B a owl:Class ; owl:equivalentClass :A ; rdfs:subClassOf :Top .
         :A a owl:Class ; rdfs:label \"A\" . :Top a owl:Class .
         :C a owl:Class ; owl:equivalentClass other:C . other:C a owl:Class .
         :p rdfs:domain :B ; rdfs:range other:C . :q rdfs:domain other:C ; rdfs:range :B .
         :D a owl:Class ; rdfs:subClassOf :B ."
    ));
}

#[test]
fn a_class_that_is_only_mentioned_is_left_out() {
    assert_snapshot!(show(
        ":A a owl:Class ; rdfs:subClassOf other:A . other:A a owl:Class .
         :B a owl:Class ; rdfs:subClassOf other:B . other:B a owl:Class ; rdfs:comment \"full\" .
         owl:Thing a owl:Class . schema:Text a rdfs:Class . [] a owl:Class ."
    ));
}

#[test]
fn kinds() {
    let tracker = model(
        ":A a owl:Class ; owl:equivalentClass :B . :E owl:equivalentClass [ owl:oneOf ( :x ) ] .
         :D a rdfs:Datatype . :p a rdf:Property .",
    );
    let options = Options::default();
    let schema = Schema::new(&tracker, &options);
    assert_eq!(schema.kind(local("A")), Kind::Class);
    assert!(matches!(schema.kind(local("B")), Kind::Alias(of) if of.name == "A"));
    assert_eq!(schema.kind(local("E")), Kind::Enumeration);
    assert_eq!(schema.kind(local("D")), Kind::Datatype);
    for hidden in [local("p"), local("nothing"), id("http://www.w3.org/2001/XMLSchema#string")] {
        assert_eq!(schema.kind(hidden), Kind::Hidden);
        assert!(schema.class(hidden).is_none() && schema.problems(hidden).is_empty());
    }
}

#[test]
fn a_cycle_of_classes_is_one_class() {
    assert_snapshot!(show(
        ":B a owl:Class ; rdfs:subClassOf :C . :C a owl:Class ; rdfs:subClassOf :A .
         :A a owl:Class ; rdfs:subClassOf :B, :Top, :A . :Top a owl:Class .
         :D a owl:Class ; rdfs:subClassOf :C . :p rdfs:domain :B ."
    ));
}

#[test]
fn unions_and_intersections_place_classes() {
    assert_snapshot!(show(
        ":Shape a owl:Class ; owl:equivalentClass [ owl:unionOf ( :Circle :Square ) ] .
         :Number a owl:Class ; owl:disjointUnionOf ( :Odd :Even ) .
         :Circle a owl:Class . :Square a owl:Class . :Odd a owl:Class . :Even a owl:Class .
         :Small a owl:Class . :Dot a owl:Class ; owl:equivalentClass
            [ owl:intersectionOf ( :Circle :Small [ owl:onProperty :r ; owl:maxCardinality 1 ] ) ] .
         :r rdfs:domain :Circle ."
    ));
}

#[test]
fn hidden_namespaces_leave_what_they_say_to_the_classes_below() {
    let mut options = Options::default();
    options.exclude = vec!["http://other.example/".to_owned()];
    let text = "other:Top a owl:Class ; rdfs:subClassOf :Root . :Root a owl:Class .
         :A a owl:Class ; rdfs:subClassOf other:Top . other:p rdfs:domain other:Top ;
            rdfs:range other:Top .";
    assert_snapshot!(show_with(text, &options));
    options.exclude.clear();
    options.include = vec!["http://other.example/".to_owned()];
    assert_snapshot!(show_with(text, &options));
}

#[test]
fn keys() {
    assert_snapshot!(show(":A a owl:Class ; owl:hasKey ( :q :p ), ( :r ) . :p rdfs:domain :A ."));
}
