//! The journal: what a commit has decided to do, as values and as text.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::{ArtifactPath, Digest};

#[cfg(test)]
mod tests;

const HEADER: &str = "evergen journal 1\n";

/// One decided commit. The steps are taken in order, and taking any of them again
/// changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Journal {
    pub(super) output: OutputRoot,
    /// Whether files beside the project file are staged on a volume of their own.
    pub(super) project_stage: bool,
    pub(super) steps: Vec<Step>,
}

/// Where the output folder is, as it was when the journal was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OutputRoot {
    /// Its path, relative to the project folder if it lies below it.
    pub(super) path: PathBuf,
    /// How many folders at the end of the path did not exist.
    pub(super) missing: usize,
    /// Whether artifacts are staged on a volume of their own.
    pub(super) own_stage: bool,
}

/// The folder that a path of a step is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Root {
    Output,
    Project,
    State,
}

/// One change to the trees. `staged` is the name of what is moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Removes a file, if it is there.
    Remove { root: Root, path: ArtifactPath },
    /// Removes a folder of the output, if it is empty.
    RemoveFolder { path: ArtifactPath },
    /// Moves a staged file in place, over what is there.
    MoveFile { root: Root, staged: u32, size: u64, path: ArtifactPath },
    /// Moves a staged folder of the output in place.
    MoveFolder { staged: u32, path: ArtifactPath },
    /// Moves the first missing folder of the output's own path in place.
    MoveRoot { staged: u32 },
}

impl Journal {
    /// Writes the journal, with a checksum at its end.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::with_capacity(256 + self.steps.len() * 64);
        text.push_str(HEADER);
        let OutputRoot { path, missing, own_stage } = &self.output;
        let [own, project] = [*own_stage, self.project_stage].map(u8::from);
        let path = to_hex(path);
        text += format!("output {missing} {own} {project} {path}\n").as_str();
        for step in &self.steps {
            step.push_to(&mut text);
        }
        let checksum = Digest::of(text.as_bytes());
        text += format!("end {checksum}\n").as_str();
        text
    }

    /// Reads what [`to_text`](Self::to_text) has written, if not a bit of it has changed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (body, end) = text.strip_suffix('\n')?.rsplit_once('\n')?;
        let body = &text[..=body.len()];
        let checksum: Digest = end.strip_prefix("end ")?.parse().ok()?;
        if checksum != Digest::of(body.as_bytes()) {
            return None;
        }
        let mut lines = body.strip_prefix(HEADER)?.lines();
        let mut fields = lines.next()?.strip_prefix("output ")?.split(' ');
        let missing = fields.next()?.parse().ok()?;
        let own_stage = fields.next()? == "1";
        let project_stage = fields.next()? == "1";
        let path = from_hex(fields.next()?)?;
        let steps = lines.map(Step::parse).collect::<Option<_>>()?;
        Some(Self { output: OutputRoot { path, missing, own_stage }, project_stage, steps })
    }
}

impl Step {
    fn push_to(&self, text: &mut String) {
        let line = match self {
            Self::Remove { root, path } => format!("remove {} {path}\n", root.name()),
            Self::RemoveFolder { path } => format!("clear {path}\n"),
            Self::MoveFile { root, staged, size, path } => {
                format!("file {} {staged} {size} {path}\n", root.name())
            }
            Self::MoveFolder { staged, path } => format!("folder {staged} {path}\n"),
            Self::MoveRoot { staged } => format!("root {staged}\n"),
        };
        text.push_str(&line);
    }

    fn parse(line: &str) -> Option<Self> {
        let (verb, rest) = line.split_once(' ')?;
        Some(match verb {
            "remove" => {
                let (root, path) = rest.split_once(' ')?;
                Self::Remove { root: Root::parse(root)?, path: ArtifactPath::parse(path).ok()? }
            }
            "clear" => Self::RemoveFolder { path: ArtifactPath::parse(rest).ok()? },
            "file" => {
                let mut fields = rest.splitn(4, ' ');
                Self::MoveFile {
                    root: Root::parse(fields.next()?)?,
                    staged: fields.next()?.parse().ok()?,
                    size: fields.next()?.parse().ok()?,
                    path: ArtifactPath::parse(fields.next()?).ok()?,
                }
            }
            "folder" => {
                let (staged, path) = rest.split_once(' ')?;
                let path = ArtifactPath::parse(path).ok()?;
                Self::MoveFolder { staged: staged.parse().ok()?, path }
            }
            "root" => Self::MoveRoot { staged: rest.parse().ok()? },
            _ => return None,
        })
    }
}

impl Root {
    fn name(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::Project => "project",
            Self::State => "state",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Output, Self::Project, Self::State].into_iter().find(|root| root.name() == text)
    }
}

/// A path of the system may hold any byte, line breaks too.
fn to_hex(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes().iter();
    let digits = bytes.flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn from_hex(text: &str) -> Option<PathBuf> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        &[high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    });
    let bytes: Vec<u8> = pairs.collect::<Option<_>>()?;
    Some(PathBuf::from(OsStr::from_bytes(&bytes)))
}
