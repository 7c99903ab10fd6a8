//! Which properties a class has, and what is said of them in general.

use evergen_schema::{Options, Schema};
use insta::assert_snapshot;

use crate::support::{local, model, show};

#[test]
fn domains_and_ranges_may_be_unions_or_included() {
    assert_snapshot!(show(
        ":A a owl:Class . :B a owl:Class .
         :p rdfs:domain [ owl:unionOf ( :A :B ) ] ; rdfs:range [ owl:unionOf ( :A xsd:string ) ] .
         :q schema:domainIncludes :B ; schema:rangeIncludes schema:Number, schema:Text .
         :r <http://schema.org/domainIncludes> :B ; <http://schema.org/rangeIncludes> :A .
         :s rdfs:domain [ owl:intersectionOf ( :A :B ) ] .
         :nobody rdfs:range :A . :everybody rdfs:domain owl:Thing ."
    ));
}

#[test]
fn inherited_properties_have_an_owner() {
    assert_snapshot!(show(
        ":A a owl:Class . :B a owl:Class ; rdfs:subClassOf :A . :C a owl:Class ; rdfs:subClassOf :B .
         :a rdfs:domain :A ; rdfs:range :C . :b rdfs:domain :B . :both rdfs:domain :A, :C .
         :X a owl:Class . :D a owl:Class ; rdfs:subClassOf :B, :X . :x rdfs:domain :X . :b rdfs:domain :X ."
    ));
}

#[test]
fn what_properties_are() {
    assert_snapshot!(show(
        ":A a owl:Class .
         :o a owl:ObjectProperty ; rdfs:domain :A . :d a owl:DatatypeProperty ; rdfs:domain :A .
         :f a owl:FunctionalProperty ; rdfs:domain :A ; rdfs:range xsd:int .
         :i a owl:InverseFunctionalProperty, owl:SymmetricProperty, owl:TransitiveProperty ; rdfs:domain :A .
         :unknown a owl:DatatypeProperty ; rdfs:domain :A ; rdfs:range other:custom .
         :elsewhere a owl:ObjectProperty ; rdfs:domain :A ; rdfs:range other:Foreign .
         :c a owl:DeprecatedProperty ; rdfs:domain :A ; rdfs:label \"the c\" ; rdfs:comment \"old\" ."
    ));
}

#[test]
fn a_property_without_domain_or_range_has_those_of_the_one_above() {
    assert_snapshot!(show(
        ":A a owl:Class . :B a owl:Class .
         :top a owl:FunctionalProperty ; rdfs:domain :A ; rdfs:range :B .
         :middle rdfs:subPropertyOf :top . :low rdfs:subPropertyOf :middle .
         :own rdfs:subPropertyOf :top ; rdfs:domain :B ; rdfs:range xsd:string .
         :below_own rdfs:subPropertyOf :own .
         :loop rdfs:domain :A ; rdfs:subPropertyOf :loop2 . :loop2 rdfs:subPropertyOf :loop ."
    ));
}

#[test]
fn an_inverse_gives_what_is_missing() {
    assert_snapshot!(show(
        ":A a owl:Class . :B a owl:Class .
         :p rdfs:domain :A ; rdfs:range :B . :q owl:inverseOf :p .
         :r rdfs:domain :A ; schema:inverseOf :p ."
    ));
}

#[test]
fn equivalent_properties_are_one() {
    assert_snapshot!(show(
        ":A a owl:Class .
         :z a owl:DatatypeProperty ; rdfs:domain :A ; owl:equivalentProperty :a .
         :a rdfs:domain :A ; rdfs:range xsd:int ; owl:equivalentProperty :b ."
    ));
}

#[test]
fn ranges_hold_at_once() {
    assert_snapshot!(show(
        ":A a owl:Class . :B a owl:Class ; rdfs:subClassOf :A . :C a owl:Class .
         :narrow rdfs:domain :A ; rdfs:range :A, :B .
         :apart rdfs:domain :A ; rdfs:range :B, :C .
         :numbers rdfs:domain :A ; rdfs:range xsd:int, xsd:integer .
         :never rdfs:domain :A ; rdfs:range :A, xsd:string .
         :joined rdfs:domain :A ; rdfs:range [ owl:unionOf ( :A :B xsd:int ) ] .
         :met rdfs:domain :A ; rdfs:range [ owl:intersectionOf ( :A :B ) ] ."
    ));
}

