//! Random models and random queries over them, small enough to meet often.

use std::collections::BTreeSet;

use evergen_delta::{Delta, Quad, Term};

use crate::{Snapshot, Store};

/// A source of choices; the same seed gives the same choices.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(super) fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

const EXAMPLE: &str = "http://example.org/";
const INTEGER: &str = "http://www.w3.org/2001/XMLSchema#integer";

pub(super) fn iri(name: &str) -> Term {
    Term::iri(format!("{EXAMPLE}{name}"))
}

pub(super) fn node(dice: &mut Dice) -> Term {
    match dice.below(6) {
        0..4 => iri(dice.pick(&["n0", "n1", "n2", "n3"])),
        _ => Term::Blank(dice.pick(&["b0", "b1"]).to_owned()),
    }
}

fn object(dice: &mut Dice) -> Term {
    match dice.below(12) {
        0 => Term::literal("x"),
        1 => Term::tagged("x", "en"),
        2 => Term::tagged("y", "de"),
        3 => Term::typed("1", INTEGER),
        4 => Term::typed("01", INTEGER),
        5 => Term::typed("2.5", "http://www.w3.org/2001/XMLSchema#double"),
        _ => node(dice),
    }
}

pub(super) fn quad(dice: &mut Dice) -> Quad {
    let graph = if dice.once_in(4) { Some(iri(dice.pick(&["g0", "g1"]))) } else { None };
    let predicate = iri(dice.pick(&["p", "q", "r"]));
    Quad { subject: node(dice), predicate, object: object(dice), graph }
}

pub(super) fn model(dice: &mut Dice) -> BTreeSet<Quad> {
    let count = dice.below(14);
    (0..count).map(|_| quad(dice)).collect()
}

pub(super) fn snapshot(model: &BTreeSet<Quad>) -> Snapshot {
    let mut store = Store::new();
    let mut delta = Delta::default();
    for quad in model {
        let terms =
            [Some(&quad.subject), Some(&quad.predicate), Some(&quad.object), quad.graph.as_ref()];
        for term in terms.into_iter().flatten() {
            store.intern(term.as_ref()).unwrap();
        }
        delta.insert(quad.encode());
    }
    store.apply(&delta);
    store.snapshot()
}

/// What a random query may use.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "any of them may come with any other")]
pub(super) struct Features {
    /// LIMIT, and aggregates other than COUNT: their result is a matter of order.
    pub(super) order: bool,
    /// Property paths that no sequence of triples says.
    pub(super) paths: bool,
    pub(super) aggregates: bool,
    pub(super) graphs: bool,
    pub(super) minus: bool,
    /// MINUS and BIND of used variables in bodies of EXISTS, where the library takes all
    /// bindings for shared ones, and overwrites some.
    pub(super) odd_bodies: bool,
}

pub(super) const ALL: Features = Features {
    order: true,
    paths: true,
    aggregates: true,
    graphs: true,
    minus: true,
    odd_bodies: true,
};

/// Writes a random query, which now and then is no valid one.
pub(super) struct Author<'a> {
    pub(super) dice: &'a mut Dice,
    pub(super) features: Features,
    fresh: u32,
}

impl<'a> Author<'a> {
    pub(super) fn new(dice: &'a mut Dice, features: Features) -> Self {
        Self { dice, features, fresh: 0 }
    }

    pub(super) fn select(&mut self) -> String {
        let depth = 1 + u32::try_from(self.dice.below(3)).unwrap();
        let group = self.group(depth);
        let distinct = self.dice.pick(&["", "", "DISTINCT "]);
        let order = if self.dice.once_in(5) {
            format!(" ORDER BY {}", self.variable())
        } else {
            String::new()
        };
        let limit = if self.features.order && self.dice.once_in(6) { " LIMIT 2" } else { "" };
        if self.features.aggregates && self.dice.once_in(6) {
            return self.aggregate(&group);
        }
        let columns = match self.dice.below(3) {
            0 => "*".to_owned(),
            1 => "?a ?b".to_owned(),
            _ => "?a ?b ?c ?d".to_owned(),
        };
        format!("SELECT {distinct}{columns} WHERE {group}{order}{limit}")
    }

    fn aggregate(&mut self, group: &str) -> String {
        let variable = self.variable();
        let function = if self.features.order {
            self.dice.pick(&["COUNT", "COUNT", "MIN", "MAX", "SAMPLE", "GROUP_CONCAT", "SUM"])
        } else {
            "COUNT"
        };
        let argument = match function {
            "COUNT" => self.dice.pick(&["*", "?a", "DISTINCT ?b", "DISTINCT *"]).to_owned(),
            "GROUP_CONCAT" => format!("STR({})", self.variable()),
            _ => self.variable().to_owned(),
        };
        let name = self.name();
        let having = if self.dice.once_in(4) { " HAVING (COUNT(*) > 1)" } else { "" };
        match self.dice.below(3) {
            0 => format!("SELECT ({function}({argument}) AS {name}) WHERE {group}"),
            _ => format!(
                "SELECT {variable} ({function}({argument}) AS {name}) WHERE {group} GROUP BY {variable}{having}"
            ),
        }
    }

