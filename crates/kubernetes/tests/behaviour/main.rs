//! Releases in a cluster, tested against an API server that speaks the protocol.

#![expect(clippy::unwrap_used, reason = "where a test can't be set up, it has failed")]

mod server;

mod support;

mod calls;

mod slots;

mod manifests;

mod route;

mod deploying;
