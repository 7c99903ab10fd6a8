use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use evergen_artifact::Digest;

use super::proxy::{behind, has_own_toolchain, rustup_of};
use crate::process::{Finished, Home, Request, clean_environment, last_words, run};
use crate::{Fault, FoundTool, Limits, Looker, ToolSpec, ToolVersion, VersionRange};

/// How long a tool may take to say its version.
const PATIENCE: Duration = Duration::from_secs(20);

/// A tool, with what tells whether it is still the same.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) tool: FoundTool,
    pub(crate) digest: Digest,
    stamps: Vec<Stamp>,
    /// What is behind rustup where no folder says otherwise, for a tool that starts no other.
    behind: Option<PathBuf>,
}

type Stamp = (u64, u64, i64, i64, i64);

impl Found {
    /// Whether the file is the one that said its version.
    pub(crate) fn is_current(&self) -> bool {
        stamps(&self.tool.path, home_of).as_ref() == Some(&self.stamps)
    }

    /// The program to be started in a folder.
    pub(crate) fn program_in(&self, folder: &Path) -> &Path {
        let behind = self.behind.as_deref().filter(|_| !has_own_toolchain(folder));
        behind.unwrap_or(&self.tool.path)
    }
}

/// Looks for a tool and asks for its version.
pub(crate) async fn find(
    spec: &ToolSpec,
    homes: &[PathBuf],
    search_path: Option<OsString>,
) -> Result<Found, Fault> {
    let path = locate(spec, homes, search_path.as_ref())?;
    let gone = || missing(spec, format!("{} went away", path.display()));
    let stamps = stamps(&path, home_of).ok_or_else(gone)?;
    // A folder of its own: what the tool reads or leaves there is nobody's.
    let folder = tempfile::tempdir().map_err(|error| {
        Fault::infra(
            format!("no temporary folder: {error}"),
            "Check the folder for temporary files.",
        )
    })?;
    let mut environment = clean_environment(&spec.passes, Home::Own(folder.path()));
    if let Some(search_path) = search_path {
        environment.insert("PATH".into(), search_path);
    }
    let asked = Asked { folder: folder.path(), environment: &environment };
    let said = asked.say(&path, &spec.version_arguments).await.map_err(|fault| match fault {
        Fault::ToolMissing { why, .. } => missing(spec, why),
        other => other,
    })?;
    if said.code != 0 {
        // A shim without what it stands for: rustup, pyenv.
        let words = last_words(&said.stdout, &said.stderr);
        return Err(missing(
            spec,
            format!("asked for its version it ended with {}: {words}", said.code),
        ));
    }
    let mut text = words(&said);
    let version = match &spec.version_by {
        None => version(spec, &text)?,
        Some((program, arguments)) => {
            let (version, other) = asked.version_by(spec, &path, program, arguments).await?;
            text.push_str(&other);
            version
        }
    };
    let looker = Looker::new(name_of(spec), version.to_string());
    let digest = Digest::of(format!("{}\0{stamps:?}\0{text}", path.display()).as_bytes());
    let behind = behind_rustup(spec, &path, folder.path(), environment).await;
    Ok(Found { tool: FoundTool { path, version, looker }, digest, stamps, behind })
}

/// Where programs are asked for versions.
struct Asked<'a> {
    folder: &'a Path,
    environment: &'a BTreeMap<OsString, OsString>,
}

