//! How one process is started.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

use evergen_deployment::{SecretError, Slot, StagedRelease, Variables};

use super::proc::{self, MARK, ProcessId};
use super::settings::{Ports, ProcessSettings, pace};

/// What the placeholders of the settings stand for.
pub(crate) struct Placeholders<'a> {
    pub(crate) slot: Slot,
    pub(crate) replica: u16,
    pub(crate) port: u16,
    pub(crate) release: &'a StagedRelease,
}

impl Placeholders<'_> {
    /// Fills a text in one pass, so that what is put in is never read again.
    pub(crate) fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let known = after
                .split_once('}')
                .and_then(|(name, behind)| self.value(name).map(|value| (value, behind)));
            if let Some((value, behind)) = known {
                filled.push_str(&value);
                rest = behind;
            } else {
                filled.push('{');
                rest = after;
            }
        }
        filled.push_str(rest);
        filled
    }

    fn value(&self, name: &str) -> Option<String> {
        match name {
            "port" => Some(self.port.to_string()),
            "slot" => Some(self.slot.to_string()),
            "replica" => Some(self.replica.to_string()),
            "version" => Some(self.release.version.to_string()),
            "release" => Some(self.release.root.display().to_string()),
            _ => None,
        }
    }
}

/// The settings can't be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    #[error("the program `{0}` is not there or can't be executed; see `command` in the settings")]
    NoProgram(String),
    #[error("no port of {first} to {last} is free; end what uses them, or give a larger range")]
    NoPort { first: u16, last: u16 },
    #[error("the system gives no free port at {host}: {source}")]
    NoFreePort { host: String, source: io::Error },
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("the release has no folder to run in")]
    NoFolder,
    #[error("`{program}` can't be started: {source}")]
    Spawn { program: String, source: io::Error },
    #[error("ended with {status}")]
    Ended { status: ExitStatus },
    #[error("the log can't be opened: {0}")]
    Log(io::Error),
}

/// Takes ports that are free now. They are all held until the last one is known, so none
/// comes twice.
pub(crate) fn free_ports(settings: &ProcessSettings) -> Result<Vec<u16>, LaunchError> {
    let host = settings.host.as_str();
    let count = usize::from(settings.replicas);
    let mut held = Vec::with_capacity(count);
    match settings.ports {
        Ports::Free => {
            for _ in 0..count {
                let taken = TcpListener::bind((host, 0));
                held.push(
                    taken.map_err(|source| LaunchError::NoFreePort {
                        host: host.to_owned(),
                        source,
                    })?,
                );
            }
        }
        Ports::Range { first, last } => {
            let free = (first..=last).filter_map(|port| TcpListener::bind((host, port)).ok());
            held.extend(free.take(count));
            if held.len() < count {
                return Err(LaunchError::NoPort { first, last });
            }
        }
    }
    let ports = held.iter().filter_map(|listener| listener.local_addr().ok());
    Ok(ports.map(|address| address.port()).collect())
}

/// All variables that the processes of a slot get; secrets are read here, and stay here.
pub(crate) fn secrets(
    settings: &ProcessSettings,
    context: &Variables,
) -> Result<Variables, SecretError> {
    let mut variables = context.clone();
    for (name, reference) in &settings.secrets {
        variables.insert(name.clone(), reference.resolve()?);
    }
    Ok(variables)
}

/// Starts one process in a session of its own, apart from this process in all but ancestry.
/// Blocks until the system has started it.
pub(crate) fn launch(
    settings: &ProcessSettings,
    place: &Placeholders<'_>,
    (mark, variables): (&str, &Variables),
    log: &File,
) -> Result<(Child, ProcessId), LaunchError> {
    let root = &place.release.root;
    if !root.is_dir() {
        return Err(LaunchError::NoFolder);
    }
    let words: Vec<_> = settings.command.iter().map(|word| place.fill(word)).collect();
    let Some((program, arguments)) = words.split_first() else {
        return Err(LaunchError::NoProgram(String::new()));
    };
    let found = find(program, root).ok_or_else(|| LaunchError::NoProgram(program.clone()))?;
    let failed = |source| LaunchError::Spawn { program: program.clone(), source };
    let mut command = session_command(&found);
    command.args(arguments).current_dir(root).env_clear();
    command.envs(plain(settings, place));
    command.envs(variables.iter().map(|(name, secret)| (name, secret.expose())));
    // Last, since no variable of anybody may take the place of these.
    command.env("PORT", place.port.to_string()).env(MARK, mark);
    command.stdin(Stdio::null());
    command.stdout(log.try_clone().map_err(LaunchError::Log)?);
    command.stderr(log.try_clone().map_err(LaunchError::Log)?);
    let mut child = command.spawn().map_err(failed)?;
    match settle(&child) {
        Ok(Some(process)) => Ok((child, process)),
        other => {
            let _ = child.kill();
            let status = child.wait().map_err(failed)?;
            match other {
                Err(error) => Err(failed(error)),
                Ok(_) => Err(LaunchError::Ended { status }),
            }
        }
    }
}

fn plain(settings: &ProcessSettings, place: &Placeholders<'_>) -> BTreeMap<String, String> {
    let inherited = settings.inherited.iter();
    let mut variables: BTreeMap<_, _> = inherited
        .filter_map(|name| std::env::var(name).ok().map(|value| (name.clone(), value)))
        .collect();
    let own = settings.variables.iter();
    variables.extend(own.map(|(name, value)| (name.clone(), place.fill(value))));
    variables
}

/// The program through `setsid`, which every Linux has and which becomes the program; a child
/// of a process leads no group, so no further process comes in between. Without it the
/// process still gets a group of its own.
fn session_command(program: &Path) -> Command {
    if let Some(setsid) = find("setsid", Path::new("/")) {
        let mut command = Command::new(setsid);
        command.arg(program);
        return command;
    }
    let mut command = Command::new(program);
    command.process_group(0);
    command
}

/// Waits until a new process has left our session, so that nothing that happens to us
/// happens to it. None if it has ended.
fn settle(child: &Child) -> io::Result<Option<ProcessId>> {
    let number = i32::try_from(child.id()).map_err(io::Error::other)?;
    let until = Instant::now() + pace::SESSION;
    let Some(process) = proc::identify(number)? else { return Ok(None) };
    let leads = find("setsid", Path::new("/")).is_some();
    while leads && proc::is_alive(process)? && !proc::leads_session(number)? {
        if Instant::now() > until {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it got no session of its own"));
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    Ok(Some(process))
}

/// The file of a program: as it stands, in the release, or on the search path.
fn find(program: &str, root: &Path) -> Option<PathBuf> {
    let executable = |path: &PathBuf| {
        path.metadata()
            .is_ok_and(|known| known.is_file() && known.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return Some(root.join(program)).filter(executable);
    }
    let search = std::env::var_os("PATH").unwrap_or_else(|| OsStr::new("/usr/bin:/bin").to_owned());
    std::env::split_paths(&search).map(|folder| folder.join(program)).find(executable)
}
