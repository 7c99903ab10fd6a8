//! What a text claims: assertions, and the tests that lie within a source. They must be the same
//! after a repair, whatever a change of layout may change about them.

use std::collections::BTreeMap;

use super::layout::without_layout;
use super::tokens::{Kind, Style, Token, behind_brackets, tokens, turn, unquoted};

/// The claims that are not there any more as they were: another text, or under more conditions.
pub(super) fn changed_claims(path: &str, before: &str, after: &str) -> Vec<String> {
    let style = Style::of(path);
    let mut left = claims(after, style);
    let mut changed = Vec::new();
    for (said, depths) in claims(before, style) {
        let found = left.remove(&said).unwrap_or_default();
        // Both are sorted: the least buried stands for the least buried.
        let is_kept = found.len() >= depths.len()
            && depths.iter().zip(&found).all(|(before, after)| after <= before);
        if !is_kept {
            changed.push(said);
        }
    }
    changed
}

/// Each claim of a text, and how deep it is buried in blocks and conditions, sorted.
fn claims(text: &str, style: Style) -> BTreeMap<String, Vec<usize>> {
    let tokens = tokens(text, style);
    let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut depth = Depth::default();
    for (index, token) in tokens.iter().enumerate() {
        depth.pass(text, &tokens, index, style);
        if is_claim(&tokens, index) {
            // A layout may put braces around what is not a statement.
            let is_statement = style != Style::Rust || !token.is("expect");
            let buried = depth.now() + usize::from(is_conditional(&tokens, index, style));
            let said = statement(&tokens[index..], style);
            found.entry(said).or_default().push(if is_statement { buried } else { 0 });
        }
    }
    for depths in found.values_mut() {
        depths.sort_unstable();
    }
    found
}

