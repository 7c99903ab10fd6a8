//! Entry points for fuzzers: none may panic, whatever it is given.

use crate::{Component, Format, Limits, Prefixes, Query, Snapshot, Tracker};

/// Reads `bytes` in every notation.
///
/// What one notation gives is checked as well: components survive being written down, and
/// parts say what the whole says.
pub fn parse(bytes: &[u8]) {
    let limits = Limits { max_symmetry_steps: 1_000_000, chunk_bytes: 0, ..Limits::default() };
    let parts = Limits { chunk_bytes: 1, ..limits.clone() };
    for format in Format::all() {
        let source = crate::parse(bytes, format, "http://example.org/", &limits);
        let in_parts = crate::parse(bytes, format, "http://example.org/", &parts);
        let said = |source: &crate::ParsedSource| {
            (source.ground.clone(), source.components.clone(), source.prefixes.clone())
        };
        assert_eq!(
            in_parts.as_ref().map(said),
            source.as_ref().map(said),
            "parts say what the whole says"
        );
        let Ok(source) = source else { continue };
        for component in &source.components {
            let mut written = Vec::new();
            component.encode(&mut written);
            let read = Component::decode(&mut &written[..]);
            assert_eq!(read.as_ref(), Some(component), "a component comes back as it was");
        }
    }
}

/// Reads a component from `bytes`, as from a damaged state file.
pub fn component(mut bytes: &[u8]) {
    let _ = Component::decode(&mut bytes);
}

/// Compiles `text` as a query, and evaluates what it gives on an empty model.
pub fn query(text: &str) {
    if let Ok(query) = Query::compile(text, &Prefixes::new(), &[]) {
        let _ = query.evaluate(&Tracker::new(Snapshot::default()), &[]);
    }
}
