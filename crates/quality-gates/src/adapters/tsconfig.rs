//! Which files a `tsconfig.json` takes: as much of its rules as it needs to find the settings of a
//! file where projects refer to one another.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde_json::Value;

/// What is never taken unless somebody says otherwise.
const EXCLUDED: [&str; 3] = ["node_modules", "bower_components", "jspm_packages"];

/// How many settings may stand behind one another before they are taken for a circle.
const DEPTH: usize = 32;

/// The settings of a tree, by their paths.
pub(super) struct Configurations {
    known: BTreeMap<String, Configuration>,
}

struct Configuration {
    files: Vec<String>,
    include: Option<GlobSet>,
    exclude: GlobSet,
    references: Vec<String>,
}

impl Configurations {
    /// Those among these texts. What can't be read is left to the tool, which says so.
    pub(super) fn of(texts: &BTreeMap<String, Arc<[u8]>>) -> Self {
        let read: BTreeMap<&str, Value> = texts
            .iter()
            .filter(|(path, _)| is_json(path))
            .filter_map(|(path, bytes)| Some((path.as_str(), parsed(bytes)?)))
            .collect();
        let known = read.keys().map(|path| ((*path).to_owned(), Configuration::of(path, &read)));
        Self { known: known.collect() }
    }

    /// The settings under which a file is judged: those next to it, or those they refer to, if only
    /// they take it. Where one of these is not there, it is named, so that the tool misses it.
    pub(super) fn owner<'a>(&'a self, nearest: &'a str, file: &str) -> &'a str {
        let mut visited = Vec::new();
        let mut missing = None;
        let found = self.search(nearest, file, &mut visited, &mut missing);
        found.or(missing).unwrap_or(nearest)
    }

    fn search<'a>(
        &'a self,
        path: &'a str,
        file: &str,
        visited: &mut Vec<&'a str>,
        missing: &mut Option<&'a str>,
    ) -> Option<&'a str> {
        if visited.contains(&path) {
            return None;
        }
        visited.push(path);
        let Some(own) = self.known.get(path) else {
            // The first one was seen, and can't be understood; others may not be there.
            missing.get_or_insert(path);
            return None;
        };
        if own.takes(file) {
            return Some(path);
        }
        own.references.iter().find_map(|path| self.search(path, file, visited, missing))
    }
}

impl Configuration {
    fn of(path: &str, all: &BTreeMap<&str, Value>) -> Self {
        let folder = folder_of(path);
        let said = |key: &str| inherited(path, key, all, DEPTH);
        let files = said("files");
        let include = match (said("include"), &files) {
            (None, Some(_)) => None,
            (None, None) => Some(vec![joined(folder, "**/*")]),
            (Some((base, texts)), _) => {
                Some(texts.iter().map(|text| resolved(folder, &base, text)).collect())
            }
        };
        let exclude = match said("exclude") {
            Some((base, texts)) => texts.iter().map(|text| resolved(folder, &base, text)).collect(),
            None => EXCLUDED.iter().map(|name| joined(folder, name)).collect::<Vec<_>>(),
        };
        let references = all[path]["references"].as_array().into_iter().flatten();
        let references = references.filter_map(|one| one["path"].as_str());
        Self {
            files: files.map_or_else(Vec::new, |(base, texts)| {
                texts.iter().filter_map(|text| resolved(folder, &base, text)).collect()
            }),
            include: include.map(|patterns| globs(patterns.into_iter().flatten(), with_inner)),
            exclude: globs(exclude.into_iter().flatten(), |pattern| {
                vec![pattern.to_owned(), format!("{pattern}/**")]
            }),
            references: references
                .filter_map(|path| joined(folder, path))
                .map(|path| if is_json(&path) { path } else { within(&path) })
                .collect(),
        }
    }

    fn takes(&self, file: &str) -> bool {
        let is_included = || self.include.as_ref().is_some_and(|globs| globs.is_match(file));
        self.files.iter().any(|known| known == file)
            || (is_included() && !self.exclude.is_match(file))
    }
}

