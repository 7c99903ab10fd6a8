//! Templates that together use all that templates and queries can.

use std::fmt::Write as _;

use crate::random::Random;

/// A generator of the pool.
pub(super) struct Sample {
    pub(super) name: &'static str,
    /// What it uses, by the names of [`super::FEATURES`].
    pub(super) features: &'static [&'static str],
    /// Whether it can fail for a model without errors; then it is taken rarely.
    pub(super) is_delicate: bool,
    for_each: &'static str,
    to: &'static str,
    /// Further lines of the front matter.
    front: &'static str,
    queries: &'static [(&'static str, &'static str)],
    body: &'static str,
}

const PLAIN: Sample = Sample {
    name: "",
    features: &[],
    is_delicate: false,
    for_each: "SELECT ?class WHERE { ?class a owl:Class }",
    to: "{{ class | local_name }}.txt",
    front: "",
    queries: &[],
    body: "",
};

/// All generators of the pool.
pub(super) const POOL: &[Sample] = &[
    Sample {
        name: "card",
        features: &["bound query", "OPTIONAL", "label"],
        queries: &[(
            "rows",
            "SELECT ?p ?note WHERE { ?p rdfs:domain ?class OPTIONAL { ?p rdfs:comment ?note } }",
        )],
        body: "{{ class.label(\"en\") | default(\"nameless\") }}\n{% for row in rows %}{{ row.p | local_name }}: {{ row.note | default(\"-\") }}\n{% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "viewed",
        features: &["view", "rows of a view"],
        for_each: "class in schema.classes()",
        body: "{{ schema.class(class) | tojson }}",
        ..PLAIN
    },
    Sample {
        name: "declared",
        features: &["view"],
        for_each: "SELECT ?class WHERE { ?class a owl:Class }",
        front: "when = \"schema.kind(class).kind == 'class'\"",
        body: "{% set known = schema.declared(class) %}{{ known.name }} {% for one in known.bases %}{{ one.name }},{% endfor %}\n{% for property in known.properties %}{{ property.name }} {{ property.slot | tojson }}\n{% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "overview",
        features: &["view", "report"],
        for_each: "",
        to: "overview.txt",
        body: "{% for one in schema.classes() %}{{ one.name }}: {% for property in schema.class(one.iri).properties %}{{ property.name }} {% endfor %}\n{% endfor %}{{ schema.enumerations() | tojson }}{% for number in range(5) %} {{ schema.kind(\"http://example.org/C\" ~ number).kind }}{% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "paths",
        features: &["path"],
        queries: &[
            ("above", "SELECT ?up WHERE { ?class rdfs:subClassOf+ ?up }"),
            ("around", "SELECT ?up WHERE { ?class (rdfs:subClassOf|^rdfs:subClassOf)* ?up }"),
            ("two", "SELECT ?x WHERE { ?class ^rdfs:domain/rdfs:range? ?x }"),
            ("rest", "SELECT ?x WHERE { ?class !(rdf:type|rdfs:label) ?x }"),
        ],
        body: "{% for rows in [above, around, two, rest] %}{% for row in rows %}{{ row.up or row.x }};{% endfor %}|{% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "leaf",
        features: &["NOT EXISTS"],
        for_each: "SELECT ?class WHERE { ?class a owl:Class FILTER NOT EXISTS { ?sub rdfs:subClassOf ?class . ?sub a owl:Class } }",
        queries: &[(
            "own",
            "SELECT ?p WHERE { ?p rdfs:domain ?class FILTER EXISTS { ?p rdfs:range ?r . ?r a owl:Class } FILTER NOT EXISTS { ?p rdfs:comment ?c } }",
        )],
        body: "{% for row in own %}{{ row.p }}\n{% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "counts",
        features: &["aggregate", "sub-query"],
        queries: &[
            (
                "all",
                "SELECT (COUNT(*) AS ?n) (GROUP_CONCAT(?t; separator=\",\") AS ?names) (MIN(?w) AS ?least) (SUM(?w) AS ?sum) WHERE { ?p rdfs:domain ?class OPTIONAL { ?p ex:rank ?w } BIND(STR(?p) AS ?t) }",
            ),
            (
                "top",
                "SELECT ?p ?most WHERE { ?p rdfs:domain ?class { SELECT ?p (MAX(?w) AS ?most) WHERE { ?p ex:rank ?w } GROUP BY ?p } }",
            ),
            (
                "some",
                "SELECT (SAMPLE(?p) AS ?one) (AVG(?w) AS ?mean) WHERE { ?p rdfs:domain ?class . ?p ex:rank ?w } GROUP BY ?class",
            ),
        ],
        body: "{% for row in all %}{{ row.n }} {{ row.names }} {{ row.least | default(\"\") }} {{ row.sum | default(\"\") }}{% endfor %}\n{% for row in top %}{{ row.p }} {{ row.most }};{% endfor %}\n{% for row in some %}{{ row.one }} {{ row.mean }}{% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "tongue",
        features: &["GROUP BY", "language tag", "computed row"],
        for_each: "SELECT ?tag (COUNT(?label) AS ?n) WHERE { ?c rdfs:label ?label BIND(LANG(?label) AS ?tag) } GROUP BY ?tag",
        to: "in-{{ tag }}.txt",
        queries: &[(
            "labels",
            "SELECT ?c ?label WHERE { ?c rdfs:label ?label FILTER(LANG(?label) = ?tag) }",
        )],
        body: "{{ n }}{% for row in labels %}\n{{ row.c }} {{ row.label }} {{ row.label | lang }} {{ row.label | datatype }}{% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "report",
        features: &["report", "ORDER BY", "LIMIT", "ASK", "CONSTRUCT"],
        for_each: "",
        to: "report.txt",
        queries: &[
            (
                "ranked",
                "SELECT ?c ?n WHERE { ?c a owl:Class ; ex:rank ?n } ORDER BY DESC(?n) ?c LIMIT 3",
            ),
            ("has", "ASK { ?p rdfs:range xsd:integer }"),
            ("near", "CONSTRUCT { ?a ex:near ?b } WHERE { ?a ex:uses/ex:uses ?b }"),
        ],
        body: "{% for row in ranked %}{{ row.c }} {{ row.n }}\n{% endfor %}{{ has }}\n{% for row in near %}{{ row.subject }} {{ row.predicate }} {{ row.object }}\n{% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "unions",
        features: &["list", "DISTINCT"],
        for_each: "SELECT DISTINCT ?class WHERE { ?class owl:unionOf ?list }",
        queries: &[("members", "SELECT ?m WHERE { ?class owl:unionOf/rdf:rest*/rdf:first ?m }")],
        body: "{% for list in class.out(\"owl:unionOf\") %}[{% for m in list.list() %}{{ m | local_name }} {% endfor %}{{ list.list | length }}]{% endfor %}\n{% for row in members %}{{ row.m }};{% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "walk",
        features: &["out", "in", "types"],
        body: "{% for up in class.out(\"rdfs:subClassOf\") %}{{ up }} {% for t in up.types %}{{ t | local_name }}{% endfor %} {{ up.out(\"owl:maxCardinality\") | join(\",\") }} {% for p in up.out(\"owl:onProperty\") %}{{ p.out(\"rdfs:comment\") | first | default(\"-\") }}{% endfor %}\n{% endfor %}{{ class.in(\"rdfs:domain\") | join(\" \") }}\n{% for h in class.out(\"ex:has\") %}{% for k in h.out(\"ex:knows\") %}{{ k.label(\"de\") | default(\"?\") }}{% endfor %}{% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "sets",
        features: &["UNION", "MINUS", "VALUES"],
        queries: &[
            (
                "roles",
                "SELECT ?x ?kind WHERE { { ?x rdfs:domain ?class BIND(\"d\" AS ?kind) } UNION { ?x rdfs:range ?class BIND(\"r\" AS ?kind) } MINUS { ?x ex:rank 3 } }",
            ),
            (
                "facts",
                "SELECT ?p ?o WHERE { VALUES ?p { rdfs:label rdfs:comment ex:rank } ?class ?p ?o }",
            ),
        ],
        body: "{% for row in roles %}{{ row.x }} {{ row.kind }}\n{% endfor %}{% for row in facts %}{{ row.p | local_name }} {{ row.o }}\n{% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "computed",
        features: &["computed row", "language tag", "BIND"],
        for_each: "SELECT ?class ?name WHERE { ?class a owl:Class ; rdfs:label ?l FILTER(LANGMATCHES(LANG(?l), \"en\")) BIND(CONCAT(\"x-\", STR(?l)) AS ?name) }",
        to: "{{ class | local_name }}-{{ name | kebab }}.txt",
        queries: &[(
            "same",
            "SELECT ?other WHERE { ?other rdfs:label ?l FILTER(CONCAT(\"x-\", STR(?l)) = ?name) }",
        )],
        body: "{{ name }}{% for row in same %} {{ row.other }}{% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "chosen",
        features: &["when", "depends_on"],
        front: "when = \"class.out('rdfs:comment') | length > 0\"\ndepends_on = [\"templates/_line.j2\"]",
        body: "{% for c in class.out(\"rdfs:comment\") %}{{ c }}\n{% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "heir",
        features: &["inheritance", "include", "macro"],
        queries: &[("rows", "SELECT ?p WHERE { ?p rdfs:domain ?class }")],
        body: "{% extends \"_base.j2\" %}{% block body %}{% import \"_line.j2\" as lines %}{% for row in rows %}{{ lines.line(row.p) }}{% endfor %}{% include \"_head.j2\" %}{% endblock %}",
        ..PLAIN
    },
    Sample {
        name: "graphs",
        features: &["GRAPH"],
        for_each: "SELECT DISTINCT ?s WHERE { GRAPH ?g { ?s ?p ?o } }",
        to: "{{ s | local_name }}.txt",
        queries: &[
            ("all", "SELECT ?g ?p ?o WHERE { GRAPH ?g { ?s ?p ?o } }"),
            ("one", "SELECT ?o WHERE { GRAPH ex:g1 { ?s rdfs:label ?o } }"),
        ],
        body: "{% for row in all %}{{ row.g | local_name }} {{ row.p }} {{ row.o }}\n{% endfor %}{% for row in one %}{{ row.o }}{% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "other",
        features: &["prefix of the settings"],
        queries: &[("ranks", "SELECT ?o WHERE { ?class alt:rank ?o }")],
        body: "{% for row in ranks %}{{ row.o }} {% endfor %}{{ class.out(\"alt:uses\") | join(\" \") }} {{ \"alt:x\" | iri }}",
        ..PLAIN
    },
    Sample {
        name: "functions",
        features: &["function"],
        queries: &[(
            "rows",
            "SELECT ?l (IF(STRLEN(STR(?l)) > 3, \"long\", \"short\") AS ?size) (COALESCE(?missing, UCASE(STR(?l))) AS ?upper) WHERE { ?class rdfs:label ?l FILTER(REGEX(STR(?l), \"r\", \"i\") || STR(?l) IN (\"\", \"A b\")) }",
        )],
        body: "{% for row in rows %}{{ row.size }} {{ row.upper }}\n{% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "pairs",
        features: &["DISTINCT", "path"],
        for_each: "SELECT DISTINCT ?a ?b WHERE { ?a ex:uses+ ?b }",
        to: "{{ a | local_name }}-{{ b | local_name }}.txt",
        queries: &[("between", "SELECT ?m WHERE { ?a ex:uses ?m . ?m ex:uses* ?b }")],
        body: "{% for row in between %}{{ row.m }} {% endfor %}{{ a.label() | default(\"\") }}",
        ..PLAIN
    },
    Sample {
        name: "maybe",
        features: &["OPTIONAL", "unbound row"],
        for_each: "SELECT ?class ?up WHERE { ?class a owl:Class OPTIONAL { ?class rdfs:subClassOf ?up . ?up a owl:Class } }",
        to: "{{ class | local_name }}-{% if up %}{{ up | local_name }}{% else %}root{% endif %}.txt",
        queries: &[("from", "SELECT ?p WHERE { ?p rdfs:domain ?up }")],
        body: "{% for row in from %}{{ row.p }} {% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "best",
        features: &["ORDER BY", "LIMIT"],
        for_each: "SELECT ?class ?n WHERE { ?class ex:rank ?n } ORDER BY DESC(?n) ?class LIMIT 2",
        to: "{{ class | local_name }}-{{ n }}.txt",
        queries: &[(
            "labels",
            "SELECT ?l WHERE { ?class rdfs:label ?l } ORDER BY ?l LIMIT 1 OFFSET 1",
        )],
        body: "{{ n }}{% for row in labels %} {{ row.l }}{% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "many",
        features: &["HAVING", "GROUP BY", "aggregate"],
        for_each: "SELECT ?class (COUNT(DISTINCT ?p) AS ?n) WHERE { ?p rdfs:domain ?class } GROUP BY ?class HAVING (COUNT(DISTINCT ?p) > 1)",
        body: "{{ class }} {{ n }}",
        ..PLAIN
    },
    Sample {
        name: "strict",
        features: &["undefined variable"],
        is_delicate: true,
        queries: &[(
            "rows",
            "SELECT ?p ?note WHERE { ?p rdfs:domain ?class OPTIONAL { ?p rdfs:comment ?note } }",
        )],
        body: "{% for row in rows %}{{ row.note }}{% endfor %}",
        ..PLAIN
    },
    Sample {
        name: "clash",
        features: &["one path twice"],
        is_delicate: true,
        to: "{{ class.label(\"en\") | default(\"none\") | snake }}.txt",
        body: "{{ class }}",
        ..PLAIN
    },
];

