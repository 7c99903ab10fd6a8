//! Values that are listed.

use insta::assert_snapshot;

use crate::support::show;

#[test]
fn enumerations_are_listed_or_found() {
    assert_snapshot!(show(
        ":Color a owl:Class ; owl:oneOf ( :red :Red :green ) ; rdfs:comment \"what the eye sees\" .
         :Shape a owl:Class ; owl:equivalentClass [ a owl:Class ; owl:oneOf ( :round :square ) ] .
         :Grade a rdfs:Datatype ; owl:oneOf ( \"A\" \"B\" \"c\"@en ) .
         :Level a rdfs:Datatype ; owl:equivalentClass [ a rdfs:Datatype ; owl:oneOf ( 1 2 ) ] .
         :Size a rdfs:Class ; rdfs:subClassOf schema:Enumeration . :small a :Size . :large a :Size .
         :Huge a rdfs:Class ; rdfs:subClassOf :Size . :huge a :Huge . [] a :Size .
         schema:Enumeration a rdfs:Class . :weight rdfs:domain schema:Enumeration .
         :A a owl:Class . :p rdfs:domain :A ; rdfs:range :Color, :Color . :q rdfs:domain :A ; rdfs:range :Grade .
         :r rdfs:domain :A ; rdfs:range [ owl:oneOf ( :red :round ) ] ."
    ));
}

#[test]
fn a_class_below_an_enumeration_is_below_what_is_above_it() {
    assert_snapshot!(show(
        ":Top a owl:Class . :t rdfs:domain :Top . :E a owl:Class ; rdfs:subClassOf :Top ; owl:oneOf ( :x ) .
         :A a owl:Class ; rdfs:subClassOf :E . :e rdfs:domain :E ."
    ));
}