#[test]
fn datatypes_come_down_to_built_in_ones() {
    assert_snapshot!(show(
        ":A a owl:Class .
         :Age a rdfs:Datatype ; owl:equivalentClass [ a rdfs:Datatype ; owl:onDatatype xsd:int ;
            owl:withRestrictions ( [ xsd:minInclusive 0 ] [ xsd:maxExclusive 150 ] ) ] ; rdfs:comment \"in years\" .
         :Adult a rdfs:Datatype ; owl:onDatatype :Age ; owl:withRestrictions ( [ xsd:minInclusive 18 ] ) .
         :Code a rdfs:Datatype ; rdfs:subClassOf xsd:string . :Opaque a rdfs:Datatype .
         :Either a rdfs:Datatype ; owl:equivalentClass [ owl:unionOf ( xsd:int xsd:string ) ] .
         :loop a rdfs:Datatype ; owl:onDatatype :loop2 . :loop2 a rdfs:Datatype ; owl:onDatatype :loop .
         schema:Slogan a rdfs:Class ; rdfs:subClassOf schema:Text .
         :age rdfs:domain :A ; rdfs:range :Adult . :code rdfs:domain :A ; rdfs:range :Code .
         :opaque rdfs:domain :A ; rdfs:range :Opaque . :slogan rdfs:domain :A ; rdfs:range schema:Slogan .
         :inline rdfs:domain :A ; rdfs:range [ a rdfs:Datatype ; owl:onDatatype xsd:string ;
            owl:withRestrictions ( [ xsd:pattern \"[a-z]+\" ] [ xsd:length 3 ] ) ] .
         :either rdfs:domain :A ; rdfs:range [ a rdfs:Datatype ; owl:unionOf ( xsd:int xsd:date ) ] .
         :not rdfs:domain :A ; rdfs:range [ a rdfs:Datatype ; owl:datatypeComplementOf xsd:int ] .
         :text rdfs:domain :A ; rdfs:range rdf:langString . :any rdfs:domain :A ; rdfs:range rdfs:Literal ."
    ));
}

#[test]
fn the_class_that_brings_a_property_in_decides_its_slot() {
    let tracker = model(
        ":A a owl:Class . :B a owl:Class ; rdfs:subClassOf :A , [ owl:onProperty :p ; owl:cardinality 1 ] .
         :C a owl:Class ; rdfs:subClassOf :B . :p rdfs:domain :A ; rdfs:range xsd:string .
         :One a owl:Class ; rdfs:subClassOf [ owl:onProperty :q ; owl:maxCardinality 1 ] . :q rdfs:domain :One .
         :Many a owl:Class . :q rdfs:domain :Many . :r rdfs:domain :Many .
         :Both a owl:Class ; rdfs:subClassOf :One , :Many , :C .",
    );
    let options = Options::default();
    let schema = Schema::new(&tracker, &options);
    let shown = |class: &str| {
        let class = schema.class(local(class)).unwrap();
        let bases: Vec<&str> = class.bases.iter().map(|base| &*base.name).collect();
        let slots: Vec<String> = class
            .properties
            .iter()
            .map(|property| {
                let slot = &property.slot;
                let marks = [
                    (slot.is_single, "single"),
                    (slot.is_required, "required"),
                    (slot.is_own, "own"),
                    (slot.is_repeated, "repeated"),
                ];
                let marks: Vec<&str> =
                    marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
                format!("{} of {}: {}", property.name, slot.owner.name, marks.join(" "))
            })
            .collect();
        format!("{} < {}\n{}", class.name, bases.join(", "), slots.join("\n"))
    };
    assert_snapshot!(shown("B"), @r"
    B < A
    p of A: 
    ");
    assert_snapshot!(shown("C"), @r"
    C < B
    p of A: 
    ");
    // C is the deepest. One and Many declare q differently, and Many comes first.
    assert_snapshot!(shown("Both"), @r"
    Both < C, Many
    p of A: 
    q of Many: repeated
    r of Many: repeated
    ");
    assert_snapshot!(shown("One"), @r"
    One < 
    q of One: single own
    ");
}
