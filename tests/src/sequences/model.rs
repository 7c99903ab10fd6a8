//! A small model that changes at random.

use crate::notation::{EX, Notation, Statement, Style, Term};
use crate::random::Random;

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const RDFS: &str = "http://www.w3.org/2000/01/rdf-schema#";
const OWL: &str = "http://www.w3.org/2002/07/owl#";
const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
const TEXTS: [&str; 8] =
    ["Order", "order", "A b", "a \"quoted\" one", "two\nlines", "größer", "<&>", ""];
const LANGUAGES: [&str; 4] = ["en", "de", "en-GB", ""];
const CLASSES: u8 = 5;
const PROPERTIES: u8 = 4;

/// Something that a model can say. Classes and properties go by their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    Class(u8),
    /// A label of a class: the text and the language.
    Label(u8, u8, u8),
    Comment(u8, u8),
    Super(u8, u8),
    Domain(u8, u8),
    /// The range of a property: a class, or from five on a datatype.
    Range(u8, u8),
    Note(u8, u8),
    /// A number for a class.
    Rank(u8, u8),
    /// A number for a property.
    Weight(u8, u8),
    Uses(u8, u8),
    /// A blank node: a property has at most so many values.
    Restriction(u8, u8, u8),
    /// A list of classes.
    Union(u8, Vec<u8>),
    /// Two blank nodes that know each other.
    Pair(u8, u8),
}

/// A way to name a class; more names than there are classes stand for datatypes.
fn class(number: u8) -> Term {
    Term::Iri(format!("{EX}C{number}"))
}

fn property(number: u8) -> Term {
    Term::Iri(format!("{EX}p{number}"))
}

fn literal(text: u8, language: u8) -> Term {
    let text = TEXTS[usize::from(text) % TEXTS.len()].to_owned();
    let language = LANGUAGES[usize::from(language) % LANGUAGES.len()];
    Term::Literal { text, language, datatype: String::new() }
}

fn number(number: u8) -> Term {
    let datatype = format!("{XSD}integer");
    Term::Literal { text: number.to_string(), language: "", datatype }
}

impl Fact {
    /// Any fact.
    pub(super) fn any(random: &mut Random) -> Self {
        let (class, property) = (random.digit(CLASSES), random.digit(PROPERTIES));
        let (other, text, language) = (random.digit(CLASSES), random.digit(8), random.digit(4));
        match random.below(26) {
            0..5 => Self::Class(class),
            5..8 => Self::Label(class, text, language),
            8..10 => Self::Comment(class, text),
            10..13 => Self::Super(class, other),
            13..16 => Self::Domain(property, class),
            16 | 17 => Self::Range(property, random.digit(CLASSES + 2)),
            18 => Self::Note(property, text),
            19 => Self::Rank(class, random.digit(4)),
            20 => Self::Weight(property, random.digit(4)),
            21 | 22 => Self::Uses(class, other),
            23 => Self::Restriction(class, property, random.digit(2)),
            24 => {
                let members = (0..random.below(4)).map(|_| random.digit(CLASSES)).collect();
                Self::Union(class, members)
            }
            _ => Self::Pair(class, text),
        }
    }

    /// Whether the fact is one about the class.
    fn concerns(&self, wanted: u8) -> bool {
        match self {
            Self::Class(class)
            | Self::Label(class, ..)
            | Self::Comment(class, _)
            | Self::Super(class, _)
            | Self::Domain(_, class)
            | Self::Rank(class, _)
            | Self::Uses(class, _)
            | Self::Restriction(class, ..)
            | Self::Union(class, _)
            | Self::Pair(class, _) => *class == wanted,
            Self::Range(..) | Self::Note(..) | Self::Weight(..) => false,
        }
    }

    /// Whether it takes blank nodes to say it.
    pub(super) fn is_structure(&self) -> bool {
        matches!(self, Self::Restriction(..) | Self::Union(..) | Self::Pair(..))
    }

