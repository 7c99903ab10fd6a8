//! The loop on a real runtime, mostly with paused time: it passes when nothing else is to do.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod failures;
mod hardships;
mod health;
mod life;
mod parts;
mod work;
