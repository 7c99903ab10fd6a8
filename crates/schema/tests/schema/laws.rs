//! Rules that hold for every graph, however it contradicts itself.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use evergen_delta::{QuadPattern, TermId};
use evergen_knowledge::{FactId, FactTracker, TrackedReader as _, Tracker};
use evergen_schema::{Class, Datatype, Enumeration, Memo, Options, Property, Range, Schema, Slot};
use proptest::prelude::*;

use crate::support::{id, model};

const PREDICATES: &[&str] = &[
    "a",
    "a",
    "rdfs:subClassOf",
    "rdfs:subClassOf",
    "rdfs:subClassOf",
    "owl:equivalentClass",
    "owl:unionOf",
    "owl:intersectionOf",
    "owl:disjointUnionOf",
    "owl:oneOf",
    "rdfs:domain",
    "rdfs:domain",
    "rdfs:range",
    "rdfs:subPropertyOf",
    "owl:equivalentProperty",
    "owl:inverseOf",
    "owl:onProperty",
    "owl:allValuesFrom",
    "owl:someValuesFrom",
    "owl:hasValue",
    "owl:onClass",
    "owl:minCardinality",
    "owl:maxQualifiedCardinality",
    "owl:qualifiedCardinality",
    "owl:onDatatype",
    "owl:withRestrictions",
    "owl:hasKey",
    "sh:targetClass",
    "sh:property",
    "sh:path",
    "sh:inversePath",
    "sh:node",
    "sh:and",
    "sh:or",
    "sh:class",
    "sh:datatype",
    "sh:in",
    "sh:minCount",
    "sh:maxCount",
    "sh:pattern",
    "sh:languageIn",
    "rdf:first",
    "rdf:first",
    "rdf:rest",
    "rdf:rest",
    "schema:domainIncludes",
    "schema:rangeIncludes",
    "ev:name",
    "ev:as",
    "rdfs:label",
    "schema:supersededBy",
];
const OBJECTS: &[&str] = &[
    "owl:Class",
    "owl:Class",
    "rdfs:Datatype",
    "owl:Restriction",
    "owl:FunctionalProperty",
    "sh:NodeShape",
    "owl:Thing",
    "owl:Nothing",
    "rdf:nil",
    "rdf:nil",
    "xsd:int",
    "xsd:string",
    "rdfs:Literal",
    "schema:Enumeration",
    "schema:Text",
    "0",
    "1",
    "2",
    "-1",
    "\"x\"",
    "\"y\"@de",
];
const NODES: &[&str] =
    &[":A", ":B", ":C", ":D", ":p", ":q", "other:A", "other:p", "_:a", "_:b", "_:c", "_:d"];

pub(crate) fn graph() -> impl Strategy<Value = String> {
    let any = |from: &'static [&'static str]| prop::sample::select(from);
    let object = prop_oneof![2 => any(NODES), 1 => any(OBJECTS)];
    let one = (any(NODES), any(PREDICATES), object);
    prop::collection::vec(one, 0..40).prop_map(|statements| {
        let mut text = String::new();
        for (subject, predicate, object) in statements {
            writeln!(text, "{subject} {predicate} {object} .").unwrap();
        }
        text
    })
}

pub(crate) fn all(tracker: &Tracker, options: &Options) -> Vec<Class> {
    let schema = Schema::new(tracker, options);
    let classes = schema.classes();
    classes.iter().map(|class| schema.class(id(&class.iri)).unwrap()).collect()
}

fn check(tracker: &Tracker) -> Result<(), TestCaseError> {
    let options = Options::default();
    let classes = all(tracker, &options);
    let by_iri: HashMap<&str, &Class> = classes.iter().map(|class| (&*class.iri, class)).collect();
    for class in &classes {
        // All that is above can be reached by parents, each once, and never leads back.
        let mut above = BTreeSet::new();
        let mut open: Vec<&Class> = vec![class];
        while let Some(next) = open.pop() {
            for parent in &next.parents {
                prop_assert!(parent.iri != class.iri, "{} is above itself", class.iri);
                if above.insert(parent.iri.to_string()) {
                    open.push(by_iri[&*parent.iri]);
                }
            }
        }
        let listed: Vec<&str> = class.ancestors.iter().map(|ancestor| &*ancestor.iri).collect();
        prop_assert_eq!(listed.len(), above.len());
        prop_assert!(listed.iter().all(|ancestor| above.contains(*ancestor)));
        for parent in &class.parents {
            let others = class.parents.iter().filter(|other| *other != parent);
            for other in others {
                let over = &by_iri[&*other.iri].ancestors;
                prop_assert!(!over.contains(parent), "a parent is above another one");
            }
            prop_assert!(by_iri[&*parent.iri].children.iter().any(|child| child.iri == class.iri));
        }
        for child in &class.children {
            prop_assert!(by_iri[&*child.iri].parents.iter().any(|parent| parent.iri == class.iri));
        }
        check_properties(class, &by_iri)?;
        check_slots(class, &by_iri)?;
        prop_assert!(linear(class, &by_iri).is_some(), "{} has no linearization", class.iri);
    }
    Ok(())
}

