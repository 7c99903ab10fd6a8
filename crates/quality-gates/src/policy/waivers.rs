use std::collections::BTreeSet;

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize};

use super::{PolicyProblem, Standing};
use crate::{Finding, GateResult, Outcome};

/// How long a waiver lasts at most, in days from today.
pub(super) const MAX_DAYS: i64 = 90;

const DIGITS: usize = 32;

/// Findings that somebody answers for, as `evergen.waivers.toml` has them.
///
/// ```toml
/// [[waiver]]
/// fingerprint = "0123456789abcdef0123456789abcdef"
/// owner = "ana@example.org"
/// reason = "the old importer goes away in January"
/// expires = 2027-01-31        # the last day on which it holds, 90 days from now at most
/// gate = "bandit"             # may be left out
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waivers {
    #[serde(default, rename = "waiver")]
    all: Vec<Waiver>,
}

/// One finding that somebody answers for. All but the gate must be there; what is missing is
/// found when it is judged, so that it fails like everything else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Waiver {
    /// The finding's fingerprint: 32 hexadecimal digits.
    #[serde(default)]
    pub fingerprint: String,
    /// Who answers for it.
    #[serde(default)]
    pub owner: String,
    /// Why it is borne.
    #[serde(default)]
    pub reason: String,
    /// The last day on which it holds, as 2027-01-31.
    #[serde(default, deserialize_with = "date_or_text")]
    pub expires: String,
    /// The gate whose finding it is; any where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
}

/// The file of waivers can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the waivers can't be understood: {why}")]
pub struct WaiversError {
    /// What is wrong, and where.
    pub why: String,
}

impl Waiver {
    /// A waiver of a finding: who answers for it, why, and until when.
    pub fn new(
        fingerprint: impl Into<String>,
        owner: impl Into<String>,
        reason: impl Into<String>,
        expires: Date,
    ) -> Self {
        Self {
            fingerprint: fingerprint.into(),
            owner: owner.into(),
            reason: reason.into(),
            expires: expires.to_string(),
            gate: None,
        }
    }

    /// Only for this gate's finding.
    #[must_use]
    pub fn of_gate(mut self, gate: impl Into<String>) -> Self {
        self.gate = Some(gate.into());
        self
    }

    fn missing(&self) -> Option<&'static str> {
        let fields = [
            ("fingerprint", &self.fingerprint),
            ("owner", &self.owner),
            ("reason", &self.reason),
            ("expires", &self.expires),
        ];
        fields.into_iter().find(|(_, value)| value.trim().is_empty()).map(|(name, _)| name)
    }

    /// The last day, or what is wrong with it.
    fn check(&self, position: usize, today: Date) -> Result<Date, PolicyProblem> {
        let fingerprint = match self.fingerprint.trim() {
            "" => "no fingerprint".to_owned(),
            text => text.to_owned(),
        };
        if let Some(missing) = self.missing() {
            let missing = missing.to_owned();
            return Err(PolicyProblem::Incomplete { position, fingerprint, missing });
        }
        if !is_fingerprint(&self.fingerprint) {
            return Err(PolicyProblem::NoFingerprint { position, fingerprint });
        }
        let Ok(expires) = self.expires.trim().parse::<Date>() else {
            let expires = self.expires.clone();
            return Err(PolicyProblem::NoDate { position, fingerprint, expires });
        };
        let owner = self.owner.clone();
        if expires < today {
            return Err(PolicyProblem::Expired { fingerprint, owner, expires });
        }
        let latest = today.saturating_add(MAX_DAYS.days());
        if expires > latest {
            return Err(PolicyProblem::TooLong { fingerprint, owner, expires, latest });
        }
        Ok(expires)
    }
}

impl Waivers {
    /// These waivers.
    pub fn new(all: Vec<Waiver>) -> Self {
        Self { all }
    }

    /// Reads `evergen.waivers.toml`. A waiver that lacks something is read, and fails when it is
    /// judged.
    pub fn parse(text: &str) -> Result<Self, WaiversError> {
        toml::from_str(text).map_err(|error| WaiversError { why: error.to_string() })
    }

    /// All of them, in the file's order.
    pub fn iter(&self) -> impl Iterator<Item = &Waiver> {
        self.all.iter()
    }

    /// Those that hold today, and what is wrong with the others.
    pub(super) fn sift(&self, today: Date) -> (Used<'_>, Vec<PolicyProblem>) {
        let mut valid: Vec<(&Waiver, Date, bool)> = Vec::new();
        let mut problems = Vec::new();
        let mut seen = BTreeSet::new();
        for (index, waiver) in self.all.iter().enumerate() {
            let position = index + 1;
            match waiver.check(position, today) {
                Ok(_) if !seen.insert((&waiver.fingerprint, &waiver.gate)) => {
                    let fingerprint = waiver.fingerprint.clone();
                    problems.push(PolicyProblem::Twice { position, fingerprint });
                }
                Ok(expires) => valid.push((waiver, expires, false)),
                Err(problem) => problems.push(problem),
            }
        }
        (Used { waivers: valid }, problems)
    }
}

/// The waivers that hold, and whether anything needed them.
pub(super) struct Used<'a> {
    waivers: Vec<(&'a Waiver, Date, bool)>,
}

impl Used<'_> {
    /// How a finding stands if it is waived.
    pub(super) fn waive(&mut self, gate: &str, finding: &Finding) -> Option<Standing> {
        let mut standing = None;
        for (waiver, expires, used) in &mut self.waivers {
            let is_meant = waiver.fingerprint == finding.fingerprint
                && waiver.gate.as_deref().is_none_or(|meant| meant == gate);
            if is_meant {
                *used = true;
                standing.get_or_insert_with(|| Standing::Waived {
                    owner: waiver.owner.clone(),
                    reason: waiver.reason.clone(),
                    expires: *expires,
                });
            }
        }
        standing
    }

    /// Those that nothing needed, though everything that could have was looked at.
    pub(super) fn unused(&self, gates: &[GateResult]) -> Vec<PolicyProblem> {
        let looked = |waiver: &Waiver| {
            let meant =
                |result: &&GateResult| waiver.gate.as_ref().is_none_or(|gate| *gate == result.gate);
            let blind = |result: &GateResult| {
                matches!(result.outcome, Outcome::Error(_) | Outcome::Flaky(_))
            };
            !gates.iter().filter(meant).any(blind)
        };
        let unused = self.waivers.iter().filter(|(waiver, _, used)| !used && looked(waiver));
        let problem = |(waiver, ..): &(&Waiver, Date, bool)| PolicyProblem::Unused {
            fingerprint: waiver.fingerprint.clone(),
            owner: waiver.owner.clone(),
        };
        unused.map(problem).collect()
    }
}

pub(super) fn is_fingerprint(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// TOML has dates of its own; people also write them as text.
fn date_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Date(toml::value::Datetime),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::Text(text) => text,
        Written::Date(date) => date.to_string(),
    })
}
