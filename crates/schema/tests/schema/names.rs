//! Names that are unique, and stay.

use std::collections::{BTreeMap, HashSet};

use evergen_delta::Quad;
use evergen_knowledge::Tracker;
use evergen_schema::{NameScope, Names, NamesError, Options, Schema, Wanted};
use insta::assert_snapshot;
use proptest::prelude::*;

use crate::support::{local, model, show, show_all};

fn allocate(previous: &Names, text: &str) -> Names {
    let tracker = model(text);
    let options = Options::default();
    Names::allocate(previous, &Schema::new(&tracker, &options).wanted())
}

const SHOP: &str = "
    :Order a owl:Class . other:Order a owl:Class ; rdfs:label \"o\" . :order a owl:Class .
    :price rdfs:domain :Order ; rdfs:range xsd:decimal . :Price rdfs:domain :order . other:price rdfs:domain :Order .
    :Color a owl:Class ; owl:oneOf ( :red :Red :Order ) .
    :s sh:targetClass :Order ; sh:property [ sh:path :size ; sh:in ( \"S\" \"s\" ) ] ,
        [ sh:path [ sh:inversePath :price ] ] .
    obo:BFO_0000001 a owl:Class ; rdfs:label \"entity (of any kind)\"@en, \"Ding\"@de .
    obo:BFO_0000002 a owl:Class .
    <http://example.org/caf%C3%A9/> a owl:Class . <urn:isbn:1> a owl:Class .";

#[test]
fn names_are_allocated_and_found_again() {
    let names = allocate(&Names::new(), SHOP);
    assert_snapshot!(names);
    let clashes = |text: &str| {
        let (tracker, options) = (model(text), Options::default());
        let problems = Schema::new(&tracker, &options).name_problems();
        problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>()
    };
    assert_eq!(clashes(SHOP).len(), 4, "{:#?}", clashes(SHOP));
    // With the names in the model, it is shown by them.
    let text = names.to_string().replace("@prefix ev: <https://evergen.dev/ns#> .", "");
    assert_snapshot!(show(&format!("{SHOP}{text}")));
    assert!(clashes(&format!("{SHOP}{text}")).is_empty());
    assert_eq!(allocate(&names, &format!("{SHOP}{text}")), names);
    let own: HashSet<Quad> = names.quads().into_iter().collect();
    assert_eq!(own.len(), names.quads().len());
}

#[test]
fn a_hand_edit_is_heeded_and_told() {
    let text = "@prefix ev: <https://evergen.dev/ns#> .
        <urn:a> ev:as ev:Property ; ev:name \"one\" ; ev:number 7 .
        <urn:b> ev:number 7 ; ev:name \"O-N-E\" ; ev:as ev:Property . <urn:c> ev:as ev:Class ; ev:name \"one\" .";
    let names = Names::parse(text).unwrap();
    let wanted =
        ["urn:a", "urn:b", "urn:d"].map(|iri| Wanted::new(iri, NameScope::Property, "one"));
    let names = Names::allocate(&names, &wanted);
    assert_eq!(names.number("urn:d", &NameScope::Property), Some(8));
    let class = [Wanted::new("urn:c", NameScope::Class, "c")];
    let numbered = Names::allocate(&names, &class);
    assert_eq!(numbered.number("urn:c", &NameScope::Class), Some(9), "one that had only a name");
    let shared: Vec<String> = names.clashes().into_iter().map(|clash| clash.shared).collect();
    assert_eq!(shared, ["O-N-E", "7"]);
}

#[test]
fn a_text_that_is_none_is_refused() {
    let check =
        |text: &str| Names::parse(&format!("@prefix ev: <https://evergen.dev/ns#> . {text}"));
    assert!(matches!(check("<urn:a> ev:"), Err(NamesError::Syntax(_))));
    for (text, missing) in [
        ("<urn:a> ev:name \"a\" .", "as"),
        ("<urn:a> ev:as ev:Class .", "name"),
        ("<urn:a> ev:as ev:Class ; ev:name \"\" .", "name"),
        ("<urn:a> ev:as ev:Class ; ev:name \" - \" .", "name"),
        ("<urn:a> ev:as ev:Class ; ev:name \"a\", \"b\" .", "name"),
        ("<urn:a> ev:as ev:Class ; ev:name \"a\" ; ev:number \"x\" .", "number"),
    ] {
        let error = check(text).unwrap_err();
        assert!(matches!(error, NamesError::NotOne { property, .. } if property == missing));
    }
}

#[test]
fn numbers_of_protobuf_are_left_out() {
    let text = "@prefix ev: <https://evergen.dev/ns#> .
        <urn:a> ev:as ev:Property ; ev:name \"a\" ; ev:number 18998 .
        <urn:z> ev:as ev:Property ; ev:name \"z\" .";
    let names = Names::parse(text).unwrap();
    let wanted = ["b", "c", "z"]
        .map(|local| Wanted::new(format!("urn:{local}"), NameScope::Property, local));
    let names = Names::allocate(&names, &wanted);
    let number = |local| names.number(&format!("urn:{local}"), &NameScope::Property);
    assert_eq!(["b", "c", "z"].map(number), [Some(18_999), Some(20_000), Some(20_001)]);

    let text = "@prefix ev: <https://evergen.dev/ns#> .
        <urn:a> ev:as ev:Property ; ev:name \"a\" ; ev:number 536870911 .";
    let names = Names::allocate(&Names::parse(text).unwrap(), &wanted);
    assert_eq!(names.number("urn:b", &NameScope::Property), Some(1));
}

fn scope() -> impl Strategy<Value = NameScope> {
    prop_oneof![
        Just(NameScope::Class),
        Just(NameScope::Property),
        "[ef]".prop_map(|of| NameScope::Member(format!("http://enum.example/{of}"))),
    ]
}

fn wanted() -> impl Strategy<Value = Vec<Wanted>> {
    let space = prop::sample::select(vec!["http://a.example/", "http://b.example/x#", "urn:c:"]);
    let local = "[aAbB_1]{0,3}|Straße|STRASSE|ﬁ|FI|é|e\u{301}|عربي|\"\\\\\n|";
    let one = (space, "[a-c]{1,2}", scope(), local)
        .prop_map(|(space, iri, scope, local)| Wanted::new(format!("{space}{iri}"), scope, local));
    prop::collection::vec(one, 0..12)
}

/// Removes what is no letter or digit and folds case, in a way of its own.
fn plain(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    let kept: String = name.nfkc().filter(|c| c.is_alphanumeric()).collect();
    kept.to_uppercase().to_lowercase().nfkc().collect()
}

proptest! {
    #[test]
    fn evolutions_keep_names(steps in prop::collection::vec(wanted(), 1..6), seed in any::<u64>()) {
        let mut names = Names::new();
        let mut ever: BTreeMap<(String, NameScope), (String, Option<u32>)> = BTreeMap::new();
        for mut wanted in steps {
            let next = Names::allocate(&names, &wanted);
            // In any order, the same.
            let turn = usize::try_from(seed % 7).unwrap() % wanted.len().max(1);
            wanted.rotate_left(turn);
            wanted.reverse();
            prop_assert_eq!(&Names::allocate(&names, &wanted), &next);
            // What had a name keeps it: allocating nothing more changes nothing.
            prop_assert_eq!(&Names::allocate(&next, &wanted), &next);
            let again = Names::allocate(&next, &[]);
            prop_assert_eq!(&again, &next);
            // Nothing that was ever wanted loses what it has.
            for ((iri, scope), (name, number)) in &ever {
                prop_assert_eq!(next.name(iri, scope), Some(name.as_str()));
                prop_assert_eq!(next.number(iri, scope), *number);
            }
            for one in &wanted {
                let name = next.name(&one.iri, &one.scope).unwrap().to_owned();
                let number = next.number(&one.iri, &one.scope);
                prop_assert!(number.is_some_and(|number| number > 0));
                ever.insert((one.iri.clone(), one.scope.clone()), (name, number));
            }
            // Unique in each scope, also by a fold that shares no code with the allocator's.
            let mut seen = HashSet::new();
            for one in wanted.iter().map(|one| (&one.iri, &one.scope)).collect::<HashSet<_>>() {
                let name = plain(next.name(one.0, one.1).unwrap());
                prop_assert!(seen.insert((one.1.clone(), name)), "{next}");
            }
            prop_assert!(next.clashes().is_empty());
            // Fields of one message never share a number: those of properties and of classes.
            let mut fields = HashSet::new();
            for (iri, scope) in ever.keys() {
                if !matches!(scope, NameScope::Member(_)) {
                    prop_assert!(fields.insert(next.number(iri, scope)), "{next}");
                }
            }
            prop_assert_eq!(&Names::parse(&next.to_string()).unwrap(), &next);
            names = next;
        }
    }
}

#[test]
fn a_name_in_the_model_is_read_by_itself() {
    let tracker: Tracker = model(
        ":A a owl:Class ; ev:name \"Renamed\" . :p rdfs:domain :A ; ev:name \"q\" ; ev:number 4 .",
    );
    let options = Options::default();
    let schema = Schema::new(&tracker, &options);
    let class = schema.class(local("A")).unwrap();
    assert_eq!(class.name, "Renamed");
    assert_eq!((&*class.properties[0].name, class.properties[0].number), ("q", Some(4)));
    assert!(show_all(&schema).contains("q 0..*"));
}
