//! The releases of schema.org, one after the other.

use std::fmt::Write as _;
use std::fs;

use evergen_regeneration::RunReport;
use evergen_tests::data;
use evergen_tests::project::Fixture;

const RELEASES: [&str; 4] = ["28.0", "29.0", "29.4", "30.0"];

/// With queries that are bound to the class.
const QUERIES: &str = r#"+++
for_each = "SELECT ?class WHERE { ?class a rdfs:Class FILTER(STRSTARTS(STR(?class), 'https://schema.org/')) }"
to = "queries/{{ class | local_name }}.txt"
[queries]
above = "SELECT ?super WHERE { ?class rdfs:subClassOf ?super }"
properties = '''
SELECT ?p ?comment ?range WHERE {
  ?p schema:domainIncludes ?class
  OPTIONAL { ?p rdfs:comment ?comment }
  OPTIONAL { ?p schema:rangeIncludes ?range }
}'''
+++
{{ class }}: {{ class.label("en") | default("") }}
{{ class.out("rdfs:comment") | first | default("") }}
{% for row in above %}^ {{ row.super }}
{% endfor %}{% for row in properties %}- {{ row.p }}: {{ row.range | default("?") }} {{ row.comment | default("") }}
{% endfor %}"#;

/// The same by going from node to node.
const WALK: &str = r#"+++
for_each = "SELECT ?class WHERE { ?class a rdfs:Class FILTER(STRSTARTS(STR(?class), 'https://schema.org/')) }"
to = "walk/{{ class | local_name }}.txt"
+++
{{ class }}: {{ class.label("en") | default("") }}
{{ class.out("rdfs:comment") | first | default("") }}
{% for super in class.out("rdfs:subClassOf") %}^ {{ super.label("en") | default(super) }}
{% endfor %}{% for p in class.in("schema:domainIncludes") %}- {{ p.label("en") }}: {{ p.out("schema:rangeIncludes") | join(" | ") }} {{ p.out("rdfs:comment") | first | default("") }}
{% endfor %}"#;

fn line(release: &str, report: &RunReport) -> String {
    let (model, all) = (report.model, report.artifacts);
    format!(
        "{release}: {} quads +{} -{}; {} evaluated, {} rendered, {} written, {} deleted of {}",
        model.quads,
        model.inserted,
        model.removed,
        all.evaluated,
        all.rendered,
        all.written,
        all.deleted,
        all.total
    )
}

#[test]
fn each_release_of_schema_org_is_followed_by_what_it_touches() {
    let names = RELEASES.map(|release| format!("schemaorg/schemaorg-{release}.ttl"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let Some(files) = data::files("the replay of schema.org", &names) else { return };
    let fixture = Fixture::new();
    fixture.write("templates/queries.j2", QUERIES).write("templates/walk.j2", WALK);
    let mut lines = String::new();
    let mut warm = None;
    for (release, file) in RELEASES.into_iter().zip(files) {
        fixture.write("model/schemaorg.ttl", fs::read(file).unwrap());
        // Half of the steps are done by an engine that goes on.
        let mut engine = warm.take().unwrap_or_else(|| fixture.engine());
        let report = engine.run(&mut |_| {}).unwrap();
        let _ = writeln!(lines, "{}", line(release, &report));
        let scratch = fixture.equals_scratch();
        assert!(report.artifacts.evaluated <= scratch.artifacts.evaluated);
        assert_eq!(report.artifacts.total, scratch.artifacts.total);
        warm = (release == RELEASES[1]).then_some(engine);
    }
    insta::assert_snapshot!(lines, @r"
    28.0: 16762 quads +16762 -0; 1820 evaluated, 1820 rendered, 1820 written, 0 deleted of 1820
    29.0: 17199 quads +503 -66; 108 evaluated, 108 rendered, 108 written, 2 deleted of 1836
    29.4: 17823 quads +663 -39; 108 evaluated, 108 rendered, 108 written, 0 deleted of 1860
    30.0: 17949 quads +152 -26; 66 evaluated, 66 rendered, 66 written, 0 deleted of 1866
    ");
}
