//! What a model means in code, one small model for each rule.

use crate::support::Generated;

const PREFIXES: &str = "
@prefix : <http://example.org/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix schema: <http://schema.org/> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
";

/// The TypeScript of a model; it and its siblings compile.
fn check(model: &str, expected: &[&str]) {
    let generated = Generated::new("model.ttl", &format!("{PREFIXES}{model}"));
    let shown = generated.show("typescript/src");
    let shown: Vec<&str> = shown
        .lines()
        .filter(|line| !line.starts_with("────") && !line.starts_with("import "))
        .filter(|line| !line.starts_with("export * ") && !line.is_empty())
        .collect();
    assert_eq!(shown, expected);
    generated.compile();
}

#[test]
fn a_class_without_anything() {
    check(":A a owl:Class .", &["export interface A {}"]);
}

#[test]
fn no_class_at_all() {
    check(":a :b :c .", &["export {};"]);
}

#[test]
fn a_property_has_many_values_unless_the_model_says_otherwise() {
    check(
        ":A a rdfs:Class ;
            rdfs:subClassOf [ a owl:Restriction ; owl:onProperty :exact ; owl:cardinality 1 ] .
         :free rdfs:domain :A .
         :one a owl:FunctionalProperty ; rdfs:domain :A ; rdfs:range xsd:integer .
         :exact rdfs:domain :A ; rdfs:range xsd:boolean .
         :some rdfs:domain :A ; rdfs:range :A .
         :shape sh:targetClass :A ; sh:property [ sh:path :some ; sh:minCount 2 ] .",
        &[
            "export interface A {",
            "  exact: boolean;",
            "  free?: string[];",
            "  one?: number;",
            "  some: A[];",
            "}",
        ],
    );
}

#[test]
fn shapes_alone_are_a_model() {
    check(
        ":s a sh:NodeShape ; sh:targetClass :A ; sh:property
            [ sh:path :name ; sh:datatype xsd:string ; sh:minCount 1 ; sh:maxCount 1 ] ,
            [ sh:path :next ; sh:class :A ] ,
            [ sh:path :mixed ; sh:or ( [ sh:datatype xsd:double ] [ sh:class :A ] ) ] .",
        &[
            "export interface A {",
            "  mixed?: (A | number)[];",
            "  name: string;",
            "  next?: A[];",
            "}",
        ],
    );
}

#[test]
fn domains_and_ranges_may_be_unions_or_included() {
    check(
        ":A a owl:Class . :B a owl:Class .
         :p rdfs:domain [ owl:unionOf ( :A :B ) ] ; rdfs:range [ owl:unionOf ( :A xsd:string ) ] .
         :q schema:domainIncludes :B ; schema:rangeIncludes schema:Number, schema:Text .",
        &[
            "export interface A {",
            "  p?: (A | string)[];",
            "}",
            "export interface B {",
            "  p?: (A | string)[];",
            "  q?: (number | string)[];",
            "}",
        ],
    );
}

#[test]
fn one_parent_is_extended_and_the_others_are_repeated() {
    check(
        ":Top a owl:Class . :Left a owl:Class ; rdfs:subClassOf :Top .
         :Right a owl:Class ; rdfs:subClassOf :Top .
         :Both a owl:Class ; rdfs:subClassOf :Top, :Right, :Left .
         :t rdfs:domain :Top . :l rdfs:domain :Left . :r rdfs:domain :Right . :b rdfs:domain :Both .",
        &[
            "export interface Both extends Left {",
            "  b?: string[];",
            "  r?: string[];",
            "}",
            "export interface Left extends Top {",
            "  l?: string[];",
            "}",
            "export interface Right extends Top {",
            "  r?: string[];",
            "}",
            "export interface Top {",
            "  t?: string[];",
            "}",
        ],
    );
}

#[test]
fn a_cycle_of_classes_is_none_in_code() {
    check(
        ":A a owl:Class ; rdfs:subClassOf :B . :B a owl:Class ; rdfs:subClassOf :A, :B .
         :C a owl:Class ; rdfs:subClassOf :A . :p rdfs:domain :B .",
        &[
            "export interface A {",
            "  p?: string[];",
            "}",
            "export interface B {",
            "  p?: string[];",
            "}",
            "export interface C extends A {}",
        ],
    );
}

#[test]
fn properties_of_one_name_are_numbered() {
    check(
        ":A a owl:Class . :B a owl:Class ; rdfs:subClassOf :A .
         <http://one.example/name> rdfs:domain :A . <http://two.example/name> rdfs:domain :A .
         <http://three.example/name> rdfs:domain :B ; rdfs:range xsd:integer .",
        &[
            "export interface A {",
            "  name?: string[];",
            "  name_2?: string[];",
            "}",
            "export interface B extends A {",
            "  name_3?: number[];",
            "}",
        ],
    );
}

#[test]
fn a_class_that_is_only_mentioned_is_left_out() {
    check(
        ":A a owl:Class ; rdfs:label \"a\" ; owl:equivalentClass <http://other.example/A> .
         <http://other.example/A> a owl:Class .
         owl:Thing a owl:Class .
         schema:Text a rdfs:Class .
         :p rdfs:domain :A ; rdfs:range <http://other.example/A> .",
        &["export interface A {", "  p?: string[];", "}"],
    );
}

#[test]
fn enumerations_are_listed_or_found() {
    check(
        ":Color a owl:Class ; owl:oneOf ( :red :Red ) .
         :Size a rdfs:Class ; rdfs:subClassOf schema:Enumeration . :large a :Size .
         schema:Enumeration a rdfs:Class ; rdfs:comment \"lists\" .
         :A a owl:Class . :color rdfs:domain :A ; rdfs:range :Color, :Size .",
        &[
            "export interface A {",
            "  color?: (Color | Size)[];",
            "}",
            "export const Color = {",
            "  Red: \"http://example.org/Red\",",
            "  Red2: \"http://example.org/red\",",
            "} as const;",
            "/** The IRI of one of the values. */",
            "export type Color = (typeof Color)[keyof typeof Color];",
            "/** lists */",
            "export interface Enumeration {}",
            "export const Size = {",
            "  Large: \"http://example.org/large\",",
            "} as const;",
            "/** The IRI of one of the values. */",
            "export type Size = (typeof Size)[keyof typeof Size];",
        ],
    );
}

#[test]
fn a_comment_is_shown_in_english_where_there_is_some() {
    check(
        ":A a owl:Class ; rdfs:comment \"ein A\"@de, \"an A\"@en, \"A\" .
         :B a owl:Class ; rdfs:label \"something else\" .
         :CamelCase a owl:Class ; rdfs:label \"camel case\" .",
        &[
            "/** an A */",
            "export interface A {}",
            "/** something else */",
            "export interface B {}",
            "export interface CamelCase {}",
        ],
    );
}

#[test]
fn two_classes_of_one_name_are_refused() {
    let generated = Generated::new("model.ttl", "");
    let classes = "<http://one.example/A> a owl:Class . <http://two.example/a> a owl:Class .";
    generated.write("model.ttl", &format!("{PREFIXES}{classes}"));
    let error = generated.try_run().unwrap_err();
    let told = format!("{:?}", error.diagnostics());
    assert!(told.contains("one.example/A") && told.contains("two.example/a"), "{told}");
}
