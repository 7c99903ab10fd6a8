use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

#[cfg(doc)]
use crate::Job;

/// One run of the tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Invocation {
    /// The arguments, as they are: no shell looks at them.
    pub arguments: Vec<OsString>,
    /// What it reads from its standard input; nothing else than the end of it by default.
    pub input: Option<Arc<[u8]>>,
    /// Where it runs: a folder of the tree, with `/` between its parts; empty for the tree's root.
    /// A file that is not absolute is named from there in its findings.
    pub folder: String,
    /// Variables that are set, besides those every tool gets.
    pub environment: BTreeMap<String, String>,
    /// Files that are written for it before it runs: absolute paths below [`Job::cache`].
    pub inputs: Vec<(PathBuf, Arc<[u8]>)>,
    /// Files below the folder where it runs, or absolute ones, that it writes and that are read
    /// afterwards. They are removed before the run.
    pub outputs: Vec<PathBuf>,
    /// Whether it shows nothing but that the tool still sees what it must under the tree's
    /// settings: a fault if it does not. One without findings is not repeated for the same tool
    /// and settings, if the gate's scope says which files those are.
    pub is_control: bool,
}

impl Invocation {
    /// A run with these arguments.
    pub fn new<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Self {
        Self { arguments: arguments.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Adds arguments.
    #[must_use]
    pub fn with<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Where it runs: a folder of the tree, with `/` between its parts.
    #[must_use]
    pub fn in_folder(mut self, folder: impl Into<String>) -> Self {
        self.folder = folder.into();
        self
    }

    /// What it reads from its standard input.
    #[must_use]
    pub fn with_input(mut self, bytes: impl Into<Arc<[u8]>>) -> Self {
        self.input = Some(bytes.into());
        self
    }

    /// A variable that is set.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// A file that is written for it before it runs: an absolute path below [`Job::cache`].
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>, bytes: impl Into<Arc<[u8]>>) -> Self {
        self.inputs.push((path.into(), bytes.into()));
        self
    }

    /// It shows only what the tool sees under the tree's settings.
    #[must_use]
    pub fn as_control(mut self) -> Self {
        self.is_control = true;
        self
    }

    /// A file that it writes.
    #[must_use]
    pub fn writing(mut self, path: impl Into<PathBuf>) -> Self {
        self.outputs.push(path.into());
        self
    }
}