/// What a class and its bases declare is the same.
fn check_slots(class: &Class, by_iri: &HashMap<&str, &Class>) -> Result<(), TestCaseError> {
    prop_assert!(class.bases.iter().all(|base| class.parents.contains(base)));
    let bases: Vec<&Class> = class.bases.iter().map(|base| by_iri[&*base.iri]).collect();
    for property in &class.properties {
        let slot = &property.slot;
        prop_assert!(!slot.ranges.is_empty());
        let above: Vec<&Slot> = bases.iter().filter_map(|base| slot_in(base, property)).collect();
        for other in &above {
            prop_assert_eq!(slot.is_single, other.is_single);
            prop_assert_eq!(slot.is_required, other.is_required);
            prop_assert_eq!(slot.ranges.len(), other.ranges.len());
        }
        prop_assert_eq!(slot.is_own, slot.owner.iri == class.iri);
        prop_assert!(above.is_empty() || !slot.is_own);
        let first = bases.first().and_then(|base| slot_in(base, property));
        prop_assert!(first.is_none() || !slot.is_repeated);
    }
    Ok(())
}

fn slot_in<'a>(class: &'a Class, property: &Property) -> Option<&'a Slot> {
    let same = |other: &&Property| {
        (&other.iri, other.is_reversed) == (&property.iri, property.is_reversed)
    };
    class.properties.iter().find(same).map(|found| &found.slot)
}

/// A class and all that it extends in one row, as C3 puts them.
fn linear<'a>(class: &'a Class, by_iri: &HashMap<&str, &'a Class>) -> Option<Vec<&'a str>> {
    let bases: Vec<&str> = class.bases.iter().map(|base| &*base.iri).collect();
    let mut rows: Vec<Vec<&str>> = Vec::new();
    for base in &bases {
        rows.push(linear(by_iri[base], by_iri)?);
    }
    rows.push(bases.iter().map(|base| &*by_iri[base].iri).collect());
    let mut row = vec![&*class.iri];
    while rows.iter().any(|row| !row.is_empty()) {
        let heads = rows.iter().filter_map(|row| row.first().copied());
        let mut free =
            heads.filter(|head| !rows.iter().any(|row| row.iter().skip(1).any(|one| one == head)));
        let next = free.next()?;
        row.push(next);
        for row in &mut rows {
            row.retain(|one| *one != next);
        }
    }
    Some(row)
}

