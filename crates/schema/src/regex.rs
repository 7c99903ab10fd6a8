//! Regular expressions of XML Schema and SHACL in words that all common engines share.
//!
//! The dialects of Rust, ECMAScript (with the flag `u`), Python, Go, Java and .NET agree on
//! a core: groups that capture nothing, alternation, classes of characters, the usual
//! quantifiers, `\d`, `\w` and `\s`. What can be said in it is rewritten, so that it stands for
//! the same in all of them but for how far `\d` and `\w` reach beyond ASCII, and that `.` is
//! half a character beyond the basic plane in .NET; the rest (properties of Unicode, back references, looking around, classes less classes) has no
//! portable form.
//!
//! The grammar is that of XML Schema part 2, appendix F, and of the functions of `XPath`,
//! section 5.6, with the escapes that authors of shapes take from other engines.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

/// The most that a counted repetition may come to, nested ones multiplied; Go allows no more.
const MOST_REPEATED: u32 = 1000;
/// How deep groups may be in each other.
const DEEPEST: u32 = 50;

/// The portable form of an expression; none if it has none, or is no expression at all.
///
/// `is_whole` says that the expression is a facet of XML Schema, in which `^` and `$` are
/// characters like others.
pub(crate) fn portable(text: &str, flags: &str, is_whole: bool) -> Option<String> {
    if flags.contains('q') {
        return Some(text.chars().map(literal).collect());
    }
    if flags.chars().any(|flag| !matches!(flag, 'i' | 's')) {
        return None;
    }
    let mut reader = Reader {
        rest: text.chars().peekable(),
        out: String::with_capacity(text.len() + 8),
        is_whole,
        any: if flags.contains('s') { "[\\s\\S]" } else { "[^\\n\\r]" },
        depth: 0,
    };
    reader.alternatives()?;
    reader.rest.next().is_none().then_some(reader.out)
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    is_whole: bool,
    any: &'static str,
    depth: u32,
}

