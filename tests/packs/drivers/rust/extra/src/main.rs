//! What a user of the crate of torture.ttl does besides reading and writing by name.

use model::types::animal::AnyAnimal;
use model::types::level1::AnyLevel1;
use model::types::shaped::StateChoice;
use model::types::{Animal, Colour, Dog, Egg, Hen, Knot, Level8, Other, Percentage, Person, Puppy, Shaped};
use model::{Iri, Is, Ref};
use serde_json::{Value, json};

fn is_sent<T: Send + Sync + Clone + std::fmt::Debug + PartialEq>(_: &T) {}

fn nest(depth: usize) -> Value {
    (0..depth).fold(json!({"depth1": 9}), |inner, _| json!({"depth1": 9, "depth8": inner}))
}

fn main() {
    // Values and their types.
    let egg = Egg::new(Iri::from("urn:hen"));
    let hen = Hen::new(egg);
    is_sent(&hen);
    assert_eq!(hen.to_json(), json!({"@type": "Hen", "egg": {"@type": "Egg", "hen": {"@id": "urn:hen"}}}));

    let puppy = Puppy { dog: Dog { animal: Animal { name: Some("Rex".into()), ..Animal::default() }, ..Dog::default() } };
    let any = AnyAnimal::from(Dog::default());
    let AnyAnimal::Dog(_) = &any else { panic!("a dog") };
    let pet = Ref::<Animal>::new(AnyAnimal::Dog(puppy.clone().into()));
    let person = Person { pet: vec![pet], ..Person::default() };
    assert_eq!(person.to_json()["pet"][0], json!({"@type": "Puppy", "name": "Rex"}));
    assert_eq!(Person::from_json(&person.to_json()).as_ref(), Ok(&person));
    is_sent(&person);

    // What is wrong.
    assert_eq!(Percentage::new("100.01").unwrap_err().to_string(), "found \"100.01\", wanted at most 100");
    assert!(Percentage::new("99.5").is_ok_and(|part| part.get() == "99.5"));
    let error = serde_json::from_str::<Person>(r#"{"pet": [{}, {"name": 5}]}"#).unwrap_err();
    assert!(error.to_string().starts_with("pet[1].name: found 5, wanted a text"), "{error}");
    let mut shaped = Shaped::new("ab", StateChoice::Open);
    assert_eq!(shaped.validate().unwrap_err().path(), "shortText");
    shaped.short_text.push("ab".into());
    assert_eq!(shaped.validate(), Ok(()));
    shaped.day = Some("2024-02-30".into());
    assert_eq!(shaped.validate().unwrap_err().path(), "day");
    assert_eq!("Red".parse(), Ok(Colour::Red));
    assert!("red".parse::<Colour>().is_err());
    assert_eq!(Colour::Red.iri(), "https://torture.example/a#Red");
    let dog = json!({"@type": "Puppy"});
    assert_eq!(Dog::from_json(&dog).unwrap_err().path(), "@type");

    // A class beside the first one.
    let knot = Knot { mixed: vec![true], ..Knot::default() };
    let other: Other = knot.to_base().unwrap();
    assert_eq!(other.mixin.mixed, [true]);

    // Depth, on the small stack of a thread.
    let deep = std::thread::spawn(|| {
        for depth in [10, 100, 125, 128] {
            let json = nest(depth);
            let level = Level8::from_json(&json).unwrap();
            assert_eq!(level.to_json()["depth1"], 9);
            level.validate().unwrap();
            AnyLevel1::from_json(&level.to_json()).unwrap();
        }
        let error = Level8::from_json(&nest(400)).unwrap_err();
        assert!(error.to_string().contains("128"), "{error}");
    });
    deep.join().unwrap();
    println!("all is well");
}
