//! Names: what a text's words are, and how they are put together again.
//!
//! # How names are kept apart
//! A letter or digit that a language has no place for stands in the name as a word of its
//! own: `u` and the four hexadecimal digits of a UTF-16 unit. A word of the text that
//! begins like that has its own `u` written so. A name can thus be read back, but for
//! case and what stood between the letters, and no two texts share one.
//!
//! What is added to a name for other reasons is a `_` where none could be: in front
//! of a digit, or behind a reserved word.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::text::is_invisible;

/// The letters that a language's names are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// Those of ASCII.
    Ascii,
    /// Those of all scripts, but no marks on them other than composed ones.
    Letters,
    /// Those of all scripts with their marks.
    Marks,
}

impl Alphabet {
    /// Whether a name may hold the character.
    pub(crate) fn holds(self, c: char) -> bool {
        match self {
            _ if c.is_ascii() => c.is_ascii_alphanumeric(),
            Self::Ascii => false,
            _ if is_young(c) || !unicode_ident::is_xid_continue(c) => false,
            Self::Letters => is_letter(c) || is_digit(c),
            Self::Marks => is_letter(c) || is_digit(c) || is_combining_mark(c) || is_numeral(c),
        }
    }

    /// Whether a name may begin with the character, if it may hold it.
    pub(crate) fn begins(c: char) -> bool {
        is_letter(c) || is_numeral(c)
    }
}

/// General category L, told from what Unicode lets begin an identifier.
fn is_letter(c: char) -> bool {
    unicode_ident::is_xid_start(c)
        && !c.is_numeric()
        && !is_combining_mark(c)
        && !matches!(c, '\u{2118}' | '\u{212E}' | '\u{309B}' | '\u{309C}')
}

/// General category Nd.
fn is_digit(c: char) -> bool {
    c.is_numeric()
        && unicode_ident::is_xid_continue(c)
        && !unicode_ident::is_xid_start(c)
        && !matches!(c, '\u{1369}'..='\u{1371}' | '\u{19DA}')
}

/// General category Nl.
fn is_numeral(c: char) -> bool {
    c.is_numeric() && unicode_ident::is_xid_start(c)
}

/// Whether some compiler we write for does not know the character: those of Java 17 and
/// Go 1.19 know Unicode 13, those of C# and Kotlin take nothing beyond the basic plane.
fn is_young(c: char) -> bool {
    matches!(
        c,
        '\u{0870}'..='\u{089F}'
            | '\u{08B5}'
            | '\u{08C8}'..='\u{08D2}'
            | '\u{0C3C}'
            | '\u{0C5C}'..='\u{0C5D}'
            | '\u{0CDC}'..='\u{0CDD}'
            | '\u{0CF3}'
            | '\u{0ECE}'
            | '\u{170D}'
            | '\u{1715}'
            | '\u{171F}'
            | '\u{180F}'
            | '\u{1AC1}'..='\u{1AFF}'
            | '\u{1B4C}'
            | '\u{1C89}'..='\u{1C8A}'
            | '\u{1DFA}'
            | '\u{2C2F}'
            | '\u{2C5F}'
            | '\u{9FFD}'..='\u{9FFF}'
            | '\u{A7C0}'..='\u{A7C1}'
            | '\u{A7CB}'..='\u{A7F4}'
            | '\u{10000}'..
    )
}

/// The words of a text, in lower case.
pub(crate) struct Words {
    words: Vec<Word>,
    /// The text has nothing to make a name of.
    nothing: bool,
}

enum Word {
    Plain(String),
    /// A UTF-16 unit that is written as its code.
    Code(u16),
}

impl Words {
    /// The words of `text`: parts between all that is no letter or digit, further
    /// parted before a capital letter behind a small one, and before the last of
    /// several capital letters if a small one follows.
    pub(crate) fn of(text: &str, alphabet: Alphabet) -> Self {
        let text: String = text.nfkc().collect();
        let mut words = Vec::new();
        for part in parts(&text) {
            let lower: String = part.chars().flat_map(char::to_lowercase).nfkc().collect();
            spell(&lower, alphabet, &mut words);
        }
        if words.is_empty() {
            return Self::of_signs(&text);
        }
        Self { words: set_apart(words), nothing: false }
    }

