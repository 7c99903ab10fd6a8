//! Where requests go, tested with real processes, a real HAProxy and real load.

mod support;

mod slots;

mod router;

mod haproxy;

mod load;
