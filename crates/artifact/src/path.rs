use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use unicode_normalization::UnicodeNormalization;

mod rules;
#[cfg(test)]
mod tests;

use rules::{MAXIMAL_PATH, component_fault, whole_fault};

/// Where an artifact stands below the output folder: a relative path with `/`
/// between its components, checked once and cheap to clone.
///
/// An accepted path names one place below the folder on every common system: it
/// can't climb out, is not absolute, is no device, holds no invisible characters,
/// and is in Unicode's form NFC.
///
/// ```
/// use evergen_artifact::ArtifactPath;
///
/// let path = ArtifactPath::parse("src/models/order.rs").unwrap();
/// assert_eq!((path.folder(), path.file_name()), ("src/models", "order.rs"));
/// assert_eq!(
///     ArtifactPath::parse("../order.rs").unwrap_err().to_string(),
///     r#"the path "../order.rs" has the component `..`"#
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactPath(Arc<str>);

impl ArtifactPath {
    /// Checks `text` and keeps it.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        check(text)?;
        Ok(Self(text.into()))
    }

    /// Keeps the folder of a checked path, whose every beginning is a checked path too.
    pub(crate) fn of_folder(folder: &str) -> Self {
        Self(folder.into())
    }

    /// Returns the path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the folder that holds the file, empty for the output folder itself.
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Returns the last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// Whether the file would stand below a folder that has the path `folder`.
    pub fn is_below(&self, folder: &str) -> bool {
        self.0.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Returns the form in which two paths are the same on a file system that
    /// folds case or normalises Unicode: two artifacts with one key must not both
    /// be written.
    ///
    /// Letters of different scripts that merely look alike stay apart, since
    /// every file system keeps them apart.
    pub fn collision_key(&self) -> String {
        collision_form(&self.0)
    }
}

impl AsRef<str> for ArtifactPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ArtifactPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ArtifactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ArtifactPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        Self::parse(text)
    }
}

impl Serialize for ArtifactPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ArtifactPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// The name of one file that stands directly in the project's or the state
/// folder. It obeys the rules of [`ArtifactPath`], and has one component.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(ArtifactPath);

impl FileName {
    /// Checks `text` and keeps it.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        check(text)?;
        if text.contains('/') {
            return Err(PathError::new(text, PathFault::Folder));
        }
        Ok(Self(ArtifactPath(text.into())))
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the name as a path of one component.
    pub(crate) fn as_path(&self) -> &ArtifactPath {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no path for an artifact, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path {path:?} {fault}")]
pub struct PathError {
    path: String,
    fault: PathFault,
}

impl PathError {
    fn new(path: &str, fault: PathFault) -> Self {
        // Whatever length the text has, the message stays readable.
        let end = path.floor_char_boundary(MAXIMAL_PATH);
        Self { path: path[..end].to_owned(), fault }
    }

    /// Returns the refused text; of one that is too long, the beginning.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns what is wrong with it.
    pub fn fault(&self) -> PathFault {
        self.fault
    }
}

/// What can be wrong with the text of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PathFault {
    /// Nothing is there.
    #[error("is empty")]
    Empty,
    /// It starts at the root of a file system.
    #[error("is absolute")]
    Absolute,
    /// Two slashes in a row, or one at the end.
    #[error("has an empty component")]
    EmptyComponent,
    /// A component is `.`.
    #[error("has the component `.`")]
    CurrentFolder,
    /// A component is `..`.
    #[error("has the component `..`")]
    ParentFolder,
    /// A backslash separates folders on Windows.
    #[error("has a backslash; folders are separated by `/`")]
    Backslash,
    /// A colon names a drive or an alternate stream on Windows.
    #[error("has a colon, which names a drive or a stream on Windows")]
    Colon,
    /// NUL, a line break or another control character.
    #[error("has a control character")]
    Control,
    /// Text could be shown in another order than it has.
    #[error("has a control character for the direction of text")]
    Bidirectional,
    /// A character that takes no room, so that two paths look the same.
    #[error("has an invisible character")]
    Invisible,
    /// A character that looks like, or is folded into, a separator or dots.
    #[error("has a character that looks like, or is folded into, a separator or a dot")]
    LookAlike,
    /// The text changes under Unicode's normalisation.
    #[error("is not in Unicode's form NFC, so that some file systems would change it")]
    NotNormalised,
    /// Windows strips dots and spaces at the end of a name.
    #[error("has a component that ends with a dot or a space")]
    TrailingDotOrSpace,
    /// `con`, `nul`, `com1` and their like open a device on Windows.
    #[error("has a component that names a device on Windows")]
    Device,
    /// The names `.git` and `.evergen…` are taken.
    #[error("has a component that is reserved for version control or for evergen itself")]
    Reserved,
    /// A component has more bytes than file systems take.
    #[error("has a component of more than 255 bytes")]
    LongComponent,
    /// The whole has more bytes than systems take.
    #[error("has more than 4096 bytes")]
    LongPath,
    /// A name was asked for, not a path.
    #[error("has a folder where only a name may stand")]
    Folder,
}

/// NFKC with case folded: what the least discerning file systems compare by.
fn collision_form(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let folded: String =
        text.nfkd().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    // Folding can bring letters out that decompose or fold once more.
    folded.nfkd().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

fn check(text: &str) -> Result<(), PathError> {
    let fault = whole_fault(text).or_else(|| text.split('/').find_map(component_fault));
    fault.map_or(Ok(()), |fault| Err(PathError::new(text, fault)))
}