fn is_claim(tokens: &[Token<'_>], index: usize) -> bool {
    let token = &tokens[index];
    if token.kind != Kind::Word {
        return false;
    }
    let word = token.text.to_lowercase();
    let next = tokens[index + 1..].iter().find(|it| it.is_code());
    let calls = next.is_some_and(|next| matches!(next.text, "(" | "!" | "." | "<"));
    let names = next.is_none_or(|next| matches!(next.text, "," | "}" | ")" | ";" | "from" | "="));
    match word.as_str() {
        "assert" => !names,
        "expect" | "require" | "verify" => calls,
        "should" | "must_equal" | "wont_equal" => true,
        _ => calls && (word.contains("assert") || word.starts_with("expect_")),
    }
}

/// How deep in blocks a place is.
#[derive(Default)]
struct Depth {
    braces: usize,
    brackets: i32,
    indents: Vec<usize>,
    is_new_line: bool,
}

impl Depth {
    fn pass(&mut self, text: &str, tokens: &[Token<'_>], index: usize, style: Style) {
        let token = &tokens[index];
        if style != Style::Python {
            match token.text {
                "{" if token.kind == Kind::Sign => self.braces += 1,
                "}" if token.kind == Kind::Sign => self.braces = self.braces.saturating_sub(1),
                _ => {}
            }
            return;
        }
        let begins = index == 0 || self.is_new_line;
        if begins && token.is_code() && self.brackets == 0 {
            let line = text[..token.at].rfind('\n').map_or(0, |at| at + 1);
            let indent = token.at - line;
            while self.indents.last().is_some_and(|last| *last > indent) {
                self.indents.pop();
            }
            if indent > self.indents.last().copied().unwrap_or(0) {
                self.indents.push(indent);
            }
        }
        self.brackets = (self.brackets + turn(token)).max(0);
        match token.kind {
            Kind::Break => self.is_new_line = true,
            _ if token.is_code() => self.is_new_line = false,
            _ => {}
        }
    }

    fn now(&self) -> usize {
        self.braces + self.indents.len()
    }
}

/// Whether what stands in front decides whether the claim is made at all.
fn is_conditional(tokens: &[Token<'_>], index: usize, style: Style) -> bool {
    let mut before = tokens[..index].iter().rev().filter(|token| token.is_code());
    let (Some(last), second) = (before.next(), before.next()) else { return false };
    let follows = |first: &str, then: &str| {
        last.is(then) && second.is_some_and(|second| second.is(first) && second.at + 1 == last.at)
    };
    // On a line of its own it is a statement of its own.
    let same_line = index > 0 && tokens[index - 1].kind != Kind::Break;
    if style == Style::Python {
        let words = ["and", "or", "lambda", "else", "if"];
        words.iter().any(|word| last.is(word)) || (same_line && last.is(":"))
    } else {
        let words = ["and", "or", "else", "if", "unless", "then", "?"];
        is_after_condition(&tokens[..index], style)
            || words.iter().any(|word| last.is(word))
            || follows("&", "&")
            || follows("|", "|")
            || follows("=", ">") && style != Style::Rust
    }
}

/// Whether the last that stands there is `if (…)`.
fn is_after_condition(tokens: &[Token<'_>], style: Style) -> bool {
    let Some(close) = tokens.iter().rposition(Token::is_code) else { return false };
    if style == Style::Rust || !tokens[close].is(")") {
        return false;
    }
    let mut depth = 0;
    let open = tokens.iter().rposition(|token| {
        depth += turn(token);
        depth == 0 && token.is("(")
    });
    let head = open.and_then(|open| tokens[..open].iter().rev().find(|token| token.is_code()));
    head.is_some_and(|head| ["if", "while", "for", "unless"].iter().any(|word| head.is(word)))
}

/// What is said from here to the end of the statement, in a form that no layout changes.
fn statement(tokens: &[Token<'_>], style: Style) -> String {
    let end = end_of(tokens, style);
    let tokens: Vec<Token<'_>> =
        tokens[..end].iter().filter(|token| token.is_code()).copied().collect();
    if style == Style::Python && tokens.first().is_some_and(|token| token.is("assert")) {
        // Parentheses around either part are layout; around both they make it true for ever.
        let parts = at_top_level(&tokens[1..], ",").into_iter();
        let parts: Vec<String> = parts.map(|part| said(unwrapped(part), style)).collect();
        return format!("assert {}", parts.join(" , "));
    }
    said(&tokens, style)
}

fn end_of(tokens: &[Token<'_>], style: Style) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate() {
        let (before, turns) = (depth, turn(token));
        depth += turns;
        let is_escaped = || index > 0 && tokens[index - 1].is("\\");
        let ends = match token.kind {
            _ if depth < 0 => true,
            Kind::Break => before == 0 && !is_escaped() && !goes_on(&tokens[index..], style),
            _ => before == 0 && token.is(";"),
        };
        if ends {
            return index;
        }
        // What follows a macro or `expect(…)` in Rust is another matter.
        if style == Style::Rust && turns < 0 && depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

/// Whether the next line goes on with a chain of calls.
fn goes_on(tokens: &[Token<'_>], style: Style) -> bool {
    style != Style::Python
        && tokens.iter().find(|token| token.is_code()).is_some_and(|next| next.is("."))
}

fn at_top_level<'t, 's>(tokens: &'t [Token<'s>], separator: &str) -> Vec<&'t [Token<'s>]> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (index, token) in tokens.iter().enumerate() {
        depth += turn(token);
        if depth == 0 && token.is(separator) {
            parts.push(&tokens[start..index]);
            start = index + 1;
        }
    }
    parts.push(&tokens[start..]);
    parts
}

/// Without parentheses around all of it, unless they hold a tuple.
fn unwrapped<'t, 's>(mut tokens: &'t [Token<'s>]) -> &'t [Token<'s>] {
    while let [first, inner @ .., _] = tokens {
        let wraps = first.is("(") && behind_brackets(tokens, 0) == tokens.len();
        if !wraps || at_top_level(inner, ",").len() > 1 {
            break;
        }
        tokens = inner;
    }
    tokens
}

/// Tokens with a blank between them, without those that layouts add and take away.
fn said(tokens: &[Token<'_>], style: Style) -> String {
    let mut words: Vec<String> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1);
        let closes = next.is_none_or(|next| turn(next) < 0);
        match token.kind {
            Kind::Sign if token.text == "\\" || token.text == ";" => {}
            Kind::Sign if token.text == "," && closes => {}
            Kind::Sign if style == Style::Script && is_around_parameter(tokens, index) => {}
            Kind::Literal => words.push(unquoted(token.text)),
            Kind::Word if token.text.starts_with(|it: char| it.is_ascii_digit()) => {
                words.push(token.text.to_lowercase());
            }
            _ => words.push(token.text.to_owned()),
        }
    }
    words.join(" ")
}

/// Whether it is a parenthesis of `(x) =>`.
fn is_around_parameter(tokens: &[Token<'_>], index: usize) -> bool {
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.is(text));
    let opens = |at: usize| {
        is(at, "(")
            && tokens.get(at + 1).is_some_and(|token| token.kind == Kind::Word)
            && is(at + 2, ")")
            && is(at + 3, "=")
            && is(at + 4, ">")
    };
    opens(index) || index >= 2 && is(index, ")") && opens(index - 2)
}

/// The tests within a source that are not there any more as they were, by their first words.
pub(super) fn changed_tests(path: &str, before: &str, after: &str) -> Vec<String> {
    let style = Style::of(path);
    let mut left = tests_of(after, style);
    let mut changed = Vec::new();
    for (text, name) in tests_of(before, style) {
        match left.iter().position(|(other, _)| *other == text) {
            Some(index) => drop(left.swap_remove(index)),
            None => changed.push(name),
        }
    }
    changed
}

/// The tests of a text: each without its layout, and by what it is known.
fn tests_of(text: &str, style: Style) -> Vec<(String, String)> {
    let tokens = tokens(text, style);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let Some(end) = end_of_test(text, &tokens, at, style) else {
            at += 1;
            continue;
        };
        let end = end.max(at + 1);
        let code = tokens[at..end].iter().filter(|token| token.is_code());
        let name: Vec<&str> = code.take(6).map(|token| token.text).collect();
        let (imports, code) = without_layout(text, &tokens[at..end], style);
        let code = format!("{} | {}", imports.join(" "), said(&code, style));
        found.push((code, name.join(" ")));
        at = end;
    }
    found
}

/// Where the test ends that begins here; nothing if none does.
fn end_of_test(text: &str, tokens: &[Token<'_>], at: usize, style: Style) -> Option<usize> {
    let token = &tokens[at];
    let before = tokens[..at].iter().rev().find(|token| token.is_code());
    match style {
        Style::Python => python_test(text, tokens, at),
        Style::Rust => {
            let is_attribute = token.is("#") && tokens.get(at + 1).is_some_and(|it| it.is("["));
            let is_macro = ["proptest", "quickcheck"].iter().any(|name| token.is(name))
                && tokens.get(at + 1).is_some_and(|it| it.is("!"));
            let names_test = || {
                let end = behind_brackets(tokens, at + 1);
                tokens[at + 1..end].iter().any(|it| it.kind == Kind::Word && names_a_test(it.text))
            };
            (is_macro || is_attribute && names_test()).then(|| behind_item(tokens, at, 1))
        }
        Style::Script => {
            const CALLS: [&str; 9] = [
                "it",
                "test",
                "describe",
                "suite",
                "context",
                "bench",
                "beforeEach",
                "afterEach",
                "beforeAll",
            ];
            let is_call = CALLS.iter().any(|name| token.is(name))
                && !before.is_some_and(|it| it.is(".") || it.is("function"))
                && tokens[at + 1..]
                    .iter()
                    .find(|it| it.is_code())
                    .is_some_and(|next| next.is("(") || next.is("."));
            is_call.then(|| behind_calls(tokens, at))
        }
        Style::Braces => {
            let is_function = before.is_some_and(|it| it.is("func"))
                && ["Test", "Benchmark", "Fuzz", "Example"]
                    .iter()
                    .any(|lead| token.text.starts_with(lead));
            let is_marked = before.is_some_and(|it| it.is("@") || it.is("["))
                && token.kind == Kind::Word
                && (names_a_test(token.text) || token.is("Fact") || token.is("Theory"));
            (is_function || is_marked).then(|| behind_item(tokens, at, 0))
        }
        Style::Hash | Style::Dashes => None,
    }
}

/// Whether an attribute or annotation of this name marks a test, or what belongs to one.
fn names_a_test(word: &str) -> bool {
    let word = word.to_lowercase();
    ["test", "bench", "quickcheck", "fixture", "before", "after"]
        .iter()
        .any(|part| word.starts_with(part) || word.ends_with(part))
}

/// Behind the item that begins here with `attributes` brackets of attributes or more: its block,
/// or the semicolon without one.
fn behind_item(tokens: &[Token<'_>], at: usize, attributes: usize) -> usize {
    let mut index = at + attributes;
    while let Some(token) = tokens.get(index) {
        match token.text {
            "{" if token.kind == Kind::Sign => return behind_brackets(tokens, index),
            ";" if token.kind == Kind::Sign => return index + 1,
            "(" | "[" if token.kind == Kind::Sign => index = behind_brackets(tokens, index),
            // The bracket that holds an annotation.
            "]" if token.kind == Kind::Sign => index += 1,
            "}" | ")" if token.kind == Kind::Sign => return index,
            _ => index += 1,
        }
    }
    tokens.len()
}

/// Behind the calls that begin here: `test.each(…)(…)`.
fn behind_calls(tokens: &[Token<'_>], at: usize) -> usize {
    let mut end = at + 1;
    let mut index = at + 1;
    while let Some(token) = tokens.get(index) {
        match token.text {
            "(" => {
                index = behind_brackets(tokens, index);
                end = index;
            }
            "." => index += 2,
            _ if token.kind == Kind::Literal => index += 1,
            _ => break,
        }
    }
    end
}

fn python_test(text: &str, tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let column =
        |token: &Token<'_>| token.at - text[..token.at].rfind('\n').map_or(0, |line| line + 1);
    let begins_line = at == 0 || tokens[at - 1].kind == Kind::Break;
    let token = tokens.get(at).filter(|token| begins_line && token.is_code())?;
    let own = column(token);
    // Behind the decorators stands what they decorate.
    let mut head = at;
    while tokens.get(head)?.is("@") {
        head = next_line(tokens, head)?;
    }
    let words: Vec<&Token<'_>> =
        tokens[head..].iter().filter(|token| token.kind == Kind::Word).take(3).collect();
    let skip = usize::from(words.first()?.is("async"));
    let (word, name) = (words.get(skip)?, words.get(skip + 1)?);
    let inherits = || {
        let line = next_line(tokens, head).unwrap_or(tokens.len());
        tokens[head..line].iter().any(|token| token.text.ends_with("TestCase"))
    };
    let is_test = (word.is("def") && name.text.starts_with("test"))
        || (word.is("class") && (name.text.starts_with("Test") || inherits()));
    if !is_test {
        return None;
    }
    let mut index = head;
    while let Some(next) = next_line(tokens, index) {
        if tokens[next].is_code() && column(&tokens[next]) <= own {
            return Some(next);
        }
        index = next;
    }
    Some(tokens.len())
}

/// The first piece of the next line outside of brackets that has one.
fn next_line(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let mut depth = 0;
    let mut has_ended = false;
    for (offset, token) in tokens[at..].iter().enumerate() {
        if has_ended && token.kind != Kind::Break && token.kind != Kind::Comment {
            return Some(at + offset);
        }
        depth += turn(token);
        has_ended |= depth <= 0 && token.kind == Kind::Break;
    }
    None
}
