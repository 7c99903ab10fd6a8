//! What a change of the model means to those who use the code that is made of it.

use std::collections::{BTreeMap, BTreeSet};

use evergen_knowledge::Tracker;
use evergen_schema::{
    ChangeKind, ChangeTopic, Class, Facets, Interface, Options, Property, Range, Release, Schema,
    Version,
};
use proptest::prelude::*;

use crate::laws::{all, graph};
use crate::support::{id, model};

fn interface(text: &str) -> Interface {
    let (tracker, options) = (model(text), Options::default());
    Interface::of(&Schema::new(&tracker, &options))
}

/// What is told of a change of the model, a line for each.
fn told(before: &str, after: &str) -> (Option<ChangeKind>, Vec<String>) {
    let (old, new) = (interface(before), interface(after));
    let changes = old.changes(&new);
    let sign = |kind| match kind {
        ChangeKind::Breaking => '!',
        ChangeKind::Additive => '+',
        ChangeKind::Internal => '.',
    };
    let lines = changes
        .iter()
        .map(|change| format!("{} {:?}: {}", sign(change.kind), change.topic, change.text));
    (old.kind_of_change(&new), lines.collect())
}

/// Checks what is told of a change, and of all that is there at once.
#[track_caller]
fn check(before: &str, after: &str, kind: ChangeKind, lines: &[&str]) {
    let (found, told) = told(before, after);
    assert_eq!(told, lines, "from\n{before}\nto\n{after}");
    assert_eq!(found, Some(kind));
    assert_eq!(interface(before).kind_of_change(&interface(before)), None);
}

const ORDER: &str = ":Order a owl:Class . :total rdfs:domain :Order ; rdfs:range xsd:decimal .";

fn order(more: &str) -> String {
    format!("{ORDER} {more}")
}

/// The order with a shape for its total.
fn shape(limits: &str) -> String {
    order(&format!("[] sh:targetClass :Order ; sh:property [ sh:path :total ; {limits} ] ."))
}

#[test]
fn what_comes_is_added() {
    check(
        ORDER,
        &order(":note rdfs:domain :Order ; rdfs:range xsd:string . :Line a owl:Class ."),
        ChangeKind::Additive,
        &[
            "+ Added: The class `Line` (<http://example.org/Line>)",
            "+ Added: The property `Order.note` (<http://example.org/note>)",
        ],
    );
}

#[test]
fn what_goes_breaks() {
    check(
        &order(":note rdfs:domain :Order ; rdfs:range xsd:string . :Line a owl:Class ."),
        ORDER,
        ChangeKind::Breaking,
        &[
            "! Removed: The class `Line` (<http://example.org/Line>)",
            "! Removed: The property `Order.note` (<http://example.org/note>)",
        ],
    );
}

#[test]
fn a_new_property_that_needs_a_value_breaks() {
    check(
        ":Order a owl:Class .",
        &shape("sh:minCount 1 ; sh:maxCount 1"),
        ChangeKind::Breaking,
        &[
            "! Changed: The property `Order.total` is new and needs a value (<http://example.org/total>)",
        ],
    );
}

#[test]
fn texts_are_no_interface() {
    let commented = order(":Order rdfs:comment \"What was ordered.\" .");
    check(ORDER, &commented, ChangeKind::Internal, &[]);
    check(&commented, ORDER, ChangeKind::Internal, &[]);
    let with = |templates| interface(ORDER).made_with(templates);
    assert_eq!(with("one").kind_of_change(&with("one")), None);
    assert_eq!(with("one").kind_of_change(&with("other")), Some(ChangeKind::Internal));
}

#[test]
fn what_should_no_longer_be_used_is_told() {
    check(
        ORDER,
        &order(":Order owl:deprecated true . :total owl:deprecated true ."),
        ChangeKind::Additive,
        &[
            "+ Deprecated: The class `Order` (<http://example.org/Order>)",
            "+ Deprecated: The property `Order.total` (<http://example.org/total>)",
        ],
    );
}

#[test]
fn names_are_interface() {
    check(
        ORDER,
        &order(":Order ev:name \"Purchase\" . :total ev:name \"sum\" ."),
        ChangeKind::Breaking,
        &[
            "! Changed: The class `Order` is called `Purchase` now (<http://example.org/Order>)",
            "! Changed: The property `Order.total` is called `sum` now (<http://example.org/total>)",
        ],
    );
}

