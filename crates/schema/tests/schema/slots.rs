//! What code declares where: bases, and what several of them bring in.

use evergen_schema::{Class, Options, Property, Range, Schema};

use super::support::{local, model};

fn class(text: &str, name: &str) -> Class {
    let (tracker, options) = (model(text), Options::default());
    Schema::new(&tracker, &options).class(local(name)).unwrap()
}

fn names(properties: &[Property]) -> Vec<&str> {
    properties.iter().map(|property| &*property.name).collect()
}

#[test]
fn bases_that_no_order_can_follow_are_none() {
    let text = ":A a owl:Class . :B a owl:Class . :A1 a owl:Class ; rdfs:subClassOf :A .
        :B1 a owl:Class ; rdfs:subClassOf :B . :P a owl:Class ; rdfs:subClassOf :A1 , :B .
        :Q a owl:Class ; rdfs:subClassOf :B1 , :A . :Z a owl:Class ; rdfs:subClassOf :P , :Q .";
    // Below P, A comes before B, and below Q behind it.
    let bases = |name| -> Vec<String> {
        class(text, name).bases.iter().map(|base| base.name.to_string()).collect()
    };
    assert_eq!(bases("P"), ["A1", "B"]);
    assert_eq!(bases("Q"), ["B1", "A"]);
    assert_eq!(bases("Z"), ["P"]);
}

const TWICE: &str = "
    :A a owl:Class ; sh:property [ sh:path :p ; sh:datatype xsd:string ] , [ sh:path :q ; sh:datatype xsd:string ] .
    :B a owl:Class ; sh:property [ sh:path :p ; sh:datatype xsd:string ] , [ sh:path :q ; sh:datatype xsd:string ] .
    :C a owl:Class ; rdfs:subClassOf :A , :B , [ owl:onProperty :q ; owl:maxCardinality 0 ] .
    :D a owl:Class ; rdfs:subClassOf :C .
    :E a owl:Class ; rdfs:subClassOf :A , :B .
    :F a owl:Class ; rdfs:subClassOf :C , :E .
    :G a owl:Class ; rdfs:subClassOf :F , :A .";

#[test]
fn what_two_bases_bring_in_is_ambiguous_until_a_class_says_it_again() {
    let ambiguous = |name| class(TWICE, name).ambiguous;
    assert_eq!(names(&ambiguous("C")), ["p", "q"]);
    assert_eq!(names(&ambiguous("D")), [""; 0]);
    assert_eq!(names(&ambiguous("E")), ["p", "q"]);
    // C and E each say again what they are.
    assert_eq!(names(&ambiguous("F")), ["p", "q"]);
    // What F says comes before what A says.
    assert_eq!(names(&ambiguous("G")), [""; 0]);
    assert!(ambiguous("C").iter().all(|property| !property.slot.is_own));
}

const APART: &str = "
    :Other a owl:Class ; sh:property [ sh:path :p ; sh:datatype xsd:string ; sh:maxCount 1 ] .
    :M a owl:Class ; rdfs:subClassOf :Other ; sh:property [ sh:path :q ; sh:datatype xsd:string ] ,
        [ sh:path :r ; sh:in ( \"a\" \"b\" ) ; sh:maxCount 1 ] .
    :N2 a owl:Class . :N1 a owl:Class ; rdfs:subClassOf :N2 .
    :N a owl:Class ; rdfs:subClassOf :N1 ; sh:property [ sh:path :q ; sh:datatype xsd:string ; sh:maxCount 1 ] .
    :One a owl:Class ; rdfs:subClassOf :N , :M .
    :V a owl:Class ; rdfs:subClassOf :Other .
    :D a owl:Class ; rdfs:subClassOf :One , :V .";

#[test]
fn a_parent_that_code_does_not_extend_says_nothing_there() {
    let one = class(APART, "One");
    assert_eq!(one.bases.iter().map(|base| &*base.name).collect::<Vec<_>>(), ["N"]);
    // The model has One below Other, the code has not.
    assert_eq!(names(&class(APART, "D").ambiguous), ["p"]);
    let list = |class: &Class| {
        let property = class.properties.iter().find(|property| property.name == *"r").unwrap();
        let [Range::Enumeration(values)] = property.ranges.as_slice() else { panic!() };
        assert_eq!(property.slot.ranges, property.ranges);
        values.name.to_string()
    };
    assert_eq!(list(&class(APART, "M")), "M_r");
    assert_eq!(list(&one), "One_r");
    assert_eq!(list(&class(APART, "D")), "One_r");
}

#[test]
fn what_a_base_has_and_the_class_may_not_have_is_barred() {
    let barred = |name| class(TWICE, name).barred;
    assert_eq!(names(&barred("A")), [""; 0]);
    assert_eq!(names(&barred("C")), ["q"]);
    assert_eq!(names(&class(TWICE, "C").properties), ["p"]);
    assert_eq!(names(&barred("D")), ["q"]);
    let text = format!(
        "{TWICE} :Aa a owl:Class . :H a owl:Class ; rdfs:subClassOf :Aa , :B ,
            [ owl:onProperty :q ; owl:maxCardinality 0 ] ."
    );
    let barred = class(&text, "H").barred;
    assert_eq!(names(&barred), ["q"]);
    // Code that extends the first base alone has to have what the second one asks for.
    assert!(barred[0].slot.is_repeated);
}

#[test]
fn listed_values_have_a_type_for_each_class_that_brings_them_in() {
    let values = |text: &str, name: &str| {
        let class = class(text, name);
        let property = &class.properties[0];
        let [Range::Enumeration(own)] = property.ranges.as_slice() else { panic!("{property:?}") };
        let [Range::Enumeration(slot)] = property.slot.ranges.as_slice() else { panic!() };
        assert_eq!((&own.iri, &own.name), (&slot.iri, &slot.name));
        assert_eq!(own.members.as_ref().map(Vec::len), Some(2));
        own.name.to_string()
    };
    let list = ":p rdfs:range [ a rdfs:Datatype ; owl:oneOf ( \"a\" \"b\" \"a\" ) ] .";
    let sole = format!("{list} :p rdfs:domain :A . :A a owl:Class .");
    assert_eq!(values(&sole, "A"), "p_value");
    let several = format!(
        "{list} :A a owl:Class ; sh:property [ sh:path :p ] . :B a owl:Class ; sh:property [ sh:path :p ] ."
    );
    assert_eq!(values(&several, "A"), "A_p");
    assert_eq!(values(&several, "B"), "B_p");
    // A class below has what the one above has.
    let below = format!("{several} :C a owl:Class ; rdfs:subClassOf :A .");
    assert_eq!(values(&below, "C"), "A_p");
}
