use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use evergen_deployment::SecretRef;
use evergen_resilience::SettingsError;

/// How a release is run as a service: what is started, how often, and when it is ready.
///
/// In the command, in plain variables and in the path of [`Readiness::Http`],
/// `{port}`, `{slot}`, `{replica}`, `{version}` and `{release}` (the folder with its files)
/// stand for what they say. There is no shell: `|`, `$HOME` and `*` mean themselves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProcessSettings {
    /// A folder of ours for records, locks and logs; made if it isn't there.
    pub folder: PathBuf,
    /// Program and arguments. A program with a `/` in it that does not begin with one is looked
    /// for in the release.
    pub command: Vec<String>,
    /// How many processes are started for a slot.
    pub replicas: u16,
    /// The address at which they listen, as told to the router.
    pub host: String,
    /// Which ports they get.
    pub ports: Ports,
    /// Variables that anybody may see.
    pub variables: BTreeMap<String, String>,
    /// Variables that nobody may see, by where they are to be found.
    pub secrets: BTreeMap<String, SecretRef>,
    /// Variables of this process that the service gets, too.
    pub inherited: Vec<String>,
    /// When a process takes requests.
    pub readiness: Readiness,
}

/// Which ports the processes of a slot get. Each also gets it as the variable `PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ports {
    /// Free ones, as the system gives them.
    Free,
    /// The first free ones of a range; it needs room for both slots.
    Range {
        /// The first port.
        first: u16,
        /// The last port.
        last: u16,
    },
}

/// When a process takes requests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Readiness {
    /// When a connection to its port is taken.
    Tcp,
    /// When it answers a GET of this path with a status from 200 to 399.
    Http {
        /// The path, with its slash.
        path: String,
    },
}

impl ProcessSettings {
    /// One process for a slot, at a free port of the loopback address, ready when it takes
    /// a connection; it inherits the search path, home, language and time zone.
    pub fn new<I>(folder: impl Into<PathBuf>, command: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self {
            folder: folder.into(),
            command: command.into_iter().map(Into::into).collect(),
            replicas: 1,
            host: "127.0.0.1".to_owned(),
            ports: Ports::Free,
            variables: BTreeMap::new(),
            secrets: BTreeMap::new(),
            inherited: ["PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR"].map(str::to_owned).into(),
            readiness: Readiness::Tcp,
        }
    }

    /// Sets how many processes are started for a slot.
    #[must_use]
    pub fn with_replicas(mut self, replicas: u16) -> Self {
        self.replicas = replicas;
        self
    }

    /// Sets which ports they get.
    #[must_use]
    pub fn with_ports(mut self, ports: Ports) -> Self {
        self.ports = ports;
        self
    }

    /// Adds a variable that anybody may see.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Adds a variable that nobody may see.
    #[must_use]
    pub fn with_secret(mut self, name: impl Into<String>, secret: SecretRef) -> Self {
        self.secrets.insert(name.into(), secret);
        self
    }

    /// Sets when a process takes requests.
    #[must_use]
    pub fn with_readiness(mut self, readiness: Readiness) -> Self {
        self.readiness = readiness;
        self
    }

    /// Refuses settings that nobody can have meant.
    ///
    /// # Errors
    /// The first field that is out of range, with what is allowed.
    pub fn validate(&self) -> Result<(), SettingsError> {
        if self.command.first().is_none_or(String::is_empty) {
            return Err(SettingsError::new("command", "empty", "a program and its arguments"));
        }
        if self.command.iter().any(|word| word.contains('\0')) {
            return Err(SettingsError::new("command", "a text with a zero byte", "other texts"));
        }
        if !(1..=64).contains(&self.replicas) {
            return Err(SettingsError::new("replicas", self.replicas, "1 to 64"));
        }
        self.validate_ports()?;
        let names = self.variables.keys().chain(self.secrets.keys()).chain(&self.inherited);
        for name in names {
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(SettingsError::new("variables", name, "names without `=`"));
            }
        }
        match &self.readiness {
            Readiness::Http { path } if !path.starts_with('/') => {
                Err(SettingsError::new("readiness.http", path, "a path that begins with `/`"))
            }
            _ => Ok(()),
        }
    }

    fn validate_ports(&self) -> Result<(), SettingsError> {
        let Ports::Range { first, last } = self.ports else { return Ok(()) };
        let wanted = u32::from(self.replicas) * 2;
        if first > 0 && u32::from(last) + 1 >= u32::from(first) + wanted {
            return Ok(());
        }
        let allowed = "a range of 1 to 65535 with room for both slots";
        Err(SettingsError::new("ports", format_args!("{first} to {last}"), allowed))
    }
}

/// How a runtime waits. These are no settings of a user's: no service is better for another value.
pub(super) mod pace {
    use super::Duration;

    /// Between two looks at a process that comes up or goes down.
    pub(in crate::process) const LOOK: Duration = Duration::from_millis(20);
    /// For a lock that another process may hold for a moment.
    pub(in crate::process) const LOCK: Duration = Duration::from_secs(1);
    /// For the answer to one readiness request.
    pub(in crate::process) const ANSWER: Duration = Duration::from_secs(2);
    /// For what was ended by force to be gone.
    pub(in crate::process) const FORCE: Duration = Duration::from_secs(5);
    /// For a process that did not become ready to end by itself.
    pub(in crate::process) const FAILED: Duration = Duration::from_secs(2);
    /// For a new process to have its session.
    pub(in crate::process) const SESSION: Duration = Duration::from_secs(5);
}
