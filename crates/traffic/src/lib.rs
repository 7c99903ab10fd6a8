//! Where do requests go, and which processes answer them?

mod durable;

mod router;

pub use crate::router::{
    Affinity, BindError, CommandError, KeptError, Router, RouterAnswer, RouterClient,
    RouterCommand, RouterEnd, RouterSettings, RouterStats, SlotStats, run_router,
};
