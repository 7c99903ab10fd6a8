//! What somebody who wrote an unknown key may have meant.

use super::keys::{self, KEYS};
use crate::suggest::nearest;

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
        "modules" | "passes" => format!("`[[{table}]]`"),
        _ => format!("`[{table}]`"),
    }
}