#[test]
fn numbers_are_interface() {
    let numbered = |number| order(&format!(":total ev:number {number} ."));
    check(
        &numbered(1),
        &numbered(2),
        ChangeKind::Breaking,
        &[
            "! Changed: The property `Order.total` has the number 2 now, and had 1 (<http://example.org/total>)",
        ],
    );
    check(ORDER, &numbered(1), ChangeKind::Internal, &[]);
}

#[test]
fn the_type_of_a_field_breaks_either_way() {
    let other = ORDER.replace("xsd:decimal", "xsd:string");
    check(
        ORDER,
        &other,
        ChangeKind::Breaking,
        &[
            "! Changed: The property `Order.total` holds `string` now, and held `decimal` (<http://example.org/total>)",
        ],
    );
}

#[test]
fn one_value_or_many_breaks_either_way() {
    check(
        &shape("sh:maxCount 1"),
        ORDER,
        ChangeKind::Breaking,
        &[
            "! Changed: The property `Order.total` holds any number of values now, and held one (<http://example.org/total>)",
        ],
    );
    check(
        ORDER,
        &shape("sh:maxCount 1"),
        ChangeKind::Breaking,
        &[
            "! Changed: The property `Order.total` holds one value now, and held any number (<http://example.org/total>)",
        ],
    );
}

#[test]
fn a_value_that_is_needed_breaks_either_way() {
    let (needed, free) = (shape("sh:minCount 1 ; sh:maxCount 1"), shape("sh:maxCount 1"));
    check(
        &free,
        &needed,
        ChangeKind::Breaking,
        &["! Changed: The property `Order.total` needs a value now (<http://example.org/total>)"],
    );
    check(
        &needed,
        &free,
        ChangeKind::Breaking,
        &[
            "! Changed: The property `Order.total` may be without a value now, and always had one (<http://example.org/total>)",
        ],
    );
}

#[test]
fn numbers_of_values_break_where_they_are_stricter() {
    let (few, many) =
        (shape("sh:minCount 3 ; sh:maxCount 4"), shape("sh:minCount 2 ; sh:maxCount 5"));
    check(
        &many,
        &few,
        ChangeKind::Breaking,
        &[
            "! Changed: The property `Order.total` needs at least 3 values now, and needed 2 (<http://example.org/total>)",
            "! Changed: The property `Order.total` takes at most 4 values now, and took at most 5 values (<http://example.org/total>)",
        ],
    );
    check(
        &few,
        &many,
        ChangeKind::Additive,
        &[
            "+ Changed: The property `Order.total` needs at least 2 values now, and needed 3 (<http://example.org/total>)",
            "+ Changed: The property `Order.total` takes at most 5 values now, and took at most 4 values (<http://example.org/total>)",
        ],
    );
}

/// Each limit of literals: what a stricter one and a looser one is told as.
#[test]
fn limits_of_literals_break_where_they_are_stricter() {
    let limits = [
        ("sh:pattern \"a`b\"", "", "must match ``/a`b/`` now", "need not match ``/a`b/`` any more"),
        (
            "sh:minInclusive 2.5",
            "sh:minInclusive 2",
            "must be at least `2.5` now, and had to be at least `2`",
            "must be at least `2` now, and had to be at least `2.5`",
        ),
        (
            "sh:minExclusive 2",
            "",
            "must be more than `2` now",
            "need not be more than `2` any more",
        ),
        (
            "sh:maxInclusive 2",
            "sh:maxInclusive 3",
            "must be at most `2` now, and had to be at most `3`",
            "must be at most `3` now, and had to be at most `2`",
        ),
        (
            "sh:maxExclusive 2",
            "",
            "must be less than `2` now",
            "need not be less than `2` any more",
        ),
        ("sh:minLength 2", "", "has at least 2 characters now", "has any number of characters now"),
        (
            "sh:maxLength 2",
            "sh:maxLength 3",
            "has at most 2 characters now",
            "has at most 3 characters now",
        ),
        (
            "sh:languageIn ( \"de\" )",
            "sh:languageIn ( \"de\" \"en\" )",
            "takes texts in `de` only",
            "takes texts in `de`, `en` now",
        ),
        (
            "sh:languageIn ( \"de\" )",
            "",
            "takes texts in `de` only",
            "takes texts of any language now",
        ),
    ];
    for (strict, loose, stricter, looser) in limits {
        let (strict, loose) = (shape(strict), shape(loose));
        let line = |sign, words| {
            format!("{sign} Changed: A value of `Order.total` {words} (<http://example.org/total>)")
        };
        check(&loose, &strict, ChangeKind::Breaking, &[&line('!', stricter)]);
        check(&strict, &loose, ChangeKind::Additive, &[&line('+', looser)]);
    }
}

