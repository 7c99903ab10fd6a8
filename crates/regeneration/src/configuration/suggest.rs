//! What somebody who wrote an unknown name may have meant.

use super::keys::{self, KEYS};

/// The candidate that looks most like `name`, if one does.
pub(super) fn nearest<'c>(
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

/// The help for a key that its table does not know.
pub(super) fn for_key(table: &str, name: &str) -> String {
    let names = || keys::of_table(table).map(|key| key.name);
    if let Some(found) = nearest(name, names()) {
        return format!("did you mean `{found}`?");
    }
    if let Some(elsewhere) = KEYS.iter().find(|key| key.name == name) {
        return format!("`{name}` belongs to {}", header(elsewhere.table));
    }
    let all = KEYS.iter().filter(|key| !key.table.is_empty());
    if let Some(path) = nearest(name, all.map(|key| key.name))
        && let Some(elsewhere) = KEYS.iter().find(|key| key.name == path && !key.table.is_empty())
    {
        return format!("did you mean `{path}` in {}?", header(elsewhere.table));
    }
    let names: Vec<_> = names().map(|name| format!("`{name}`")).collect();
    format!("{} can hold {}", header(table), names.join(", "))
}

/// How a table is called in messages.
pub(super) fn header(table: &str) -> String {
    match table {
        "" => "the top of the file".to_owned(),
        "modules" => "`[[modules]]`".to_owned(),
        _ => format!("`[{table}]`"),
    }
}

/// From 0 to 1; a name that is a part of the other is near to it.
fn likeness(wanted: &str, candidate: &str) -> f64 {
    let plain = strsim::normalized_damerau_levenshtein(wanted, candidate);
    let contained = wanted.len() >= 4 && candidate.contains(wanted);
    if contained { plain.max(0.8) } else { plain }
}
