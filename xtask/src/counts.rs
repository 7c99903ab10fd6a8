//! How many tests ran, read from the closing lines of the test runners.

use std::fmt;
use std::ops::Add;

/// Tests by their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Counts {
    /// Reads a closing line of cargo-nextest or of the standard test harness.
    pub(crate) fn of_line(line: &str) -> Option<Self> {
        let summary = line.trim_start().starts_with("Summary [");
        let nextest = summary.then(|| line.split_once(" run:")).flatten();
        // Nextest shows the harness's own line, indented, for each test that failed.
        let harness = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "));
        let (_, parts) = nextest.or(harness)?;
        let mut counts = Self::default();
        for part in parts.split([',', ';']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(kind)) = (words.next(), words.next()) else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match kind {
                "passed" => counts.passed += number,
                "failed" | "timed" | "exec" => counts.failed += number,
                "skipped" | "ignored" => counts.skipped += number,
                _ => {}
            }
        }
        Some(counts)
    }

    /// Whether no test ran at all.
    pub(crate) fn is_empty(self) -> bool {
        self.passed + self.failed == 0
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let counts = Counts::of_line(line).map(|counts| counts.to_string());
        assert_eq!(counts.as_deref().unwrap_or("no counts"), expected);
    }

    #[test]
    fn a_closing_line_of_nextest_is_read() {
        check(
            "     Summary [   0.9s] 26 tests run: 25 passed (1 slow), 1 failed, 2 skipped",
            "25 passed, 1 failed, 2 skipped",
        );
    }

    #[test]
    fn a_test_that_ran_out_of_time_has_failed() {
        check(
            "Summary [ 61.0s] 3/4 tests run: 2 passed, 1 timed out, 0 skipped",
            "2 passed, 1 failed, 0 skipped",
        );
    }

    #[test]
    fn a_closing_line_of_the_standard_harness_is_read() {
        check(
            "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 5 filtered out; finished in 0.1s",
            "3 passed, 1 failed, 2 skipped",
        );
    }

    #[test]
    fn other_lines_have_no_counts() {
        check("test counts::tests::passed ... ok", "no counts");
        check("running 12 tests", "no counts");
        check("    test result: FAILED. 0 passed; 1 failed; 0 ignored", "no counts");
    }
}
