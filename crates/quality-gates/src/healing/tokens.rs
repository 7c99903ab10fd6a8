//! Texts of programs as words, signs, literals and comments, by the few rules that most languages
//! share. It is no parser: what it takes for something else costs a fix, and no gate, since the
//! text before a repair and the one after it are taken apart in the same way.

/// The family of a file's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Blocks by indentation, comments by `#`.
    Python,
    /// Like others with braces, but for lifetimes, raw strings and nested comments.
    Rust,
    /// JavaScript and its like, which have regular expressions between slashes.
    Script,
    /// Go, Java, C and all that is unknown.
    Braces,
    /// Shells, Ruby, YAML: comments by `#`.
    Hash,
    /// SQL and its like: comments by `--`.
    Dashes,
}

impl Style {
    /// By the ending of a path.
    pub(super) fn of(path: &str) -> Self {
        let ending = path.rsplit('.').next().unwrap_or_default().to_lowercase();
        match ending.as_str() {
            "py" | "pyi" => Self::Python,
            "rs" => Self::Rust,
            "ts" | "tsx" | "mts" | "cts" | "js" | "jsx" | "mjs" | "cjs" | "vue" | "svelte" => {
                Self::Script
            }
            "sh" | "bash" | "zsh" | "rb" | "pl" | "r" | "ex" | "exs" | "yml" | "yaml" | "toml"
            | "graphql" | "tf" | "cmake" | "mk" => Self::Hash,
            "sql" | "lua" | "hs" | "elm" | "ada" => Self::Dashes,
            _ => Self::Braces,
        }
    }

    fn line_comment(self) -> &'static str {
        match self {
            Self::Python | Self::Hash => "#",
            Self::Rust | Self::Script | Self::Braces => "//",
            Self::Dashes => "--",
        }
    }

    fn has_block_comments(self) -> bool {
        !matches!(self, Self::Python | Self::Hash)
    }
}

/// What a piece of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, a keyword or a number.
    Word,
    /// One sign.
    Sign,
    /// A string, a character or a regular expression, with its quotes.
    Literal,
    Comment,
    /// The end of a line.
    Break,
}

/// A piece of a text, and where it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl Token<'_> {
    pub(super) fn is(&self, text: &str) -> bool {
        self.kind != Kind::Literal && self.kind != Kind::Comment && self.text == text
    }

    pub(super) fn is_code(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Sign | Kind::Literal)
    }
}

/// Takes a text apart. Blanks are left out.
pub(super) fn tokens(text: &str, style: Style) -> Vec<Token<'_>> {
    let mut found: Vec<Token<'_>> = Vec::new();
    let mut at = 0;
    while let Some(sign) = text[at..].chars().next() {
        let rest = &text[at..];
        let before = found.iter().rev().find(|token| token.is_code());
        let (kind, length) = match sign {
            '\n' => (Kind::Break, 1),
            _ if sign.is_whitespace() => {
                at += sign.len_utf8();
                continue;
            }
            _ if let Some(length) = comment(rest, style) => (Kind::Comment, length),
            _ if let Some(length) = literal(rest, style, before) => (Kind::Literal, length),
            _ if is_word(sign) => (Kind::Word, rest.find(|it| !is_word(it)).unwrap_or(rest.len())),
            _ => (Kind::Sign, sign.len_utf8()),
        };
        found.push(Token { kind, text: &text[at..at + length], at });
        at += length;
    }
    found
}

fn is_word(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_' || sign == '$'
}

