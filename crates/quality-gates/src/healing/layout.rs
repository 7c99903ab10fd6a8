//! Code without what layouts add, take away and sort, and with its blocks and statements: what is
//! done under a condition may not come out of it, nor go into it.

use super::tokens::{Kind, Style, Token, behind_brackets, turn};

/// Where a block of Python begins and ends, and a statement ends.
const INTO: &str = "⇥";
const OUT: &str = "⇤";
const END: &str = "⏎";

/// The tokens that a change of layout leaves as they are; and the words of imports, sorted.
pub(super) fn without_layout<'t>(
    text: &str,
    tokens: &[Token<'t>],
    style: Style,
) -> (Vec<&'t str>, Vec<Token<'t>>) {
    match style {
        Style::Python => (Vec::new(), without_wraps(&with_blocks(text, tokens))),
        Style::Rust => rust(&tokens.iter().filter(|it| it.is_code()).copied().collect::<Vec<_>>()),
        _ => {
            (Vec::new(), tokens.iter().filter(|it| it.is_code() && !it.is(";")).copied().collect())
        }
    }
}

/// The code of a text with a sign where a block begins and where it ends, however wide indents
/// are and whether it stands on lines of its own; and one where each statement ends.
fn with_blocks<'t>(text: &str, tokens: &[Token<'t>]) -> Vec<Token<'t>> {
    let mut code: Vec<Token<'t>> = Vec::new();
    let mut columns: Vec<usize> = Vec::new();
    let (mut depth, mut inner, mut begins) = (0, 0, true);
    let mut line: Vec<Token<'t>> = Vec::new();
    for token in tokens {
        let goes_on = line.last().is_some_and(|last| last.is("\\"));
        if token.kind == Kind::Break && depth == 0 && !goes_on {
            statement(&mut code, &std::mem::take(&mut line), &mut inner);
            code.extend((0..std::mem::take(&mut inner)).map(|_| sign(OUT, token.at)));
            begins = true;
        }
        if !token.is_code() || token.is("\\") {
            // Kept until the line is over, since it says that it is not.
            line.extend(token.is("\\").then_some(*token));
            continue;
        }
        line.retain(|it| !it.is("\\"));
        if depth == 0 && token.is(";") {
            statement(&mut code, &std::mem::take(&mut line), &mut inner);
            continue;
        }
        if std::mem::take(&mut begins) {
            let column = token.at - text[..token.at].rfind('\n').map_or(0, |at| at + 1);
            block(&mut code, &mut columns, column, token.at);
        }
        depth = (depth + turn(token)).max(0);
        line.push(*token);
    }
    statement(&mut code, &line, &mut inner);
    let open = inner + columns.len().saturating_sub(1);
    code.extend((0..open).map(|_| sign(OUT, text.len())));
    code
}

fn sign(text: &'static str, at: usize) -> Token<'static> {
    Token { kind: Kind::Sign, text, at }
}

/// Says which blocks end and begin with a line in this column.
fn block(code: &mut Vec<Token<'_>>, columns: &mut Vec<usize>, column: usize, at: usize) {
    while columns.len() > 1 && columns.last().is_some_and(|last| *last > column) {
        columns.pop();
        code.push(sign(OUT, at));
    }
    if columns.last().is_none_or(|last| *last < column) {
        code.extend((!columns.is_empty()).then(|| sign(INTO, at)));
        columns.push(column);
    }
}

/// Adds a statement; one behind a colon on the same line is a block as one on its own line is.
fn statement<'t>(code: &mut Vec<Token<'t>>, line: &[Token<'t>], inner: &mut usize) {
    let Some(last) = line.last().map(|last| last.at) else { return };
    let head = behind_head(line).filter(|behind| *behind < line.len());
    let (head, body) = line.split_at(head.unwrap_or(0));
    code.extend(head);
    if let Some(end) = head.last() {
        code.extend([sign(END, end.at), sign(INTO, end.at)]);
        *inner += 1;
    }
    code.extend(body);
    code.push(sign(END, last));
}

/// Behind the colon that ends the head of a compound statement; nothing if it is none.
fn behind_head(line: &[Token<'_>]) -> Option<usize> {
    const HEADS: [&str; 14] = [
        "if", "elif", "else", "for", "while", "try", "except", "finally", "with", "def", "class",
        "async", "match", "case",
    ];
    let first = line.first()?;
    if !HEADS.iter().any(|word| first.is(word)) {
        return None;
    }
    let (mut depth, mut lambdas) = (0, 0_u32);
    for (index, token) in line.iter().enumerate() {
        depth += turn(token);
        let is_walrus =
            || line.get(index + 1).is_some_and(|it| it.is("=") && it.at == token.at + 1);
        match depth {
            0 if token.is("lambda") => lambdas += 1,
            0 if token.is(":") && lambdas > 0 => lambdas -= 1,
            0 if token.is(":") && !is_walrus() => return Some(index + 1),
            _ => {}
        }
    }
    None
}

/// Without parentheses around a whole expression, and the comma that stands before them.
fn without_wraps<'t>(code: &[Token<'t>]) -> Vec<Token<'t>> {
    let mut dropped = vec![false; code.len()];
    for open in 0..code.len() {
        if !code[open].is("(") {
            continue;
        }
        let close = behind_brackets(code, open) - 1;
        if close > open && code[close].is(")") && is_wrap(code, open, close) {
            (dropped[open], dropped[close]) = (true, true);
            dropped[close - 1] |= code[close - 1].is(",");
        }
    }
    code.iter().zip(dropped).filter(|(_, dropped)| !dropped).map(|(token, _)| *token).collect()
}

