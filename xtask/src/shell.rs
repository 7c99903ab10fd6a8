//! How tasks start programs: in the workspace's root, with its tools on the path.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};

use crate::counts::Counts;

/// The workspace, and the search path with the tools that `setup` put into it.
pub(crate) struct Shell {
    root: PathBuf,
    path: OsString,
}

impl Shell {
    /// Finds the workspace that this program was built in.
    pub(crate) fn new() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask has no folder above it")?
            .to_owned();
        let tools = root.join("target/tools");
        let mut folders = vec![tools.join("python/bin"), tools.join("node_modules/.bin")];
        folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        let path = env::join_paths(folders).context("the search path cannot be written")?;
        Ok(Self { root, path })
    }

    /// The root of the workspace.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder that project-local tools are installed into.
    pub(crate) fn tools(&self) -> PathBuf {
        self.root.join("target/tools")
    }

    /// A command in the root of the workspace, without standard input.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let program = self.find(program).unwrap_or_else(|| program.into());
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.root).env("PATH", &self.path);
        command.stdin(Stdio::null());
        command
    }

    /// A cargo command in the root of the workspace.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        self.command("cargo", arguments)
    }

    /// Whether `program` is on the search path.
    pub(crate) fn has(&self, program: &str) -> bool {
        self.find(program).is_some()
    }

    /// The files that version control knows or would take in, relative to the root.
    pub(crate) fn files(&self, pathspec: &str) -> Result<Vec<String>> {
        let arguments = ["ls-files", "--cached", "--others", "--exclude-standard", "-z", "--"];
        let mut command = self.command("git", &arguments);
        let listing = capture(command.arg(pathspec))?;
        let mut files: Vec<String> = listing
            .split_terminator('\0')
            .filter(|file| self.root.join(file).exists())
            .map(str::to_owned)
            .collect();
        files.sort();
        files.dedup();
        Ok(files)
    }

    fn find(&self, program: &str) -> Option<PathBuf> {
        env::split_paths(&self.path).map(|folder| folder.join(program)).find(|file| file.is_file())
    }
}

/// Says what is run, runs it, and fails when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", spelled(command));
    let status = command.status().with_context(|| starting(command))?;
    if !status.success() {
        bail!("`{}` failed ({status})", spelled(command));
    }
    Ok(())
}

/// Says what is run, runs it unseen, and shows in one piece what it printed when it fails.
pub(crate) fn run_unseen(command: &mut Command) -> Result<()> {
    println!("$ {}", spelled(command));
    // A pipe would stay open as long as a service that the command has started.
    let mut printed = tempfile::tempfile()?;
    command.stdout(printed.try_clone()?).stderr(printed.try_clone()?);
    let status = command.status().with_context(|| starting(command))?;
    if status.success() {
        return Ok(());
    }
    let failure = format!("`{}` failed ({status})", spelled(command));
    let mut bytes = Vec::new();
    printed.rewind()?;
    printed.read_to_end(&mut bytes)?;
    println!("{failure} and printed:\n{}", String::from_utf8_lossy(&bytes).trim_end());
    bail!(failure)
}

/// Runs a command unseen and gives what it printed to standard output.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| starting(command))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(anyhow!(told.trim().to_owned()).context(format!(
            "`{}` failed ({})",
            spelled(command),
            output.status
        )));
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` did not print text", spelled(command)))
}

/// Runs a test runner, shows all it prints, and reads its counts on the way.
///
/// The second value is `None` when the runner succeeded, else how it ended.
pub(crate) fn run_tests(command: &mut Command) -> Result<(Counts, Option<String>)> {
    println!("$ {}", spelled(command));
    // Counts are read from plain lines.
    command.env("CARGO_TERM_COLOR", "never").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| starting(command))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let counts = thread::scope(|scope| {
        let first =
            scope.spawn(|| out.map_or_else(Counts::default, |out| forward(out, io::stdout())));
        let second = err.map_or_else(Counts::default, |err| forward(err, io::stderr()));
        first.join().unwrap_or_default() + second
    });
    let status = child.wait().with_context(|| format!("cannot wait for `{}`", spelled(command)))?;
    let ending = (!status.success()).then(|| format!("`{}` failed ({status})", spelled(command)));
    Ok((counts, ending))
}

fn forward(from: impl Read, mut to: impl Write) -> Counts {
    let mut counts = Counts::default();
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        // A closed terminal is no reason to stop counting.
        let _ = writeln!(to, "{line}");
        counts = counts + Counts::of_line(&line).unwrap_or_default();
    }
    counts
}

fn starting(command: &Command) -> String {
    format!("cannot start `{}`", spelled(command))
}

fn spelled(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