#[test]
fn several_values_in_one_language_are_interface() {
    let text = |limits: &str| shape(limits).replace("xsd:decimal", "rdf:langString");
    check(
        &text(""),
        &text("sh:uniqueLang true"),
        ChangeKind::Breaking,
        &[
            "! Changed: The property `Order.total` has at most one value for each language now (<http://example.org/total>)",
        ],
    );
    check(
        &text("sh:uniqueLang true"),
        &text(""),
        ChangeKind::Additive,
        &[
            "+ Changed: The property `Order.total` may have several values in one language now (<http://example.org/total>)",
        ],
    );
}

#[test]
fn values_of_an_enumeration() {
    let states = |values: &str| format!(":State a owl:Class ; owl:oneOf ( {values} ) .");
    check(
        &states(":Open"),
        &states(":Open :Sent"),
        ChangeKind::Additive,
        &["+ Added: The value `State.Sent` (<http://example.org/Sent>)"],
    );
    check(
        &states(":Open \"a b\""),
        &states(":Open"),
        ChangeKind::Breaking,
        &["! Removed: The value `State.a b` (`\"a b\"`)"],
    );
    let numbered =
        |number| format!("{} :Open ev:number {number} ; ev:as :State .", states(":Open"));
    check(
        &numbered(1),
        &numbered(2),
        ChangeKind::Breaking,
        &["! Changed: The number of `State.Open` is 2 now, and was 1 (<http://example.org/Open>)"],
    );
    check(
        &states(":Open"),
        ":State a owl:Class .",
        ChangeKind::Breaking,
        &[
            "! Removed: The value `State.Open` (<http://example.org/Open>)",
            "! Changed: `State` is of another kind now: class instead of enumeration (<http://example.org/State>)",
        ],
    );
}

