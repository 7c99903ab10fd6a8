use std::time::Duration;

use serde_json::Value;

use super::protocol::Diagnostic;
use crate::{Severity, SubjectFile, VersionRange};

/// The warm form of a tool: how it is started as a server, what it is asked, and how what it
/// says becomes the findings that the tool itself would name.
#[derive(Clone, Debug)]
pub struct Form {
    /// Arguments that make the tool a server.
    pub(super) arguments: Vec<String>,
    /// The server's own program, beside the tool; the tool itself without it.
    pub(super) program: Option<&'static str>,
    /// The versions that have a server.
    pub(super) versions: VersionRange,
    /// What it is given when it is started.
    pub(super) options: Value,
    /// The settings that it may ask for, by section.
    pub(super) settings: Value,
    /// Whether it says only after its start that it gives diagnostics when it is asked.
    pub(super) registers: bool,
    /// What it is asked.
    pub(super) asks: Asks,
    /// A text in which a server must find something, or which it must lay out differently.
    pub(super) mistake: &'static str,
    /// Whether it holds the files from verdict to verdict: where one file depends on others.
    pub(super) holds: bool,
    /// How a folder of its own is made for it, where the judged tree's settings must not count.
    pub(super) project: Option<Project>,
    /// The rule of a diagnostic.
    pub(super) rule: fn(&Diagnostic) -> String,
    /// The part of a message that the tool itself says.
    pub(super) message: fn(&str) -> &str,
    /// How bad a diagnostic is; nothing for one that the tool itself does not name.
    pub(super) severity: fn(&Diagnostic) -> Option<Severity>,
    /// Whether the tool itself says where a finding ends. A fingerprint depends on it.
    pub(super) ends: bool,
    /// How long it may take to start.
    pub(super) start: Duration,
    /// How long it may take to answer.
    pub(super) patience: Duration,
    /// The most files about which it is asked at once.
    pub(super) most_files: usize,
}

/// What a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// What is wrong.
    Diagnostics,
    /// Whether it would lay the text out differently.
    Layout,
}

/// A folder of the server's own, in which the tree lies below a settings file that we write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Project {
    /// The name of the settings file.
    pub(super) file: &'static str,
    /// Its text for these judged files, which lie below `tree/`.
    pub(super) text: fn(&[SubjectFile]) -> String,
    /// Whether a file of the tree would count as settings, and stays out.
    pub(super) leaves_out: fn(&str) -> bool,
}

impl Form {
    /// How long it may take to start and to answer.
    #[must_use]
    pub fn with_patience(mut self, start: Duration, answer: Duration) -> Self {
        (self.start, self.patience) = (start, answer);
        self
    }

    /// The most files about which it is asked at once; beyond that the tool itself is quicker.
    #[must_use]
    pub fn with_most_files(mut self, files: usize) -> Self {
        self.most_files = files;
        self
    }
}
