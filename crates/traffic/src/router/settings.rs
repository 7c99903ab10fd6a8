use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use evergen_resilience::SettingsError;

use super::affinity::Affinity;

/// How a [`Router`](crate::Router) works: where it listens, what it keeps, and how long it waits.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouterSettings {
    /// Where requests come in. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The socket by which the router is told what to do; its owner alone may open it.
    pub control: PathBuf,
    /// The file with the split and the endpoints, from which a router that was killed goes on.
    pub state: PathBuf,
    /// How many connections of clients are open at most; more wait to be accepted.
    pub max_connections: usize,
    /// How long a connection to a replica may take.
    pub connect_timeout: Duration,
    /// How long a client may take for the head of a request, and stay silent between two.
    pub header_timeout: Duration,
    /// How long a replica may take from the end of its connecting to the head of its answer.
    pub response_timeout: Duration,
    /// How long a body may stand still, in either direction.
    pub stall_timeout: Duration,
    /// How long an upgraded connection (a WebSocket) may be silent.
    pub tunnel_timeout: Duration,
    /// How long a connection to a replica is kept for the next request. Keep it below the
    /// time after which the service itself closes idle connections.
    pub keep_alive: Duration,
    /// How many idle connections are kept for each replica.
    pub idle_connections: usize,
    /// How long requests may go on when the router is asked to end.
    pub shutdown_grace: Duration,
    /// Who meets the same slot again.
    pub affinity: Affinity,
    /// Whether clients are proxies of yours, whose `X-Forwarded-For` is true.
    pub trust_forwarded: bool,
}

impl RouterSettings {
    /// A router that listens at `listen`, with its control socket and its state at these paths.
    pub fn new(listen: SocketAddr, control: impl Into<PathBuf>, state: impl Into<PathBuf>) -> Self {
        Self {
            listen,
            control: control.into(),
            state: state.into(),
            max_connections: 4096,
            connect_timeout: Duration::from_secs(2),
            header_timeout: Duration::from_secs(30),
            response_timeout: Duration::from_mins(1),
            stall_timeout: Duration::from_mins(1),
            tunnel_timeout: Duration::from_hours(1),
            keep_alive: Duration::from_secs(4),
            idle_connections: 64,
            shutdown_grace: Duration::from_secs(30),
            affinity: Affinity::None,
            trust_forwarded: false,
        }
    }

    /// Sets how many connections of clients are open at most.
    #[must_use]
    pub fn with_max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// Sets how long a connection to a replica may take.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long a client may take for a head, and stay silent between two requests.
    #[must_use]
    pub fn with_header_timeout(mut self, timeout: Duration) -> Self {
        self.header_timeout = timeout;
        self
    }

    /// Sets how long a replica may take for the head of its answer.
    #[must_use]
    pub fn with_response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// Sets how long a body may stand still.
    #[must_use]
    pub fn with_stall_timeout(mut self, timeout: Duration) -> Self {
        self.stall_timeout = timeout;
        self
    }

    /// Sets how long an upgraded connection may be silent.
    #[must_use]
    pub fn with_tunnel_timeout(mut self, timeout: Duration) -> Self {
        self.tunnel_timeout = timeout;
        self
    }

    /// Sets how long a connection to a replica is kept for the next request.
    #[must_use]
    pub fn with_keep_alive(mut self, keep_alive: Duration) -> Self {
        self.keep_alive = keep_alive;
        self
    }

    /// Sets how long requests may go on when the router is asked to end.
    #[must_use]
    pub fn with_shutdown_grace(mut self, grace: Duration) -> Self {
        self.shutdown_grace = grace;
        self
    }

    /// Says who meets the same slot again.
    #[must_use]
    pub fn with_affinity(mut self, affinity: Affinity) -> Self {
        self.affinity = affinity;
        self
    }

    /// Says whether the `X-Forwarded-For` of clients is true.
    #[must_use]
    pub fn with_trust_forwarded(mut self, trust: bool) -> Self {
        self.trust_forwarded = trust;
        self
    }

    /// Refuses settings that nobody can have meant.
    ///
    /// # Errors
    /// The first field that is out of range, with what is allowed.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let counts = [
            (self.max_connections, "max_connections"),
            (self.idle_connections, "idle_connections"),
        ];
        for (count, field) in counts {
            if !(1..=1_000_000).contains(&count) {
                return Err(SettingsError::new(field, count, "1 to 1000000"));
            }
        }
        let times = [
            (self.connect_timeout, "connect_timeout"),
            (self.header_timeout, "header_timeout"),
            (self.response_timeout, "response_timeout"),
            (self.stall_timeout, "stall_timeout"),
            (self.tunnel_timeout, "tunnel_timeout"),
            (self.keep_alive, "keep_alive"),
            (self.shutdown_grace, "shutdown_grace"),
        ];
        for (time, field) in times {
            if !(Duration::from_millis(1)..=Duration::from_hours(24)).contains(&time) {
                return Err(SettingsError::new(field, format_args!("{time:?}"), "1ms to 24h"));
            }
        }
        self.affinity.validate()
    }
}
