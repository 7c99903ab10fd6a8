//! A model with names of every length: formatters break lines where a name no longer fits, each
//! by rules of its own.

use std::fmt::Write as _;

/// The lengths that names have: up to some characters more than a line holds.
const LENGTHS: std::ops::Range<usize> = 12..104;

/// What properties are, one after the other.
const RULES: [&str; 10] = [
    "sh:datatype xsd:string ; sh:minCount 1 ; sh:maxCount 1",
    "sh:datatype xsd:integer ; sh:maxCount 1",
    "sh:datatype xsd:string",
    "sh:class :Other ; sh:maxCount 1",
    "sh:class :Kind",
    "sh:or ( [ sh:class :Other ] [ sh:datatype xsd:string ] )",
    "sh:datatype :Share ; sh:minCount 1 ; sh:maxCount 1",
    "sh:in ( \"a\" \"b\" ) ; sh:maxCount 1",
    "sh:datatype xsd:string ; sh:maxCount 1 ; sh:pattern \"^[a-z]{2,4}$\"",
    "sh:datatype xsd:decimal ; sh:maxCount 1 ; sh:minInclusive 0 ; sh:maxInclusive 100",
];

/// A class for each length, with properties that are about as long, and with a class below it, an
/// enumeration and a datatype that have as long a name.
pub(crate) fn model() -> String {
    let mut text = String::from(
        "@prefix : <http://long.example/> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
:Other a owl:Class . :Kind a owl:Class ; owl:oneOf ( :first :second ) .
:Share a rdfs:Datatype ; owl:equivalentClass [ a rdfs:Datatype ; owl:onDatatype xsd:decimal ;
    owl:withRestrictions ( [ xsd:minInclusive 0 ] ) ] .\n",
    );
    for length in LENGTHS {
        let class = name("Class", length, length);
        // Each length meets each rule in some class, not all of them in all.
        let properties: Vec<String> = (0..4)
            .map(|index| {
                let rule = (length + index * 3) % RULES.len();
                let path = name("value", length * 10 + index, length - index);
                format!("[ sh:path :{path} ; {} ]", RULES[rule])
            })
            .collect();
        let link = name("link", length, length);
        let listed = name("List", length, length);
        let datatype = name("Text", length, length);
        let member = name("one", length, length);
        writeln!(
            text,
            ":{class} a owl:Class , sh:NodeShape ; sh:property {} ,
    [ sh:path :{link} ; sh:class :{class} ; sh:minCount {} ; sh:maxCount 1 ] ,
    [ sh:path :of{length} ; sh:class :{listed} ; sh:maxCount 1 ] , [ sh:path :as{length} ; sh:datatype :{datatype} ] .
:{} a owl:Class ; rdfs:subClassOf :{class} , :Other .
:{listed} a owl:Class ; owl:oneOf ( :{member} :two{length} ) .
:{datatype} a rdfs:Datatype ; owl:equivalentClass [ a rdfs:Datatype ; owl:onDatatype xsd:string ;
    owl:withRestrictions ( [ xsd:maxLength {length} ] ) ] .",
            properties.join(" , "),
            length % 2,
            name("Below", length, length),
        )
        .unwrap();
    }
    text
}

/// A name of so many characters that nothing else has.
fn name(kind: &str, number: usize, length: usize) -> String {
    const WORDS: [&str; 5] = ["Longer", "Name", "Of", "Quite", "Things"];
    let mut name = format!("{kind}{number}");
    let least = name.len();
    for word in WORDS.iter().cycle() {
        if name.len() >= length {
            break;
        }
        name.push_str(word);
    }
    name.truncate(length.max(least));
    name
}
