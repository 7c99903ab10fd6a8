//! Imports of protocol buffers.

use super::{Raw, Target};

/// `import "a/b.proto";`, outside of comments and strings.
pub(super) fn protobuf(text: &str) -> Raw {
    let mut raw = Raw::default();
    let mut rest = text;
    while let Some(token) = next(&mut rest) {
        if token != "import" {
            continue;
        }
        let mut value = next(&mut rest);
        if matches!(value, Some("public" | "weak")) {
            value = next(&mut rest);
        }
        let Some(path) = value.and_then(unquoted) else { continue };
        // The well-known files come with the compiler.
        if !path.starts_with("google/protobuf/") {
            let end = text.len() - rest.len();
            raw.outgoing.push((end - path.len() - 2..end, Target::RootedFile(path.to_owned())));
        }
    }
    raw
}

fn unquoted(token: &str) -> Option<&str> {
    token
        .strip_prefix('"')?
        .strip_suffix('"')
        .or_else(|| token.strip_prefix('\'')?.strip_suffix('\''))
}

/// The next word, string or mark; comments and white space are left out.
fn next<'a>(rest: &mut &'a str) -> Option<&'a str> {
    loop {
        *rest = rest.trim_start();
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            break;
        };
        *rest = &rest[skipped..];
    }
    let first = rest.chars().next()?;
    let length = match first {
        '"' | '\'' => end_of_string(rest, first),
        c if c.is_alphanumeric() || c == '_' => rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
            .unwrap_or(rest.len()),
        other => other.len_utf8(),
    };
    let (token, behind) = rest.split_at(length);
    *rest = behind;
    Some(token)
}

fn end_of_string(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}