impl Reader<'_> {
    /// Reads up to the end or a closing parenthesis; gives how often its parts are repeated.
    fn alternatives(&mut self) -> Option<u32> {
        let mut most = 1;
        loop {
            match self.rest.peek() {
                None | Some(')') => return Some(most),
                Some('|') => {
                    self.rest.next();
                    self.out.push('|');
                }
                Some(_) => most = most.max(self.piece()?),
            }
        }
    }

    /// An atom and how often it may stand.
    fn piece(&mut self) -> Option<u32> {
        let inner = self.atom()?;
        let times = match self.rest.peek() {
            Some('?' | '*' | '+') => {
                self.out.extend(self.rest.next());
                1
            }
            Some('{') => self.counted()?,
            _ => return Some(inner),
        };
        if self.rest.peek() == Some(&'?') {
            if self.is_whole {
                return None;
            }
            self.out.extend(self.rest.next());
        }
        // What repeats a repetition means another thing in each engine.
        if matches!(self.rest.peek(), Some('?' | '*' | '+' | '{')) {
            return None;
        }
        inner.checked_mul(times).filter(|times| *times <= MOST_REPEATED)
    }

    fn counted(&mut self) -> Option<u32> {
        self.rest.next();
        let least = self.number()?;
        let mut most = Some(least);
        if self.rest.peek() == Some(&',') {
            self.rest.next();
            most = if self.rest.peek() == Some(&'}') { None } else { Some(self.number()?) };
        }
        let bound = most.unwrap_or(least).max(1);
        if self.rest.next() != Some('}') || most.is_some_and(|most| most < least) {
            return None;
        }
        match most {
            Some(most) if most == least => write!(self.out, "{{{least}}}"),
            Some(most) => write!(self.out, "{{{least},{most}}}"),
            None => write!(self.out, "{{{least},}}"),
        }
        .ok()?;
        (bound <= MOST_REPEATED).then_some(bound)
    }

    fn number(&mut self) -> Option<u32> {
        let mut digits = String::new();
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        digits.parse().ok()
    }

    fn atom(&mut self) -> Option<u32> {
        match self.rest.next()? {
            '(' => return self.group(),
            '[' => self.class()?,
            '\\' => self.escape()?,
            '.' => self.out.push_str(self.any),
            '?' | '*' | '+' | '{' | '}' | ']' => return None,
            anchor @ ('^' | '$') if !self.is_whole => {
                self.out.push(anchor);
                // An anchor can't be repeated.
                if matches!(self.rest.peek(), Some('?' | '*' | '+' | '{')) {
                    return None;
                }
            }
            character => self.out.push_str(&literal(character)),
        }
        Some(1)
    }

    fn group(&mut self) -> Option<u32> {
        if self.rest.peek() == Some(&'?') {
            self.rest.next();
            if self.rest.next() != Some(':') {
                return None;
            }
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        self.out.push_str("(?:");
        let most = self.alternatives()?;
        self.depth -= 1;
        self.out.push(')');
        (self.rest.next() == Some(')')).then_some(most)
    }

    fn escape(&mut self) -> Option<()> {
        match self.rest.next()? {
            // What XML Schema takes for a letter of a word is not what the engines do.
            'w' | 'W' if self.is_whole => return None,
            class @ ('d' | 'D' | 'w' | 'W') => self.out.extend(['\\', class]),
            's' => self.out.push_str("[\\t\\n\\r ]"),
            'S' => self.out.push_str("[^\\t\\n\\r ]"),
            'i' => write!(self.out, "[{NAME_START}]").ok()?,
            'I' => write!(self.out, "[^{NAME_START}]").ok()?,
            'c' => write!(self.out, "[{NAME_CHARACTERS}]").ok()?,
            'C' => write!(self.out, "[^{NAME_CHARACTERS}]").ok()?,
            other => {
                let character = self.escaped(other)?;
                self.out.push_str(&literal(character));
            }
        }
        Some(())
    }

    /// A character that stands behind a backslash.
    fn escaped(&mut self, first: char) -> Option<char> {
        match first {
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'u' => {
                let digit = || self.rest.next().filter(char::is_ascii_hexdigit);
                let digits: Option<String> = std::iter::repeat_with(digit).take(4).collect();
                char::from_u32(u32::from_str_radix(&digits?, 16).ok()?)
            }
            other if !other.is_alphanumeric() => Some(other),
            _ => None,
        }
    }

    /// A class of characters, behind its opening bracket.
    fn class(&mut self) -> Option<()> {
        let is_negated = self.rest.next_if_eq(&'^').is_some();
        let mut ranges: BTreeSet<(char, char)> = BTreeSet::new();
        let mut named: BTreeSet<&'static str> = BTreeSet::new();
        let mut is_first = true;
        loop {
            let first = match self.rest.next()? {
                ']' if !is_first => break,
                '[' => return None,
                '-' if self.rest.peek() == Some(&'[') => return None,
                '\\' => {
                    let escape = self.rest.next()?;
                    if let Some(name) = self.named_class(escape)? {
                        named.insert(name);
                        is_first = false;
                        continue;
                    }
                    self.escaped(escape)?
                }
                character => character,
            };
            is_first = false;
            let last = self.end_of_range(first)?;
            // Where a character is two units of UTF-16, a class of .NET has halves in it.
            if last > '\u{ffff}' {
                return None;
            }
            ranges.insert((first, last));
        }
        self.out.push_str(if is_negated { "[^" } else { "[" });
        for (first, last) in merged(ranges) {
            self.out.push_str(&in_class(first));
            if last > first {
                self.out.push('-');
                self.out.push_str(&in_class(last));
            }
        }
        self.out.extend(named);
        self.out.push(']');
        Some(())
    }

    /// What an escape in a class stands for, where it is a class itself.
    #[expect(clippy::option_option, reason = "no portable form, no class, or a class")]
    fn named_class(&self, escape: char) -> Option<Option<&'static str>> {
        match escape {
            'w' | 'W' if self.is_whole => None,
            // Which blanks there are beyond XML's four, each engine knows for itself.
            'S' => None,
            _ => Some(named_class(escape)),
        }
    }

    /// The last character of a range that begins with `first`; that itself, where none does.
    fn end_of_range(&mut self, first: char) -> Option<char> {
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('-') || matches!(ahead.peek(), None | Some(']')) {
            return Some(first);
        }
        if ahead.peek() == Some(&'[') {
            return None;
        }
        self.rest.next();
        let last = match self.rest.next()? {
            '\\' => {
                let escape = self.rest.next()?;
                self.escaped(escape)?
            }
            character => character,
        };
        (first <= last).then_some(last)
    }
}

/// Characters that begin a name in XML, and those that may follow.
const NAME_START: &str = ":A-Z_a-z\u{c0}-\u{d6}\u{d8}-\u{f6}\u{f8}-\u{2ff}\u{370}-\u{37d}\u{37f}-\u{1fff}\u{200c}-\u{200d}\u{2070}-\u{218f}\u{2c00}-\u{2fef}\u{3001}-\u{d7ff}\u{f900}-\u{fdcf}\u{fdf0}-\u{fffd}";
const NAME_CHARACTERS: &str = ":A-Z_a-z\u{c0}-\u{d6}\u{d8}-\u{f6}\u{f8}-\u{2ff}\u{370}-\u{37d}\u{37f}-\u{1fff}\u{200c}-\u{200d}\u{2070}-\u{218f}\u{2c00}-\u{2fef}\u{3001}-\u{d7ff}\u{f900}-\u{fdcf}\u{fdf0}-\u{fffd}\
    \\-.0-9\u{b7}\u{300}-\u{36f}\u{203f}-\u{2040}";

