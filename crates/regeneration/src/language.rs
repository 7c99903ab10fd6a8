//! What a language asks of the code written in it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::template::spellings::Spellings;

/// What a name is given to: languages write types, fields and files in different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NameKind {
    /// A class, an interface, an enumeration, a table.
    Type,
    /// A field, an attribute, a column.
    Property,
    /// A function, or an operation of a service.
    Method,
    /// One of an enumeration's values, or a constant.
    Member,
    /// A file without its ending, and the module it is.
    Module,
    /// What a package is called where others name it; one part of it, where its name has several.
    Package,
}

impl NameKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Type, Self::Property, Self::Method, Self::Member, Self::Module, Self::Package];
}

/// How names, texts and types are written in one language.
///
/// # Laws
/// - Every answer is a function of the arguments alone.
/// - `ident` gives a valid identifier that is no reserved word, for any text, also
///   an empty one; `ident(ident(x)) == ident(x)`.
/// - `name_for` gives a name that the language takes for this kind of thing, for any
///   text, and never a word that is reserved there, nor the name of something that is
///   in scope without being asked for.
/// - `name_for` keeps apart what differs in more than notation: if two texts still
///   differ when compatible characters are one (NFKC), case is folded, and all that is no
///   letter or digit is gone, then their names differ. Where a language has no such letter the name
///   holds its code.
/// - `name_for` leaves a name as it is if its words are plain: of two ASCII letters or
///   more, and short enough for the language.
/// - Whatever `string` gets, the result is one literal: nothing in the text ends it.
/// - Whatever `doc` gets, the result stays inside the comment in which it stands.
/// - Whatever `comment` gets, the result is empty or one whole comment: nothing in the text
///   ends it, and nothing in the text says anything to the language's tools.
pub trait LanguageProfile: Send + Sync {
    /// The name by which settings and templates choose the language, like `rust`.
    fn name(&self) -> &'static str;

    /// Further names, like `ts`.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// The identifier made of `name`: its casing is kept, what is not allowed is
    /// replaced, a reserved word is changed in the language's customary way.
    fn ident(&self, name: &str) -> String;

    /// What a thing is called that these words describe: in the language's casing, ready
    /// to be written where the thing is declared.
    fn name_for(&self, kind: NameKind, words: &str) -> String;

    /// The text as a quoted and escaped string literal, delimiters included.
    fn string(&self, text: &str) -> String;

    /// The text for a documentation comment that the template has begun on this
    /// line; each further line begins as the language's comments do.
    fn doc(&self, text: &str) -> String;

    /// A documentation comment of its own: whole lines, each behind `indent` spaces and with
    /// its line end, wrapped between words so that they are at most `width` columns
    /// wide where that leaves room for words. Nothing for a text that says nothing.
    fn comment(&self, text: &str, indent: usize, width: usize) -> String;

    /// The type that holds values of the datatype with this IRI.
    fn native_type(&self, datatype: &str) -> String;
}

/// The languages that templates can name.
#[derive(Clone, Default)]
pub struct Languages {
    profiles: BTreeMap<&'static str, Arc<dyn LanguageProfile>>,
    pub(crate) spellings: Arc<Spellings>,
}

impl Languages {
    /// No language yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a language under its name and its aliases; a later one replaces an earlier one.
    #[must_use]
    pub fn with(mut self, profile: Arc<dyn LanguageProfile>) -> Self {
        for name in profile.aliases() {
            self.profiles.insert(name, Arc::clone(&profile));
        }
        self.profiles.insert(profile.name(), profile);
        // They belong to the profiles that are kept beside them.
        self.spellings = Arc::default();
        self
    }

    /// The language of this name or alias.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn LanguageProfile>> {
        self.profiles.get(name)
    }

    /// All names and aliases, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.profiles.keys().copied()
    }
}

impl fmt::Debug for Languages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
