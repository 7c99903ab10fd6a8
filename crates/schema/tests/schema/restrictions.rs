//! What restrictions of OWL say.

use insta::assert_snapshot;

use crate::support::show;

#[test]
fn cardinalities() {
    assert_snapshot!(show(
        ":A a owl:Class ; rdfs:subClassOf
            [ owl:onProperty :exact ; owl:cardinality 1 ],
            [ owl:onProperty :some ; owl:minCardinality 2 ], [ owl:onProperty :some ; owl:maxCardinality 5 ],
            [ owl:onProperty :some ; owl:maxCardinality 4 ],
            [ owl:onProperty :qualified ; owl:minQualifiedCardinality 1 ; owl:onClass :B ],
            [ owl:onProperty :part ; owl:maxQualifiedCardinality 1 ; owl:onClass :B ],
            [ owl:onProperty :whole ; owl:maxQualifiedCardinality 1 ; owl:onClass :A ],
            [ owl:onProperty :data ; owl:qualifiedCardinality 1 ; owl:onDataRange xsd:string ],
            [ owl:onProperty :bad ; owl:cardinality -1, \"x\", 1.5 ],
            [ owl:onProperty :large ; owl:maxCardinality 99999999999 ],
            [ owl:onProperty :none ; owl:maxCardinality 0 ], [ owl:onProperty :never ; owl:allValuesFrom owl:Nothing ] .
         :B a owl:Class ; rdfs:subClassOf :A . :whole rdfs:range :B . :part rdfs:range :A . :data rdfs:range xsd:string .
         :none rdfs:domain :A . :never rdfs:domain :A ."
    ));
}

#[test]
fn values() {
    assert_snapshot!(show(
        ":A a owl:Class ; owl:equivalentClass [ owl:intersectionOf ( :Top
            [ owl:onProperty :all ; owl:allValuesFrom :B ] [ owl:onProperty :some ; owl:someValuesFrom :B ]
            [ owl:onProperty :known ; owl:someValuesFrom :A ] [ owl:onProperty :value ; owl:hasValue \"x\" ]
            [ owl:onProperty :any ; owl:someValuesFrom owl:Thing ]
            [ owl:onProperty :color ; owl:allValuesFrom [ owl:oneOf ( :red :green ) ] ] ) ] .
         :B a owl:Class . :Top a owl:Class . :known rdfs:range :Top . :all rdfs:range :Top ."
    ));
}

#[test]
fn a_class_below_narrows_what_it_inherits() {
    assert_snapshot!(show(
        ":A a owl:Class . :p rdfs:domain :A ; rdfs:range :A . :q rdfs:domain :A .
         :B a owl:Class ; rdfs:subClassOf :A, [ owl:onProperty :p ; owl:allValuesFrom :B ; owl:maxCardinality 1 ],
            [ owl:onProperty :q ; owl:minCardinality 0 ] .
         :C a owl:Class ; rdfs:subClassOf :B .
         :D a owl:Class ; rdfs:subClassOf :C, [ owl:onProperty :p ; owl:minCardinality 1 ] ."
    ));
}

#[test]
fn a_restriction_of_an_inverse() {
    assert_snapshot!(show(
        ":A a owl:Class ; rdfs:subClassOf [ owl:onProperty [ owl:inverseOf :p ] ; owl:minCardinality 1 ],
            [ owl:onProperty [ owl:inverseOf :q ] ; owl:maxCardinality 1 ] .
         :B a owl:Class . :p rdfs:domain :B . :r owl:inverseOf :q ."
    ));
}

#[test]
fn a_named_restriction_is_no_class() {
    assert_snapshot!(show(
        ":R a owl:Restriction ; owl:onProperty :p ; owl:maxCardinality 1 .
         :A a owl:Class ; rdfs:subClassOf :R ."
    ));
}
