use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use uuid::Uuid;

use super::capture::Captured;
use super::line::CommandLine;
use super::processes::{Family, MARK};
use super::redaction::Redactor;
use super::secret_file::SecretFile;
use crate::{BoxError, Secret, StepContext, Variables};

/// How much of an output a message shows.
const SHOWN: usize = 2_000;

/// Variables that are passed on from this process.
const PASSED_ON: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// What a run of a command is given beside its settings.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Invocation {
    /// Variables that go before those of the settings of the same name; each may be a secret.
    pub variables: Variables,
    /// What it reads from its standard input; nothing by default.
    pub input: Vec<u8>,
    /// How long it may take, if that is shorter than its own timeout.
    pub deadline: Option<Duration>,
    /// Where it runs unless its settings say so.
    pub folder: Option<PathBuf>,
    /// Variables that name a file with a secret in it.
    pub(crate) secret_files: Variables,
    /// What else must not be shown.
    pub(crate) hidden: Vec<Secret>,
}

impl Invocation {
    /// A run in a step of a deployment: with its variables, its deadline, in the folder of
    /// its release, and told about it by `EVERGEN_ENVIRONMENT`, `EVERGEN_DEPLOYMENT`,
    /// `EVERGEN_SLOT`, `EVERGEN_VERSION`, `EVERGEN_RELEASE`, `EVERGEN_RELEASE_DIR` and, where
    /// a release is live, `EVERGEN_LIVE_VERSION` and `EVERGEN_LIVE_DIR`.
    pub fn of_step(context: &StepContext) -> Self {
        let mut variables = context.variables.clone();
        let mut tell = |name: &str, value: String| {
            variables.insert(format!("EVERGEN_{name}"), Secret::new(value));
        };
        tell("ENVIRONMENT", context.environment.clone());
        tell("DEPLOYMENT", context.deployment.to_string());
        tell("SLOT", context.slot.to_string());
        tell("VERSION", context.release.version.to_string());
        tell("RELEASE", context.release.id.to_string());
        tell("RELEASE_DIR", context.release.root.display().to_string());
        if let Some(live) = &context.live {
            tell("LIVE_VERSION", live.version.to_string());
            tell("LIVE_DIR", live.root.display().to_string());
        }
        let root = &context.release.root;
        let folder = (!root.as_os_str().is_empty()).then(|| root.clone());
        Self { variables, deadline: Some(context.deadline), folder, ..Self::default() }
    }

    /// Adds a variable.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), Secret::new(value));
        self
    }

    /// Gives it something to read.
    #[must_use]
    pub fn with_input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Says how long it may take.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// What is to be kept out of texts. What a step tells is no secret.
    fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let given = self.variables.iter().filter(|(name, _)| !name.starts_with("EVERGEN_"));
        let given = given.map(|(_, secret)| secret);
        given.chain(self.secret_files.values()).chain(&self.hidden)
    }
}

/// A command that ended with status 0.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finished {
    /// The beginning of its standard output, as it came: **not** redacted.
    pub stdout: Vec<u8>,
    /// Whether there was more of it.
    pub truncated: bool,
    /// The end of both outputs, redacted, for people.
    pub output: String,
    /// How long it took.
    pub took: Duration,
}

/// A command did not end with status 0.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// It ran and failed.
    #[error("`{command}` ended with {status}{}", said(output))]
    Failed {
        /// Its command line.
        command: String,
        /// Its exit status or signal.
        status: String,
        /// The end of what it said; bounded and redacted.
        output: String,
    },
    /// It took longer than it may, and was ended with all it had started.
    #[error("`{command}` was ended after {} s{}", deadline.as_secs_f64(), said(output))]
    TimedOut {
        /// Its command line.
        command: String,
        /// How long it may take.
        deadline: Duration,
        /// The end of what it said; bounded and redacted.
        output: String,
    },
    /// It can't be started: there is no such program, or a secret is missing.
    #[error("`{command}` can't be started")]
    NotStarted {
        /// Its command line.
        command: String,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// Processes that it started could not be ended.
    #[error("`{command}` left processes that can't be ended: {left:?}")]
    Left {
        /// Its command line.
        command: String,
        /// Their numbers.
        left: Vec<u32>,
    },
}

impl CommandLine {
    /// Runs it to its end, and ends all that it started and left behind.
    ///
    /// # Errors
    /// It can't be started, fails, or takes too long.
    ///
    /// # Cancellation
    /// When the future is dropped, the process and its descendants are killed at once.
    pub async fn run(&self, invocation: &Invocation) -> Result<Finished, CommandError> {
        let mark = Uuid::now_v7().simple().to_string();
        let prepared =
            self.prepare(invocation, &mark).map_err(|source| self.not_started(source))?;
        let Prepared { mut command, redactor, files } = prepared;
        let began = Instant::now();
        let child = command.spawn().map_err(|source| self.not_started(source.into()))?;
        let family = Family::new(child.id(), mark);
        tracing::debug!(command = %self, pid = child.id(), "a command runs");
        let run = Run { line: self, family, redactor };
        let finished = run.finish(child, invocation, began).await;
        drop(files);
        finished
    }