impl Asked<'_> {
    async fn say(&self, program: &Path, arguments: &[String]) -> Result<Finished, Fault> {
        run(Request {
            program: program.to_path_buf(),
            arguments: arguments.iter().map(OsString::from).collect(),
            folder: self.folder.to_path_buf(),
            private: true,
            environment: self.environment.clone(),
            input: None,
            limits: Limits::default().with_time(PATIENCE).with_output(1 << 20),
        })
        .await
    }

    /// The version of a tool as the program beside it says it, and all that that said.
    async fn version_by(
        &self,
        spec: &ToolSpec,
        path: &Path,
        program: &str,
        arguments: &[String],
    ) -> Result<(ToolVersion, String), Fault> {
        match self.say(&path.with_file_name(program), arguments).await {
            Ok(said) if said.code == 0 => {
                let text = words(&said);
                Ok((version(spec, &text)?, text))
            }
            // Without the other program nobody knows it, and the tool may do nevertheless.
            _ if spec.versions == VersionRange::any() => Ok((ToolVersion::none(), String::new())),
            _ => Err(wrong(spec, format!("that `{program}` does not say"))),
        }
    }
}

/// All that a process wrote, as text.
fn words(said: &Finished) -> String {
    String::from_utf8_lossy(&[&said.stdout[..], b"\n", &said.stderr].concat()).into_owned()
}

/// The version in a text, if it will do.
fn version(spec: &ToolSpec, text: &str) -> Result<ToolVersion, Fault> {
    let shown: String = text.trim().chars().take(200).collect();
    let unread = || wrong(spec, format!("that can't be read from {shown:?}"));
    let version = ToolVersion::find(text).ok_or_else(unread)?;
    if spec.versions.contains(&version) {
        return Ok(version);
    }
    Err(wrong(spec, version.to_string()))
}

fn wrong(spec: &ToolSpec, found: String) -> Fault {
    Fault::WrongVersion {
        tool: spec.called.clone().unwrap_or_else(|| spec.program.clone()),
        found,
        wanted: spec.versions.to_string(),
        install: spec.install.clone(),
    }
}

/// What reports call the tool.
fn name_of(spec: &ToolSpec) -> String {
    let file = || Path::new(&spec.program).file_name();
    let own = || file().map_or(spec.program.clone(), |name| name.to_string_lossy().into_owned());
    spec.called.clone().unwrap_or_else(own)
}

/// What rustup starts for a tool that needs nothing of what it prepares.
async fn behind_rustup(
    spec: &ToolSpec,
    path: &Path,
    folder: &Path,
    environment: BTreeMap<OsString, OsString>,
) -> Option<PathBuf> {
    let rustup = rustup_of(path).filter(|_| spec.starts_nothing)?;
    let home = home_of("RUSTUP_HOME", ".rustup")?;
    behind(&rustup, &spec.program, &home, folder, environment).await
}

fn locate(
    spec: &ToolSpec,
    homes: &[PathBuf],
    search_path: Option<&OsString>,
) -> Result<PathBuf, Fault> {
    let own = homes.iter().flat_map(|home| spec.also_in.iter().map(|inner| home.join(inner)));
    let general = search_path.into_iter().flat_map(std::env::split_paths);
    let folders: Vec<PathBuf> = own.chain(general).collect();
    let mut candidates: Vec<PathBuf> = Vec::new();
    if spec.program.contains('/') {
        candidates.push(spec.program.clone().into());
    } else {
        // An entry that is not absolute would be taken from wherever we stand.
        let absolute = folders.iter().filter(|folder| folder.is_absolute());
        candidates.extend(absolute.map(|folder| folder.join(&spec.program)));
    }
    let present = candidates.iter().find(|path| is_executable(path));
    present.cloned().ok_or_else(|| {
        let why = match candidates.iter().find(|path| path.is_file()) {
            Some(path) => format!("{} may not be executed", path.display()),
            None => format!("it is in none of {} folders of the search path", folders.len()),
        };
        missing(spec, why)
    })
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// By what a tool is known again: its file; for one that rustup stands for, what says which
/// toolchain that is; for cargo, the user's settings of it. `home` says where a variable, or else
/// a usual name, leads to.
fn stamps(path: &Path, home: impl Fn(&str, &str) -> Option<PathBuf>) -> Option<Vec<Stamp>> {
    let mut files = Vec::new();
    let file = stamp(path)?;
    let is_proxy = rustup_of(path).is_some();
    if let Some(home) = home("RUSTUP_HOME", ".rustup").filter(|_| is_proxy) {
        let updates = std::fs::read_dir(home.join("update-hashes")).into_iter().flatten().flatten();
        files.extend(updates.map(|entry| entry.path()));
        files.extend([home.join("settings.toml"), home.join("toolchains")]);
    }
    let is_cargo =
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"cargo"));
    if let Some(home) = home("CARGO_HOME", ".cargo").filter(|_| is_cargo) {
        files.extend([home.join("config"), home.join("config.toml")]);
    }
    files.sort_unstable();
    let mut stamps = vec![file];
    stamps.extend(files.iter().filter_map(|file| stamp(file)));
    Some(stamps)
}

