//! `$ref` of JSON Schema and OpenAPI.

use super::{Raw, Target};

/// References to other files; what is only a fragment or has a scheme is none.
pub(super) fn read(text: &str) -> Raw {
    let mut raw = Raw::default();
    for (at, _) in text.match_indices("\"$ref\"") {
        let Some((start, value)) = value_behind(text, at + "\"$ref\"".len()) else { continue };
        let file = value.split('#').next().unwrap_or_default();
        if !file.is_empty()
            && !file.contains("://")
            && !file.starts_with("urn:")
            && !file.starts_with('/')
        {
            raw.outgoing.push((start..start + value.len(), Target::File(file.to_owned())));
        }
    }
    raw
}

/// The string behind a colon, and where it begins, without its quotes and if it has no escapes.
fn value_behind(text: &str, at: usize) -> Option<(usize, &str)> {
    let rest = text[at..].trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let value = &rest[..rest.find('"')?];
    (!value.contains('\\')).then_some((text.len() - rest.len(), value))
}
