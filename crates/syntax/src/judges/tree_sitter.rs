//! Go, Java, Kotlin and C#, by grammars of tree-sitter.

use std::ops::ControlFlow;

use tree_sitter::{Node, ParseOptions, Parser, Tree};

use super::Judged;
use crate::text::Found;
use crate::{Judge, Language, Unjudged, Verdict};

/// Calls back that a text may cost: the library calls once for some hundred steps, of which a byte takes a few.
const CALLS_FOR_A_KILOBYTE: usize = 200;

/// What is wrong with `text`.
pub(crate) fn judge(judge: &Judge, text: &str) -> Judged {
    let tree = parse(judge, text)?;
    let mut found = Vec::new();
    if tree.root_node().has_error() {
        collect(judge.language, &tree, text, &mut found);
    }
    if let Some(at) = text.find('\0') {
        found.push(Found::new(at..at + 1, "a NUL character has no place in a source file"));
    }
    Ok(found)
}

/// The tree of `text`, with its errors in it.
pub(crate) fn parse(judge: &Judge, text: &str) -> Result<Tree, Unjudged> {
    let grammar = grammar(judge.language).ok_or(Unjudged::NoJudge(judge.language))?;
    let gave_up = Unjudged::TooSlow { parser: judge.parser };
    let mut parser = Parser::new();
    parser
        .set_language(&grammar)
        .map_err(|error| Unjudged::Panicked { parser: judge.parser, message: error.to_string() })?;
    let mut calls = 1000 + text.len() / 1024 * CALLS_FOR_A_KILOBYTE;
    let mut count = |_: &tree_sitter::ParseState| {
        calls = calls.saturating_sub(1);
        if calls == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut count);
    let bytes = text.as_bytes();
    parser
        .parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options))
        .ok_or(gave_up)
}

fn grammar(language: Language) -> Option<tree_sitter::Language> {
    match language {
        #[cfg(feature = "go")]
        Language::Go => Some(tree_sitter_go::LANGUAGE.into()),
        #[cfg(feature = "java")]
        Language::Java => Some(tree_sitter_java::LANGUAGE.into()),
        #[cfg(feature = "kotlin")]
        Language::Kotlin => Some(tree_sitter_kotlin_ng::LANGUAGE.into()),
        #[cfg(feature = "csharp")]
        Language::CSharp => Some(tree_sitter_c_sharp::LANGUAGE.into()),
        _ => None,
    }
}

/// Walks down only where an error is, without recursion.
fn collect(language: Language, tree: &Tree, text: &str, found: &mut Vec<Found>) {
    let mut cursor = tree.walk();
    while found.len() < Verdict::MOST_ERRORS {
        let node = cursor.node();
        let is_wrong = node.is_error() || node.is_missing();
        if is_wrong && !is_soft_keyword(language, node, text) {
            found.push(describe(node, text));
        }
        if !is_wrong && node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

/// Whether Kotlin takes the word for a name here although the grammar does not: `open(level)`.
fn is_soft_keyword(language: Language, node: Node<'_>, text: &str) -> bool {
    const SOFT: &[&str] = &[
        "abstract",
        "actual",
        "annotation",
        "by",
        "companion",
        "const",
        "constructor",
        "data",
        "delegate",
        "dynamic",
        "enum",
        "expect",
        "external",
        "field",
        "file",
        "final",
        "get",
        "import",
        "infix",
        "init",
        "inline",
        "inner",
        "internal",
        "lateinit",
        "noinline",
        "open",
        "operator",
        "out",
        "override",
        "param",
        "private",
        "property",
        "protected",
        "public",
        "receiver",
        "reified",
        "sealed",
        "set",
        "setparam",
        "suspend",
        "tailrec",
        "value",
        "vararg",
        "where",
    ];
    let word = text.get(node.byte_range()).unwrap_or_default();
    language == Language::Kotlin && node.is_error() && SOFT.contains(&word)
}

fn describe(node: Node<'_>, text: &str) -> Found {
    let range = node.byte_range();
    if node.is_missing() {
        return Found::new(range.start..range.start, format!("`{}` is missing here", node.kind()));
    }
    let excerpt: String = text
        .get(range.clone())
        .unwrap_or_default()
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(40)
        .collect();
    Found::new(range, format!("`{excerpt}` does not fit here"))
}