    /// The statements that say it; blank nodes get numbers from `next` on.
    fn statements(&self, next: &mut usize, all: &mut Vec<(Term, String, Term)>) {
        let mut say = |subject: Term, predicate: String, object: Term| {
            all.push((subject, predicate, object));
        };
        let mut blank = || {
            *next += 1;
            Term::Blank(*next)
        };
        let owl = |name: &str| Term::Iri(format!("{OWL}{name}"));
        match self {
            Self::Class(c) => say(class(*c), format!("{RDF}type"), owl("Class")),
            Self::Label(c, text, tag) => {
                say(class(*c), format!("{RDFS}label"), literal(*text, *tag));
            }
            Self::Comment(c, text) => say(class(*c), format!("{RDFS}comment"), literal(*text, 3)),
            Self::Super(c, up) => say(class(*c), format!("{RDFS}subClassOf"), class(*up)),
            Self::Domain(p, c) => say(property(*p), format!("{RDFS}domain"), class(*c)),
            Self::Range(p, c) if *c < CLASSES => {
                say(property(*p), format!("{RDFS}range"), class(*c));
            }
            Self::Range(p, c) => {
                let datatype = if *c == CLASSES { "integer" } else { "string" };
                say(property(*p), format!("{RDFS}range"), Term::Iri(format!("{XSD}{datatype}")));
            }
            Self::Note(p, text) => say(property(*p), format!("{RDFS}comment"), literal(*text, 0)),
            Self::Rank(c, rank) => say(class(*c), format!("{EX}rank"), number(*rank)),
            Self::Weight(p, weight) => say(property(*p), format!("{EX}rank"), number(*weight)),
            Self::Uses(c, other) => say(class(*c), format!("{EX}uses"), class(*other)),
            Self::Restriction(c, p, most) => {
                let node = blank();
                say(class(*c), format!("{RDFS}subClassOf"), node.clone());
                say(node.clone(), format!("{RDF}type"), owl("Restriction"));
                say(node.clone(), format!("{OWL}onProperty"), property(*p));
                say(node, format!("{OWL}maxCardinality"), number(*most));
            }
            Self::Union(c, members) => {
                let nil = Term::Iri(format!("{RDF}nil"));
                let cells: Vec<Term> = members.iter().map(|_| blank()).chain([nil]).collect();
                say(class(*c), format!("{OWL}unionOf"), cells[0].clone());
                for (cell, member) in cells.windows(2).zip(members) {
                    say(cell[0].clone(), format!("{RDF}first"), class(*member));
                    say(cell[0].clone(), format!("{RDF}rest"), cell[1].clone());
                }
            }
            Self::Pair(c, text) => {
                let (left, right) = (blank(), blank());
                say(class(*c), format!("{EX}has"), left.clone());
                say(left.clone(), format!("{EX}knows"), right.clone());
                say(right.clone(), format!("{EX}knows"), left);
                say(right, format!("{RDFS}label"), literal(*text, 1));
            }
        }
    }
}

/// One file of a model.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) stem: &'static str,
    pub(super) facts: Vec<Fact>,
    pub(super) style: Style,
    /// Whether its facts lie in named graphs.
    pub(super) is_named: bool,
    /// Whether the file can't be parsed.
    pub(super) is_broken: bool,
}

impl Source {
    pub(super) fn new(stem: &'static str, facts: usize, random: &mut Random) -> Self {
        let facts = (0..facts).map(|_| Fact::any(random)).collect();
        let is_named = stem == "named";
        let notation = if is_named { Notation::TriG } else { Notation::Turtle };
        let style = Style { notation, ..Style::default() };
        Self { stem, facts, style, is_named, is_broken: false }
    }

    pub(super) fn path(&self) -> String {
        format!("model/{}.{}", self.stem, self.style.notation.extension())
    }

    pub(super) fn text(&self) -> String {
        let mut statements = Vec::new();
        let mut next = 0;
        for (number, fact) in self.facts.iter().enumerate() {
            let mut triples = Vec::new();
            fact.statements(&mut next, &mut triples);
            let graph = self.is_named.then(|| format!("{EX}g{}", number % 2));
            statements.extend(triples.into_iter().map(|(subject, predicate, object)| Statement {
                subject,
                predicate,
                object,
                graph: graph.clone(),
            }));
        }
        let mut text = self.style.write(&statements);
        if self.is_broken {
            text.push_str("<unfinished \"");
        }
        text
    }

    /// Says the same in another way.
    pub(super) fn restyle(&mut self, random: &mut Random) {
        let notations: &[Notation] =
            if self.is_named { &Notation::QUADS } else { &Notation::TRIPLES };
        self.style.vary(random, notations);
    }

    /// Takes all facts about one class out; how many there were.
    pub(super) fn remove_class(&mut self, random: &mut Random) -> usize {
        let (wanted, before) = (random.digit(CLASSES), self.facts.len());
        self.facts.retain(|fact| !fact.concerns(wanted));
        before - self.facts.len()
    }
}
