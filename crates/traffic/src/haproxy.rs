//! HAProxy as the router.

mod plan;
mod report;

mod settings;

mod socket;

mod router;

pub use router::HaproxyRouter;
pub use settings::HaproxySettings;
