//! A file that is read again only where it is new says what it says as a whole.

#![expect(clippy::unwrap_used, reason = "helpers of a test")]

use evergen_knowledge::{
    Format, Limits, Model, ParsedSource, SourceIncrement, SyntaxError, TrackedReader, parse,
};
use proptest::prelude::*;

const BASE: &str = "http://example.org/base/";
const NAME: &str = "model";

fn limits(chunk_bytes: usize) -> Limits {
    Limits { chunk_bytes, ..Limits::default() }
}

fn whole(text: &str, format: Format) -> Result<ParsedSource, Vec<SyntaxError>> {
    parse(text.as_bytes(), format, BASE, &limits(0))
}

/// Everything that a model says, spelled out.
fn quads(model: &Model) -> Vec<String> {
    let snapshot = model.snapshot();
    let open = evergen_delta::QuadPattern::default_graph(None, None, None);
    let named = evergen_delta::QuadPattern { graph: evergen_delta::TermId::ANY, ..open };
    let all = snapshot.quads(open).chain(snapshot.quads(named));
    let mut lines: Vec<String> =
        all.map(|quad| snapshot.decode(&quad).unwrap().to_string()).collect();
    lines.sort();
    lines
}

/// A model with one file that changes, and another one that says some of the same.
struct Follower {
    model: Model,
    other: ParsedSource,
    format: Format,
    limits: Limits,
    /// How often it was enough to read what was new.
    rereads: usize,
}

impl Follower {
    fn new(format: Format, chunk_bytes: usize) -> Self {
        let other = "<http://e/a> <http://e/b> <http://e/c> .\n<http://e/a> <http://e/b> 1 .\n\
            <http://e/s> <http://e/p> [ <http://e/q> 1 ] .\n";
        let other = whole(other, Format::Turtle).unwrap();
        let model = Model::build([("other".to_owned(), other.clone())]).unwrap();
        Self { model, other, format, limits: limits(chunk_bytes), rereads: 0 }
    }

    /// Takes a new state of the file in, and compares with reading it as a whole.
    fn follow(&mut self, text: &str) {
        let whole = whole(text, self.format);
        let reread = self.model.reread(NAME, text.as_bytes(), self.format, BASE, &self.limits);
        let Ok(expected) = whole else {
            assert_eq!(reread, None, "an error is left to the reader of wholes");
            let errors = parse(text.as_bytes(), self.format, BASE, &self.limits).unwrap_err();
            assert_eq!(errors, whole.unwrap_err());
            return;
        };
        let increment = if let Some(increment) = reread {
            self.rereads += 1;
            let mut other = self.model.diff(NAME, &expected);
            other.chunks = increment.chunks.clone();
            assert_eq!(sorted(&increment), sorted(&other), "{text}");
            increment
        } else {
            let parsed = parse(text.as_bytes(), self.format, BASE, &self.limits).unwrap();
            assert_eq!(parsed.prefixes, expected.prefixes);
            assert_eq!(parsed.imports, expected.imports);
            self.model.diff(NAME, &parsed)
        };
        let written = serde_json::to_string(&increment).unwrap();
        self.model.apply(&[serde_json::from_str(&written).unwrap()]).unwrap();
        let sources = [("other".to_owned(), self.other.clone()), (NAME.to_owned(), expected)];
        assert_eq!(quads(&self.model), quads(&Model::build(sources).unwrap()), "{text}");
    }

    /// As a new process has it.
    fn restart(&mut self) {
        let mut sections = self.model.to_sections([]);
        for source in &mut sections.sources {
            let table = serde_json::to_string(&source.chunks.table).unwrap();
            source.chunks.table = serde_json::from_str(&table).unwrap();
        }
        self.model = Model::from_sections(sections).unwrap();
    }
}

fn sorted(increment: &SourceIncrement) -> SourceIncrement {
    let mut increment = increment.clone();
    increment.components.sort();
    increment
}

const HEAD: &str = "@prefix e: <http://e/> .\n@prefix owl: <http://www.w3.org/2002/07/owl#> .\n";

