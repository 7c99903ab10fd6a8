use serde::{Deserialize, Serialize};

use crate::Severity;

/// How good is good enough. The names are those of `[gates]` in `evergen.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Thresholds {
    /// The least quality of code, from 0 to 10: see [`code_quality`](crate::code_quality).
    pub code_quality_min_score: f64,
    /// How many findings of a security gate are borne.
    pub security_max_issues: u64,
    /// The least share of lines that tests reach, in per cent. Judged where it was measured.
    pub test_coverage_min: f64,
    /// Whether a test gate that did not measure coverage fails.
    pub test_coverage_required: bool,
    /// The longest response time, in milliseconds.
    pub performance_max_response_time: f64,
    /// The least throughput, in answers per second; 0 for none.
    pub performance_min_throughput: f64,
    /// The severity from which a single finding of a linter or a type checker fails.
    pub fail_on: Severity,
}

impl Default for Thresholds {
    /// 8 of 10, no security issue, 80 %, 200 ms; a linter's warning alone does not fail.
    fn default() -> Self {
        Self {
            code_quality_min_score: 8.0,
            security_max_issues: 0,
            test_coverage_min: 80.0,
            test_coverage_required: false,
            performance_max_response_time: 200.0,
            performance_min_throughput: 0.0,
            fail_on: Severity::Error,
        }
    }
}

/// A setting has a value that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}, and must be {allowed}")]
pub struct SettingsError {
    /// The setting, as `gates.test_coverage_min`.
    pub field: String,
    /// Its value.
    pub value: String,
    /// What it may be.
    pub allowed: String,
}

impl SettingsError {
    pub(crate) fn new(
        field: impl Into<String>,
        value: impl std::fmt::Display,
        allowed: impl Into<String>,
    ) -> Self {
        let value = format!("{value}");
        Self { field: field.into(), value, allowed: allowed.into() }
    }
}

impl Thresholds {
    /// Checks each value against its range.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let within = |field: &str, value: f64, least: f64, most: f64, allowed: &str| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            Err(SettingsError::new(format!("gates.{field}"), value, allowed))
        };
        within("code_quality_min_score", self.code_quality_min_score, 0.0, 10.0, "from 0 to 10")?;
        within(
            "test_coverage_min",
            self.test_coverage_min,
            0.0,
            100.0,
            "from 0 to 100 (per cent)",
        )?;
        let (time, rate) = (self.performance_max_response_time, self.performance_min_throughput);
        let time_allowed = "above 0 and at most 3600000 (milliseconds)";
        let least = f64::MIN_POSITIVE;
        within("performance_max_response_time", time, least, 3_600_000.0, time_allowed)?;
        within("performance_min_throughput", rate, 0.0, f64::MAX, "0 or more (answers per second)")
    }
}