    pub(super) fn group(&mut self, depth: u32) -> String {
        let mut body = String::from("{ ");
        for _ in 0..=self.dice.below(3) {
            body.push_str(&self.element(depth));
            body.push(' ');
        }
        body.push('}');
        body
    }

    fn element(&mut self, depth: u32) -> String {
        let kind = self.dice.below(if depth == 0 { 10 } else { 26 });
        match kind {
            6 => self.path(),
            7 => format!("FILTER({})", self.condition()),
            8 => self.values(),
            9 => format!("BIND({} AS {})", self.value(), self.name()),
            10..14 => format!("OPTIONAL {}", self.group(depth - 1)),
            14 => format!("OPTIONAL {{ {} FILTER({}) }}", self.triple(), self.condition()),
            15..17 => format!("{} UNION {}", self.group(depth - 1), self.group(depth - 1)),
            17 if self.features.minus => format!("MINUS {}", self.group(depth - 1)),
            18..20 => format!("FILTER NOT EXISTS {}", self.body(depth - 1)),
            20 => format!("FILTER EXISTS {}", self.body(depth - 1)),
            21 => self.group(depth - 1),
            22 => format!("{{ {} }}", self.select()),
            23 if self.features.graphs => format!("GRAPH ?g {}", self.group(depth - 1)),
            24 if self.features.graphs => format!("GRAPH ex:g0 {}", self.group(depth - 1)),
            _ => self.triple(),
        }
    }

    fn body(&mut self, depth: u32) -> String {
        let minus = self.features.minus;
        self.features.minus &= self.features.odd_bodies;
        let body = self.group(depth);
        self.features.minus = minus;
        body
    }

    pub(super) fn variable(&mut self) -> &'static str {
        self.dice.pick(&["?a", "?a", "?b", "?b", "?c", "?d"])
    }

    /// A variable that is mostly used nowhere else.
    fn name(&mut self) -> String {
        if self.dice.once_in(6) && self.features.odd_bodies {
            return self.variable().to_owned();
        }
        self.fresh += 1;
        format!("?x{}", self.fresh)
    }

    fn triple(&mut self) -> String {
        let subject = self.subject();
        let predicate = match self.dice.below(8) {
            0 => "?c",
            _ => self.dice.pick(&["ex:p", "ex:q", "ex:r"]),
        };
        let object = self.object();
        format!("{subject} {predicate} {object} .")
    }

    fn subject(&mut self) -> &'static str {
        if self.dice.once_in(7) {
            return self.dice.pick(&["ex:n0", "ex:n1", "[]"]);
        }
        self.variable()
    }

    fn object(&mut self) -> &'static str {
        if self.dice.once_in(5) {
            return self.dice.pick(&["ex:n0", "ex:n2", "\"x\"", "1", "\"x\"@en", "_:o"]);
        }
        self.variable()
    }

    fn path(&mut self) -> String {
        let (subject, object) = (self.subject(), self.object());
        let simple = ["ex:p/ex:q", "^ex:p", "ex:q/^ex:p"];
        let other = [
            "ex:p*",
            "ex:p+",
            "ex:p?",
            "ex:p|ex:q",
            "!ex:p",
            "!(ex:p|^ex:q)",
            "(ex:p/ex:q)+",
            "(^ex:p|ex:r)*",
            "ex:p/ex:q*",
            "^(ex:p+)",
        ];
        let path = if self.features.paths && !self.dice.once_in(3) {
            self.dice.pick(&other)
        } else {
            self.dice.pick(&simple)
        };
        format!("{subject} {path} {object} .")
    }

    fn values(&mut self) -> String {
        let (one, two) = (self.variable(), self.variable());
        let rows = [
            "(ex:n0 ex:n1) (ex:n1 UNDEF)",
            "(ex:n0 \"x\") (UNDEF ex:n2)",
            "(ex:n3 1)",
            "(ex:unknown \"new\")",
        ];
        format!("VALUES ({one} {two}) {{ {} }}", self.dice.pick(&rows))
    }

    fn condition(&mut self) -> String {
        let (one, two) = (self.variable(), self.variable());
        match self.dice.below(14) {
            0 => format!("BOUND({one})"),
            1 => format!("!BOUND({one})"),
            2 => format!("{one} = {two}"),
            3 => format!("{one} != ex:n0"),
            4 => format!("ex:n1 = {one}"),
            5 => format!("sameTerm({one}, {two})"),
            6 => format!("isIRI({one}) || isBlank({two})"),
            7 => format!("isLiteral({one}) && {one} = 1"),
            8 => format!("LANG({one}) = \"en\""),
            9 => format!("LANGMATCHES(LANG({one}), \"*\")"),
            10 => format!("STRSTARTS(STR({one}), \"http://example.org/n\")"),
            11 => format!("{one} IN (ex:n0, ex:n1, \"x\")"),
            12 => format!("!({one} = {two} || {one} < 2)"),
            _ => format!("{one} NOT IN (ex:n0, {two})"),
        }
    }

    fn value(&mut self) -> String {
        let variable = self.variable();
        match self.dice.below(5) {
            0 => variable.to_owned(),
            1 => format!("STR({variable})"),
            2 => "ex:n0".to_owned(),
            3 => format!("COALESCE({variable}, ex:n1)"),
            _ => format!("CONCAT(STR({variable}), \"!\")"),
        }
    }
}