/// Statements, and what looks like them.
const PARTS: [&str; 34] = [
    "e:a e:b e:c .\n",
    "e:a e:b 1 .\n",
    "e:c e:b \"text.\" .\n",
    "e:s e:p [ e:q 1 ] .\n",
    "e:s e:p [ e:q 1 ; e:r [ e:q 2 ] ] , [ e:q 1 ] .\n",
    "e:s e:l ( 1 e:a [ e:q 3 ] ) .\n",
    "[] e:p e:o .\n",
    "_:x e:p 1 .\n",
    "_:x e:p 2 .\n",
    "_:x e:knows _:y .\n",
    "_:y e:knows _:x .\n",
    "_:z e:p 1 ; e:b [ e:q 1 ] .\n",
    "e:s e:p \"\"\"\ne:a e:b e:c .\ne:a e:b _:x .\n\"\"\" .\n",
    "e:s e:p '''\n'' .\n\"\"\" .\n''' .\n",
    "\"\"\"",
    "e:s e:p \"\"\"open .\n",
    "\"\"\" .\n",
    "# e:a e:b e:c .\n",
    "# \"\"\" .\n",
    "e:s # a comment .\n e:p # \"\"\" .\n 1.0 .\n",
    "e:s\n  e:p 1.\n",
    "e:s e:p <x> .\n",
    "e:s e:p f:x .\n",
    "@prefix e: <http://other/> .\n",
    "@prefix e: <http://e/> .\n",
    "PREFIX f: <http://f/>\n",
    "@prefix f: <http://f2/> .\n",
    "@base <http://b/> .\n",
    "BASE <c/>\n",
    "<http://e/ontology> owl:imports <http://e/imported> .\n",
    "[] owl:imports <http://e/imported> .\n",
    "e:s e:p .\n",
    "e:s e:p ( [ .\n",
    "e:a e:b \"größer.\"@EN , \"größer.\"@en .\n",
];

/// Parts that need no prefix and break nothing, so that a file of them can be read.
const PLAIN: usize = 14;

const GRAPHS: [&str; 5] = [
    "e:g { e:a e:b e:c . }\n",
    "GRAPH e:g { e:a e:b e:c .\n e:a e:b 2 .\n _:x e:p 1 . }\n",
    "_:g { _:x e:p 1 }\n",
    "{ e:a e:b e:c }\n",
    "e:g {\n",
];

#[derive(Clone, Debug)]
enum Edit {
    Insert(usize, usize),
    Remove(usize),
    Replace(usize, usize),
    Copy(usize, usize),
    Swap(usize, usize),
    Restart,
}

fn edit() -> impl Strategy<Value = Edit> {
    let place = || 0..10_000_usize;
    // Mostly what breaks nothing.
    let part = || prop_oneof![4 => 0..PLAIN, 1 => 0..PARTS.len() + GRAPHS.len()];
    prop_oneof![
        3 => (place(), part()).prop_map(|(at, part)| Edit::Insert(at, part)),
        2 => place().prop_map(Edit::Remove),
        3 => (place(), part()).prop_map(|(at, part)| Edit::Replace(at, part)),
        1 => (place(), place()).prop_map(|(from, to)| Edit::Copy(from, to)),
        1 => (place(), place()).prop_map(|(one, other)| Edit::Swap(one, other)),
        1 => Just(Edit::Restart),
    ]
}

fn part(number: usize) -> &'static str {
    PARTS.get(number).unwrap_or_else(|| &GRAPHS[number - PARTS.len()])
}

fn text(parts: &[usize], is_windows: bool) -> String {
    let parts = parts.iter().enumerate().map(|(index, number)| match number {
        // Most models don't repeat themselves.
        0 => format!("e:a e:b e:c{} .\n", index / 3),
        1 => format!("e:a{} e:b 1 .\n", index / 2),
        other => part(*other).to_owned(),
    });
    let text: String = std::iter::once(HEAD.to_owned()).chain(parts).collect();
    if is_windows { text.replace('\n', "\r\n") } else { text }
}

fn follow(format: Format, bytes: usize, mut parts: Vec<usize>, edits: &[Edit], windows: bool) {
    let mut follower = Follower::new(format, bytes);
    follower.follow(&text(&parts, windows));
    for edit in edits {
        let length = parts.len();
        match *edit {
            Edit::Restart => follower.restart(),
            Edit::Insert(at, part) => parts.insert(at % (length + 1), part),
            _ if length == 0 => {}
            Edit::Remove(at) => {
                parts.remove(at % length);
            }
            Edit::Replace(at, part) => parts[at % length] = part,
            Edit::Copy(from, to) => parts.insert(to % length, parts[from % length]),
            Edit::Swap(one, other) => parts.swap(one % length, other % length),
        }
        follower.follow(&text(&parts, windows));
    }
}

fn plain() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..PLAIN, 0..60)
}

