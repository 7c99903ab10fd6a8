//! Programs that turn one text into another: formatters, and linters that mend.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::adapter::find::{Found, find};
use crate::process::{Home, Request, clean_environment, last_words, run};
use crate::{Crash, Fault, Limits, ToolSpec, ToolVersion, VersionError};

/// What stands for the file's path in an argument.
const FILE: &str = "{file}";

fn spec(program: &str, install: String) -> ToolSpec {
    ToolSpec::new(program, install)
        .also_in("node_modules/.bin")
        .also_in(".venv/bin")
        .passing("RUSTUP_HOME")
        .passing("CARGO_HOME")
}

/// A program that reads a text from standard input and writes another one to standard output.
///
/// It works in an empty folder with a clean environment, so that what it gives depends on its
/// version, its arguments and the text; and it must have the one version that is named, so that
/// the same settings give the same text wherever they are used. No text for a text is an error:
/// nobody wants an empty file of a formatter.
#[derive(Debug)]
pub struct TextFilter {
    spec: ToolSpec,
    arguments: Vec<String>,
    version: ToolVersion,
    home: Option<PathBuf>,
    search_path: Option<OsString>,
    limits: Limits,
    found: tokio::sync::Mutex<Option<Found>>,
}

impl TextFilter {
    /// A program with its arguments, in which `{file}` stands for the path of a text. Of
    /// `version`, which may be all that the program says of itself, the first version number
    /// counts.
    ///
    /// # Errors
    /// There is no version number in `version`.
    pub fn new(
        program: impl Into<String>,
        arguments: impl IntoIterator<Item = String>,
        version: &str,
    ) -> Result<Self, VersionError> {
        let wanted = ToolVersion::find(version).map_or_else(|| version.parse(), Ok)?;
        let program: String = program.into();
        let install = format!("Install {program} {wanted}, or name the version that is there.");
        Ok(Self {
            spec: spec(&program, install),
            arguments: arguments.into_iter().collect(),
            version: wanted,
            home: None,
            search_path: None,
            limits: Limits::default(),
            found: tokio::sync::Mutex::default(),
        })
    }

    /// The version of a program that says it after `--version`; `home` is the user's own folder,
    /// in which it is looked for first.
    ///
    /// # Errors
    /// The program is missing, or says no version.
    pub async fn installed(program: &str, home: &Path) -> Result<ToolVersion, Fault> {
        let spec = spec(program, format!("Install {program}."));
        Ok(find(&spec, &[home.to_owned()], std::env::var_os("PATH")).await?.tool.version)
    }

    /// The arguments by which the program is asked for its version, in place of `--version`.
    #[must_use]
    pub fn with_version_arguments(mut self, arguments: impl IntoIterator<Item = String>) -> Self {
        self.spec.version_arguments = arguments.into_iter().collect();
        self
    }

    /// The user's own folder, in which the program is looked for first.
    #[must_use]
    pub fn with_home(mut self, folder: impl Into<PathBuf>) -> Self {
        self.home = Some(folder.into());
        self
    }

    /// Another search path than the environment's; the program gets it, too.
    #[must_use]
    pub fn with_search_path(mut self, path: impl Into<OsString>) -> Self {
        self.search_path = Some(path.into());
        self
    }

    /// How long one text may take.
    #[must_use]
    pub fn with_patience(mut self, time: Duration) -> Self {
        self.limits = self.limits.with_time(time);
        self
    }

