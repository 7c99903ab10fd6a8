//! The built-in rules.

use crate::redaction::MASK;

/// A stretch of a text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Parts of names that say "secret", as [`plain_name`] writes them.
const SECRET_NAMES: [&str; 15] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "authorization",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "cookie",
    "sessionid",
    "signature",
    "dsn",
];

/// Names that contain one of them and are none: counts of a language model.
const HARMLESS_NAMES: [&str; 6] =
    ["tokens", "tokensin", "tokensout", "maxtokens", "tokencount", "tokensused"];

/// A word must be this long to be taken for a key.
const KEY_LENGTH: usize = 24;
/// Bits for each character from which on a word looks like chance.
const KEY_ENTROPY: f64 = 3.5;

/// A name without case, `-`, `_` and `.`.
pub(super) fn plain_name(name: &str) -> String {
    name.chars()
        .filter(|char| !matches!(char, '-' | '_' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether the values of a name, given as [`plain_name`] writes it, are secret.
pub(super) fn is_secret_name(plain: &str) -> bool {
    !HARMLESS_NAMES.contains(&plain) && SECRET_NAMES.iter().any(|secret| plain.contains(secret))
}

/// All that the built-in rules hide, and the values of `names`.
pub(super) fn find(text: &str, names: &[String], spans: &mut Vec<Span>) {
    find_named(
        text,
        &|name| is_secret_name(name) || names.iter().any(|known| known == name),
        spans,
    );
    find_schemes(text, spans);
    find_user_info(text, spans);
    find_addresses(text, spans);
    find_keys(text, spans);
}

/// The values in `name=value`, `name: value` and `"name": "value"`.
pub(super) fn find_named(text: &str, is_secret: &dyn Fn(&str) -> bool, spans: &mut Vec<Span>) {
    for (separator, _) in text.char_indices().filter(|(_, char)| matches!(char, '=' | ':')) {
        let name = text[..separator].trim_end_matches(['"', '\'', ' ']);
        let start = name.rfind(|char: char| !is_name(char)).map_or(0, |at| at + width(name, at));
        let name = &name[start..];
        // What follows `://` is no value.
        let is_uri = text[separator..].starts_with("://");
        if !name.is_empty() && !is_uri && is_secret(&plain_name(name)) {
            spans.extend(value_at(text, separator + 1));
        }
    }
}

/// The value that begins at `from`: what is in quotes, or up to a space or separator. A
/// word like `Bearer` takes the next word along.
fn value_at(text: &str, from: usize) -> Option<Span> {
    // `:=` and `=>` assign, too.
    let start = from + leading(&text[from..], |char| matches!(char, ' ' | '=' | '>'));
    let rest = &text[start..];
    if rest.starts_with(MASK) {
        return None;
    }
    let quote = rest.chars().next().filter(|char| matches!(char, '"' | '\'' | '`'));
    if let Some(quote) = quote {
        let start = start + 1;
        let end = closing_quote(&text[start..], quote).map_or(text.len(), |length| start + length);
        return (end > start).then_some(Span { start, end });
    }
    let ends = |char: char| {
        char.is_whitespace() || matches!(char, ',' | ';' | '&' | '}' | ')' | ']' | '"')
    };
    let mut end = start + leading(rest, |char| !ends(char));
    if is_scheme(&text[start..end]) {
        let next = end + leading(&text[end..], |char| char == ' ');
        end = next + leading(&text[next..], |char| !ends(char));
    }
    (end > start).then_some(Span { start, end })
}

/// Where the quote closes; a `\` before it keeps it from closing.
fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, char)| {
        let closes = char == quote && !escaped;
        escaped = char == '\\' && !escaped;
        closes.then_some(at)
    })
}

fn is_scheme(word: &str) -> bool {
    ["bearer", "basic", "digest", "token", "negotiate"]
        .iter()
        .any(|scheme| word.eq_ignore_ascii_case(scheme))
}