/// The folder that a variable names, or else the usual one of the user.
fn home_of(variable: &str, usual: &str) -> Option<PathBuf> {
    let own = std::env::var_os(variable).map(PathBuf::from);
    own.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(usual)))
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = path.metadata().ok()?;
    let changed = (metadata.ctime(), metadata.ctime_nsec());
    Some((metadata.size(), metadata.ino(), metadata.mtime(), changed.0, changed.1))
}

fn missing(spec: &ToolSpec, why: String) -> Fault {
    Fault::ToolMissing { tool: spec.program.clone(), why, install: spec.install.clone() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A rustup that says where a program is, in a folder with everything that it looks at.
    #[tokio::test]
    async fn a_tool_that_starts_nothing_is_started_without_rustup() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let behind = at("behind");
        let says = format!(
            "#!/bin/sh\n[ \"$1\" = which ] && echo {} || echo rustfmt 1.9.0\n",
            behind.display()
        );
        for (name, text) in [("rustup", says.as_str()), ("behind", "#!/bin/sh\n")] {
            fs::write(at(name), text).unwrap();
            fs::set_permissions(at(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        std::os::unix::fs::symlink(at("rustup"), at("rustfmt")).unwrap();
        let spec = ToolSpec::new("rustfmt", "Install it.");
        let search = || Some(folder.path().into());
        let other = find(&spec, &[], search()).await.unwrap();
        assert_eq!(other.program_in(folder.path()), at("rustfmt"));
        let found = find(&ToolSpec { starts_nothing: true, ..spec }, &[], search()).await.unwrap();
        let own = home_of("RUSTUP_HOME", ".rustup").map(|home| home.join("settings.toml"));
        if own.is_some_and(|settings| settings.is_file()) {
            assert_eq!(found.program_in(folder.path()), behind);
        }
        fs::write(at("rust-toolchain.toml"), "").unwrap();
        assert_eq!(found.program_in(folder.path()), at("rustfmt"));
    }

    #[test]
    fn a_tool_behind_rustup_is_another_one_with_another_toolchain() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["rustup", "other", "cargo"] {
            fs::write(at(name), name).unwrap();
        }
        std::os::unix::fs::symlink(at("rustup"), at("rustfmt")).unwrap();
        fs::hard_link(at("rustup"), at("clippy-driver")).unwrap();
        fs::create_dir_all(at("home/update-hashes")).unwrap();
        fs::write(at("home/update-hashes/stable"), "1").unwrap();
        let known = |name: &str| stamps(&at(name), |_, _| Some(at("home"))).unwrap();
        let names = ["rustfmt", "clippy-driver", "other", "cargo"];
        let before = names.map(known);
        assert_eq!(names.map(known), before);
        fs::write(at("home/update-hashes/stable"), "a newer one").unwrap();
        let after = names.map(known);
        let changed: Vec<bool> = before.iter().zip(&after).map(|(one, two)| one != two).collect();
        assert_eq!(changed, [true, true, false, false]);
        fs::write(at("home/config.toml"), "[build]").unwrap();
        assert_ne!(known("cargo"), after[3]);
        assert_eq!(known("other"), after[2]);
    }
}
