//! Code without what layouts add, take away and sort, and with its blocks: what is done under a
//! condition may not come out of it, nor go into it.

use super::tokens::{Kind, Style, Token, behind_brackets, turn};

/// What begins and ends a block of Python.
const INTO: &str = "⇥";
const OUT: &str = "⇤";

/// The tokens that a change of layout leaves as they are; and the words of imports, sorted.
pub(super) fn without_layout<'t>(
    text: &str,
    tokens: &[Token<'t>],
    style: Style,
) -> (Vec<&'t str>, Vec<Token<'t>>) {
    let code = if style == Style::Python {
        with_blocks(text, tokens)
    } else {
        tokens.iter().filter(|token| token.is_code()).copied().collect()
    };
    let loose = if style == Style::Rust { loose_braces(&code) } else { vec![false; code.len()] };
    let mut imports: Vec<&str> = Vec::new();
    let mut kept: Vec<Token<'_>> = Vec::new();
    let mut in_import = false;
    for (token, is_loose) in code.iter().zip(loose) {
        in_import |= style == Style::Rust && token.is("use");
        let is_brace = matches!(token.text, "{" | "}");
        let is_layout = token.kind == Kind::Sign
            && match style {
                Style::Rust => {
                    is_loose || matches!(token.text, "," | ";") || (in_import && is_brace)
                }
                Style::Python => matches!(token.text, "(" | ")" | "," | "\\"),
                _ => matches!(token.text, ";"),
            };
        match () {
            () if in_import && token.is(";") => in_import = false,
            () if is_layout => {}
            () if in_import => imports.push(token.text),
            () => kept.push(*token),
        }
    }
    imports.sort_unstable();
    (imports, kept)
}

/// The code of a text with a sign where a block begins and where it ends, however wide indents
/// are.
fn with_blocks<'t>(text: &str, tokens: &[Token<'t>]) -> Vec<Token<'t>> {
    let mut code: Vec<Token<'t>> = Vec::new();
    let mut columns: Vec<usize> = Vec::new();
    let (mut depth, mut begins) = (0, true);
    for token in tokens {
        if token.kind == Kind::Break {
            let goes_on = code.last().is_some_and(|last| last.is("\\"));
            begins |= depth == 0 && !goes_on;
        }
        if !token.is_code() {
            continue;
        }
        if begins {
            let line = text[..token.at].rfind('\n').map_or(0, |at| at + 1);
            let column = token.at - line;
            let sign = |text| Token { kind: Kind::Sign, text, at: token.at };
            while columns.len() > 1 && columns.last().is_some_and(|last| *last > column) {
                columns.pop();
                code.push(sign(OUT));
            }
            if columns.last().is_none_or(|last| *last < column) {
                code.extend((!columns.is_empty()).then(|| sign(INTO)));
                columns.push(column);
            }
            begins = false;
        }
        depth = (depth + turn(token)).max(0);
        code.push(*token);
    }
    code
}

/// Which tokens are braces that a layout may put around one expression, or take away from it: the
/// body of an arm or of a closure, in which nothing follows a semicolon.
fn loose_braces(code: &[Token<'_>]) -> Vec<bool> {
    let mut loose = vec![false; code.len()];
    for open in 0..code.len() {
        let follows = |text: &str| open > 0 && code[open - 1].is(text);
        let is_arm = follows(">") && open > 1 && code[open - 2].is("=");
        if !code[open].is("{") || !(is_arm || follows("|")) {
            continue;
        }
        let close = behind_brackets(code, open) - 1;
        let mut depth = 0;
        let has_more = (open..close).any(|at| {
            depth += turn(&code[at]);
            depth == 1 && code[at].is(";") && at + 1 < close
        });
        if !has_more && code[close].is("}") {
            (loose[open], loose[close]) = (true, true);
        }
    }
    loose
}
