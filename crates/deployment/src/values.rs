//! Small values that ports and core share.

mod context;
mod endpoint;
mod secret;
mod slot;
mod staged;

pub use context::{StepContext, Variables};
pub use endpoint::{Endpoint, EndpointError, Scheme};
pub use secret::{Secret, SecretError, SecretRef};
pub use slot::{Slot, Split, SplitError};
pub use staged::{Provenance, ReleaseId, StagedRelease, Version, VersionError};
