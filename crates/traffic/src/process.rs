//! Releases that run as processes of this machine.

mod settings;

mod proc;
mod record;

mod launch;
mod ready;

mod slots;

pub use settings::{Ports, ProcessSettings, Readiness};
pub use slots::ProcessSlots;