/// Partials by name; `0` stands for their version.
const PARTIALS: [(&str, &str); 3] = [
    ("_base.j2", "base 0 {% block body %}{% endblock %} end\n"),
    ("_head.j2", "head 0 {{ class.out(\"rdfs:label\") | length }}\n"),
    (
        "_line.j2",
        "{% macro line(p) %}0 {{ p | local_name }} {{ p.label() | default(\"\") }}\n{% endmacro %}",
    ),
];

/// The text of a partial.
pub(super) fn partial(number: usize, version: u32) -> (String, String) {
    let (name, text) = PARTIALS[number % PARTIALS.len()];
    (
        format!("templates/{name}"),
        text.replace(" 0 ", &format!(" {version} ")).replace("}0 ", &format!("}}{version} ")),
    )
}

/// A generator of a project: one of the pool, and how it was edited.
#[derive(Clone, Debug, Default)]
pub(super) struct Generator {
    pub(super) sample: usize,
    version: u32,
    /// Whether it reads labels where it read comments.
    is_swapped: bool,
    /// Whether its files end in `md`.
    is_moved: bool,
    /// Whether it can't be compiled: 1 for its front matter, 2 for its query, 3 for its body.
    pub(super) broken: u8,
}

impl Generator {
    pub(super) fn new(sample: usize) -> Self {
        Self { sample, ..Self::default() }
    }

