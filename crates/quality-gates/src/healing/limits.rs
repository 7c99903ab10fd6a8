//! Values by which somebody is held to something: the least coverage, the most complexity, a
//! tolerance. What is weaker depends on what the program does with them, so none may change.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

/// `NAME = 80`, `const NAME: u32 = 80`, `"name": 0.8`, `config.name = 80` and the like.
const ASSIGNED: &str = concat!(
    r#"(?m)(^|[^\w])["']?([A-Za-z_][\w-]*)["']?\]?"#,
    r"(?:\s*:\s*[A-Za-z&'][\w:<>\[\] ']*?)?\s*(?::=|[:=])\s*",
    r"([-+]?\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][-+]?\d+)?|true\b|false\b|True\b|False\b)",
);

/// Names of such values, whatever their case.
const EVERYWHERE: &str = concat!(
    r"(?i)coverage|threshold|complexity|fail_?under|fail-under|tolerance|epsilon|min_?score",
    r"|max_?warnings|max_?errors|strict|fail_?on|error_?budget|allowed_?(failures|errors|issues)",
);

/// Names of such values where they are constants.
const CONSTANTS: &str =
    r"^[A-Z][A-Z0-9_]*$|^k[A-Z]\w*$|^(min|max|least|most|limit|allowed|required)[A-Z]\w*$";
const OF_CONSTANTS: &str = r"(?i)min|max|limit|least|most|required|allowed|budget|enforce|check|verify|validat|delta|retries";

/// The names of values that are not there any more as they were.
pub(super) fn changed_limits(before: &str, after: &str) -> Vec<String> {
    let mut left = limits(after);
    let mut changed = Vec::new();
    for (name, values) in limits(before) {
        let found = left.remove(&name).unwrap_or_default();
        if found != values {
            changed.push(name);
        }
    }
    changed
}

/// The values of a text, each number in one spelling, sorted.
fn limits(text: &str) -> BTreeMap<String, Vec<String>> {
    static PATTERNS: LazyLock<Option<[Regex; 4]>> = LazyLock::new(|| {
        let [a, b, c, d] = [ASSIGNED, EVERYWHERE, CONSTANTS, OF_CONSTANTS].map(Regex::new);
        Some([a.ok()?, b.ok()?, c.ok()?, d.ok()?])
    });
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let Some([assigned, everywhere, constants, of_constants]) = &*PATTERNS else { return found };
    for captures in assigned.captures_iter(text) {
        let (name, value) = (&captures[2], captures[3].to_lowercase().replace('_', ""));
        // A field of something in small letters is no constant.
        let is_field = &captures[1] == "." && name.starts_with(|it: char| it.is_ascii_lowercase());
        let is_constant = !is_field && constants.is_match(name);
        let counts = everywhere.is_match(name) || (is_constant && of_constants.is_match(name));
        if counts {
            let number = value.parse::<f64>().map(|number| number.to_string());
            found.entry(name.to_owned()).or_default().push(number.unwrap_or(value));
        }
    }
    for values in found.values_mut() {
        values.sort();
    }
    found
}