/// Ranges that do not touch: in some engines two equal signs in a row are an operator.
fn merged(ranges: BTreeSet<(char, char)>) -> Vec<(char, char)> {
    let mut merged: Vec<(char, char)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some((_, end)) if first <= *end => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    merged
}

fn named_class(escape: char) -> Option<&'static str> {
    Some(match escape {
        'd' => "\\d",
        'D' => "\\D",
        'w' => "\\w",
        'W' => "\\W",
        's' => "\\t\\n\\r ",
        'i' => NAME_START,
        'c' => NAME_CHARACTERS,
        _ => return None,
    })
}

fn literal(character: char) -> String {
    match character {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' => {
            format!("\\{character}")
        }
        // A sign that several engines take for the begin of a comment or an operator.
        '#' | '&' | '~' | ' ' => format!("[{character}]"),
        _ => character.to_string(),
    }
}

fn in_class(character: char) -> String {
    match character {
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\\' | ']' | '[' | '^' | '-' => format!("\\{character}"),
        _ => character.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::portable;

    fn of(text: &str) -> Option<String> {
        portable(text, "", false)
    }

    #[test]
    fn what_all_engines_know_is_rewritten() {
        let shown = [
            ("^[A-Z]{2}-\\d+$", "^[A-Z]{2}-\\d+$"),
            ("(a|b)*?c", "(?:a|b)*?c"),
            ("a.b", "a[^\\n\\r]b"),
            ("[&&-(x]", "[&-(x]"),
            ("[\\s\\-x]", "[\\-x\\t\\n\\r ]"),
            ("\\/\\.\\u0041", "/\\.A"),
            ("[a-]", "[\\-a]"),
            ("#", "[#]"),
            ("x{2,}y{3,4}", "x{2,}y{3,4}"),
            ("", ""),
        ];
        for (text, wanted) in shown {
            assert_eq!(of(text).as_deref(), Some(wanted), "{text}");
        }
        assert_eq!(portable("$1^", "", true).as_deref(), Some("\\$1\\^"));
        assert_eq!(portable("a.", "s", false).as_deref(), Some("a[\\s\\S]"));
        assert_eq!(portable("a(b", "q", false).as_deref(), Some("a\\(b"));
    }

    #[test]
    fn what_only_some_engines_know_has_no_portable_form() {
        let texts = [
            "\\p{L}",
            "(?=a)",
            "(?<name>a)",
            "(a)\\1",
            "[a-z-[aeiou]]",
            "a{1001}",
            "(a{50}){50}",
            "a**",
            "*a",
            "(a",
            "a)",
            "[a",
            "[z-a]",
            "a{2,1}",
            "a\\",
            "\\b",
            "^*",
            "a{,3}",
        ];
        for text in texts {
            assert_eq!(of(text), None, "{text}");
        }
        assert_eq!(portable("a", "x", false), None);
        assert_eq!(portable("a*?", "", true), None);
        assert_eq!(portable("\\w", "", true), None);
    }

    proptest! {
        /// What comes out is an expression, whatever goes in.
        #[test]
        fn portable_forms_compile(text in "[a-c\\[\\]\\\\(){}|*+?.^$\\-,0-3dswicp&~#:é ]{0,24}", is_whole: bool) {
            if let Some(portable) = portable(&text, "", is_whole) {
                prop_assert!(regex::Regex::new(&portable).is_ok(), "{text} -> {portable}");
            }
        }

        /// Where the dialects agree, both expressions match the same texts.
        #[test]
        fn portable_forms_mean_the_same(
            text in "([a-c]|\\[[a-c]{1,3}\\]|\\(a\\|b\\)|[a-c][*+?]){0,6}",
            subjects in proptest::collection::vec("[a-c]{0,6}", 8),
        ) {
            let portable = portable(&text, "", false);
            let (Some(portable), Ok(original)) = (portable, regex::Regex::new(&text)) else {
                return Ok(());
            };
            let portable = regex::Regex::new(&portable).map_err(|error| TestCaseError::fail(error.to_string()))?;
            for subject in subjects {
                prop_assert_eq!(original.is_match(&subject), portable.is_match(&subject));
            }
        }
    }
}
