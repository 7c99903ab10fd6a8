//! What a language asks of the code written in it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// How names, texts and types are written in one language.
///
/// # Laws
/// - Every answer is a function of the arguments alone.
/// - `ident` gives a valid identifier that is no reserved word, for any text, also
///   an empty one; `ident(ident(x)) == ident(x)`.
/// - Whatever `string` gets, the result is one literal: nothing in the text ends it.
/// - Whatever `doc` gets, the result stays inside the comment in which it stands.
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

    /// The text as a quoted and escaped string literal, delimiters included.
    fn string(&self, text: &str) -> String;

    /// The text for a documentation comment that the template has begun on this
    /// line; each further line begins as the language's comments do.
    fn doc(&self, text: &str) -> String;

    /// The type that holds values of the datatype with this IRI.
    fn native_type(&self, datatype: &str) -> String;
}

/// The languages that templates can name.
#[derive(Clone, Default)]
pub struct Languages {
    profiles: BTreeMap<&'static str, Arc<dyn LanguageProfile>>,
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
