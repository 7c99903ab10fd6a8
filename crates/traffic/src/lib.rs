//! Where do requests go, and which processes answer them?
//!
//! A release comes into use when requests reach it, and goes out of use when none does. In
//! between lie most of the requests that are lost in deployments: a proxy is reloaded and
//! closes connections, the old process is stopped with requests in it, weights sum to zero
//! for a moment, a process of last week still has the port. This crate takes that off your
//! hands. It has the parts of the world that `evergen-deployment` asks for by its ports
//! [`SlotRuntime`](evergen_deployment::SlotRuntime) and
//! [`TrafficRouter`](evergen_deployment::TrafficRouter).
//!
//! # Processes that outlive us
//!
//! [`ProcessSlots`] starts a command as a service, with a port, a session and a log of its own
//! for each replica. A deployer may die; the service does not notice, and the next deployer
//! finds it: a record is written before the first process is started, and all processes
//! of a run inherit a mark in their environment, orphans of orphans included. A process is
//! its number *and* its time of start, so a number that the system has given to somebody
//! else is never signalled. Ready means that one of our own processes listens and answers:
//! what a stranger answers at our port counts for nothing.
//!
//! Secrets reach a service by its environment and are read when it is started. They are in no
//! argument, record or error.
//!
//! # A small router
//!
//! [`Router`] is a reverse proxy for HTTP/1.1 with two slots: it streams bodies both ways,
//! passes WebSockets on and counts what is in flight. It is told what to do by a socket
//! ([`RouterClient`]), keeps that in a file before it does it, and goes on from there when it
//! was killed. A request is drawn and counted in under one lock, so a slot that is found
//! idle after a split stays idle, and may be stopped.
//!
//! A request goes to another replica of its slot only if no byte of it was sent; so no request
//! has its effect twice, whatever its method. It never goes to the other slot: that a release does
//! not answer is what the deployer must hear. By default each request is drawn for itself;
//! [`Affinity`] keeps clients or sessions together, without a table.
//!
//! # HAProxy
//!
//! [`HaproxyRouter`] does the same with HAProxy 2.6 or later, by its runtime socket and without
//! a reload: the file that HAProxy starts with first, the gaining side first, and then it
//! reads back, since HAProxy takes commands that have no effect.
//!
//! # What it does not do
//!
//! It decides nothing: when to shift, what is healthy and when to go back is
//! `evergen-deployment`'s. The small router speaks neither TLS nor HTTP/2, and keeps no
//! counts over its end; processes are of this machine, and of Linux.
//!
//! ```
//! use std::time::Duration;
//!
//! use evergen_deployment::{Endpoint, Slot, Split, TrafficRouter};
//! use evergen_traffic::{Router, RouterClient, RouterSettings};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let (control, state) = (folder.join("router.sock"), folder.join("router.json"));
//! let router = Router::bind(RouterSettings::new("127.0.0.1:0".parse()?, &control, state)).await?;
//! let (end, ended) = tokio::sync::oneshot::channel::<()>();
//! let running = tokio::spawn(router.run(async { let _ = ended.await; }));
//!
//! let client = RouterClient::new(control);
//! client.point(Slot::Blue, &[Endpoint::http("127.0.0.1", 8081)?]).await?;
//! client.point(Slot::Green, &[Endpoint::http("127.0.0.1", 8082)?]).await?;
//! client.set(Split::all(Slot::Blue)).await?;
//!
//! // A tenth of the requests for the new release, then all; then nothing is in the old one.
//! client.set(Split::giving(Slot::Green, 100)?).await?;
//! client.set(Split::all(Slot::Green)).await?;
//! assert!(client.drain(Slot::Blue, Duration::from_secs(30)).await?.is_idle());
//!
//! drop(end);
//! assert_eq!(running.await?.cut_off, 0);
//! # Ok(())
//! # }
//! ```

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