proptest! {
    #[test]
    fn any_edit_of_turtle_is_read_as_the_whole(
        parts in plain(),
        edits in prop::collection::vec(edit(), 1..12),
        bytes in prop::sample::select(vec![1_usize, 8, 20]),
        windows in any::<bool>(),
        trig in prop::bool::weighted(0.3),
    ) {
        let format = if trig { Format::TriG } else { Format::Turtle };
        follow(format, bytes, parts, &edits, windows);
    }

    #[test]
    fn any_edit_of_lines_is_read_as_the_whole(
        states in prop::collection::vec(
            prop::collection::vec((0..6_u8, 0..3_u8), 20..40), 1..3,
        ),
        edits in prop::collection::vec((0..100_usize, 0..6_u8, 0..3_u8), 1..10),
        is_quads in any::<bool>(),
    ) {
        let line = |(subject, object): &(u8, u8)| match (subject, object) {
            (5, 0) => "# a comment .\n".to_owned(),
            (5, 1) => "_:a <http://e/p> _:b .\n".to_owned(),
            (4, object) => format!("_:a <http://e/p> \"{object}. \\n\" .\n"),
            (subject, 2) if is_quads => format!("<http://e/{subject}> <http://e/p> _:b <http://g> .\n"),
            (3, _) => "<http://e/broken .\n".to_owned(),
            (subject, object) => format!("<http://e/{subject}> <http://e/p> \"{object}\" .\n"),
        };
        let format = if is_quads { Format::NQuads } else { Format::NTriples };
        let mut follower = Follower::new(format, 4);
        for mut state in states {
            follower.follow(&state.iter().map(line).collect::<String>());
            for (place, subject, object) in &edits {
                let place = place % state.len();
                state[place] = (*subject, *object);
                follower.follow(&state.iter().map(line).collect::<String>());
            }
        }
    }
}

/// A file of so many statements, one of which says something else.
fn numbered(count: usize, changed: usize, statement: impl Fn(usize, usize) -> String) -> String {
    let value = |number| if number == changed { 1_000 } else { 0 };
    std::iter::once(HEAD.to_owned())
        .chain((0..count).map(|number| statement(number, value(number))))
        .collect()
}

fn rereads(format: Format, statement: impl Fn(usize, usize) -> String) -> usize {
    let mut follower = Follower::new(format, 64);
    for changed in [100, 100, 5, 0, 199, 20, 21] {
        follower.follow(&numbered(200, changed, &statement));
        follower.restart();
    }
    follower.rereads
}

#[test]
fn what_is_common_in_models_is_not_read_as_a_whole() {
    let plain = |n, value| format!("e:s{n} e:p {value} ;\n    e:q \"A text. Of {n}.\"@en .\n");
    assert_eq!(rereads(Format::Turtle, plain), 6);
    assert_eq!(rereads(Format::TriG, plain), 6);
    assert_eq!(rereads(Format::Turtle, |n, v| plain(n, v).replace('\n', "\r\n")), 6);
    let node = |n, value| format!("e:s{n} e:p [ e:q {value} ; e:r ( 1 2 {n} ) ] .\n");
    assert_eq!(rereads(Format::Turtle, node), 6);
    let graph = |n, value| format!("e:g{n} {{ e:s e:p {value} . e:s e:p e:o{n} . }}\n");
    assert_eq!(rereads(Format::TriG, graph), 6);
    let text = |n, value| format!("e:s{n} e:p {value} ; e:q \"\"\"A text.\nOf {n} .\n\"\"\" .\n");
    assert_eq!(rereads(Format::Turtle, text), 6);
    // Labels here and there; where they are everywhere, all is new.
    let label = |n, value| match n % 20 {
        0 => format!("_:b{n} e:p {value} ; e:next _:b{} .\n", (n + 20) % 60),
        _ => plain(n, value),
    };
    assert!(rereads(Format::Turtle, label) >= 4);
    // A prefix that changes on the way.
    let prefix = |n, value| match n {
        120 => "@prefix e: <http://later/> .\n".to_owned(),
        _ => plain(n, value),
    };
    assert_eq!(rereads(Format::Turtle, prefix), 6);
}

#[test]
fn a_statement_is_gone_only_when_no_part_makes_it() {
    let statement = |number, value| match number {
        3 | 150 | 190 if value == 0 => "e:same e:p e:same .\n".to_owned(),
        _ => format!("e:s{number} e:p {value} .\n"),
    };
    let mut follower = Follower::new(Format::Turtle, 64);
    for changed in [199, 3, 150, 190, 199] {
        follower.follow(&numbered(200, changed, statement));
    }
    // All copies at once.
    follower.follow(&numbered(200, 3, |number, value| match number {
        3 | 150 | 190 => format!("e:other e:p {value} .\n"),
        _ => format!("e:s{number} e:p {value} .\n"),
    }));
    assert_eq!(follower.rereads, 5);
}

#[test]
fn other_limits_ask_for_all_of_the_file() {
    let text = numbered(200, 7, |number, value| format!("e:s{number} e:p \"{value}\" .\n"));
    let mut follower = Follower::new(Format::Turtle, 64);
    follower.follow(&text);
    let read = |limits: &Limits, base: &str| {
        follower.model.reread(NAME, text.as_bytes(), Format::Turtle, base, limits)
    };
    assert!(read(&limits(64), BASE).unwrap().is_empty());
    assert_eq!(read(&Limits { max_literal_bytes: 3, ..limits(64) }, BASE), None);
    assert_eq!(read(&limits(64), "http://example.org/other/"), None);
    assert_eq!(read(&limits(32), BASE), None);
}
