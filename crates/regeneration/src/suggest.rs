//! What somebody who wrote an unknown name may have meant.

/// The candidate that looks most like `name`, if one does.
pub(crate) fn nearest<'c>(
    name: &str,
    candidates: impl Iterator<Item = &'c str>,
) -> Option<&'c str> {
    let wanted = name.to_lowercase().replace('-', "_");
    candidates
        .map(|candidate| (likeness(&wanted, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate)
}

/// What there is instead of an unknown name: the nearest one, or all, called `what`.
pub(crate) fn instead<'c>(name: &str, what: &str, known: impl Iterator<Item = &'c str>) -> String {
    let known: Vec<&str> = known.collect();
    match nearest(name, known.iter().copied()) {
        Some(found) => format!("did you mean `{found}`?"),
        None if known.is_empty() => format!("there are no {what}"),
        None => format!("the {what} are {}", known.join(", ")),
    }
}

/// From 0 to 1; a name that is a part of the other is near to it.
fn likeness(wanted: &str, candidate: &str) -> f64 {
    let plain = strsim::normalized_damerau_levenshtein(wanted, candidate);
    let contained = wanted.len() >= 4 && candidate.contains(wanted);
    if contained { plain.max(0.8) } else { plain }
}
