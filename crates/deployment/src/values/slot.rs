use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the two places of an environment in which a release can run.
///
/// At any time one of them is live; the other is idle, or takes the next release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// The first, which is live in a new environment as soon as anything is.
    Blue,
    /// The second.
    Green,
}

impl Slot {
    /// Both, in the order in which they are shown.
    pub const BOTH: [Self; 2] = [Self::Blue, Self::Green];

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Blue => Self::Green,
            Self::Green => Self::Blue,
        }
    }

    /// Its name: `blue` or `green`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// How traffic is shared between the two slots, in thousandths.
///
/// Only the share of [`Slot::Green`] is kept and the other is what is left of 1000. So the
/// shares always sum to the whole: that nobody gets the traffic can't be said.
///
/// ```
/// use evergen_deployment::{Slot, Split};
///
/// let tenth = Split::giving(Slot::Green, 100)?;
/// assert_eq!((tenth.of(Slot::Blue), tenth.of(Slot::Green)), (900, 100));
/// assert_eq!(tenth.gaining(Split::all(Slot::Blue)), Some(Slot::Green));
/// assert!(Split::giving(Slot::Green, 1001).is_err());
/// # Ok::<(), evergen_deployment::SplitError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Split {
    green: u16,
}

impl Split {
    /// All thousandths there are.
    pub const WHOLE: u16 = 1000;

    /// All traffic goes to `slot`.
    #[must_use]
    pub const fn all(slot: Slot) -> Self {
        match slot {
            Slot::Blue => Self { green: 0 },
            Slot::Green => Self { green: Self::WHOLE },
        }
    }

    /// `slot` gets `permille` thousandths, and the other slot what is left.
    ///
    /// # Errors
    /// `permille` is more than [`WHOLE`](Self::WHOLE).
    pub const fn giving(slot: Slot, permille: u16) -> Result<Self, SplitError> {
        if permille > Self::WHOLE {
            return Err(SplitError { permille });
        }
        Ok(match slot {
            Slot::Blue => Self { green: Self::WHOLE - permille },
            Slot::Green => Self { green: permille },
        })
    }

    /// The share of `slot` in thousandths.
    pub const fn of(self, slot: Slot) -> u16 {
        match slot {
            Slot::Blue => Self::WHOLE - self.green,
            Slot::Green => self.green,
        }
    }

    /// The slot that has more than it had under `before`; none if nothing changes. It is
    /// the one to be raised first, so that no moment has less than the whole.
    pub const fn gaining(self, before: Self) -> Option<Slot> {
        if self.green > before.green {
            Some(Slot::Green)
        } else if self.green < before.green {
            Some(Slot::Blue)
        } else {
            None
        }
    }

    /// The slot that has everything, if one has.
    pub const fn sole(self) -> Option<Slot> {
        match self.green {
            0 => Some(Slot::Blue),
            Self::WHOLE => Some(Slot::Green),
            _ => None,
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: u16| f64::from(share) / 10.0;
        let [blue, green] = Slot::BOTH.map(|slot| percent(self.of(slot)));
        write!(formatter, "blue {blue} % / green {green} %")
    }
}

impl TryFrom<u16> for Split {
    type Error = SplitError;

    fn try_from(green: u16) -> Result<Self, SplitError> {
        Self::giving(Slot::Green, green)
    }
}

impl From<Split> for u16 {
    fn from(split: Split) -> Self {
        split.green
    }
}

/// A share that is more than everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a share of traffic is 0 to 1000 thousandths, not {permille}")]
pub struct SplitError {
    /// The share that was given.
    pub permille: u16,
}
