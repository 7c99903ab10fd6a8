//! Where do requests go, and which processes answer them?

mod durable;

mod process;
mod router;

mod haproxy;

pub use crate::haproxy::{HaproxyRouter, HaproxySettings};
pub use crate::process::{Ports, ProcessSettings, ProcessSlots, Readiness};
pub use crate::router::{
    Affinity, BindError, CommandError, KeptError, Router, RouterAnswer, RouterClient,
    RouterCommand, RouterEnd, RouterSettings, RouterStats, SlotStats, run_router,
};