/// Whether what stands in these parentheses means the same without them.
fn is_wrap(code: &[Token<'_>], open: usize, close: usize) -> bool {
    const BEFORE: [&str; 18] = [
        "=", "return", "(", "[", ",", INTO, OUT, END, ":", "if", "elif", "while", "in", "for",
        "assert", "del", "with", "import",
    ];
    const BEHIND: [&str; 8] = [END, ":", ",", ")", "]", "=", "in", "as"];
    const LOOSE: [&str; 12] =
        ["or", "and", "if", "lambda", "not", "is", "in", "<", ">", "=", "!", "yield"];
    let inner = &code[open + 1..close];
    let has_loose = || {
        let mut depth = 0;
        inner.iter().any(|token| {
            depth += turn(token);
            depth == 0 && LOOSE.iter().any(|text| token.is(text))
        })
    };
    let before = open.checked_sub(1).map(|at| &code[at]);
    let is_one_of = |token: &Token<'_>, texts: &[&str]| texts.iter().any(|text| token.is(text));
    let fits_before = before.is_none_or(|before| {
        // `==`, `<=` and the like hold what follows more tightly than it is held together.
        let compares = before.is("=")
            && open > 1
            && is_one_of(&code[open - 2], &["=", "!", "<", ">"])
            && code[open - 2].at + 1 == before.at;
        is_one_of(before, &BEFORE) && !(compares || before.is("in"))
            || before.is("in") && !has_loose()
    });
    let fits_behind = code
        .get(close + 1)
        .is_none_or(|behind| is_one_of(behind, &BEHIND) && !(behind.is("in") && has_loose()));
    if !fits_before || !fits_behind {
        return false;
    }
    // Nothing, and one with a comma behind it, are other things without their parentheses; so
    // are several, where there are others beside them.
    let ends_with_comma = inner.last().is_some_and(|it| it.is(","));
    match (commas(inner), ends_with_comma) {
        (0, _) => !inner.is_empty(),
        (1, true) => before.is_some_and(|it| it.is("import")),
        _ => before.is_none_or(|it| !is_one_of(it, &["(", "[", ","])),
    }
}

fn commas(code: &[Token<'_>]) -> usize {
    let mut depth = 0;
    code.iter()
        .filter(|token| {
            depth += turn(token);
            depth == 0 && token.is(",")
        })
        .count()
}

fn rust<'t>(code: &[Token<'t>]) -> (Vec<&'t str>, Vec<Token<'t>>) {
    let loose = loose_braces(code);
    let mut imports: Vec<&str> = Vec::new();
    let mut kept: Vec<Token<'_>> = Vec::new();
    let mut in_import = false;
    for (index, token) in code.iter().enumerate() {
        let next_is = |text: &str| code.get(index + 1).is_some_and(|next| next.is(text));
        let closes = || code.get(index + 1).is_none_or(|next| turn(next) < 0);
        in_import |= token.is("use");
        if in_import {
            match token.text {
                ";" => in_import = false,
                "{" | "}" | "," if token.kind == Kind::Sign => {}
                text => imports.push(text),
            }
            continue;
        }
        let behind_block = index > 0 && code[index - 1].is("}");
        match loose[index] {
            // Behind the braces of an arm there need not be a comma.
            Loose::Arm if token.is("}") && !closes() && !next_is(",") => {
                kept.push(Token { kind: Kind::Sign, text: ",", at: token.at });
            }
            Loose::Arm | Loose::Closure => {}
            Loose::No if token.is(";") && next_is("}") => {}
            Loose::No if token.is(";") => kept.push(sign(END, token.at)),
            Loose::No if token.is(",") && closes() => {}
            Loose::No if token.is(",") && behind_block && loose[index - 1] == Loose::No => {}
            Loose::No => kept.push(*token),
        }
    }
    imports.sort_unstable();
    (imports, kept)
}

/// Whether a layout may take a brace away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loose {
    No,
    Arm,
    Closure,
}

/// Which tokens are braces that a layout may put around one expression, or take away from it: the
/// body of an arm or of a closure.
fn loose_braces(code: &[Token<'_>]) -> Vec<Loose> {
    let mut loose = vec![Loose::No; code.len()];
    for open in 1..code.len() {
        let is_arm = open > 1 && code[open - 1].is(">") && code[open - 2].is("=");
        if !code[open].is("{") || !(is_arm || code[open - 1].is("|")) {
            continue;
        }
        let close = behind_brackets(code, open) - 1;
        if code[close].is("}") && is_one_expression(&code[open + 1..close]) {
            let kind = if is_arm { Loose::Arm } else { Loose::Closure };
            (loose[open], loose[close]) = (kind, kind);
        }
    }
    loose
}

/// Whether there is one expression and nothing else; where a block ends, something else may begin.
fn is_one_expression(code: &[Token<'_>]) -> bool {
    let mut depth = 0;
    let has_more = code.iter().enumerate().any(|(index, token)| {
        depth += turn(token);
        let goes_on = || {
            let next = code.get(index + 1);
            next.is_none_or(|next| [".", "?", "else"].iter().any(|text| next.is(text)))
        };
        depth == 0 && (token.is(";") || token.is("}") && !goes_on())
    });
    !code.is_empty() && !has_more
}