fn comment(rest: &str, style: Style) -> Option<usize> {
    if rest.starts_with(style.line_comment()) {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if !(style.has_block_comments() && rest.starts_with("/*")) {
        return None;
    }
    if style != Style::Rust {
        return Some(rest[2..].find("*/").map_or(rest.len(), |end| end + 4));
    }
    let (mut depth, mut at) = (0_u32, 0);
    while at < rest.len() {
        match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
    Some(rest.len())
}

fn literal(rest: &str, style: Style, before: Option<&Token<'_>>) -> Option<usize> {
    for quotes in ["\"\"\"", "'''"] {
        let is_ours = style == Style::Python || (style == Style::Braces && quotes == "\"\"\"");
        if is_ours && rest.starts_with(quotes) {
            return Some(closed(rest, quotes, true));
        }
    }
    match rest.as_bytes().first()? {
        b'"' => Some(closed(rest, "\"", style == Style::Rust)),
        b'`' if matches!(style, Style::Script | Style::Braces) => Some(closed(rest, "`", true)),
        b'\'' if style == Style::Rust => character(rest),
        b'\'' => Some(closed(rest, "'", false)),
        b'r' | b'b' if style == Style::Rust => raw(rest),
        b'/' if style == Style::Script && may_begin_an_expression(before) => expression(rest),
        _ => None,
    }
}

/// How long a string is that ends with these quotes; without them it ends with its line, or with
/// the text.
fn closed(rest: &str, quotes: &str, over_lines: bool) -> usize {
    let mut at = quotes.len();
    while at < rest.len() {
        let left = &rest.as_bytes()[at..];
        if left.starts_with(quotes.as_bytes()) {
            return at + quotes.len();
        }
        match left {
            [b'\n', ..] if !over_lines => return at,
            [b'\\', next, ..] if next.is_ascii() => at += 2,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `'x'` or `'\n'`; nothing where it is a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut signs = rest.char_indices().skip(1);
    let (_, first) = signs.next()?;
    if first == '\\' {
        return Some(closed(rest, "'", false));
    }
    let (at, second) = signs.next()?;
    (second == '\'').then_some(at + 1)
}

/// `r"…"`, `r#"…"#` and the like.
fn raw(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('r')?;
    let hashes = inner.len() - inner.trim_start_matches('#').len();
    let text = inner[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = rest.len() - text.len();
    Some(text.find(&end).map_or(rest.len(), |at| start + at + end.len()))
}

fn may_begin_an_expression(before: Option<&Token<'_>>) -> bool {
    before.is_none_or(|token| match token.kind {
        Kind::Sign => !matches!(token.text, ")" | "]" | "}"),
        Kind::Word => matches!(token.text, "return" | "typeof" | "case" | "in" | "of"),
        _ => false,
    })
}

/// A regular expression between slashes; nothing where the line ends first.
fn expression(rest: &str) -> Option<usize> {
    let (mut in_class, mut escaped) = (false, false);
    for (at, sign) in rest.char_indices().skip(1) {
        match sign {
            '\n' => return None,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '/' if !in_class => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The place behind the bracket that closes the one at `open`; the end where none does.
pub(super) fn behind_brackets(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_i32;
    for (offset, token) in tokens[open..].iter().enumerate() {
        depth += turn(token);
        if depth <= 0 {
            return open + offset + 1;
        }
    }
    tokens.len()
}

/// One for a bracket that opens, minus one for one that closes.
pub(super) fn turn(token: &Token<'_>) -> i32 {
    match (token.kind, token.text) {
        (Kind::Sign, "(" | "[" | "{") => 1,
        (Kind::Sign, ")" | "]" | "}") => -1,
        _ => 0,
    }
}

/// A literal as it stays when only its quotes change.
pub(super) fn unquoted(literal: &str) -> String {
    let mut said = String::with_capacity(literal.len());
    let mut signs = literal.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' if matches!(signs.peek(), Some('"' | '\'')) => {}
            '\'' => said.push('"'),
            _ => said.push(sign),
        }
    }
    said
}

/// The lines on which nothing runs: all of them lies in a comment, or in a string that began
/// before. True for those, from the first line on.
pub(super) fn idle_lines(text: &str, style: Style) -> Vec<bool> {
    let mut idle = vec![true; text.lines().count()];
    let mut line = 0;
    for token in tokens(text, style) {
        match token.kind {
            Kind::Break => line += 1,
            Kind::Comment => line += token.text.matches('\n').count(),
            _ => {
                idle.get_mut(line).into_iter().for_each(|it| *it = false);
                line += token.text.matches('\n').count();
            }
        }
    }
    idle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: &str) {
        let shown = |token: &Token<'_>| match token.kind {
            Kind::Literal => format!("L{}", token.text),
            Kind::Comment => "C".to_owned(),
            Kind::Break => "|".to_owned(),
            _ => token.text.to_owned(),
        };
        let said: Vec<String> = tokens(text, Style::of(path)).iter().map(shown).collect();
        assert_eq!(said.join(" "), expected, "{text}");
    }

    #[test]
    fn texts_are_taken_apart() {
        check("a.py", "x = 'a\\'b' # c\n", "x = L'a\\'b' C |");
        check("a.py", "\"\"\"a\n# b\"\"\"", "L\"\"\"a\n# b\"\"\"");
        check("a.py", "a // b", "a / / b");
        check("a.rs", "f::<'a>('x', '\\'')", "f : : < ' a > ( L'x' , L'\\'' )");
        check("a.rs", "r#\"a\"b\"# /* /* */ */ x", "Lr#\"a\"b\"# C x");
        check("a.ts", "x.replace(/[/\"]/g, `a\n`)", "x . replace ( L/[/\"]/ g , L`a\n` )");
        check("a.ts", "a / b / c // d", "a / b / c C");
        check("a.go", "`a\"` /* b", "L`a\"` C");
        check("a.sql", "a -- b\n", "a C |");
        check("a.py", "'open\nx", "L'open | x");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken_apart(text in "[a-z\"'`/*#\\\\\n(){}é]{0,40}") {
            for path in ["a.py", "a.rs", "a.ts", "a.go", "a.sh", "a.sql"] {
                let style = Style::of(path);
                let length: usize = tokens(&text, style).iter().map(|it| it.text.len()).sum();
                proptest::prop_assert!(length <= text.len());
                proptest::prop_assert_eq!(idle_lines(&text, style).len(), text.lines().count());
            }
        }
    }
}
