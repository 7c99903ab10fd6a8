//! Real ontologies, where they are present.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use evergen_knowledge::{Format, Tracker};
use evergen_schema::{ChangeKind, Interface, Names, Options, Release, Schema};
use insta::assert_snapshot;

use crate::support::{build, id, show_all};

/// The ontology in a file of `EVERGEN_DATA`.
fn ontology(path: &str) -> Option<Tracker> {
    let Some(folder) = std::env::var_os("EVERGEN_DATA") else {
        eprintln!("skipped: 1 ontology, EVERGEN_DATA names no folder with {path}");
        return None;
    };
    let text = std::fs::read_to_string(PathBuf::from(folder).join(path)).unwrap();
    // Schema.org's shapes have names that are no IRIs, for classes of others.
    let blocks: Vec<&str> =
        text.split("\n\n").filter(|block| !block.contains("ValidSchemahttp")).collect();
    Some(build(&blocks.join("\n\n"), Format::Turtle))
}

/// How much of everything there is, and the lines of the view that are asked for.
fn summary(tracker: &Tracker, wanted: &[&str]) -> String {
    let options = Options::default();
    let schema = Schema::new(tracker, &options);
    let mut properties = (0, 0, 0);
    let mut problems = Vec::new();
    for class in schema.classes() {
        let class = schema.class(id(&class.iri)).unwrap();
        properties.0 += class.properties.iter().filter(|property| !property.inherited).count();
        properties.1 += class.properties.len();
        properties.2 += class.properties.iter().filter(|property| property.narrowed).count();
        problems.extend(class.problems);
    }
    let mut members = 0;
    for enumeration in schema.enumerations() {
        let enumeration = schema.enumeration(id(&enumeration.iri)).unwrap();
        members += enumeration.members.len();
        problems.extend(enumeration.problems);
    }
    let mut shown = String::new();
    writeln!(shown, "{} classes", schema.classes().len()).unwrap();
    let (own, all, narrowed) = properties;
    writeln!(shown, "{own} properties, {all} with those inherited, {narrowed} narrowed").unwrap();
    writeln!(shown, "{} enumerations, {members} members", schema.enumerations().len()).unwrap();
    writeln!(shown, "{} datatypes", schema.datatypes().len()).unwrap();
    for problem in problems {
        writeln!(shown, "! {}", problem.message).unwrap();
    }
    let all = show_all(&schema);
    for start in wanted {
        let mut lines = all.lines().skip_while(|line| !line.starts_with(start));
        writeln!(shown, "{}", lines.next().unwrap_or_default()).unwrap();
        for line in lines.take_while(|line| line.starts_with(' ')) {
            if !line.trim_start().starts_with("comment") && !line.trim_start().starts_with("label")
            {
                writeln!(shown, "{line}").unwrap();
            }
        }
    }
    let names = Names::allocate(&Names::new(), &schema.wanted());
    assert_eq!(Names::parse(&names.to_string()).unwrap(), names);
    assert!(names.clashes().is_empty());
    writeln!(shown, "{} names", names.len()).unwrap();
    shown
}

#[test]
fn schema_org() {
    let Some(tracker) = ontology("schemaorg/schemaorg-30.0.ttl") else { return };
    assert_snapshot!(summary(&tracker, &["class Thing", "class Person", "enum DayOfWeek"]));
}

#[test]
fn the_shapes_of_schema_org() {
    let Some(tracker) = ontology("schemaorg/schemaorg-shapes-30.0.shacl.ttl") else { return };
    assert_snapshot!(summary(&tracker, &["class Apartment", "class Person"]));
}

#[test]
fn dcat() {
    let Some(tracker) = ontology("w3c/dcat3.ttl") else { return };
    assert_snapshot!(summary(&tracker, &["class CatalogRecord", "class Distribution"]));
}

#[test]
fn organizations() {
    let Some(tracker) = ontology("w3c/org.ttl") else { return };
    assert_snapshot!(summary(
        &tracker,
        &["class Organization ", "class OrganizationalCollaboration"]
    ));
}

#[test]
fn provenance() {
    let Some(tracker) = ontology("w3c/prov-o.ttl") else { return };
    assert_snapshot!(summary(&tracker, &["class Activity", "class Delegation"]));
}

/// Generous, so that a busy machine passes; prints what it measured.
#[test]
fn all_classes_of_schema_org_are_viewed_in_little_time() {
    let Some(tracker) = ontology("schemaorg/schemaorg-30.0.ttl") else { return };
    let options = Options::default();
    let classes = Schema::new(&tracker, &options).classes();
    let mut best = std::time::Duration::MAX;
    let mut alone = std::time::Duration::MAX;
    for _ in 0..3 {
        let begin = Instant::now();
        let schema = Schema::new(&tracker, &options);
        for class in &classes {
            assert!(schema.class(id(&class.iri)).is_some());
        }
        best = best.min(begin.elapsed());
        let begin = Instant::now();
        for class in &classes {
            tracker.take_reads();
            assert!(Schema::new(&tracker, &options).class(id(&class.iri)).is_some());
        }
        alone = alone.min(begin.elapsed());
    }
    let count = u32::try_from(classes.len()).unwrap();
    println!("{count} classes in {best:?}, each by itself in {:?}", alone / count);
    assert!(best.as_millis() < 1_000, "{best:?}");
}

/// What is kept of a large model is smaller than the model, and quickly compared; a release of
/// schema.org changes little.
#[test]
fn the_interfaces_of_two_releases_of_schema_org() {
    let Some(old) = ontology("schemaorg/schemaorg-29.4.ttl") else { return };
    let Some(new) = ontology("schemaorg/schemaorg-30.0.ttl") else { return };
    let options = Options::default();
    let before = Release::first(Interface::of(&Schema::new(&old, &options)));
    let started = Instant::now();
    let interface = Interface::of(&Schema::new(&new, &options));
    let made = started.elapsed();
    let started = Instant::now();
    let (release, kind, changes) = before.next(interface).unwrap();
    let compared = started.elapsed();
    let text = release.to_string();
    let started = Instant::now();
    assert_eq!(Release::parse(&text).unwrap(), release);
    let (parsed, lines, bytes) = (started.elapsed(), text.lines().count(), text.len());
    eprintln!(
        "{lines} lines, {bytes} bytes; made in {made:?}, compared in {compared:?}, parsed in {parsed:?}"
    );
    assert!(lines < 10_000, "{lines} lines");
    let breaking = changes.iter().filter(|change| change.kind == ChangeKind::Breaking).count();
    let texts: Vec<&str> = changes.iter().map(|change| change.text.as_str()).collect();
    let texts = texts.join("\n");
    assert_snapshot!(format!(
        "{} {kind:?}: {breaking} of {}\n{texts}",
        release.version,
        changes.len()
    ));
}
