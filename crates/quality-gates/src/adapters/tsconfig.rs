//! Which files a `tsconfig.json` takes: as much of its rules as it needs to find the settings of a
//! file where projects refer to one another.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde_json::Value;

use super::projects::{folder_of, joined};

/// What is never taken unless somebody says otherwise.
const EXCLUDED: [&str; 3] = ["node_modules", "bower_components", "jspm_packages"];

/// How settings name the folder in which the outermost of them lie.
const OWN_FOLDER: &str = "${configDir}";

/// The settings of a tree, by their paths.
pub(super) struct Configurations {
    known: BTreeMap<String, Configuration>,
    read: BTreeMap<String, Value>,
}

struct Configuration {
    files: Vec<String>,
    include: Option<GlobSet>,
    exclude: GlobSet,
    references: Vec<String>,
}

impl Configurations {
    /// Those among these texts that are called `tsconfig.json`, and what these extend and refer
    /// to, whatever its name. What can't be read is left to the tool, which says so.
    pub(super) fn of(texts: &BTreeMap<String, Arc<[u8]>>) -> Self {
        let is_first = |path: &&String| path.rsplit('/').next() == Some("tsconfig.json");
        let mut open: Vec<String> = texts.keys().filter(is_first).cloned().collect();
        let mut read = BTreeMap::new();
        while let Some(path) = open.pop() {
            if read.contains_key(&path) {
                continue;
            }
            if let Some(value) = texts.get(&path).and_then(|bytes| parsed(bytes)) {
                open.extend(bases(&path, &value).into_iter().chain(references(&path, &value)));
                read.insert(path, value);
            }
        }
        let known = read.keys().map(|path| (path.clone(), Configuration::of(path, &read)));
        Self { known: known.collect(), read }
    }

    /// What settings say of an option of the compiler, and in which folder that stands.
    pub(super) fn option(&self, path: &str, name: &str) -> Option<(String, &Value)> {
        inherited(path, &self.read, |own| own.get("compilerOptions")?.get(name))
    }

    /// The options that name places by the folder of the settings, with that folder in its place:
    /// under settings that extend these they would mean another one.
    pub(super) fn placed(&self, path: &str, tree: &Path) -> Vec<(String, Value)> {
        let own = tree.join(folder_of(path));
        let has_base = self.option(path, "baseUrl").is_some_and(|(_, value)| value.is_string());
        let options = ["baseUrl", "paths", "rootDirs", "typeRoots"].into_iter();
        let found = options.filter_map(|name| {
            let (folder, value) = self.option(path, name)?;
            // What stands beside such places counts from where it stands, or from `baseUrl`.
            let base = (name != "paths" || !has_base).then(|| tree.join(folder));
            let is_meant = value.to_string().contains(OWN_FOLDER);
            is_meant.then(|| (name.to_owned(), replaced(value, &own, base.as_deref())))
        });
        found.collect()
    }

    /// The settings under which a file is judged: those next to it, or those they refer to, if only
    /// they take it. Where one of these is not there, it is named, so that the tool misses it.
    pub(super) fn owner<'a>(&'a self, nearest: &'a str, file: &str) -> &'a str {
        let mut visited = BTreeSet::new();
        let mut missing = None;
        let found = self.search(nearest, file, &mut visited, &mut missing);
        found.or(missing).unwrap_or(nearest)
    }

    fn search<'a>(
        &'a self,
        path: &'a str,
        file: &str,
        visited: &mut BTreeSet<&'a str>,
        missing: &mut Option<&'a str>,
    ) -> Option<&'a str> {
        if !visited.insert(path) {
            return None;
        }
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
    fn of(path: &str, all: &BTreeMap<String, Value>) -> Self {
        let folder = folder_of(path);
        let said = |key: &str| -> Option<(String, Vec<&str>)> {
            let (base, list) = inherited(path, all, |own| own.get(key)?.as_array())?;
            Some((base, list.iter().filter_map(Value::as_str).collect()))
        };
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
        Self {
            files: files.map_or_else(Vec::new, |(base, texts)| {
                texts.iter().filter_map(|text| resolved(folder, &base, text)).collect()
            }),
            include: include.map(|patterns| globs(patterns.into_iter().flatten(), with_inner)),
            exclude: globs(exclude.into_iter().flatten(), |pattern| {
                vec![pattern.to_owned(), format!("{pattern}/**")]
            }),
            references: references(path, &all[path]),
        }
    }

    fn takes(&self, file: &str) -> bool {
        let is_included = || self.include.as_ref().is_some_and(|globs| globs.is_match(file));
        self.files.iter().any(|known| known == file)
            || (is_included() && !self.exclude.is_match(file))
    }
}

