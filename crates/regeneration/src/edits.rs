//! Edits by hand: merging them, and keeping marked regions.

use std::collections::BTreeMap;
use std::fmt::Write as _;

const BEGIN: &str = "evergen:keep";
const END: &str = "evergen:end";

/// Regions that can't be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RegionError {
    #[error("the region that begins in line {line} has no name after `evergen:keep`")]
    Unnamed { line: usize },
    #[error("the region `{name}` that begins in line {line} has no `evergen:end`")]
    Open { name: String, line: usize },
    #[error("there are two regions named `{name}`")]
    Twice { name: String },
    #[error("the region `{name}` was edited, and the new text has no such region")]
    Lost { name: String },
}

/// The lines between markers, by the region's name.
fn regions(text: &str) -> Result<BTreeMap<&str, String>, RegionError> {
    let mut found = BTreeMap::new();
    let mut open: Option<(&str, usize, String)> = None;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if let Some((name, _, body)) = &mut open {
            if line.contains(END) {
                if found.insert(*name, std::mem::take(body)).is_some() {
                    return Err(RegionError::Twice { name: (*name).to_owned() });
                }
                open = None;
            } else {
                body.push_str(line);
            }
        } else if let Some(name) = begin(line, index + 1)? {
            open = Some((name, index + 1, String::new()));
        }
    }
    match open {
        Some((name, line, _)) => Err(RegionError::Open { name: name.to_owned(), line }),
        None => Ok(found),
    }
}

fn begin(line: &str, number: usize) -> Result<Option<&str>, RegionError> {
    let Some((_, rest)) = line.split_once(BEGIN) else { return Ok(None) };
    let name = rest.split_whitespace().next();
    name.map(Some).ok_or(RegionError::Unnamed { line: number })
}

/// The text with empty regions: what a generator alone is responsible for.
pub(crate) fn skeleton(text: &str) -> Result<String, RegionError> {
    rebuild(text, &BTreeMap::new(), true)
}

/// The generated text with the regions' contents as they are in `edited`.
pub(crate) fn keep_regions(generated: &str, edited: &str) -> Result<String, RegionError> {
    let kept = regions(edited)?;
    let wanted = regions(generated)?;
    if let Some((name, _)) =
        kept.iter().find(|(name, body)| !body.trim().is_empty() && !wanted.contains_key(*name))
    {
        return Err(RegionError::Lost { name: (*name).to_owned() });
    }
    rebuild(generated, &kept, false)
}

fn rebuild(
    text: &str,
    bodies: &BTreeMap<&str, String>,
    emptied: bool,
) -> Result<String, RegionError> {
    regions(text)?;
    let mut result = String::with_capacity(text.len());
    let mut skipping = false;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if skipping {
            skipping = !line.contains(END);
            if skipping {
                continue;
            }
        }
        result.push_str(line);
        if let Some(name) = begin(line, index + 1)? {
            let body = bodies.get(name);
            skipping = emptied || body.is_some();
            result.push_str(body.map_or("", String::as_str));
        }
    }
    Ok(result)
}

/// Edit and new text change the same lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the edit and the new text change the same lines ({conflicts} {})", if *.conflicts == 1 { "place" } else { "places" })]
pub(crate) struct MergeConflict {
    pub(crate) conflicts: usize,
}

/// Merges an edit of `base` with the newly generated text, line by line.
pub(crate) fn merge(base: &str, edited: &str, generated: &str) -> Result<String, MergeConflict> {
    diffy::merge(base, edited, generated).map_err(|marked| {
        let conflicts = marked.lines().filter(|line| line.starts_with("<<<<<<<")).count();
        MergeConflict { conflicts }
    })
}

/// A unified diff of two texts; what is no text is only said to differ.
pub(crate) fn unified(path: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> String {
    let text = |bytes: Option<&[u8]>| match bytes {
        None => Some(String::new()),
        Some(bytes) => String::from_utf8(bytes.to_vec()).ok(),
    };
    let (Some(before), Some(after)) = (text(old), text(new)) else {
        return format!("Binary files a/{path} and b/{path} differ\n");
    };
    let name = |side: &str, there: bool| {
        if there { format!("{side}/{path}") } else { "/dev/null".to_owned() }
    };
    let mut result = String::new();
    let diff = similar::TextDiff::from_lines(&before, &after);
    let (left, right) = (name("a", old.is_some()), name("b", new.is_some()));
    // Writing to a string can't fail.
    let _ = write!(result, "{}", diff.unified_diff().header(&left, &right));
    result
}
