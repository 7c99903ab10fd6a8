use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::waivers::MAX_DAYS;

/// Something is wrong with the policy itself, or with what was asked. Nothing passes until it is
/// put right.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error,
)]
#[serde(tag = "problem", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PolicyProblem {
    /// A waiver lacks what it must have.
    #[error("waiver {position} ({fingerprint}) has no {missing}")]
    Incomplete {
        /// Which of the file's waivers, from 1.
        position: usize,
        /// Its fingerprint, or "no fingerprint".
        fingerprint: String,
        /// What is missing.
        missing: String,
    },
    /// A fingerprint that no finding can have.
    #[error("waiver {position} has the fingerprint {fingerprint:?}, which is none")]
    NoFingerprint {
        /// Which of the file's waivers, from 1.
        position: usize,
        /// What stands there.
        fingerprint: String,
    },
    /// An expiry that is no date.
    #[error("waiver {position} ({fingerprint}) expires on {expires:?}, which is no date")]
    NoDate {
        /// Which of the file's waivers, from 1.
        position: usize,
        /// Its fingerprint.
        fingerprint: String,
        /// What stands there.
        expires: String,
    },
    /// Its time is over.
    #[error("the waiver of {owner} for {fingerprint} expired on {expires}")]
    Expired {
        /// Its fingerprint.
        fingerprint: String,
        /// Who answers for it.
        owner: String,
        /// Its last day.
        expires: Date,
    },
    /// It lasts longer than a waiver may.
    #[error("the waiver of {owner} for {fingerprint} expires on {expires}, later than {latest}")]
    TooLong {
        /// Its fingerprint.
        fingerprint: String,
        /// Who answers for it.
        owner: String,
        /// Its last day.
        expires: Date,
        /// The latest day that is allowed now.
        latest: Date,
    },
    /// Nothing was found that needs it.
    #[error("nothing needs the waiver of {owner} for {fingerprint}")]
    Unused {
        /// Its fingerprint.
        fingerprint: String,
        /// Who answers for it.
        owner: String,
    },
    /// Nobody looked at what somebody wanted to have judged.
    #[error("{why}")]
    NothingJudged {
        /// Which gates were left out, or had nothing to look at.
        why: String,
        /// What to do.
        advice: String,
    },
    /// Two waivers for one finding.
    #[error("waiver {position} waives {fingerprint} a second time")]
    Twice {
        /// Which of the file's waivers, from 1.
        position: usize,
        /// Its fingerprint.
        fingerprint: String,
    },
}

impl PolicyProblem {
    /// A word for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Incomplete { .. } => "waiver_incomplete",
            Self::NoFingerprint { .. } => "waiver_no_fingerprint",
            Self::NoDate { .. } => "waiver_no_date",
            Self::Expired { .. } => "waiver_expired",
            Self::TooLong { .. } => "waiver_too_long",
            Self::Unused { .. } => "waiver_unused",
            Self::NothingJudged { .. } => "nothing_judged",
            Self::Twice { .. } => "waiver_twice",
        }
    }

    /// What to do, as a sentence.
    pub fn advice(&self) -> String {
        match self {
            Self::Incomplete { missing, .. } => format!("Add `{missing}` to it."),
            Self::NoFingerprint { .. } => {
                "Copy the finding's fingerprint from `evergen gates --format json`: 32 hexadecimal digits."
                    .to_owned()
            }
            Self::NoDate { .. } => "Write the date as 2027-01-31.".to_owned(),
            Self::Expired { .. } => {
                "Mend the finding and remove the waiver, or have it decided anew.".to_owned()
            }
            Self::TooLong { latest, .. } => {
                format!("A waiver lasts {MAX_DAYS} days at most: set `expires = {latest}` or earlier.")
            }
            Self::NothingJudged { advice, .. } => advice.clone(),
            Self::Unused { .. } | Self::Twice { .. } => "Remove it.".to_owned(),
        }
    }
}
