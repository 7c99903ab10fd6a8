//! The links and the paths in Markdown pages, over plain values.

use std::collections::BTreeMap;

/// Folders of the repository; a code span that begins with one of them is a path.
const FOLDERS: &[&str] = &["crates/", "docs/", "xtask/", "tests/", "fuzz/", "examples/", ".ci/"];

/// What is wrong with `pages` (path and text), where `exists` knows all files.
pub(super) fn problems(
    pages: &BTreeMap<String, String>,
    exists: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let mut problems = Vec::new();
    for (page, text) in pages {
        for (number, line) in prose(text) {
            let mut problem = |what: String| problems.push(format!("{page}:{number}: {what}"));
            for target in targets(line) {
                if let Some(what) = dead_link(pages, exists, page, target) {
                    problem(what);
                }
            }
            for path in paths(line).filter(|path| !exists(path)) {
                problem(format!("`{path}` does not exist"));
            }
        }
    }
    problems
}

fn dead_link(
    pages: &BTreeMap<String, String>,
    exists: &dyn Fn(&str) -> bool,
    page: &str,
    target: &str,
) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { page.to_owned() } else { resolve(page, path) };
    if !exists(&path) {
        return Some(format!("the link `{target}` leads nowhere"));
    }
    let headings = pages.get(&path).filter(|_| !anchor.is_empty())?;
    let found = headings_of(headings).any(|heading| slug(heading) == anchor);
    (!found).then(|| format!("the link `{target}` names a heading that {path} does not have"))
}

/// The lines outside fenced blocks, numbered from one.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((index + 1, line))
    })
}

/// The targets of inline links and of link definitions, outside code spans.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let definition = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    let inline = line
        .split('`')
        .step_by(2)
        .flat_map(|text| text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()));
    definition.map(|(_, target)| target.trim()).into_iter().chain(inline)
}

/// The code spans that are paths of the repository.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2).filter(|span| {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
        FOLDERS.iter().any(|folder| span.starts_with(folder)) && span.chars().all(plain)
    })
}

fn headings_of(text: &str) -> impl Iterator<Item = &str> {
    prose(text)
        .filter(|(_, line)| line.starts_with('#'))
        .map(|(_, line)| line.trim_start_matches('#').trim())
}

/// The anchor that a heading gets where Markdown is shown on the web.
fn slug(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|letter| letter.is_alphanumeric() || "-_ ".contains(*letter))
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

/// `path` as seen from `page`, relative to the root of the repository.
fn resolve(page: &str, path: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::problems;

    /// Checks a page `docs/page.md` beside `docs/other.md`, which has one heading.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let other = "# One heading, & more\n```\n# not a heading\n```\n";
        let pages = BTreeMap::from([
            ("docs/page.md".to_owned(), text.to_owned()),
            ("docs/other.md".to_owned(), other.to_owned()),
        ]);
        let exists = |path: &str| pages.contains_key(path) || path == "crates/delta";
        assert_eq!(problems(&pages, &exists).join("\n"), expected);
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        check(
            "[a](other.md), [b](../docs/other.md#one-heading--more) and [c](../crates/delta)",
            "",
        );
        check("# Top\n[up](#top) [out](https://example.org/x) [mail](mailto:a@example.org)", "");
    }

    #[test]
    fn a_link_without_an_end_is_named_with_its_line() {
        check(
            "text\nsee [this](gone.md \"title\")",
            "docs/page.md:2: the link `gone.md` leads nowhere",
        );
        check("[this]: gone.md", "docs/page.md:1: the link `gone.md` leads nowhere");
    }

    #[test]
    fn a_heading_that_is_not_there_is_named() {
        check(
            "[a](other.md#not-a-heading)",
            "docs/page.md:1: the link `other.md#not-a-heading` names a heading that \
             docs/other.md does not have",
        );
    }

    #[test]
    fn a_path_in_a_code_span_exists() {
        check("`crates/delta` and `crates/*` and `src/main.rs`", "");
        check("`crates/gone/src`", "docs/page.md:1: `crates/gone/src` does not exist");
    }

    #[test]
    fn code_is_not_read_for_links() {
        check("```\n[a](gone.md)\n```\n`[b](gone.md)`", "");
    }
}
