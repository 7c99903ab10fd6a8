//! Built-in generators for a language.

use std::borrow::Cow;

/// Templates that generate a whole package in one language from any model.
///
/// A pack's template is written like a project's own. Its `to` is relative to a
/// folder of the pack's name in the output folder, and its includes are looked up
/// among the pack's files.
#[derive(Clone, Debug)]
pub struct Pack {
    /// The language's name, by which `target_languages` chooses the pack.
    pub name: &'static str,
    /// The files: generators end in `.j2`, partials too but without front matter.
    pub files: Vec<PackFile>,
}

/// One template of a [`Pack`].
#[derive(Clone, Debug)]
pub struct PackFile {
    /// The path inside the pack, like `class.rs.j2`.
    pub path: Cow<'static, str>,
    /// The template with its front matter.
    pub text: Cow<'static, str>,
}
