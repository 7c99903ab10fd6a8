//! One recording as a file.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::{CompletionRequest, FinishReason, LlmError, Usage};

const VERSION: u32 = 1;

/// What is asked for. It is part of the digest.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Completion,
    Tokens,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub(super) enum Answer {
    Text { pieces: Vec<String>, finish: FinishReason, usage: Usage },
    Tokens { count: u64 },
}

/// The file. The request is there for people, and to be compared.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Entry {
    version: u32,
    request: CompletionRequest,
    answer: Answer,
    /// The digest of the answer.
    checksum: String,
}

impl Answer {
    pub(super) fn text(self, path: &Path) -> Result<(Vec<String>, FinishReason, Usage), LlmError> {
        match self {
            Self::Text { pieces, finish, usage } => Ok((pieces, finish, usage)),
            Self::Tokens { .. } => Err(mixed_up(path)),
        }
    }

    pub(super) fn tokens(self, path: &Path) -> Result<u64, LlmError> {
        match self {
            Self::Tokens { count } => Ok(count),
            Self::Text { .. } => Err(mixed_up(path)),
        }
    }

    fn checksum(&self) -> String {
        blake3::hash(json(self).as_bytes()).to_hex().to_string()
    }
}

impl Entry {
    /// The answer in the file, if there is one and it is to this request.
    pub(super) fn read(path: &Path, asked: &CompletionRequest) -> Result<Option<Answer>, LlmError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(LlmError::RecordingIo { path: path.to_owned(), source }),
        };
        let damaged = |reason: String| LlmError::RecordingDamaged { path: path.to_owned(), reason };
        let Self { version, request, answer, checksum } =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if version != VERSION {
            return Err(damaged(format!("its version is {version}, and ours is {VERSION}")));
        }
        if json(&request) != json(asked) {
            return Err(damaged("it answers another request".to_owned()));
        }
        if answer.checksum() != checksum {
            return Err(damaged("the answer does not have its checksum".to_owned()));
        }
        Ok(Some(answer))
    }

    /// Writes the answer if there is none yet, and gives the one that is there then.
    pub(super) fn write(
        path: &Path,
        request: CompletionRequest,
        answer: Answer,
    ) -> Result<Answer, LlmError> {
        let checksum = answer.checksum();
        let entry = Self { version: VERSION, request, answer, checksum };
        let io = |source| LlmError::RecordingIo { path: path.to_owned(), source };
        if entry.write_new(path).map_err(io)? {
            return Ok(entry.answer);
        }
        let first = Self::read(path, &entry.request)?;
        Ok(first.unwrap_or(entry.answer))
    }

    /// Whether the file is new. A reader sees all of it or nothing.
    fn write_new(&self, path: &Path) -> io::Result<bool> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = NamedTempFile::new_in(folder)?;
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Ok(_) => File::open(folder)?.sync_all().map(|()| true),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.error),
        }
    }
}

/// What a request is recorded under, in hexadecimal. It does not depend on the machine or
/// the day: fields are written in the order in which they are declared.
pub(super) fn digest(request: &CompletionRequest, kind: Kind) -> String {
    let kind = match kind {
        Kind::Completion => "completion",
        Kind::Tokens => "tokens",
    };
    let text = format!("evergen-llm {VERSION}\n{kind}\n{}", json(request));
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// Two characters make a folder, so that none becomes too large.
pub(super) fn path(folder: &Path, digest: &str) -> PathBuf {
    folder.join(&digest[..2]).join(format!("{digest}.json"))
}

fn json(value: &impl Serialize) -> String {
    // Strings, numbers and lists alone; a number that is no number is written as null.
    serde_json::to_string(value).unwrap_or_default()
}

fn mixed_up(path: &Path) -> LlmError {
    let reason = "it answers another kind of question".to_owned();
    LlmError::RecordingDamaged { path: path.to_owned(), reason }
}
