//! What counts as read: exactly what an answer depends on.

use evergen_delta::{EncodedQuad, QuadPattern, Term, TermId};
use evergen_knowledge::{TrackedReader as _, Tracker};
use evergen_schema::{Kind, Options, Schema, TextScope};

use crate::support::{id, local, model};

const MODEL: &str = "
    :A a owl:Class ; rdfs:subClassOf :Top ; rdfs:comment \"a\" . :Top a owl:Class ; rdfs:comment \"top\" .
    :B a owl:Class ; rdfs:comment \"b\" . :Below a owl:Class ; rdfs:subClassOf :A ; rdfs:comment \"below\" .
    :E a owl:Class ; owl:oneOf ( :x ) . :x rdfs:comment \"x\" .
    :p rdfs:domain :A ; rdfs:range :B, :E ; rdfs:comment \"p\" . :t rdfs:domain :Top ; rdfs:range :A .
    :other rdfs:domain :B ; rdfs:comment \"other\" .";

fn reads_of_class(tracker: &Tracker, options: &Options, class: &str) -> Vec<QuadPattern> {
    tracker.take_reads();
    let schema = Schema::new(tracker, options);
    assert!(schema.class(local(class)).is_some());
    tracker.take_reads().into_patterns()
}

fn comment(subject: &str) -> EncodedQuad {
    let property = id("http://www.w3.org/2000/01/rdf-schema#comment");
    let text = Term::literal("another comment").id();
    EncodedQuad::new(local(subject), property, text, TermId::DEFAULT_GRAPH)
}

fn touched(reads: &[QuadPattern], quad: &EncodedQuad) -> bool {
    reads.iter().any(|read| read.matches(quad))
}

#[test]
fn a_class_depends_on_the_texts_that_it_shows() {
    let tracker = model(MODEL);
    let reads = reads_of_class(&tracker, &Options::default(), "A");
    for shown in ["A", "p", "t"] {
        assert!(touched(&reads, &comment(shown)), "{shown}");
    }
    for referred in ["Top", "B", "Below", "E", "x", "other"] {
        assert!(!touched(&reads, &comment(referred)), "{referred}");
    }
    assert!(reads.iter().all(|read| !read.is_wide()), "{reads:?}");
}

#[test]
fn what_is_not_in_the_model_yet_is_read() {
    let tracker = model(MODEL);
    let options = Options::default();
    tracker.take_reads();
    assert!(Schema::new(&tracker, &options).class(local("Later")).is_none());
    let reads = tracker.take_reads().into_patterns();
    let owl_class = id("http://www.w3.org/2002/07/owl#Class");
    let said = EncodedQuad::new(local("Later"), local("p"), owl_class, TermId::DEFAULT_GRAPH);
    let used = EncodedQuad::new(local("p"), local("q"), local("Later"), TermId::DEFAULT_GRAPH);
    assert!(touched(&reads, &said) && touched(&reads, &used));
}

#[test]
fn texts_of_inherited_properties_may_be_left_out() {
    let tracker = model(MODEL);
    let mut options = Options::default();
    options.texts = TextScope::Own;
    let reads = reads_of_class(&tracker, &options, "A");
    assert!(touched(&reads, &comment("p")) && !touched(&reads, &comment("t")));
}

#[test]
fn a_class_depends_on_what_its_answer_depends_on() {
    let tracker = model(MODEL);
    let reads = reads_of_class(&tracker, &Options::default(), "A");
    let owl = |name: &str| id(&format!("http://www.w3.org/2002/07/owl#{name}"));
    let rdfs = |name: &str| id(&format!("http://www.w3.org/2000/01/rdf-schema#{name}"));
    let quad = |s, p, o| EncodedQuad::new(s, p, o, TermId::DEFAULT_GRAPH);
    let rdf_type = id("http://www.w3.org/1999/02/22-rdf-syntax-ns#type");
    for change in [
        quad(local("new"), rdfs("domain"), local("A")),
        quad(local("new"), rdfs("domain"), local("Top")),
        quad(local("New"), rdfs("subClassOf"), local("A")),
        quad(local("Top"), rdfs("subClassOf"), local("Higher")),
        quad(local("B"), owl("equivalentClass"), local("Twin")),
        quad(local("Twin"), owl("equivalentClass"), local("B")),
        quad(local("p"), rdf_type, owl("FunctionalProperty")),
        quad(local("sub"), rdfs("subPropertyOf"), local("p")),
        quad(local("shape"), id("http://www.w3.org/ns/shacl#targetClass"), local("A")),
        quad(local("B"), id("https://evergen.dev/ns#name"), Term::literal("C").id()),
    ] {
        assert!(touched(&reads, &change), "{change:?}");
    }
}

#[test]
fn an_enumeration_depends_on_its_members() {
    let tracker = model(MODEL);
    let options = Options::default();
    tracker.take_reads();
    assert!(Schema::new(&tracker, &options).enumeration(local("E")).is_some());
    let reads = tracker.take_reads().into_patterns();
    assert!(touched(&reads, &comment("x")) && touched(&reads, &comment("E")));
    assert!(!touched(&reads, &comment("A")));
}

#[test]
fn a_memo_goes_on_where_it_stopped() {
    let tracker = model(MODEL);
    let options = Options::default();
    let schema = Schema::new(&tracker, &options);
    let first = schema.class(local("A"));
    let memo = schema.into_memo();
    tracker.take_reads();
    let schema = Schema::resume(&tracker, &options, memo);
    assert_eq!(schema.class(local("A")), first);
    assert!(tracker.snapshot().term(local("A")).is_some());
}

#[test]
fn what_is_asked_of_something_that_is_not_there_yet_reads_it() {
    let before = model("");
    let term = local("Later");
    let later = EncodedQuad::new(
        term,
        id("https://evergen.dev/ns#number"),
        Term::literal("1").id(),
        TermId::DEFAULT_GRAPH,
    );
    let options = Options::default();
    for question in ["number", "kind", "class", "enumeration", "datatype"] {
        before.take_reads();
        let schema = Schema::new(&before, &options);
        let is_there = match question {
            "number" => schema.class_number(term).is_some(),
            "kind" => schema.kind(term) != Kind::Hidden,
            "class" => schema.class(term).is_some(),
            "enumeration" => schema.enumeration(term).is_some(),
            _ => schema.datatype(term).is_some(),
        };
        assert!(!is_there, "{question}");
        assert!(touched(&before.take_reads().into_patterns(), &later), "{question}");
    }
}
