//! TOML, by the toml crate.

use super::Judged;
use crate::text::Found;
use crate::{Limits, Unjudged};

/// What is wrong with `text`. The parser counts its own depth and stops in time.
pub(crate) fn judge(text: &str, limits: &Limits) -> Judged {
    let (_, errors) = toml::de::DeTable::parse_recoverable(text);
    if errors.iter().any(|error| error.message().contains("recursion")) {
        return Err(Unjudged::TooDeep { limit: limits.stack });
    }
    Ok(errors
        .iter()
        .map(|error| Found::new(error.span().unwrap_or(0..0), error.message().trim_end()))
        .collect())
}
