//! Releases as folders of a target.

mod directory;
pub(crate) mod manifest;
mod pin;
pub(crate) mod source;

pub use directory::DirectoryReleases;
pub use pin::{PinError, PinnedRelease};
