//! What is made of models that contradict themselves.

use insta::assert_snapshot;

use crate::support::show;

#[test]
fn a_class_that_is_a_datatype() {
    assert_snapshot!(show(
        ":A a owl:Class, rdfs:Datatype . :B a owl:Class ; rdfs:subClassOf xsd:string .
         :p rdfs:domain :A ; rdfs:range :B ."
    ));
}

#[test]
fn more_values_than_there_may_be() {
    assert_snapshot!(show(
        ":A a owl:Class ; rdfs:subClassOf [ owl:onProperty :p ; owl:minCardinality 3 ],
            [ owl:onProperty :q ; owl:minCardinality 1 ], [ owl:onProperty :q ; owl:maxCardinality 0 ] .
         :s sh:targetClass :A ; sh:property [ sh:path :p ; sh:maxCount 2 ] .
         :B a owl:Class ; rdfs:subClassOf :A ."
    ));
}

#[test]
fn literals_and_resources_at_once() {
    assert_snapshot!(show(
        ":A a owl:Class ; sh:property [ sh:path :q ; sh:datatype xsd:int ] .
         :p rdfs:domain :A ; rdfs:range :A, xsd:string . :q rdfs:domain :A ; rdfs:range :A ."
    ));
}

#[test]
fn lists_that_are_empty_broken_or_endless() {
    assert_snapshot!(show(
        ":Empty a owl:Class ; owl:oneOf () .
         :Broken a owl:Class ; owl:oneOf _:b . _:b rdf:first :x ; rdf:rest _:c . _:c rdf:first :y .
         :Endless a owl:Class ; owl:oneOf _:e . _:e rdf:first :x ; rdf:rest _:e .
         :A a owl:Class ; rdfs:subClassOf [ owl:onProperty :p ; owl:allValuesFrom [ owl:unionOf _:e ] ] .
         :q rdfs:domain :A ; rdfs:range [ owl:unionOf _:b ] ."
    ));
}

#[test]
fn properties_of_one_name() {
    assert_snapshot!(show(
        ":A a owl:Class . :B a owl:Class ; rdfs:subClassOf :A .
         other:name rdfs:domain :A . :na_me rdfs:domain :B . <http://schema.org/NAME> rdfs:domain :B ."
    ));
}

