//! Three numbers that say how far a new package is from an old one.

use std::fmt;
use std::str::FromStr;

use super::ChangeKind;

/// A version as [Semantic Versioning](https://semver.org) has it, of three numbers and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Version {
    /// Goes up with what breaks.
    pub major: u64,
    /// Goes up with what is new.
    pub minor: u64,
    /// Goes up with everything else.
    pub patch: u64,
}

/// A text that is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version is three numbers, like 0.1.0, each below 2^32 and without leading zeros")]
pub struct VersionError;

impl Version {
    /// Where a package begins.
    pub const FIRST: Self = Self { major: 0, minor: 1, patch: 0 };

    /// The version of a package that differs from this one by changes of at most this kind.
    ///
    /// Before 1.0 the numbers are read as Cargo reads them: the first one that is not zero
    /// says what breaks, and what is new is told by the last one as all else is. So
    /// 0.1.0 goes to 0.2.0 with what breaks and to 0.1.1 with anything else, and 0.0.3 always to 0.0.4.
    #[must_use]
    pub fn after(self, kind: ChangeKind) -> Self {
        let Self { major, minor, patch } = self;
        match (kind, major, minor) {
            (ChangeKind::Breaking, 1.., _) => Self { major: major + 1, minor: 0, patch: 0 },
            (ChangeKind::Breaking, 0, 1..) | (ChangeKind::Additive, 1.., _) => {
                Self { major, minor: minor + 1, patch: 0 }
            }
            _ => Self { major, minor, patch: patch + 1 },
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let number = |part: &str| {
            let is_plain = part.bytes().all(|byte| byte.is_ascii_digit())
                && (part.len() == 1 || !part.starts_with('0'));
            let number: u32 = part.parse().map_err(|_| VersionError)?;
            if is_plain { Ok(u64::from(number)) } else { Err(VersionError) }
        };
        let parts: Vec<&str> = text.split('.').collect();
        let [major, minor, patch] = parts[..] else { return Err(VersionError) };
        Ok(Self { major: number(major)?, minor: number(minor)?, patch: number(patch)? })
    }
}