#[test]
fn values_that_are_listed_at_a_property() {
    let (told_kind, lines) = told(&shape("sh:in ( 1 2 )"), &shape("sh:in ( 1 2 3 )"));
    assert_eq!(told_kind, Some(ChangeKind::Additive), "{lines:?}");
    let (told_kind, lines) = told(&shape("sh:in ( 1 2 3 )"), &shape("sh:in ( 1 2 )"));
    assert_eq!(told_kind, Some(ChangeKind::Breaking), "{lines:?}");
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn a_datatype_of_the_model_is_told_of_once() {
    let money = |least: &str| {
        let money = format!(
            ":Money a rdfs:Datatype ; owl:onDatatype xsd:decimal ; owl:withRestrictions ( [ xsd:minInclusive {least} ] ) ."
        );
        format!("{money} {}", ORDER.replace("xsd:decimal", ":Money"))
    };
    check(
        &money("0"),
        &money("1"),
        ChangeKind::Breaking,
        &[
            "! Changed: A literal of `Money` must be at least `1` now, and had to be at least `0` (<http://example.org/Money>)",
        ],
    );
    let integers = money("0").replace("xsd:decimal", "xsd:integer");
    let (kind, lines) = told(&money("0"), &integers);
    assert_eq!(kind, Some(ChangeKind::Breaking));
    assert!(
        lines[0].contains("`Money` is made of `integer` now, and was of `decimal`"),
        "{lines:?}"
    );
}

#[test]
fn what_is_of_another_kind_is_told_of_once() {
    let states =
        |state: &str| format!(":State a {state} . :state rdfs:domain :Order ; rdfs:range :State .");
    check(
        &order(&states("owl:Class")),
        &order(&states("rdfs:Datatype")),
        ChangeKind::Breaking,
        &[
            "! Changed: `State` is of another kind now: datatype instead of class (<http://example.org/State>)",
        ],
    );
}

#[test]
fn what_a_class_extends() {
    let below = |above: &str| order(&format!(":Rush a owl:Class {above} ."));
    check(
        &below("; rdfs:subClassOf :Order"),
        &below(""),
        ChangeKind::Breaking,
        &[
            "! Removed: The property `Rush.total` (<http://example.org/total>)",
            "! Changed: The class `Rush` does not extend `Order` any more (<http://example.org/Rush>)",
        ],
    );
    check(
        &below(""),
        &below("; rdfs:subClassOf :Order"),
        ChangeKind::Additive,
        &[
            "+ Changed: The class `Rush` extends `Order` now (<http://example.org/Rush>)",
            "+ Added: The property `Rush.total` (<http://example.org/total>)",
        ],
    );
}

/// Languages with one base class extend the first one, and declare again what others have.
#[test]
fn another_class_in_the_first_place() {
    let classes = |more: &str| {
        format!(
            ":A a owl:Class . :B a owl:Class . :C a owl:Class ; rdfs:subClassOf :A, :B . {more}"
        )
    };
    check(
        &classes(""),
        &classes(":Y a owl:Class . :B rdfs:subClassOf :Y ."),
        ChangeKind::Breaking,
        &[
            "! Changed: The class `C` does not extend `A` in the first place any more, which is all that languages with one base class extend (<http://example.org/C>)",
            "+ Changed: The class `B` extends `Y` now (<http://example.org/B>)",
            "+ Changed: The class `C` extends `Y` now (<http://example.org/C>)",
            "+ Added: The class `Y` (<http://example.org/Y>)",
        ],
    );
}

#[test]
fn a_class_without_instances_of_its_own() {
    let classes = ":A a owl:Class . :B a owl:Class .";
    let union = ":U a owl:Class ; owl:equivalentClass [ owl:unionOf ( :A :B ) ] .";
    let open =
        format!("{classes} :U a owl:Class . :A rdfs:subClassOf :U . :B rdfs:subClassOf :U .");
    let closed = format!("{classes} {union}");
    check(
        &open,
        &closed,
        ChangeKind::Breaking,
        &["! Changed: The class `U` has no instances of its own any more (<http://example.org/U>)"],
    );
    check(
        &closed,
        &open,
        ChangeKind::Additive,
        &["+ Changed: The class `U` may have instances of its own now (<http://example.org/U>)"],
    );
}

#[test]
fn a_property_that_moves_up_is_there_still() {
    let classes = ":Thing a owl:Class . :Order a owl:Class ; rdfs:subClassOf :Thing .";
    let at =
        |class: &str| format!("{classes} :total rdfs:domain {class} ; rdfs:range xsd:decimal .");
    check(
        &at(":Order"),
        &at(":Thing"),
        ChangeKind::Additive,
        &["+ Added: The property `Thing.total` (<http://example.org/total>)"],
    );
    check(
        &at(":Thing"),
        &at(":Order"),
        ChangeKind::Breaking,
        &["! Removed: The property `Thing.total` (<http://example.org/total>)"],
    );
}

#[test]
fn versions_go_up_as_cargo_reads_them() {
    let after = |version: &str, kind| version.parse::<Version>().unwrap().after(kind).to_string();
    let all = |version| {
        [ChangeKind::Breaking, ChangeKind::Additive, ChangeKind::Internal]
            .map(|kind| after(version, kind))
    };
    assert_eq!(all("1.2.3"), ["2.0.0", "1.3.0", "1.2.4"]);
    assert_eq!(all("0.2.3"), ["0.3.0", "0.2.4", "0.2.4"]);
    assert_eq!(all("0.0.3"), ["0.0.4", "0.0.4", "0.0.4"]);
    for wrong in
        ["1", "1.2", "1.2.3.4", "01.2.3", "1.2.x", "1.2.3-rc.1", "+1.2.3", "", "1.2.4294967296"]
    {
        wrong.parse::<Version>().unwrap_err();
    }
}

#[test]
fn a_release_is_a_text() {
    let release =
        Release::first(interface(&shape("sh:pattern \"a\\nb\" ; sh:minCount 1 ; sh:maxCount 1")));
    insta::assert_snapshot!(release);
    assert_eq!(Release::parse(&release.to_string()).unwrap(), release);
    assert_eq!(release.next(release.interface.clone()), None);
}

#[test]
fn a_version_by_hand_begins_without_an_interface() {
    let known =
        Release::parse("@prefix ev: <https://evergen.dev/ns#> . ev:package ev:version \"3.1.4\" .")
            .unwrap();
    let (next, kind, changes) = known.next(interface(ORDER)).unwrap();
    assert_eq!(
        (next.version.to_string().as_str(), kind, changes.len()),
        ("3.1.4", ChangeKind::Internal, 0)
    );
}

#[test]
fn faults_of_a_release_are_told_with_their_line() {
    let wrong = |text: &str| {
        let error = Release::parse(text).unwrap_err();
        (error.line, error.message)
    };
    let prefix = "@prefix ev: <https://evergen.dev/ns#> .\n";
    assert_eq!(wrong(&format!("{prefix}<<<<<<< ours\n")).0, Some(2));
    assert_eq!(wrong(&format!("{prefix}\nev:package ev:version \"1.0\" .\n")).0, Some(3));
    assert_eq!(
        wrong(&format!("{prefix}ev:package ev:version \"1.0.0\" .\n#: nonsense\n")).0,
        Some(3)
    );
    assert!(
        wrong(&format!("{prefix}ev:package ev:version \"1.0.0\", \"1.0.1\" .\n"))
            .1
            .contains("has 2")
    );
}

/// How a class's properties look to somebody who knows nothing of where they stand.
type Flat<'a> = BTreeMap<(&'a str, bool), &'a Property>;

