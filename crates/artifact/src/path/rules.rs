//! The rules for paths, as functions from text to the first fault.

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::{PathFault, collision_form};

/// The longest path in bytes (what Linux takes).
pub(super) const MAXIMAL_PATH: usize = 4096;

/// The longest component in bytes (what common file systems take).
const MAXIMAL_COMPONENT: usize = 255;

/// Names that Windows takes for a device, with any extension.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Finds a fault that concerns the text as a whole.
pub(super) fn whole_fault(text: &str) -> Option<PathFault> {
    if text.is_empty() {
        return Some(PathFault::Empty);
    }
    if text.starts_with('/') {
        return Some(PathFault::Absolute);
    }
    if text.len() > MAXIMAL_PATH {
        return Some(PathFault::LongPath);
    }
    text.chars().find_map(character_fault).or_else(|| {
        let normalised = text.is_ascii() || is_nfc(text);
        (!normalised).then_some(PathFault::NotNormalised)
    })
}

/// Finds a fault in one component of a path without faulty characters.
pub(super) fn component_fault(component: &str) -> Option<PathFault> {
    match component {
        "" => return Some(PathFault::EmptyComponent),
        "." => return Some(PathFault::CurrentFolder),
        ".." => return Some(PathFault::ParentFolder),
        _ => {}
    }
    if component.len() > MAXIMAL_COMPONENT {
        return Some(PathFault::LongComponent);
    }
    if component.ends_with(['.', ' ']) {
        return Some(PathFault::TrailingDotOrSpace);
    }
    let folded = collision_form(component);
    if folded.ends_with('.') && !component.ends_with('.') {
        return Some(PathFault::LookAlike);
    }
    if is_device(&folded) {
        return Some(PathFault::Device);
    }
    is_reserved(&folded).then_some(PathFault::Reserved)
}

fn character_fault(character: char) -> Option<PathFault> {
    match character {
        '\\' => Some(PathFault::Backslash),
        ':' => Some(PathFault::Colon),
        // Line and paragraph separators break lines as control characters do.
        '\u{2028}' | '\u{2029}' => Some(PathFault::Control),
        _ if character.is_control() => Some(PathFault::Control),
        _ if character.is_ascii() => None,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some(PathFault::Bidirectional)
        }
        _ if is_invisible(character) => Some(PathFault::Invisible),
        _ if looks_like_syntax(character) => Some(PathFault::LookAlike),
        _ => None,
    }
}

/// Unicode's default ignorable code points (but for those that steer the direction
/// of text), and the marks for annotations.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Characters drawn as a slash, a backslash, a colon or dots, and all whose
/// compatibility form has one of these.
fn looks_like_syntax(character: char) -> bool {
    let drawn = matches!(
        character,
        '\u{2044}' | '\u{2215}' | '\u{29f8}' | '\u{2571}' | '\u{338}' | '\u{337}' // slashes
        | '\u{2216}' | '\u{29f5}' | '\u{29f9}' | '\u{2572}' // backslashes
        | '\u{2236}' | '\u{a789}' // colons
        | '\u{2024}'..='\u{2026}' // leaders of dots
    );
    drawn || std::iter::once(character).nfkd().any(|part| matches!(part, '/' | '\\' | ':'))
}

fn is_device(folded: &str) -> bool {
    let stem = folded.split('.').next().unwrap_or(folded).trim_end_matches(' ');
    if DEVICES.contains(&stem) {
        return true;
    }
    let numbered = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    numbered.is_some_and(|digit| matches!(digit.as_bytes(), [b'0'..=b'9']))
}

/// `git~1` is what Windows may call `.git` by its short name.
fn is_reserved(folded: &str) -> bool {
    folded.starts_with(".evergen") || folded == ".git" || folded == "git~1"
}
