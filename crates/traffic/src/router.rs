//! A small reverse proxy with two slots.

mod affinity;
mod settings;

mod latency;
mod table;

mod tasks;

mod body;
mod headers;
mod pool;
mod proxy;
mod tunnel;

mod control;
mod engine;
mod kept;
mod serving;

mod daemon;

mod client;

pub use affinity::Affinity;
pub use client::RouterClient;
pub use control::{CommandError, RouterAnswer, RouterCommand, RouterStats, SlotStats};
pub use daemon::{BindError, Router, RouterEnd, run_router};
pub use kept::KeptError;
pub use settings::RouterSettings;
