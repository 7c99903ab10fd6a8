//! What shapes of SHACL say.

use insta::assert_snapshot;

use crate::support::show;

#[test]
fn shapes_alone_are_a_model() {
    assert_snapshot!(show(
        ":s a sh:NodeShape ; sh:targetClass :A ; sh:property
            [ sh:path :name ; sh:datatype xsd:string ; sh:minCount 1 ; sh:maxCount 1 ; sh:minLength 2 ;
              sh:pattern \"^a\" ; sh:flags \"i\" ; sh:name \"the name\" ; sh:description \"how it is called\" ;
              sh:order 2 ; sh:group :g ; sh:defaultValue \"abc\" ] ,
            [ sh:path :next ; sh:class :A ] , [ sh:path :iri ; sh:nodeKind sh:IRI ] ,
            [ sh:path :text ; sh:uniqueLang true ; sh:languageIn ( \"en\" \"de\" ) ; sh:datatype rdf:langString ] ,
            [ sh:path :mixed ; sh:or ( [ sh:datatype xsd:double ] [ sh:class :A ] ) ] ,
            [ sh:path :number ; sh:minInclusive 1 ; sh:maxInclusive 9.5 ] ,
            [ sh:path :gone ; sh:maxCount 0 ] , [ sh:path :off ; sh:deactivated true ] ,
            [ sh:path ( :a :b ) ] , [ sh:path [ sh:zeroOrMorePath :a ] ] , [ sh:path rdf:type ; sh:hasValue :A ] ,
            [ sh:path :fixed ; sh:hasValue :x ] , [ sh:path [ sh:inversePath :up ] ; sh:maxCount 1 ] ."
    ));
}

#[test]
fn a_class_may_be_its_own_shape() {
    assert_snapshot!(show(
        ":A a rdfs:Class, sh:NodeShape ; sh:property [ sh:path :p ; sh:datatype xsd:int ] ; sh:node :S .
         :S a sh:NodeShape ; sh:property [ sh:path :q ; sh:node :A ] ; sh:and ( [ sh:property [ sh:path :r ] ] ) .
         :B a rdfs:Class ; rdfs:subClassOf :A ; sh:property [ sh:path :p ; sh:maxCount 1 ] .
         :T sh:targetClass :B ; sh:property [ sh:path :s ; sh:node :T ] ; sh:node :T , :S ."
    ));
}

#[test]
fn values_by_other_shapes() {
    assert_snapshot!(show(
        ":A a owl:Class ; sh:property [ sh:path :zip ; sh:node :Zip ] , [ sh:path :inner ; sh:node [ sh:class :A ] ] ,
            [ sh:path :loop ; sh:node :Loop ] , [ sh:path :both ; sh:and ( [ sh:nodeKind sh:Literal ] [ sh:datatype xsd:date ] ) ] ,
            [ sh:path :odd ; sh:datatype other:custom ] .
         :Zip a sh:NodeShape ; sh:datatype xsd:string ; sh:pattern \"[0-9]{5}\" .
         :Loop sh:node :Loop ; sh:or ( :Loop :Loop [ sh:node :Loop ] ) ."
    ));
}

#[test]
fn listed_values_belong_to_the_class_that_lists_them() {
    assert_snapshot!(show(
        ":A a owl:Class ; sh:property [ sh:path :size ; sh:in ( \"small\" \"large\" 3 \"\" ) ] ,
            [ sh:path :color ; sh:in ( :red :Red ) ; sh:maxCount 1 ] .
         :B a owl:Class ; rdfs:subClassOf :A . :red rdfs:label \"red as a rose\" ."
    ));
}

#[test]
fn a_scheme_of_concepts_lists_values() {
    assert_snapshot!(show(
        ":A a owl:Class ; sh:property [ sh:path :theme ; sh:class skos:Concept ; sh:maxCount 1 ;
            sh:property [ sh:path skos:inScheme ; sh:hasValue :Themes ] ] .
         :Q1001 skos:inScheme :Themes ; skos:prefLabel \"energy\"@en . :health skos:inScheme :Themes ."
    ));
}