#[test]
fn bounds_that_no_literal_meets() {
    assert_snapshot!(show(
        ":A a owl:Class ; sh:property [ sh:path :p ; sh:datatype xsd:int ; sh:minInclusive 5 ; sh:maxInclusive 4 ],
             [ sh:path :q ; sh:datatype xsd:string ; sh:minLength 3 ; sh:maxLength 2 ],
             [ sh:path :r ; sh:datatype xsd:date ; sh:minExclusive \"2020-01-02\"^^xsd:date ; sh:maxInclusive \"2020-01-02\"^^xsd:date ] .
         :B a owl:Class ; rdfs:subClassOf :A ; sh:property [ sh:path :s ; sh:datatype :Small ; sh:minInclusive 20 ] .
         :Small a rdfs:Datatype ; owl:onDatatype xsd:int ; owl:withRestrictions ( [ xsd:maxInclusive 10 ] ) .
         :Empty a rdfs:Datatype ; owl:onDatatype xsd:int ; owl:withRestrictions ( [ xsd:maxExclusive 10 ] [ xsd:minInclusive 10 ] ) ."
    ));
}

#[test]
fn statements_that_say_nothing() {
    assert_snapshot!(show(
        ":A a owl:Class ; sh:property [ sh:path :p ; sh:maxCount \"many\" ; sh:datatype xsd:strng ],
             [ sh:path :q ; sh:datatype :A ] ;
             rdfs:subClassOf [ owl:onProperty :r ; owl:cardinality -1 ] .
         :B a owl:Class ; rdfs:subClassOf :A ."
    ));
}

#[test]
fn bounds_that_bound_nothing() {
    assert_snapshot!(show(
        ":A a owl:Class ; sh:property [ sh:path :p ; sh:datatype xsd:int ; sh:minInclusive \"abc\", 7 ; sh:maxExclusive :A ],
             [ sh:path :q ; sh:datatype xsd:string ; sh:minLength \"two\" ; sh:maxLength -3 ],
             [ sh:path :r ; sh:datatype xsd:dateTime ; sh:minInclusive \"2020-01-02T00:00:00Z\"^^xsd:dateTime ],
             [ sh:path :s ; sh:datatype xsd:double ; sh:maxInclusive \"INF\"^^xsd:double ],
             [ sh:path :t ; sh:datatype xsd:duration ; sh:maxInclusive \"-P1DT2H\"^^xsd:duration ] .
         :Odd a rdfs:Datatype ; owl:onDatatype xsd:int ; owl:withRestrictions ( [ xsd:maxInclusive \"ten\" ] [ xsd:minInclusive \" 2 \" ] [ xsd:totalDigits \"few\" ] ) ."
    ));
}

#[test]
fn defaults_that_no_value_may_be() {
    let shape = |rule: &str| format!("[ sh:path :p ; sh:maxCount 1 ; {rule} ]");
    let is_wrong = |rule: &str| {
        let shown = show(&format!(
            ":A a owl:Class ; sh:property {} . :B a owl:Class . :E a owl:Class ; owl:oneOf ( :e ) .",
            shape(rule)
        ));
        shown.contains("the default of <http://example.org/p> is no value that it may have")
    };
    let fitting = [
        "sh:datatype xsd:string ; sh:defaultValue \"a\"",
        "sh:datatype xsd:decimal ; sh:maxInclusive 1 ; sh:defaultValue 1",
        "sh:datatype xsd:unsignedByte ; sh:defaultValue 255",
        "sh:datatype xsd:boolean ; sh:defaultValue true",
        "sh:datatype rdf:langString ; sh:defaultValue \"a\"@en",
        "sh:class :B ; sh:defaultValue :b",
        "sh:in ( \"a\" 1 ) ; sh:defaultValue 1",
        "sh:or ( [ sh:class :B ] [ sh:datatype xsd:string ] ) ; sh:defaultValue \"a\"",
        "sh:defaultValue 1",
        "sh:datatype xsd:double ; sh:defaultValue \"INF\"^^xsd:double",
        "sh:datatype rdfs:Literal ; sh:defaultValue \"a\"@en",
        "sh:datatype xsd:integer ; sh:defaultValue \" 5 \"^^xsd:integer",
        "sh:datatype xsd:nonNegativeInteger ; sh:defaultValue 340282366920938463463374607431768211456",
        "sh:class :E ; sh:defaultValue :e",
    ];
    for rule in fitting {
        assert!(!is_wrong(rule), "{rule}");
    }
    let wrong = [
        "sh:datatype xsd:string ; sh:defaultValue :a",
        "sh:datatype xsd:string ; sh:maxLength 2 ; sh:defaultValue \"abc\"",
        "sh:datatype xsd:decimal ; sh:maxExclusive 1 ; sh:defaultValue 1",
        "sh:datatype xsd:unsignedByte ; sh:defaultValue 256",
        "sh:datatype xsd:boolean ; sh:defaultValue \"true\"",
        "sh:datatype xsd:integer ; sh:defaultValue \"many\"^^xsd:integer",
        "sh:datatype rdf:langString ; sh:defaultValue \"a\"",
        "sh:class :B ; sh:defaultValue \"b\"",
        "sh:in ( \"a\" 1 ) ; sh:defaultValue 2",
        "sh:datatype xsd:decimal ; sh:defaultValue \"1e5\"^^xsd:decimal",
        "sh:datatype xsd:decimal ; sh:defaultValue \"INF\"^^xsd:decimal",
        "sh:datatype xsd:nonNegativeInteger ; sh:defaultValue -340282366920938463463374607431768211456",
        "sh:class :E ; sh:defaultValue :f",
    ];
    for rule in wrong {
        assert!(is_wrong(rule), "{rule}");
    }
}

#[test]
fn values_of_the_other_kind() {
    assert_snapshot!(show(
        ":A a owl:Class .
         :p a owl:ObjectProperty ; rdfs:domain :A ; rdfs:range [ owl:unionOf ( :A xsd:string ) ] .
         :q a owl:DatatypeProperty ; rdfs:domain :A ; rdfs:range :A .
         :r a owl:DatatypeProperty, owl:ObjectProperty ; rdfs:domain :A ."
    ));
}