fn flat(class: &Class) -> Flat<'_> {
    let key = |property: &'_ Property| property.is_reversed;
    class.properties.iter().map(|one| ((&*one.iri, key(one)), one)).collect()
}

fn plain(ranges: &[Range]) -> BTreeSet<String> {
    let one = |range: &Range| match range {
        Range::Class(class) => format!("class {}", class.iri),
        Range::Enumeration(values) => format!("enumeration {}", values.iri),
        Range::Data(data) => format!("data {} {}", data.datatype, data.base),
        other => format!("{other:?}"),
    };
    ranges.iter().map(one).collect()
}

fn facets<'a>(ranges: &'a [Range], wanted: &str) -> Option<&'a Facets> {
    ranges.iter().find_map(|range| match range {
        Range::Data(data) if plain(std::slice::from_ref(range)).contains(wanted) => {
            Some(&data.facets)
        }
        _ => None,
    })
}

/// Limits of which one may be stricter: all but those that only went away.
fn may_be_stricter(old: &Facets, new: &Facets) -> bool {
    let bounds = |facets: &Facets| {
        [&facets.min_inclusive, &facets.max_inclusive, &facets.min_exclusive, &facets.max_exclusive]
            .map(|bound| bound.as_ref().map(ToString::to_string))
    };
    bounds(old).iter().zip(bounds(new)).any(|(old, new)| old.is_none() && new.is_some())
        || new.patterns.iter().any(|pattern| !old.patterns.contains(pattern))
        || new.min_length.unwrap_or(0) > old.min_length.unwrap_or(0)
        || new.max_length.unwrap_or(u32::MAX) < old.max_length.unwrap_or(u32::MAX)
        || old.languages.is_empty() && !new.languages.is_empty()
        || !new.languages.is_empty() && old.languages.iter().any(|tag| !new.languages.contains(tag))
}

/// Whether code that uses the old classes can break, found out class by class.
fn breaks(old: &Class, new: Option<&&Class>) -> bool {
    let Some(new) = new else { return true };
    let (before, after) = (flat(old), flat(new));
    let lost = before.iter().any(|(key, one)| {
        let Some(other) = after.get(key) else { return true };
        one.name != other.name
            || plain(&one.slot.ranges) != plain(&other.slot.ranges)
            || one.slot.is_single != other.slot.is_single
            || one.slot.is_required != other.slot.is_required
            || other.min > one.min
            || other.max.unwrap_or(u32::MAX) < one.max.unwrap_or(u32::MAX)
            || !plain(&one.ranges).is_subset(&plain(&other.ranges))
            || other.unique_lang && !one.unique_lang
            || plain(&one.ranges).iter().any(|kind| {
                let (old, new) = (facets(&one.ranges, kind), facets(&other.ranges, kind));
                old.zip(new).is_some_and(|(old, new)| may_be_stricter(old, new))
            })
            || listed(&one.ranges).iter().any(|(iri, values)| {
                listed(&other.ranges).get(iri).is_some_and(|now| !values.is_subset(now))
            })
    });
    let needed = after.iter().any(|(key, one)| !before.contains_key(key) && one.min > 0);
    lost || needed
        || old.name != new.name
        || new.is_abstract && !old.is_abstract
        || old.bases.iter().any(|base| !new.ancestors.contains(base))
}

