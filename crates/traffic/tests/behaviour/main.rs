//! Where requests go, tested with real processes, a real HAProxy and real load.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "where a test can't be set up, it has failed"
)]

mod support;

mod slots;

mod router;

mod haproxy;

mod load;

mod deploying;
