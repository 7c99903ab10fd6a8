//! Is this text well-formed in its language, and what does it refer to?
//!
//! A generator writes many languages and has the compilers of few of them at
//! hand. Starting one for each file is slow, and some say "fine" of files that
//! they never read. This crate holds a parser for each language in the process
//! itself: ten thousand small files take well under a second, and each answer
//! says who gave it.
//!
//! # A verdict, or none
//!
//! [`check`] gives a [`Verdict`]: what is wrong, with line, column, bytes and a
//! hint where the parser has one, and the [`Judge`] with its version. Where nobody
//! could look, or not to the end, there is no verdict but [`Unjudged`]; it has no
//! way to be mistaken for a pass. [`Judge::cannot_see`] says what a judge lets
//! pass although the compiler of the language refuses it. For most languages that
//! is nothing that was ever found; for those judged by tree-sitter
//! ([`JudgeKind::TreeSitter`]) it is a few in a hundred broken files. The test
//! `mutants` breaks files mechanically and holds both against the compilers.
//!
//! The grammar of Kotlin is the one that also refuses some valid files: do not hold
//! anything back on its word alone.
//!
//! Beyond grammar, judges say what compilers say before they know any type:
//! `return` outside of a function, a label twice, a number with a suffix that none
//! has, the bodies of `println!` and its like, names that occur twice in an object of JSON.
//!
//! # Hostile text
//!
//! Parsers recurse, and a text decides how deep. The number of its tokens bounds
//! the depth, so the stack is made as large as a text may need before it is
//! parsed, and a text that needs more than [`Limits::stack`] has no verdict. A
//! parser that panics is caught, one that does not come to an end is stopped.
//!
//! # References
//!
//! [`references`] tells what a file imports or names, and what it provides;
//! [`resolve`] tells which of it a tree of files lacks. It errs to one side: what
//! may come from outside the tree, or may be made by a macro, is taken for there.
//!
//! # What it does not do
//!
//! It knows no types, reads no file and starts no process. It changes nothing.
//!
//! ```
//! use evergen_syntax::{Language, check};
//!
//! let language = Language::of_path("src/order.rs").ok_or("no language of ours")?;
//! let verdict = check(language, b"pub struct Order { id: u64, }\npub fn id(order: &Order -> u64 { order.id }")?;
//!
//! assert_eq!(verdict.judge.to_string(), "syn 3.0.9");
//! assert_eq!(verdict.errors[0].to_string(), "2:10: `(` is not closed by a bracket of its kind");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod language;
mod limits;

mod check;
mod judges;
mod stack;
mod text;
mod verdict;

mod references;

pub use check::{check, check_within, judge_of};
pub use language::Language;
pub use limits::Limits;
pub use references::{
    Dangling, FileReferences, Reference, References, Target, Tree, UnreadReferences, references,
    resolve,
};
pub use verdict::{Judge, JudgeKind, SyntaxError, Unjudged, Verdict};