    /// What the program makes of a text.
    ///
    /// # Errors
    /// The program is missing or has another version, it did not end well or in time, or it gave
    /// nothing for something.
    ///
    /// # Cancellation safety
    /// A dropped future ends the program with all that it has started.
    pub async fn apply(&self, file: &str, text: &[u8]) -> Result<Vec<u8>, Fault> {
        let found = self.found().await?;
        let place = tempfile::tempdir().map_err(|error| {
            let why = format!("no temporary folder: {error}");
            Fault::infra(why, "Check the folder for temporary files.")
        })?;
        let folder = place.path().join("empty");
        std::fs::create_dir(&folder).map_err(|error| {
            Fault::infra(error.to_string(), "Check the folder for temporary files.")
        })?;
        let home = place.path().join("home");
        let mut environment = clean_environment(&self.spec.passes, Home::Own(&home));
        if let Some(path) = &self.search_path {
            environment.insert("PATH".into(), path.clone());
        }
        let arguments = self.arguments.iter();
        let finished = run(Request {
            program: found.tool.path,
            arguments: arguments.map(|it| it.replace(FILE, file).into()).collect(),
            folder,
            private: true,
            environment,
            input: Some(Arc::from(text)),
            limits: self.limits,
        })
        .await?;
        let said = || last_words(&[], &finished.stderr);
        if finished.code != 0 {
            return Err(Fault::Crash { how: Crash::Exit { code: finished.code }, said: said() });
        }
        if finished.stdout.is_empty() && !text.is_empty() {
            return Err(Fault::infra(
                format!("it gave no text for one of {} bytes {}", text.len(), said()).trim_end(),
                "Check that it writes what it made to standard output.",
            ));
        }
        Ok(finished.stdout)
    }

    async fn found(&self) -> Result<Found, Fault> {
        let mut kept = self.found.lock().await;
        if let Some(found) = kept.as_ref().filter(|found| found.is_current()) {
            return Ok(found.clone());
        }
        let path = self.search_path.clone().or_else(|| std::env::var_os("PATH"));
        let found = find(&self.spec, self.home.as_slice(), path).await?;
        if found.tool.version != self.version {
            return Err(Fault::WrongVersion {
                tool: self.spec.program.clone(),
                found: found.tool.version.to_string(),
                wanted: self.version.to_string(),
                install: self.spec.install.clone(),
            });
        }
        Ok(kept.insert(found).clone())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    /// A program that says version 1.2.3, and does this with its input.
    fn program(does: &str) -> (TempDir, TextFilter) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("tool");
        let text =
            format!("#!/bin/sh\n[ \"$1\" = --version ] && echo tool 1.2.3 && exit\n{does}\n");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let arguments = ["--name={file}".to_owned()];
        let filter = TextFilter::new(path.display().to_string(), arguments, "tool 1.2.3").unwrap();
        (folder, filter.with_patience(Duration::from_secs(2)))
    }

    #[tokio::test]
    async fn a_text_goes_through_the_program_with_its_name() {
        let (_folder, filter) = program("echo \"# $1\"; tr a-z A-Z; ls | wc -l");
        let text = filter.apply("in/a.py", b"x\n").await.unwrap();
        assert_eq!(String::from_utf8_lossy(&text), "# --name=in/a.py\nX\n0\n");
    }

    #[tokio::test]
    async fn another_version_is_refused_and_so_is_one_that_is_no_version() {
        let (folder, _) = program("cat");
        let path = folder.path().join("tool").display().to_string();
        let filter = TextFilter::new(path.clone(), [], "1.2.4").unwrap();
        let fault = filter.apply("a", b"x").await.unwrap_err();
        assert!(matches!(fault, Fault::WrongVersion { .. }), "{fault}");
        assert!(TextFilter::new(path, [], "the newest").is_err());
    }

    #[tokio::test]
    async fn what_does_not_end_well_gives_no_text() {
        for (does, wanted) in [
            ("cat; exit 3", "code 3"),
            ("cat >/dev/null", "it gave no text for one of 1 bytes"),
            ("kill -9 $$", "signal 9"),
            ("sleep 60", "no answer within 2000 ms"),
        ] {
            let (_folder, filter) = program(does);
            let fault = filter.apply("a", b"x").await.unwrap_err();
            assert!(fault.to_string().contains(wanted), "{does}: {fault}");
        }
        let missing = TextFilter::new("/nowhere/tool", [], "1.2.3").unwrap();
        let fault = missing.apply("a", b"x").await.unwrap_err();
        assert!(matches!(fault, Fault::ToolMissing { .. }), "{fault}");
    }
}
