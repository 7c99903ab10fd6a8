//! Breaks a text in the ways in which a template or a hand does.

/// One broken text.
pub(crate) struct Mutant {
    pub(crate) how: String,
    pub(crate) text: String,
}

/// A random sequence that is the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).expect("below a usize")
    }
}

/// `count` mutants of `text`.
pub(crate) fn mutants(text: &str, count: usize, dice: &mut Dice) -> Vec<Mutant> {
    let tokens = tokens(text);
    (0..count * 4)
        .filter_map(|_| mutant(text, &tokens, dice))
        .filter(|one| one.text != text)
        .take(count)
        .collect()
}

fn mutant(text: &str, tokens: &[(usize, usize)], dice: &mut Dice) -> Option<Mutant> {
    let index = dice.below(tokens.len());
    let (start, end) = *tokens.get(index)?;
    let token = &text[start..end];
    let spliced = |middle: &str, end: usize| format!("{}{middle}{}", &text[..start], &text[end..]);
    let (how, text) = match dice.below(7) {
        0 | 1 => (format!("deletes `{token}`"), spliced("", end)),
        2 => {
            let (start, end) = nearest_bracket(text, tokens, index)?;
            let swapped = match &text[start..end] {
                "(" => "[",
                "[" => "{",
                "{" => "(",
                ")" => "]",
                "]" => "}",
                _ => ")",
            };
            (
                format!("swaps {} to {swapped}", &text[start..end]),
                format!("{}{swapped}{}", &text[..start], &text[end..]),
            )
        }
        3 => (format!("repeats `{token}`"), spliced(&format!("{token} {token}"), end)),
        4 => {
            let (next_start, next_end) = *tokens.get(index + 1)?;
            let next = &text[next_start..next_end];
            let between = &text[end..next_start];
            (
                format!("swaps `{token}` and `{next}`"),
                spliced(&format!("{next}{between}{token}"), next_end),
            )
        }
        5 => {
            let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
            let (how, changed) = if text[line..].starts_with(' ') && dice.below(2) == 0 {
                ("outdents", format!("{}{}", &text[..line], &text[line + 1..]))
            } else {
                ("indents", format!("{} {}", &text[..line], &text[line..]))
            };
            (format!("{how} the line of `{token}`"), changed)
        }
        _ => (format!("cuts off before `{token}`"), text[..start].to_owned()),
    };
    Some(Mutant { how, text })
}

fn nearest_bracket(text: &str, tokens: &[(usize, usize)], index: usize) -> Option<(usize, usize)> {
    let is_bracket = |(start, end): &(usize, usize)| "()[]{}".contains(&text[*start..*end]);
    tokens[index..].iter().chain(&tokens[..index]).copied().find(|token| is_bracket(token))
}

/// Words, strings on one line, and single marks; without comments to the end of a line.
fn tokens(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = end_of_token(text, at);
        if !bytes[at].is_ascii_whitespace() && !is_comment(text, at) {
            found.push((at, end));
        }
        at = end;
    }
    found
}

fn is_comment(text: &str, at: usize) -> bool {
    let rest = &text[at..];
    rest.starts_with("//") || rest.starts_with("# ") || rest.starts_with("-- ")
}

fn end_of_token(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    if is_comment(text, at) {
        return text[at..].find('\n').map_or(text.len(), |length| at + length);
    }
    if bytes[at] == b'"' || bytes[at] == b'`' {
        let close = text[at + 1..].find([bytes[at] as char, '\n']);
        return close.map_or(text.len(), |length| at + length + 2).min(text.len());
    }
    if is_word(bytes[at]) {
        return bytes[at..]
            .iter()
            .position(|byte| !is_word(*byte))
            .map_or(text.len(), |length| at + length);
    }
    at + 1
}
