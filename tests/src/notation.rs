//! Statements, written in any notation.

use std::fmt::Write as _;

use crate::random::Random;

/// The namespace of made-up names.
pub const EX: &str = "http://example.org/";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
/// Prefixes of the names that are not made up.
const KNOWN: [(&str, &str); 4] = [
    ("rdf", RDF),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
    ("owl", "http://www.w3.org/2002/07/owl#"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
];

/// A subject or an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// An IRI.
    Iri(String),
    /// A blank node by its number.
    Blank(usize),
    /// A literal.
    Literal {
        /// Its text.
        text: String,
        /// Its language; empty for none.
        language: &'static str,
        /// Its datatype; empty for none.
        datatype: String,
    },
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// An IRI or a blank node.
    pub subject: Term,
    /// An IRI.
    pub predicate: String,
    /// Anything.
    pub object: Term,
    /// An IRI; `None` for the default graph.
    pub graph: Option<String>,
}

/// A way to write statements down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// Turtle.
    Turtle,
    /// N-Triples.
    NTriples,
    /// RDF/XML.
    RdfXml,
    /// JSON-LD.
    JsonLd,
    /// `TriG`.
    TriG,
    /// N-Quads.
    NQuads,
}

impl Notation {
    /// Those for one graph.
    pub const TRIPLES: [Self; 4] = [Self::Turtle, Self::NTriples, Self::RdfXml, Self::JsonLd];
    /// Those for named graphs.
    pub const QUADS: [Self; 3] = [Self::TriG, Self::NQuads, Self::JsonLd];

    /// What files of this notation end in.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Turtle => "ttl",
            Self::NTriples => "nt",
            Self::RdfXml => "rdf",
            Self::JsonLd => "jsonld",
            Self::TriG => "trig",
            Self::NQuads => "nq",
        }
    }

    /// The notation's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Turtle => "Turtle",
            Self::NTriples => "N-Triples",
            Self::RdfXml => "RDF/XML",
            Self::JsonLd => "JSON-LD",
            Self::TriG => "TriG",
            Self::NQuads => "N-Quads",
        }
    }
}

/// All that does not matter to what a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// The notation.
    pub notation: Notation,
    /// The prefix of [`EX`], where the notation has prefixes.
    pub prefix: &'static str,
    /// What the labels of blank nodes begin with.
    pub label: &'static str,
    /// From which the order of the statements follows.
    pub order: u64,
}

impl Default for Style {
    fn default() -> Self {
        Self { notation: Notation::Turtle, prefix: "ex", label: "b", order: 0 }
    }
}

impl Style {
    /// Another style that says the same.
    pub fn vary(&mut self, random: &mut Random, notations: &[Notation]) {
        self.notation = random.pick(notations);
        self.prefix = random.pick(&["ex", "e", "", "x-y"]);
        self.label = random.pick(&["b", "node", "X9"]);
        self.order = random.number();
    }

    /// The text of a file with these statements.
    pub fn write(&self, statements: &[Statement]) -> String {
        let mut shuffled = statements.to_vec();
        Random::new(self.order).shuffle(&mut shuffled);
        match self.notation {
            Notation::Turtle | Notation::TriG => self.turtle(&shuffled),
            Notation::NTriples | Notation::NQuads => self.lines(&shuffled),
            Notation::RdfXml => self.xml(&shuffled),
            Notation::JsonLd => self.json(&shuffled),
        }
    }

    fn turtle(&self, statements: &[Statement]) -> String {
        let mut text = String::new();
        for (prefix, namespace) in KNOWN.into_iter().chain([(self.prefix, EX)]) {
            let _ = writeln!(text, "@prefix {prefix}: <{namespace}> .");
        }
        for statement in statements {
            let [subject, object] =
                [&statement.subject, &statement.object].map(|term| self.spell(term, true));
            let predicate = self.name(&statement.predicate, true);
            let triple = format!("{subject} {predicate} {object} .");
            let _ = match &statement.graph {
                Some(graph) => writeln!(text, "{} {{ {triple} }}", self.name(graph, true)),
                None => writeln!(text, "{triple}"),
            };
        }
        text
    }

