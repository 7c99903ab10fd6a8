//! Conversions that lose nothing that matters here.

use std::time::Duration;

/// A count or a time as a number to calculate with; exact up to 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "statistics; the error is below 10⁻¹⁵")]
pub(crate) const fn float(value: u64) -> f64 {
    value as f64
}

/// The share of `part` in `whole`; nothing of nothing.
pub(crate) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| float(part) / float(whole))
}

/// Whole nanoseconds; what is longer than 584 years is cut.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
