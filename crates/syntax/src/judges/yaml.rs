//! YAML, by saphyr, and keys that occur twice in one mapping.

use std::collections::HashSet;

use saphyr_parser::{Event, Marker, Parser, Span};

use crate::text::{Found, offset_of};

/// What is wrong with `text`. The parser keeps its own stack.
pub(crate) fn judge(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let mut open = Vec::new();
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => follow(&event, span, &mut open, &mut found, text),
            Err(error) => {
                let at = offset(text, *error.marker());
                found.push(Found::new(at..at, error.info()));
                break;
            }
        }
    }
    found
}

fn offset(text: &str, marker: Marker) -> usize {
    offset_of(text, marker.line(), marker.col())
}

/// A collection that is open.
enum Scope {
    Sequence,
    Mapping { keys: HashSet<String>, expects_key: bool },
}

fn follow(
    event: &Event<'_>,
    span: Span,
    open: &mut Vec<Scope>,
    found: &mut Vec<Found>,
    text: &str,
) {
    match event {
        Event::Scalar(value, ..) => {
            if let Some(Scope::Mapping { keys, expects_key: true }) = open.last_mut()
                && value != "<<"
                && !keys.insert(value.to_string())
            {
                let at = offset(text, span.start)..offset(text, span.end);
                found.push(Found::new(
                    at,
                    format!("the key `{value}` occurs twice in this mapping"),
                ));
            }
            turn(open);
        }
        Event::Alias(..) => turn(open),
        Event::MappingStart(..) => {
            open.push(Scope::Mapping { keys: HashSet::new(), expects_key: true });
        }
        Event::SequenceStart(..) => open.push(Scope::Sequence),
        Event::MappingEnd | Event::SequenceEnd => {
            open.pop();
            turn(open);
        }
        _ => {}
    }
}

/// A node has ended: in a mapping, a key follows a value, and a value a key.
fn turn(open: &mut [Scope]) {
    if let Some(Scope::Mapping { expects_key, .. }) = open.last_mut() {
        *expects_key = !*expects_key;
    }
}