    fn lines(&self, statements: &[Statement]) -> String {
        let mut text = String::new();
        for statement in statements {
            let [subject, object] =
                [&statement.subject, &statement.object].map(|term| self.spell(term, false));
            let graph = statement.graph.as_ref().map(|graph| format!("<{graph}> "));
            let graph = graph.unwrap_or_default();
            let _ = writeln!(text, "{subject} <{}> {object} {graph}.", statement.predicate);
        }
        text
    }

    fn name(&self, iri: &str, short: bool) -> String {
        let namespaces = KNOWN.into_iter().chain([(self.prefix, EX)]);
        let mut found = namespaces.filter_map(|(prefix, namespace)| {
            let local = iri.strip_prefix(namespace)?;
            let is_simple = local.bytes().all(|byte| byte.is_ascii_alphanumeric());
            (short && is_simple).then(|| format!("{prefix}:{local}"))
        });
        found.next().unwrap_or_else(|| format!("<{iri}>"))
    }

    fn spell(&self, term: &Term, short: bool) -> String {
        match term {
            Term::Iri(iri) => self.name(iri, short),
            Term::Blank(number) => format!("_:{}{number}", self.label),
            Term::Literal { text, language, datatype } => {
                let quoted = format!("\"{}\"", escaped(text));
                match (*language, datatype.as_str()) {
                    ("", "") => quoted,
                    ("", datatype) => format!("{quoted}^^{}", self.name(datatype, short)),
                    (language, _) => format!("{quoted}@{language}"),
                }
            }
        }
    }

    fn json(&self, statements: &[Statement]) -> String {
        let nodes = statements.iter().map(|statement| {
            let object = match &statement.object {
                Term::Literal { text, language, datatype } => {
                    let mut value = serde_json::json!({ "@value": text });
                    if !language.is_empty() {
                        value["@language"] = (*language).into();
                    } else if !datatype.is_empty() {
                        value["@type"] = datatype.as_str().into();
                    }
                    value
                }
                node => serde_json::json!({ "@id": self.id(node) }),
            };
            let mut node = serde_json::json!({ "@id": self.id(&statement.subject) });
            node[&statement.predicate] = object;
            match &statement.graph {
                Some(graph) => serde_json::json!({ "@id": graph, "@graph": [node] }),
                None => node,
            }
        });
        serde_json::Value::from(nodes.collect::<Vec<_>>()).to_string()
    }

    fn id(&self, term: &Term) -> String {
        match term {
            Term::Iri(iri) => iri.clone(),
            Term::Blank(number) => format!("_:{}{number}", self.label),
            Term::Literal { text, .. } => text.clone(),
        }
    }

    fn xml(&self, statements: &[Statement]) -> String {
        let mut text = format!("<rdf:RDF xmlns:rdf=\"{RDF}\">\n");
        let reference = |term: &Term, name: &str| match term {
            Term::Blank(number) => format!("rdf:nodeID=\"{}{number}\"", self.label),
            other => format!("rdf:{name}=\"{}\"", self.id(other)),
        };
        for statement in statements {
            let split = statement.predicate.rfind(['#', '/']).map_or(0, |last| last + 1);
            let (namespace, local) = statement.predicate.split_at(split);
            let about = reference(&statement.subject, "about");
            let _ = write!(text, "<rdf:Description {about}><n:{local} xmlns:n=\"{namespace}\"");
            let _ = match &statement.object {
                Term::Literal { text: value, language, datatype } => {
                    let attribute = match (*language, datatype.as_str()) {
                        ("", "") => String::new(),
                        ("", datatype) => format!(" rdf:datatype=\"{datatype}\""),
                        (language, _) => format!(" xml:lang=\"{language}\""),
                    };
                    write!(text, "{attribute}>{}</n:{local}>", escaped_xml(value))
                }
                node => write!(text, " {}/>", reference(node, "resource")),
            };
            let _ = writeln!(text, "</rdf:Description>");
        }
        text + "</rdf:RDF>\n"
    }
}

fn escaped(text: &str) -> String {
    let escape = |character: char| match character {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        other => other.to_string(),
    };
    text.chars().map(escape).collect()
}

fn escaped_xml(text: &str) -> String {
    let escape = |character: char| match character {
        '<' => "&lt;".to_owned(),
        '&' => "&amp;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\n' | '\r' => format!("&#{};", u32::from(character)),
        other => other.to_string(),
    };
    text.chars().map(escape).collect()
}