/// What follows `Bearer` or `Basic`, if it is long enough for a credential.
fn find_schemes(text: &str, spans: &mut Vec<Span>) {
    let words: Vec<Span> =
        words(text, |char| !char.is_whitespace() && !matches!(char, '"' | '\'' | ',' | ';'));
    for pair in words.windows(2) {
        let (scheme, value) =
            (&text[pair[0].start..pair[0].end], &text[pair[1].start..pair[1].end]);
        let is_credential = value.len() >= 8
            && value.chars().any(|char| char.is_ascii_digit() || char.is_uppercase());
        let scheme = scheme.rsplit([':', '=']).next().unwrap_or(scheme);
        if is_credential
            && ["bearer", "basic"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
        {
            spans.push(pair[1]);
        }
    }
}

/// `user:password` in `scheme://user:password@host`.
fn find_user_info(text: &str, spans: &mut Vec<Span>) {
    for (at, separator) in text.match_indices("://") {
        let start = at + separator.len();
        let authority = leading(&text[start..], |char| {
            !char.is_whitespace() && !matches!(char, '/' | '?' | '#' | '"' | '\'' | '>' | ')')
        });
        if let Some(length) = text[start..start + authority].rfind('@').filter(|length| *length > 0)
        {
            spans.push(Span { start, end: start + length });
        }
    }
}

/// Addresses of e-mail.
fn find_addresses(text: &str, spans: &mut Vec<Span>) {
    let is_local =
        |char: char| char.is_alphanumeric() || matches!(char, '.' | '_' | '%' | '+' | '-');
    for (at, _) in text.match_indices('@') {
        let local = &text[..at];
        let start = local.rfind(|char| !is_local(char)).map_or(0, |last| last + width(local, last));
        let host = &text[at + 1..];
        let length = leading(host, |char| char.is_alphanumeric() || matches!(char, '.' | '-'));
        let host = host[..length].trim_end_matches(['.', '-']);
        let has_top = host
            .rsplit_once('.')
            .is_some_and(|(name, top)| !name.is_empty() && top.chars().count() >= 2);
        // User information of a URL is hidden already, and its host may be seen.
        let is_user = spans.iter().any(|span| span.end == at);
        if start < at && has_top && !is_user {
            spans.push(Span { start, end: at + 1 + host.len() });
        }
    }
}

/// Long words that look like chance.
fn find_keys(text: &str, spans: &mut Vec<Span>) {
    let is_key =
        |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | '+' | '=' | '.');
    for word in words(text, is_key) {
        if looks_like_key(&text[word.start..word.end]) {
            spans.push(word);
        }
    }
}

/// Long, of letters and digits, and not put together from words or hexadecimal digits.
fn looks_like_key(word: &str) -> bool {
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if word.len() < KEY_LENGTH || plain(word) || word.split(['_', '-', '.', '+', '=']).all(is_word)
    {
        return false;
    }
    // Parts of a file name, a path in Rust or a sentence with dots are judged one by one.
    word.split('.').any(|part| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        let lower = part.bytes().filter(u8::is_ascii_lowercase).count();
        let upper = part.bytes().filter(u8::is_ascii_uppercase).count();
        let mixed = digits >= 2 && (lower >= 2 || upper >= 2);
        part.len() >= KEY_LENGTH && !plain(part) && mixed && entropy(part) >= KEY_ENTROPY
    })
}

/// Letters, and digits only behind them: `line`, `v2`, `2026`.
fn is_word(part: &str) -> bool {
    part.trim_end_matches(|char: char| char.is_ascii_digit())
        .bytes()
        .all(|byte| byte.is_ascii_alphabetic())
}

/// Shannon's entropy of the characters, in bits for each.
fn entropy(word: &str) -> f64 {
    let mut counts = [0_u32; 256];
    word.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let length = counts.iter().sum::<u32>();
    let terms = counts.iter().filter(|count| **count > 0).map(|count| {
        let share = f64::from(*count) / f64::from(length);
        -share * share.log2()
    });
    terms.sum()
}

/// The runs of characters that `is_part` takes.
fn words(text: &str, is_part: impl Fn(char) -> bool) -> Vec<Span> {
    let mut words = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let start = at + leading(&text[at..], |char| !is_part(char));
        let end = start + leading(&text[start..], &is_part);
        if end > start {
            words.push(Span { start, end });
        }
        at = end;
    }
    words
}

fn is_name(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '-' | '.')
}

/// How many bytes at the beginning belong to characters that `is_part` takes.
fn leading(text: &str, is_part: impl Fn(char) -> bool) -> usize {
    text.find(|char| !is_part(char)).unwrap_or(text.len())
}

/// How many bytes the character at `at` has.
fn width(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(0, char::len_utf8)
}
