//! Releases as folders of a target.

mod directory;
mod manifest;
mod pin;
mod source;

pub use directory::DirectoryReleases;
pub use pin::{PinError, PinnedRelease};
