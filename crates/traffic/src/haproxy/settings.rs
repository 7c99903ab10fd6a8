use std::path::PathBuf;
use std::time::Duration;

use evergen_resilience::SettingsError;

/// Where HAProxy is, and which part of it is ours.
///
/// Ours is one backend in a file of its own, which HAProxy is started with beside yours
/// (`haproxy -f haproxy.cfg -f evergen.cfg`), and which your frontend names
/// (`default_backend app`). It needs `stats socket PATH level admin` in its `global` part.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HaproxySettings {
    /// The runtime socket, with the level `admin`.
    pub socket: PathBuf,
    /// The file with our backend. We write it; HAProxy reads it when it starts.
    pub file: PathBuf,
    /// The name of the backend.
    pub backend: String,
    /// How many servers it has for each slot.
    pub replicas: u16,
    /// Further lines for the backend, as `option http-server-close`.
    pub options: Vec<String>,
    /// How long an answer of the socket may take.
    pub patience: Duration,
}

impl HaproxySettings {
    /// One server for each slot, and two seconds for an answer.
    pub fn new(
        socket: impl Into<PathBuf>,
        file: impl Into<PathBuf>,
        backend: impl Into<String>,
    ) -> Self {
        Self {
            socket: socket.into(),
            file: file.into(),
            backend: backend.into(),
            replicas: 1,
            options: Vec::new(),
            patience: Duration::from_secs(2),
        }
    }

    /// Sets how many servers there are for each slot.
    #[must_use]
    pub fn with_replicas(mut self, replicas: u16) -> Self {
        self.replicas = replicas;
        self
    }

    /// Adds a line to the backend.
    #[must_use]
    pub fn with_option(mut self, line: impl Into<String>) -> Self {
        self.options.push(line.into());
        self
    }

    /// Sets how long an answer may take.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Refuses settings that nobody can have meant.
    ///
    /// # Errors
    /// The first field that is out of range, with what is allowed.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if self.backend.is_empty() || !self.backend.bytes().all(fits) {
            let allowed = "letters, digits, `-`, `_`, `.` and `:`";
            return Err(SettingsError::new("backend", &self.backend, allowed));
        }
        if !(1..=64).contains(&self.replicas) {
            return Err(SettingsError::new("replicas", self.replicas, "1 to 64"));
        }
        let bad = |line: &&String| line.contains(['\n', '\r', '\0']);
        if let Some(line) = self.options.iter().find(bad) {
            return Err(SettingsError::new("options", format_args!("{line:?}"), "single lines"));
        }
        if !(Duration::from_millis(1)..=Duration::from_mins(5)).contains(&self.patience) {
            let value = format_args!("{:?}", self.patience).to_string();
            return Err(SettingsError::new("patience", value, "1ms to 5min"));
        }
        Ok(())
    }
}