/// The paths under a key, and the folder from which they count: its own, or those of the settings
/// that it extends, the last of which wins.
fn inherited(
    path: &str,
    key: &str,
    all: &BTreeMap<&str, Value>,
    depth: usize,
) -> Option<(String, Vec<String>)> {
    let own = all.get(path).filter(|_| depth > 0)?;
    if let Some(list) = own[key].as_array() {
        let texts = list.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect();
        return Some((folder_of(path).to_owned(), texts));
    }
    let bases: Vec<&str> = match &own["extends"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let beside = bases.into_iter().filter(|base| base.starts_with('.'));
    let beside: Vec<String> = beside.filter_map(|base| joined(folder_of(path), base)).collect();
    beside.iter().rev().find_map(|base| {
        let known = [base.clone(), format!("{base}.json")];
        known.iter().find_map(|base| inherited(base, key, all, depth - 1))
    })
}

/// A pattern from the tree's root; nothing where it leads out of the tree.
fn resolved(own: &str, base: &str, text: &str) -> Option<String> {
    match text.strip_prefix("${configDir}") {
        Some(rest) => joined(own, rest.trim_start_matches('/')),
        None => joined(base, text),
    }
}

/// A pattern that is a folder takes all that is in it.
fn with_inner(pattern: &str) -> Vec<String> {
    let last = pattern.rsplit('/').next().unwrap_or(pattern);
    match last {
        "**" => vec![format!("{pattern}/*")],
        "" => vec!["**/*".to_owned()],
        _ if !last.contains(['*', '?', '.']) => vec![format!("{pattern}/**/*")],
        _ => vec![pattern.to_owned()],
    }
}

fn globs(patterns: impl Iterator<Item = String>, forms: impl Fn(&str) -> Vec<String>) -> GlobSet {
    let mut builder = GlobSetBuilder::new();
    for form in patterns.flat_map(|pattern| forms(&pattern)) {
        // These mean nothing there, and something to us.
        let literal = form.replace('[', "[[]").replace('{', "[{]").replace('}', "[}]");
        if let Ok(glob) = GlobBuilder::new(&literal).literal_separator(true).build() {
            builder.add(glob);
        }
    }
    builder.build().unwrap_or_default()
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn is_json(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "json")
}

/// The settings of a folder.
fn within(folder: &str) -> String {
    if folder.is_empty() { "tsconfig.json".to_owned() } else { format!("{folder}/tsconfig.json") }
}

/// A path from a folder of the tree; nothing where it leads out of the tree.
fn joined(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            other => parts.push(other),
        }
    }
    Some(parts.join("/"))
}

/// JSON with comments, and with commas where nothing follows.
fn parsed(bytes: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(&without_commas(&without_comments(text))).ok()
}

/// Where a string ends that begins here; both ends are quotes.
fn string_end(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn without_comments(text: &str) -> String {
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(['"', '/']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = if rest.starts_with('"') {
            let end = string_end(rest);
            plain.push_str(&rest[..end]);
            end
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            plain.push('/');
            1
        };
        rest = &rest[end..];
    }
    plain + rest
}

fn without_commas(text: &str) -> String {
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(['"', ',']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = if rest.starts_with('"') { string_end(rest) } else { 1 };
        let is_last = rest[end..].trim_start().starts_with(['}', ']']);
        if rest.starts_with('"') || !is_last {
            plain.push_str(&rest[..end]);
        }
        rest = &rest[end..];
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Under which settings a file is judged, where the next ones are `tsconfig.json`.
    fn check(settings: &[(&str, &str)], file: &str, expected: &str) {
        let texts =
            settings.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().into()));
        let known = Configurations::of(&texts.collect());
        assert_eq!(known.owner("tsconfig.json", file), expected, "{file}");
    }

    const SOLUTION: (&str, &str) = (
        "tsconfig.json",
        r#"{
  // As `npm create vite` has it.
  "files": [],
  "references": [{ "path": "./tsconfig.app.json" }, { "path": "./tools", },],
}"#,
    );

    #[test]
    fn a_file_belongs_to_the_project_that_takes_it() {
        let all = [
            SOLUTION,
            ("tsconfig.app.json", r#"{"include": ["src"], "exclude": ["src/**/*.spec.ts"]}"#),
            ("tools/tsconfig.json", r#"{"extends": "../tsconfig.base", "files": ["a.ts"]}"#),
            ("tsconfig.base.json", r#"{"include": ["${configDir}/scripts/*.ts"]}"#),
        ];
        check(&all, "src/deep/a.ts", "tsconfig.app.json");
        check(&all, "src/a.spec.ts", "tsconfig.json");
        check(&all, "tools/a.ts", "tools/tsconfig.json");
        check(&all, "tools/scripts/b.ts", "tools/tsconfig.json");
        check(&all, "tools/scripts/deep/b.ts", "tsconfig.json");
        check(&all, "srcs/a.ts", "tsconfig.json");
    }

    #[test]
    fn who_takes_all_refers_in_vain_and_a_circle_ends() {
        let all = [
            ("tsconfig.json", r#"{"references": [{"path": "lib"}]}"#),
            ("lib/tsconfig.json", "{}"),
        ];
        check(&all, "lib/a.ts", "tsconfig.json");
        check(&all, "node_modules/x/a.ts", "tsconfig.json");
        let circle = [
            ("tsconfig.json", r#"{"files": [], "references": [{"path": "lib"}]}"#),
            ("lib/tsconfig.json", r#"{"include": ["src/**"], "references": [{"path": ".."}]}"#),
        ];
        check(&circle, "a.ts", "tsconfig.json");
        check(&circle, "lib/src/[id]/a.ts", "lib/tsconfig.json");
    }

    #[test]
    fn a_project_that_is_not_there_is_missed() {
        check(&[SOLUTION, ("tools/tsconfig.json", "{}")], "src/a.ts", "tsconfig.app.json");
        check(&[SOLUTION, ("tools/tsconfig.json", "{}")], "tools/a.ts", "tools/tsconfig.json");
        check(&[("tsconfig.json", "{ broken")], "src/a.ts", "tsconfig.json");
    }

    #[test]
    fn comments_and_commas_in_strings_stay() {
        let text = "{\"a\": \"/* \\\" // ,]\", /* b */ \"c\": [1, 2,], // ,\n}";
        assert_eq!(
            parsed(text.as_bytes()),
            Some(serde_json::json!({"a": "/* \" // ,]", "c": [1, 2]}))
        );
    }
}