/// What is said, and the folder from which it counts: by its own settings, or by those that it
/// extends, the last of which wins.
fn inherited<'a, T>(
    path: &str,
    all: &'a BTreeMap<String, Value>,
    said: impl Fn(&'a Value) -> Option<T>,
) -> Option<(String, T)> {
    // Who was asked once and did not know, does not know the next time: so no circle is walked.
    let (mut open, mut asked) = (vec![path.to_owned()], BTreeSet::new());
    while let Some(path) = open.pop() {
        let Some(own) = all.get(path.as_str()) else { continue };
        if let Some(found) = said(own) {
            return Some((folder_of(&path).to_owned(), found));
        }
        if asked.insert(path.clone()) {
            // The last one is asked first.
            open.extend(bases(&path, own));
        }
    }
    None
}

/// Which settings of the tree these extend, by all names that are meant.
fn bases(path: &str, own: &Value) -> Vec<String> {
    let bases: Vec<&str> = match &own["extends"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let beside = bases.into_iter().filter(|base| base.starts_with('.'));
    let beside = beside.filter_map(|base| joined(folder_of(path), base));
    beside.flat_map(|base| [format!("{base}.json"), base]).collect()
}

/// The settings of the projects to which these refer. One out of the tree is named as it stands,
/// and so is missed.
fn references(path: &str, own: &Value) -> Vec<String> {
    let all = own["references"].as_array().into_iter().flatten();
    let named = all.filter_map(|one| one["path"].as_str()).map(|text| {
        joined(folder_of(path), text).unwrap_or_else(|| format!("{}/{text}", folder_of(path)))
    });
    named.map(|path| if is_json(&path) { path } else { within(&path) }).collect()
}

/// A value with the places in it as whole paths.
fn replaced(value: &Value, own: &Path, base: Option<&Path>) -> Value {
    match value {
        Value::String(text) => match (text.strip_prefix(OWN_FOLDER), base) {
            (Some(rest), _) => own.join(rest.trim_start_matches('/')).to_string_lossy().into(),
            (None, Some(base)) => base.join(text).to_string_lossy().into(),
            (None, None) => value.clone(),
        },
        Value::Array(list) => list.iter().map(|it| replaced(it, own, base)).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, it)| (key.clone(), replaced(it, own, base))).collect()
        }
        other => other.clone(),
    }
}

/// A pattern from the tree's root; nothing where it leads out of the tree.
fn resolved(own: &str, base: &str, text: &str) -> Option<String> {
    match text.strip_prefix(OWN_FOLDER) {
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

fn is_json(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "json")
}

/// The settings of a folder.
fn within(folder: &str) -> String {
    if folder.is_empty() { "tsconfig.json".to_owned() } else { format!("{folder}/tsconfig.json") }
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
    fn settings_that_extend_themselves_several_times_come_to_an_end() {
        let all = [
            ("tsconfig.json", r#"{"extends": ["./tsconfig.json", "./tsconfig.json", "./a"]}"#),
            ("a.json", r#"{"extends": ["./b", "./tsconfig", "./b"]}"#),
            ("b.json", r#"{"extends": ["./a", "./a"], "include": ["src"]}"#),
        ];
        check(&all, "src/a.ts", "tsconfig.json");
    }

    #[test]
    fn a_project_that_is_not_there_is_missed() {
        check(&[SOLUTION, ("tools/tsconfig.json", "{}")], "src/a.ts", "tsconfig.app.json");
        check(&[SOLUTION, ("tools/tsconfig.json", "{}")], "tools/a.ts", "tools/tsconfig.json");
        check(&[("tsconfig.json", "{ broken")], "src/a.ts", "tsconfig.json");
        let outer = [("tsconfig.json", r#"{"files": [], "references": [{"path": "../a"}]}"#)];
        check(&outer, "src/a.ts", "/../a/tsconfig.json");
    }

    #[test]
    fn a_project_may_have_any_name() {
        let all = [
            ("tsconfig.json", r#"{"files": [], "references": [{"path": "./build/app.json"}]}"#),
            ("build/app.json", r#"{"extends": "./base", "files": []}"#),
            ("build/base.json", r#"{"include": ["../src"]}"#),
        ];
        check(&all, "src/a.ts", "build/app.json");
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