fn check_properties(class: &Class, by_iri: &HashMap<&str, &Class>) -> Result<(), TestCaseError> {
    let mut names = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for property in &class.properties {
        prop_assert!(names.insert(property.name.to_lowercase()), "{}", property.name);
        prop_assert!(keys.insert((property.iri.clone(), property.is_reversed)));
        prop_assert!(!property.ranges.is_empty());
        prop_assert!(property.max.is_none_or(|max| max > 0 && property.min <= max));
        prop_assert_eq!(property.inherited, property.owner.iri != class.iri);
        let ancestors = &class.ancestors;
        prop_assert!(!property.inherited || ancestors.contains(&property.owner));
        for range in &property.ranges {
            if let Range::Class(class) = range {
                prop_assert!(by_iri.contains_key(&*class.iri), "{} is no class", class.iri);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_graph_has_a_view(text in graph()) {
        let tracker = model(&text);
        check(&tracker)?;
        let options = Options::default();
        let schema = Schema::new(&tracker, &options);
        for enumeration in schema.enumerations() {
            let viewed = schema.enumeration(id(&enumeration.iri)).unwrap();
            let names: BTreeSet<String> =
                viewed.members.iter().map(|member| member.name.to_lowercase()).collect();
            prop_assert_eq!(names.len(), viewed.members.len());
        }
        for datatype in schema.datatypes() {
            prop_assert!(schema.datatype(id(&datatype.iri)).is_some());
        }
        schema.wanted();
    }

    /// What one view has remembered changes no answer, and neither does what isn't read.
    #[test]
    fn an_answer_depends_on_its_reads_alone(text in graph(), more in graph()) {
        let options = Options::default();
        let before = model(&text);
        let shared = all(&before, &options);
        let after = model(&format!("{text}{more}"));
        let old: BTreeSet<_> = quads(&before);
        let new: BTreeSet<_> = quads(&after);
        for class in &shared {
            before.take_reads();
            let alone = Schema::new(&before, &options).class(id(&class.iri)).unwrap();
            prop_assert_eq!(&alone, class);
            let reads = before.take_reads().into_patterns();
            let hit = old.symmetric_difference(&new).any(|quad| reads.iter().any(|read| read.matches(quad)));
            if !hit {
                let then = Schema::new(&after, &options).class(id(&class.iri));
                prop_assert_eq!(then.as_ref(), Some(class));
            }
        }
    }
}

/// What a view of its own has read that no fact behind an answer has.
fn unknown_reads(alone: &Tracker, facts: &FactTracker, answer: FactId) -> Vec<String> {
    let known = facts.patterns_of(answer);
    let is_known = |read: &QuadPattern| {
        let whole = QuadPattern { predicate: TermId::ANY, object: TermId::ANY, ..*read };
        known.contains(read) || (whole.subject != TermId::ANY && known.contains(&whole))
    };
    let said = |id| alone.snapshot().term(id).map_or_else(|| "?".to_owned(), |it| it.to_string());
    let reads = alone.take_reads().into_patterns();
    let unknown = reads.iter().filter(|read| !is_known(read));
    unknown
        .map(|it| format!("{} {} {}", said(it.subject), said(it.predicate), said(it.object)))
        .collect()
}

/// What class after class asks of one view, and what each answer is said to depend on.
fn asked_in_turn(facts: &FactTracker, options: &Options) -> Vec<(TermId, Option<Class>, FactId)> {
    asked_in_turn_of(facts, options, Memo::default())
}

/// The same of a view that remembers something already.
fn asked_in_turn_of(
    facts: &FactTracker,
    options: &Options,
    memo: Memo,
) -> Vec<(TermId, Option<Class>, FactId)> {
    let schema = Schema::resume(facts, options, memo);
    let mut terms: Vec<TermId> = schema.classes().iter().map(|class| id(&class.iri)).collect();
    // Each is asked when much is known, and when little is.
    let again: Vec<TermId> = terms.iter().rev().copied().collect();
    terms.extend(again);
    let mut answers = Vec::new();
    for (number, term) in terms.into_iter().enumerate() {
        let fact = FactId::of("asked", &[term.to_raw(), number as u64]);
        facts.open_fact(fact);
        let answer = schema.class(term);
        facts.close_fact();
        answers.push((term, answer, fact));
    }
    answers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// The facts that an answer used lead to all that a view of its own would have read.
    #[test]
    fn facts_lead_to_all_reads(text in graph()) {
        let options = Options::default();
        let alone = model(&text);
        let facts = FactTracker::new(alone.snapshot().clone());
        for (term, answer, fact) in asked_in_turn(&facts, &options) {
            alone.take_reads();
            prop_assert_eq!(Schema::new(&alone, &options).class(term), answer);
            prop_assert_eq!(unknown_reads(&alone, &facts, fact), Vec::<String>::new());
        }
    }

    /// What no change of the reads behind an answer touched is answered as before.
    #[test]
    fn an_answer_of_facts_depends_on_them_alone(text in graph(), more in graph()) {
        let options = Options::default();
        let before = model(&text);
        let after = model(&format!("{text}{more}"));
        let (old, new) = (quads(&before), quads(&after));
        let changed: Vec<_> = old.symmetric_difference(&new).collect();
        let facts = FactTracker::new(before.snapshot().clone());
        for (term, answer, fact) in asked_in_turn(&facts, &options) {
            let reads = facts.patterns_of(fact);
            if !changed.iter().any(|quad| reads.iter().any(|read| read.matches(quad))) {
                prop_assert_eq!(Schema::new(&after, &options).class(term), answer);
            }
        }
    }
}

/// All that a view says of a model.
fn everything(schema: &Schema<'_>) -> (Vec<Option<Class>>, Vec<Enumeration>, Vec<Datatype>) {
    let classes = schema.classes().iter().map(|class| schema.class(id(&class.iri))).collect();
    let enumerations = schema.enumerations();
    let enumerations = enumerations.iter().filter_map(|one| schema.enumeration(id(&one.iri)));
    let datatypes = schema.datatypes();
    let datatypes = datatypes.iter().filter_map(|one| schema.datatype(id(&one.iri)));
    (classes, enumerations.collect(), datatypes.collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// What is left of a memory after changes is what a view of its own would find out.
    #[test]
    fn what_is_remembered_holds_after_changes(texts in proptest::collection::vec(graph(), 2..5)) {
        let options = Options::default();
        let mut now = model(&texts[0]);
        let mut facts = FactTracker::new(now.snapshot().clone());
        let mut memo = Memo::default();
        let mut all = BTreeSet::new();
        for text in texts.iter().skip(1).chain([&texts[0]]) {
            let schema = Schema::resume(&facts, &options, memo);
            everything(&schema);
            memo = schema.into_memo();
            all.extend(facts.take_new().into_iter().map(|(fact, _)| fact));
            let next = model(&format!("{}{text}", texts[0]));
            let (old, new) = (quads(&now), quads(&next));
            let changed: Vec<_> = old.symmetric_difference(&new).copied().collect();
            let is_stale = |fact: &FactId| {
                let reads = facts.patterns_of(*fact);
                changed.iter().any(|quad| reads.iter().any(|read| read.matches(quad)))
            };
            let stale: Vec<FactId> = all.iter().copied().filter(is_stale).collect();
            memo.forget(&stale, changed.iter().map(|quad| quad.subject));
            facts.forget(&stale);
            facts.turn_to(next.snapshot().clone());
            all.retain(|fact| !stale.contains(fact));
            now = next;
            let alone = Schema::new(&now, &options);
            let resumed = Schema::resume(&facts, &options, memo);
            prop_assert_eq!(everything(&resumed), everything(&alone));
            memo = resumed.into_memo();
        }
        for (term, answer, fact) in asked_in_turn_of(&facts, &options, memo) {
            now.take_reads();
            prop_assert_eq!(Schema::new(&now, &options).class(term), answer);
            prop_assert_eq!(unknown_reads(&now, &facts, fact), Vec::<String>::new());
        }
    }
}

fn quads(tracker: &Tracker) -> BTreeSet<evergen_delta::EncodedQuad> {
    tracker.snapshot().quads(QuadPattern::default_graph(None, None, None)).collect()
}

#[test]
fn a_chain_of_twenty_thousand_classes_needs_no_stack() {
    let mut text = String::new();
    for n in 0..20_000 {
        writeln!(text, ":c{n} a owl:Class ; rdfs:subClassOf :c{} .", n + 1).unwrap();
    }
    text.push_str(":c20000 a owl:Class . :p rdfs:domain :c20000 .");
    let tracker = model(&text);
    let options = Options::default();
    let schema = Schema::new(&tracker, &options);
    let class = schema.class(crate::support::local("c0")).unwrap();
    assert_eq!((class.ancestors.len(), class.parents.len()), (20_000, 1));
    assert_eq!(class.properties.len(), 1);
}

#[test]
fn a_shape_inside_itself_many_times_costs_its_size() {
    let mut text = ":A a owl:Class ; sh:property [ sh:path :p ; sh:or ( :s0 :s0 ) ] .".to_owned();
    for n in 0..40 {
        write!(text, ":s{n} sh:or ( :s{0} :s{0} :s0 ) .", n + 1).unwrap();
        write!(text, "_:u{n} owl:unionOf ( _:u{0} _:u{0} _:u0 ) .", n + 1).unwrap();
    }
    text.push_str(":q rdfs:domain :A ; rdfs:range _:u0 .");
    let tracker = model(&text);
    assert_eq!(all(&tracker, &Options::default())[0].properties.len(), 2);
}