    fn not_started(&self, source: BoxError) -> CommandError {
        CommandError::NotStarted { command: self.to_string(), source }
    }

    fn prepare(&self, invocation: &Invocation, mark: &str) -> Result<Prepared, BoxError> {
        self.validate()?;
        let mut command = Command::new(&self.argv[0]);
        command.args(&self.argv[1..]).env_clear();
        for name in PASSED_ON {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(&self.env).env(MARK, mark);
        let mut secrets: Vec<Secret> = invocation.secrets().cloned().collect();
        for (name, reference) in &self.secrets {
            let secret = reference.resolve()?;
            command.env(name, secret.expose());
            secrets.push(secret);
        }
        let mut files = Vec::new();
        for (name, reference) in &self.secret_files {
            let secret = reference.resolve()?;
            let file = SecretFile::new(&secret)?;
            command.env(name, file.path());
            files.push(file);
            secrets.push(secret);
        }
        for (name, secret) in &invocation.secret_files {
            let file = SecretFile::new(secret)?;
            command.env(name, file.path());
            files.push(file);
        }
        command.envs(invocation.variables.iter().map(|(name, value)| (name, value.expose())));
        if let Some(folder) = self.folder.as_ref().or(invocation.folder.as_ref()) {
            command.current_dir(folder);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        Ok(Prepared { command, redactor: Redactor::new(&secrets), files })
    }
}

struct Prepared {
    command: Command,
    redactor: Redactor,
    files: Vec<SecretFile>,
}

struct Run<'a> {
    line: &'a CommandLine,
    family: Family,
    redactor: Redactor,
}

/// How a process ended, and what of its family is left.
type Ended = (std::io::Result<ExitStatus>, Vec<u32>);

impl Run<'_> {
    async fn finish(
        mut self,
        mut child: Child,
        invocation: &Invocation,
        began: Instant,
    ) -> Result<Finished, CommandError> {
        let own = self.line.timeout;
        let deadline = invocation.deadline.map_or(own, |deadline| deadline.min(own));
        let mut outputs = (Captured::default(), Captured::default());
        let talk = self.talk(&mut child, &invocation.input, &mut outputs);
        let ended = timeout(deadline, talk).await;
        let (stdout, stderr) = outputs;
        let output = self.shown(&stdout, &stderr);
        let command = self.line.to_string();
        let Ok((status, left)) = ended else {
            let left = self.family.end().await;
            let _reaped = timeout(Duration::from_millis(100), child.wait()).await;
            if left.is_empty() {
                return Err(CommandError::TimedOut { command, deadline, output });
            }
            return Err(CommandError::Left { command, left });
        };
        if !left.is_empty() {
            return Err(CommandError::Left { command, left });
        }
        match status {
            Err(source) => Err(CommandError::NotStarted { command, source: source.into() }),
            Ok(status) if !status.success() => {
                Err(CommandError::Failed { command, status: told(status), output })
            }
            Ok(_) => Ok(self.finished(stdout, output, began)),
        }
    }

    /// Feeds it and reads what it says until it has ended.
    async fn talk(
        &mut self,
        child: &mut Child,
        input: &[u8],
        outputs: &mut (Captured, Captured),
    ) -> Ended {
        let limit = self.line.output_limit.saturating_add(self.redactor.longest() + 12);
        let (stdin, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async {
            if let Some(mut stdin) = stdin {
                // One that does not read to the end is no fault of ours.
                let _closed = stdin.write_all(input).await;
            }
        };
        let read = async {
            let (stdout, stderr) = outputs;
            tokio::join!(Captured::read(out, stdout, limit), Captured::read(err, stderr, limit))
        };
        let family = &mut self.family;
        let ended = async {
            let status = child.wait().await;
            // What it left behind holds its outputs open, and would be waited for.
            (status, family.end().await)
        };
        // Once all of them have ended, its input is closed, too.
        let (ended, _read, ()) = tokio::join!(ended, read, feed);
        ended
    }

    fn finished(&self, stdout: Captured, output: String, began: Instant) -> Finished {
        let mut bytes = stdout.head;
        bytes.truncate(self.line.output_limit);
        let truncated = stdout.total > bytes.len() as u64;
        Finished { stdout: bytes, truncated, output, took: began.elapsed() }
    }

    fn shown(&self, stdout: &Captured, stderr: &Captured) -> String {
        let length = SHOWN.min(self.line.output_limit);
        let parts = [stdout, stderr].map(|captured| captured.end(length, &self.redactor));
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("\n")
    }
}

/// What a command has printed, behind what became of it.
pub(crate) fn said(output: &str) -> String {
    if output.is_empty() { ", and said nothing".to_owned() } else { format!(": {output}") }
}

/// `exit status 3`, or `signal 9`.
fn told(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;

    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}