    pub(super) fn sample(&self) -> &'static Sample {
        &POOL[self.sample % POOL.len()]
    }

    pub(super) fn path(&self) -> String {
        format!("templates/{}.j2", self.sample().name)
    }

    /// Changes it, and says how.
    pub(super) fn edit(&mut self, random: &mut Random) -> &'static str {
        match random.below(4) {
            0 => {
                self.is_swapped = !self.is_swapped;
                "query edited"
            }
            1 => {
                self.is_moved = !self.is_moved;
                "output moved"
            }
            _ => {
                self.version += 1;
                "body edited"
            }
        }
    }

    pub(super) fn text(&self) -> String {
        let sample = self.sample();
        let mut text = "+++\n".to_owned();
        if !sample.for_each.is_empty() {
            let _ = writeln!(text, "for_each = '''{}'''", sample.for_each);
        }
        let _ =
            write!(text, "to = '''{}/{}'''\n{}\n[queries]\n", sample.name, sample.to, sample.front);
        for (name, query) in sample.queries {
            let _ = writeln!(text, "{name} = '''{query}'''");
        }
        let _ = write!(text, "+++\n{}\nv{}\n", sample.body, self.version);
        if self.is_swapped {
            text = text.replace("rdfs:comment", "rdfs:label");
        }
        if self.is_moved {
            text = text.replace(".txt'''", ".md'''");
        }
        match self.broken {
            1 => text.replacen("to =", "two =", 1),
            2 => text.replace("[queries]\n", "[queries]\nbad = \"SELECT ?x WHERE { ?x\"\n"),
            3 => text + "{% for %}",
            _ => text,
        }
    }
}