    /// What a text is called that has no letter and no digit: the codes of its signs.
    fn of_signs(text: &str) -> Self {
        let shows = |c: &char| !c.is_ascii() && !c.is_whitespace() && !is_invisible(*c);
        let mut units = [0; 2];
        let signs = text.chars().filter(shows);
        let words: Vec<Word> = signs
            .flat_map(|c| {
                c.encode_utf16(&mut units).iter().copied().map(Word::Code).collect::<Vec<_>>()
            })
            .collect();
        if words.is_empty() {
            return Self { words: vec![Word::Plain("unnamed".to_owned())], nothing: true };
        }
        Self { words, nothing: false }
    }

    /// The same with its first letter written by its code: a name that begins and ends
    /// with ASCII letters or digits and is nobody's word.
    pub(crate) fn coded(mut self) -> Self {
        if let Some(Word::Plain(word)) = self.words.first_mut() {
            let mut units = [0; 2];
            let first = word.remove(0);
            let codes = first.encode_utf16(&mut units).iter().copied().map(Word::Code);
            if word.is_empty() {
                self.words.remove(0);
            }
            self.words = codes.chain(set_apart(self.words)).collect();
        }
        Self { words: self.words, nothing: false }
    }

    pub(crate) fn snake(&self) -> Name {
        self.joined("_")
    }

    pub(crate) fn kebab(&self) -> Name {
        self.joined("-")
    }

    pub(crate) fn screaming(&self) -> Name {
        let capitals = |word: String| word.chars().map(|c| upper(c).unwrap_or(c)).collect();
        let words: Vec<String> = self.words.iter().map(Word::lower).map(capitals).collect();
        self.name(&words.join("_"), "_")
    }

    /// Without anything between the words, but for codes.
    pub(crate) fn flat(&self) -> Name {
        let mut text = String::new();
        let mut behind_code = false;
        for word in &self.words {
            let is_code = matches!(word, Word::Code(_));
            if !text.is_empty() && (is_code || behind_code) {
                text.push('_');
            }
            text.push_str(&word.lower());
            behind_code = is_code;
        }
        self.name(&text, "_")
    }

    pub(crate) fn pascal(&self) -> Name {
        self.pascal_but(|_| None)
    }

    /// Each word with a capital letter, but for those that `special` writes otherwise.
    pub(crate) fn pascal_but(&self, special: impl Fn(&str) -> Option<String>) -> Name {
        let written = self.words.iter().map(|word| match word {
            Word::Plain(plain) => special(plain).unwrap_or_else(|| capital(plain)),
            Word::Code(_) => capital(&word.lower()),
        });
        self.name(&written.collect::<String>(), "H")
    }

    pub(crate) fn camel(&self) -> Name {
        let mut words = self.words.iter();
        let first = words.next().map(Word::lower).unwrap_or_default();
        let rest: String = words.map(|word| capital(&word.lower())).collect();
        self.name(&(first + &rest), "H")
    }

    fn joined(&self, between: &'static str) -> Name {
        let words: Vec<String> = self.words.iter().map(Word::lower).collect();
        self.name(&words.join(between), between)
    }

    /// A capital letter may become one with a mark that stood apart from the small one: `İ`.
    fn name(&self, text: &str, between: &'static str) -> Name {
        let mut text: String = text.nfkc().collect();
        if self.nothing {
            text.push('_');
        }
        Name { text, between }
    }
}

impl Word {
    fn lower(&self) -> String {
        match self {
            Self::Plain(word) => word.clone(),
            Self::Code(unit) => format!("u{unit:04x}"),
        }
    }
}

/// A name in its casing, on the way to one that the language takes.
pub(crate) struct Name {
    text: String,
    between: &'static str,
}

impl Name {
    /// With `prefix` in front, if a name can't begin as this one does.
    pub(crate) fn begun(self, prefix: &str, can: impl Fn(char) -> bool) -> Self {
        if self.text.chars().next().is_some_and(can) {
            return self;
        }
        Self { text: format!("{prefix}{}", self.text), ..self }
    }

    /// With a `_` behind, if the name is taken.
    pub(crate) fn unless(mut self, taken: impl Fn(&str) -> bool) -> Self {
        if taken(&self.text) {
            self.text.push('_');
        }
        self
    }

    pub(crate) fn is(&self, question: impl Fn(&str) -> bool) -> bool {
        question(&self.text)
    }

    /// Cut where it is longer than any file system takes, with a hash of the whole behind.
    pub(crate) fn finish(self) -> String {
        self.within(200)
    }

    pub(crate) fn within(self, bytes: usize) -> String {
        if self.text.len() <= bytes {
            return self.text;
        }
        let hash = format!("{:012x}", fnv(&self.text) >> 16);
        let end = self.text.floor_char_boundary(bytes - hash.len() - self.between.len());
        let kept = self.text[..end].trim_end_matches(['_', '-']);
        format!("{kept}{}{hash}", self.between)
    }
}

