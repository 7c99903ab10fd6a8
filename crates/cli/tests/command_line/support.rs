//! A folder, and what evergen says in it.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A project that is asked to do something.
pub(crate) struct Folder {
    directory: TempDir,
}

/// What a process said, and how it ended.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// A project that generates one text file for each class.
    pub(crate) fn project() -> Self {
        let folder = Self::new();
        folder.file("evergen.toml", PROJECT);
        folder.file("model/shop.ttl", MODEL);
        folder.file("templates/class.txt.j2", TEMPLATE);
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn file(&self, path: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    pub(crate) fn replace(&self, path: &str, from: &str, to: &str) -> &Self {
        let text = self.read(path);
        assert!(text.contains(from), "{path} does not hold {from}");
        self.file(path, text.replace(from, to))
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.path().join(path).exists()
    }

    /// A file that can be run.
    pub(crate) fn program(&self, path: &str, text: &str) -> &Self {
        use std::os::unix::fs::PermissionsExt as _;
        self.file(path, text);
        fs::set_permissions(self.path().join(path), fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    pub(crate) fn remove(&self, path: &str) -> &Self {
        fs::remove_file(self.path().join(path)).unwrap();
        self
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evergen"));
        command.args(arguments.split_whitespace()).current_dir(self.path());
        command.env("XDG_CACHE_HOME", self.path().join(".cache"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("EVERGEN_") {
                command.env_remove(name);
            }
        }
        command.env_remove("NO_COLOR").stdin(Stdio::null());
        command
    }

    pub(crate) fn say(&self, arguments: &str) -> Said {
        Said::from(self.command(arguments).output().unwrap()).in_folder(self.path())
    }

    /// The same, for one that must succeed.
    pub(crate) fn done(&self, arguments: &str) -> Said {
        let said = self.say(arguments);
        assert_eq!(said.code, Some(0), "{said}");
        said
    }
}

impl Said {
    /// Replaces the folder's name, which is another one each time.
    fn in_folder(mut self, folder: &Path) -> Self {
        let real = fs::canonicalize(folder).unwrap();
        for name in [real.to_str().unwrap(), folder.to_str().unwrap()] {
            self.out = self.out.replace(name, "[folder]");
            self.err = self.err.replace(name, "[folder]");
        }
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => writeln!(f, "exit code {code}")?,
            None => writeln!(f, "killed")?,
        }
        for (name, text) in [("standard output", &self.out), ("standard error", &self.err)] {
            if !text.is_empty() {
                write!(f, "--- {name}\n{text}")?;
            }
        }
        Ok(())
    }
}

/// Compares with a stored text, without what differs from run to run.
#[macro_export]
macro_rules! assert_said {
    ($name:expr, $said:expr) => {
        insta::with_settings!({
            filters => vec![
                (r"\d+(\.\d+)? ms\b", "[time]"),
                (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[cycle]"),
                (r#"(_ms|"load"|"diff"|"invalidate"|"query"|"render"|"commit")(": |: )[0-9.]+"#, "$1$2[time]"),
                (r#"("load"|"diff"|"invalidate"|"query"|"render"|"commit"): [0-9.]+"#, "$1: [time]"),
                (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[time]"),
                (r"process \d+", "process [number]"),
                (r"on `[^`]*`", "on `[host]`"),
            ],
            omit_expression => true,
            prepend_module_to_snapshot => false,
        }, { insta::assert_snapshot!($name, $said.to_string()) })
    };
}

pub(crate) const PROJECT: &str = "\
[model]
sources = [\"model/**/*\"]
prefixes = { ex = \"http://example.org/\" }
";

pub(crate) const MODEL: &str = "\
@prefix ex: <http://example.org/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .

ex:Customer a owl:Class ; rdfs:comment \"Somebody who buys.\" .
ex:Order a owl:Class ; rdfs:comment \"What is bought.\" .
";

pub(crate) const TEMPLATE: &str = "\
+++
for_each = \"SELECT ?class WHERE { ?class a owl:Class }\"
to = \"{{ class | local_name | snake }}.txt\"
+++
{{ class | local_name }}: {{ class.out(\"rdfs:comment\") | first | default(\"\") }}
";
