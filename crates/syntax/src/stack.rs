//! Foreign parsers recurse; a text decides how deep.
//!
//! A parser by recursive descent goes a bounded number of calls deeper for one
//! token of its input, and none of them counts for all of what may nest
//! (brackets, but prefix operators, arrows, conditionals and `else if` too). So
//! the number of tokens bounds the depth whatever the grammar is, and a text
//! whose bound does not fit on the stack that is left is parsed on a larger one.
//! Beyond the limit there is no verdict.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Limits, Unjudged};

/// Stack that one more token may cost a parser, in bytes.
///
/// Twice what the worst input that was found needed, of those that `tests/hostile.rs` nests.
/// Without optimisation frames are larger.
const FOR_A_TOKEN: usize = if cfg!(debug_assertions) { 24 << 10 } else { 8 << 10 };

/// What a parser needs for any text, and what must stay free for the caller.
const RESERVE: usize = 192 << 10;

/// What brackets nest may take so much less than what tokens could: a long text is flat, and the
/// stack that it might need is never touched.
const FLAT: usize = 8;

/// Runs `parse` where it can neither overflow the stack nor unwind into the caller.
pub(crate) fn guarded<T>(
    parser: &'static str,
    text: &str,
    limits: &Limits,
    parse: impl FnOnce() -> T,
) -> Result<T, Unjudged> {
    let parse = || caught(parser, parse);
    let left = stacker::remaining_stack().unwrap_or(0).saturating_sub(RESERVE);
    if text.len().saturating_mul(FOR_A_TOKEN) <= left {
        return parse();
    }
    let needed = tokens(text).saturating_mul(FOR_A_TOKEN);
    let nested = brackets(text).saturating_mul(FOR_A_TOKEN);
    if needed > limits.stack || nested > limits.stack / FLAT {
        return Err(Unjudged::TooDeep { limit: limits.stack });
    }
    if needed <= left {
        return parse();
    }
    // A machine may not have room for so much, not even where it is never used.
    caught(parser, || stacker::grow(needed + RESERVE, parse))?
}

/// Runs a parser that does not recurse, and keeps its panics from the caller.
pub(crate) fn caught<T>(parser: &'static str, parse: impl FnOnce() -> T) -> Result<T, Unjudged> {
    catch_unwind(AssertUnwindSafe(parse))
        .map_err(|panic| Unjudged::Panicked { parser, message: what_was_said(&*panic) })
}

/// A bound for the number of tokens that can nest: words, and all marks but `,` and `;`, which end what stands before them.
fn tokens(text: &str) -> usize {
    let mut count = 0;
    let mut within = false;
    for byte in text.bytes() {
        let is_part = byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
        let is_mark = !is_part && byte > b' ' && byte != b',' && byte != b';';
        count += usize::from(is_mark || (is_part && !within));
        within = is_part;
    }
    count
}

/// How many brackets are open at once at most, whether they stand in texts and comments or not.
fn brackets(text: &str) -> usize {
    let (mut open, mut most) = (0usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => continue,
        }
        most = most.max(open);
    }
    most
}

fn what_was_said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message").to_owned()
}