fn listed(ranges: &[Range]) -> BTreeMap<String, BTreeSet<String>> {
    let one = |range: &Range| match range {
        Range::Enumeration(values) => {
            let members = values.members.iter().flatten();
            let members = members.map(|member| format!("{:?} {}", member.value, member.name));
            Some((values.iri.to_string(), members.collect()))
        }
        _ => None,
    };
    ranges.iter().filter_map(one).collect()
}

/// What a simple look at both views says a change is at least.
fn least(old: &Tracker, new: &Tracker) -> Option<ChangeKind> {
    let options = Options::default();
    let (before, after) = (all(old, &options), all(new, &options));
    let by_iri: BTreeMap<&str, &Class> = after.iter().map(|class| (&*class.iri, class)).collect();
    let (one, other) = (Schema::new(old, &options), Schema::new(new, &options));
    let members = |schema: &Schema<'_>| -> BTreeMap<String, BTreeSet<String>> {
        let all = schema.enumerations().into_iter();
        all.map(|found| {
            let members = schema.enumeration(id(&found.iri)).unwrap().members;
            let members =
                members.iter().map(|member| format!("{:?} {}", member.value, member.name));
            (format!("{} {}", found.iri, found.name), members.collect())
        })
        .collect()
    };
    let (listed, now) = (members(&one), members(&other));
    let lost =
        listed.iter().any(|(iri, values)| !now.get(iri).is_some_and(|now| values.is_subset(now)));
    let bases = |schema: &Schema<'_>| -> BTreeSet<String> {
        let all = schema.datatypes().into_iter();
        all.map(|found| {
            let datatype = schema.datatype(id(&found.iri)).unwrap();
            format!("{} {} {}", datatype.iri, datatype.name, datatype.base)
        })
        .collect()
    };
    let (types, types_now) = (bases(&one), bases(&other));
    if lost
        || !types.is_subset(&types_now)
        || before.iter().any(|class| breaks(class, by_iri.get(&*class.iri)))
    {
        return Some(ChangeKind::Breaking);
    }
    let count =
        |classes: &[Class]| classes.iter().map(|class| 1 + class.properties.len()).sum::<usize>();
    let more = count(&after) > count(&before) || listed != now || types != types_now;
    let same = serde_json::to_string(&before).unwrap() == serde_json::to_string(&after).unwrap();
    if more { Some(ChangeKind::Additive) } else { (!same).then_some(ChangeKind::Internal) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// A change is never told as less than a simple look at both views shows, and no change
    /// as none.
    #[test]
    fn no_change_is_taken_too_lightly(
        text in graph(),
        more in graph(),
        kept in prop::collection::vec(prop::bool::weighted(0.9), 40),
        added in prop::collection::vec(prop::bool::weighted(0.1), 40),
    ) {
        let chosen = |text: &str, flags: &[bool]| -> String {
            let lines = text.lines().zip(flags.iter().cycle());
            lines.filter(|(_, is_chosen)| **is_chosen).flat_map(|(line, _)| [line, "\n"]).collect()
        };
        let (before, after) = (model(&text), model(&(chosen(&text, &kept) + &chosen(&more, &added))));
        let options = Options::default();
        let old = Interface::of(&Schema::new(&before, &options));
        let new = Interface::of(&Schema::new(&after, &options));
        let least = least(&before, &after);
        prop_assert!(old.kind_of_change(&new) >= least, "{least:?}: {:#?}", old.changes(&new));
        prop_assert_eq!(old.kind_of_change(&old), None);
        let release = Release::first(old);
        prop_assert_eq!(Release::parse(&release.to_string()).unwrap(), release.clone());
        if let Some((next, kind, changes)) = release.next(new.clone()) {
            prop_assert_eq!(next.next(new), None, "a second look finds nothing");
            prop_assert_eq!(next.version, release.version.after(kind));
            prop_assert!(changes.iter().all(|change| change.kind <= kind && !change.text.contains('\n')));
            let removed = changes.iter().filter(|change| change.topic == ChangeTopic::Removed);
            prop_assert!(removed.into_iter().all(|change| change.kind == ChangeKind::Breaking));
        }
    }
}