/// FNV-1a: it is the same on every machine and in every version.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The parts of a text that are a word each.
fn parts(text: &str) -> Vec<&str> {
    let is_inside = |c: char| c.is_alphanumeric() || is_combining_mark(c) || joins(c);
    let mut parts = Vec::new();
    for run in text.split(|c| !is_inside(c)).filter(|run| !run.is_empty()) {
        part_by_case(run, &mut parts);
    }
    parts
}

/// Whether the character stands inside a word without being part of it.
fn joins(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}') || is_invisible(c) && !c.is_control() && !c.is_whitespace()
}

fn part_by_case<'a>(run: &'a str, parts: &mut Vec<&'a str>) {
    let mut start = 0;
    // Whether the last letter with a case was small or capital.
    let (mut was_lower, mut was_upper) = (false, false);
    let mut characters = run.char_indices().peekable();
    while let Some((position, c)) = characters.next() {
        if c.is_lowercase() {
            (was_lower, was_upper) = (true, false);
        } else if c.is_uppercase() {
            let small_follows = characters.peek().is_some_and(|(_, next)| next.is_lowercase());
            if position > start && (was_lower || was_upper && small_follows) {
                parts.push(&run[start..position]);
                start = position;
            }
            (was_lower, was_upper) = (false, true);
        }
    }
    parts.push(&run[start..]);
}

/// Adds a part of a text as words: what the alphabet has no letter for is a code.
fn spell(part: &str, alphabet: Alphabet, words: &mut Vec<Word>) {
    let mut word = String::new();
    // A mark needs the character that it stands on.
    let mut stands = false;
    let mut units = [0; 2];
    for c in part.chars() {
        if alphabet.holds(c) && (stands || !composes(c)) {
            word.push(c);
            stands = true;
            continue;
        }
        stands = false;
        if c.is_alphanumeric() {
            words.extend(
                Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()).map(Word::Plain),
            );
            words.extend(c.encode_utf16(&mut units).iter().copied().map(Word::Code));
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()).map(Word::Plain));
}

/// Whether the character may become one with the character before it.
fn composes(c: char) -> bool {
    is_combining_mark(c) || matches!(c, '\u{1160}'..='\u{11FF}')
}

/// Writes the `u` of what looks like a code by its own code.
fn set_apart(words: Vec<Word>) -> Vec<Word> {
    let apart: Vec<bool> = (0..words.len()).map(|index| looks_like_code(&words[index..])).collect();
    let mut result = Vec::with_capacity(words.len());
    for (word, apart) in words.into_iter().zip(apart) {
        match word {
            Word::Plain(plain) if apart => {
                result.push(Word::Code(u16::from(b'u')));
                let rest = &plain[1..];
                result.extend((!rest.is_empty()).then(|| Word::Plain(rest.to_owned())));
            }
            word => result.push(word),
        }
    }
    result
}

fn looks_like_code(words: &[Word]) -> bool {
    let plain = words.iter().map_while(|word| match word {
        Word::Plain(word) => Some(word.chars()),
        Word::Code(_) => None,
    });
    let mut characters = plain.flatten();
    characters.next() == Some('u')
        && characters.by_ref().take(4).filter(char::is_ascii_hexdigit).count() == 4
}

/// The word with a capital letter in front. A small letter without a capital one is
/// written by its code: some languages refuse it there.
fn capital(word: &str) -> String {
    let mut capital = String::with_capacity(word.len());
    let mut is_coded = false;
    for (position, c) in word.char_indices() {
        let upper = upper(c);
        // Behind a code a `U` is to be none of the word's own.
        if c.is_lowercase() && upper.is_none() || is_coded && c == 'u' {
            capital.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("U{unit:04x}")));
            is_coded = true;
            continue;
        }
        capital.push(upper.unwrap_or(c));
        capital.push_str(&word[position + c.len_utf8()..]);
        break;
    }
    capital
}

/// The capital letter of a small one, if that is one letter from which the small one can
/// be told again.
fn upper(c: char) -> Option<char> {
    let mut upper = c.to_uppercase();
    let (Some(one), None) = (upper.next(), upper.next()) else { return None };
    let back = one != c && one.to_lowercase().eq([c]) && !is_young(one);
    (back && [one].into_iter().nfkc().eq([one])).then_some(one)
}
