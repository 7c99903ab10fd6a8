//! Templates: their files, their front matter, and how they are rendered.

pub(crate) mod asked;
pub(crate) mod environment;
mod filters;
pub(crate) mod front_matter;
pub(crate) mod library;
pub(crate) mod node;
pub(crate) mod part;
pub(crate) mod spellings;
#[cfg(test)]
mod tests;
