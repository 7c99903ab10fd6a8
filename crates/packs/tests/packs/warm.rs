//! An engine that stays in memory keeps what still holds, and nothing else.

use std::fs;

use evergen_packs::{languages, name_keeper, packs, views};
use evergen_regeneration::{Access, Project, RegenerationEngine, Settings};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::names::LANGUAGES;

const PREFIXES: &str = "\
@prefix : <https://shop.example/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
";

/// Statements that reach far: what is above and the same, lists, shapes, listed values.
const STATEMENTS: &[&str] = &[
    ":Order a owl:Class .",
    ":Order rdfs:comment \"What somebody wants.\" .",
    ":Order rdfs:comment \"What somebody has asked for.\" .",
    ":Order rdfs:subClassOf :Thing .",
    ":Item a owl:Class ; rdfs:subClassOf :Thing .",
    ":Item rdfs:subClassOf :Order .",
    ":Thing rdfs:subClassOf :Item .",
    ":Thing a owl:Class .",
    ":Thing owl:equivalentClass :Stuff .",
    ":Stuff a owl:Class ; rdfs:label \"Stuff\" .",
    ":Gift a owl:Class ; rdfs:subClassOf :Order, :Item .",
    ":Gift owl:deprecated true .",
    ":Any owl:unionOf ( :Order :Item ) .",
    ":Any a owl:Class .",
    ":total a owl:DatatypeProperty ; rdfs:domain :Order ; rdfs:range xsd:decimal .",
    ":total rdfs:range xsd:string .",
    ":total a owl:FunctionalProperty .",
    ":total rdfs:comment \"In one currency.\" .",
    ":items a owl:ObjectProperty ; rdfs:domain :Order ; rdfs:range :Item .",
    ":items rdfs:domain :Thing .",
    ":parts rdfs:subPropertyOf :items ; rdfs:domain :Item .",
    ":partOf a owl:ObjectProperty ; owl:inverseOf :parts ; rdfs:domain :Item .",
    ":Order rdfs:subClassOf [ a owl:Restriction ; owl:onProperty :items ; owl:minCardinality 1 ] .",
    ":Shape a sh:NodeShape ; sh:targetClass :Order ; sh:property [ sh:path :total ; sh:maxCount 1 ] .",
    ":Shape sh:property [ sh:path :items ; sh:minCount 2 ; sh:class :Gift ] .",
    ":State a owl:Class ; owl:oneOf ( :open :paid ) .",
    ":open a :State ; rdfs:comment \"Not paid.\" .",
    ":paid a :State .",
    ":Level a owl:Class ; owl:oneOf ( :low :open ) .",
    ":state a owl:ObjectProperty ; rdfs:domain :Order ; rdfs:range :State .",
    ":level rdfs:domain :Item ; rdfs:range :Level .",
    ":Code a rdfs:Datatype ; owl:onDatatype xsd:string ; owl:withRestrictions ( [ xsd:pattern \"[A-Z]+\" ] ) .",
    ":code a owl:DatatypeProperty ; rdfs:domain :Item ; rdfs:range :Code .",
    ":Code rdfs:comment \"As on the parcel.\" .",
];

fn project(folder: &TempDir) -> Project {
    let mut settings = Settings::default();
    settings.model.sources = vec!["model.ttl".to_owned()];
    settings.regeneration.target_languages = LANGUAGES.map(str::to_owned).to_vec();
    Project::new(folder.path(), settings)
        .with_packs(packs())
        .with_languages(languages())
        .with_views(views())
        .with_name_keeper(name_keeper())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Whatever changes, cycle after cycle: what is left equals a generation from scratch.
    #[test]
    fn what_is_kept_from_cycle_to_cycle_is_what_a_generation_from_scratch_finds(
        first in prop::collection::vec(any::<bool>(), STATEMENTS.len()),
        steps in prop::collection::vec(prop::collection::vec(0..STATEMENTS.len(), 1..4), 8),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut chosen = first;
        let write = |chosen: &[bool]| {
            let statements = STATEMENTS.iter().zip(chosen).filter(|(_, is_chosen)| **is_chosen);
            let text: Vec<&str> = statements.map(|(statement, _)| *statement).collect();
            fs::write(folder.path().join("model.ttl"), format!("{PREFIXES}{}", text.join("\n"))).unwrap();
        };
        write(&chosen);
        let write_access = Access::Write { wait: None };
        let mut engine = RegenerationEngine::open(project(&folder), write_access).unwrap();
        engine.run(&mut |_| {}).unwrap();
        for step in steps {
            for statement in step {
                chosen[statement] = !chosen[statement];
            }
            write(&chosen);
            engine.run(&mut |_| {}).unwrap();
            let mut other = RegenerationEngine::open(project(&folder), Access::Read).unwrap();
            let verified = other.verify().unwrap();
            prop_assert!(verified.differences.is_empty(), "{:#?}", verified.differences);
        }
    }
}
