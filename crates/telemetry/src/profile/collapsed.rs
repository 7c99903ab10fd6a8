//! Collapsed stacks.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::profile::nesting::Nested;

pub(super) fn stacks(nested: &[Nested<'_>]) -> String {
    let mut stacks: Vec<String> = Vec::with_capacity(nested.len());
    let mut weights: BTreeMap<String, u128> = BTreeMap::new();
    for Nested { span, parent, own, .. } in nested {
        // `;` divides frames and a line break stacks, so neither may be in a name.
        let frame = span.label().replace(';', ",").replace(['\n', '\r'], " ");
        // A parent comes before what lies in it.
        let stack = match parent.and_then(|parent| stacks.get(parent)) {
            Some(outer) => format!("{outer};{frame}"),
            None => frame,
        };
        *weights.entry(stack.clone()).or_default() += own.as_micros();
        stacks.push(stack);
    }
    let mut text = String::new();
    for (stack, weight) in weights.iter().filter(|(_, weight)| **weight > 0) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{stack} {weight}");
    }
    text
}
