//! Weakenings that no single mark gives away, and marks that are rarer. Like all of `guard`, it
//! only ever refuses: where in doubt a fix is lost, and no gate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

/// More marks to look away, without blanks and in small letters.
pub(super) const SUPPRESSIONS: &[&str] = &[
    // Python
    "mypy:",
    "pyright:",
    "pylint:",
    "pyrefly:",
    "ty:ignore",
    "doctest:",
    "codespell:",
    "__test__=false",
    "__debug__",
    "pythonoptimize",
    "pytest_addopts",
    "pytest_plugins",
    "pytest_collect",
    "pytest_ignore",
    "filterwarnings",
    "simplefilter",
    "pythonwarnings",
    "except:pass",
    "exceptexception:pass",
    "suppress(",
    "locals()",
    "os._exit(",
    // Rust: any condition is one under which code is not looked at.
    "cfg(",
    "cfg_attr(",
    "clippy::",
    "automatically_derived",
    "#[warn(",
    "#![warn(",
    "#[used",
    "no_mangle",
    "include!(",
    "debug_assert",
    "rustflags",
    "let_=",
    // JavaScript and TypeScript
    "eslint",
    "@ts-",
    "asunknown",
    "<unknown>",
    "rome-ignore",
    "dprint-ignore",
    "stylelint-disable",
    "svelte-ignore",
    "node:coverage",
    "$flowfixme",
    "[\"skip\"]",
    "['skip']",
    "[\"only\"]",
    "['only']",
    "\"skip\"",
    "'skip'",
    "catch{}",
    "catch(e){}",
    "catch(_){}",
    // Go, Java and others
    ".skipf(",
    ".skipnow(",
    "testing.short()",
    "+build",
    "revive:disable",
    "\\u0040",
    "lombok.generated",
    "gcov_excl",
    "nocov",
    // Code that never runs, and claims that claim nothing
    "iffalse",
    "if(false",
    "if0:",
    "if(0)",
    "ifnottrue",
    "whilefalse",
    "while(false",
    "asserttrue",
    "assert(true",
    "assert!(true",
    "expect(true)",
    "exit(0)",
];

/// What must not become rarer, besides claims: promises to look closely.
pub(super) const PROMISES: &[&str] =
    &["deny(", "forbid(", "must_use", "modtest", "usestrict", "__all__"];

/// Names of files by which tools are set, by their beginnings and ends.
pub(super) fn sets_tools(name: &str) -> bool {
    const STARTS: &[&str] = &[
        "tsconfig",
        "jsconfig",
        "requirements",
        "constraints",
        "build.bazel",
        "workspace.bazel",
        "directory.build",
        "cmakelists",
        "phpunit",
        "vitest.workspace",
        "vitest.setup",
        "jest.setup",
        "gulpfile",
        "gruntfile",
        "tiltfile",
        "pytest",
        "tox",
    ];
    const ENDS: &[&str] = &[
        ".gradle",
        ".props",
        ".targets",
        ".ruleset",
        ".csproj",
        ".sln",
        ".env",
        ".bazel",
        ".bzl",
        ".conf.js",
        ".conf.ts",
        "rc",
        "lint.json",
        "lint.xml",
        "meson.build",
        ".code-workspace",
    ];
    STARTS.iter().any(|start| name.starts_with(start))
        || ENDS.iter().any(|end| name.ends_with(end) && name != "src")
}

/// A pattern of which there must not be more, or not fewer, in files with these endings.
struct Sign {
    endings: &'static [&'static str],
    pattern: Regex,
    grows: bool,
    what: &'static str,
}

/// Each has a test, so that none of the patterns is broken. Compiled once: that takes longer than
/// most repairs.
static SIGNS: LazyLock<Vec<Sign>> = LazyLock::new(|| {
    const PYTHON: &[&str] = &["py", "pyi"];
    let sign =
        |endings: &'static [&'static str], pattern: &str, grows: bool, what: &'static str| {
            Regex::new(pattern).ok().map(|pattern| Sign { endings, pattern, grows, what })
        };
    let signs = [
        sign(&[], r"(?m)^\s*_\s*(:=|=)\s", true, "_ = …"),
        sign(&[], r"(?m)^\s*void\s+\w+;", true, "void …;"),
        sign(PYTHON, r"\)\s*->", false, "a signature without its type"),
        sign(PYTHON, r"def\s+\w+\s*\([^)]*?\w\s*:\s*\w", false, "a parameter without its type"),
        sign(&["rs"], r"(?m)^\s*(pub(\([^)]*\))?\s+)?mod\s+\w+", false, "mod …"),
        sign(&[], r"func\s+(Test|Benchmark|Fuzz|Example)", false, "func Test…"),
        sign(&[], r"(def\s+test|class\s+Test)", false, "a collected test"),
        sign(&[], r"\w!\.", true, "x!.y"),
    ];
    signs.into_iter().flatten().collect()
});

/// What `after` does to look away that has no mark of its own, in a word or two.
pub(super) fn looks_away(path: &str, before: &str, after: &str) -> BTreeSet<&'static str> {
    static RETURN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\breturn\b").ok());
    let ending = path.rsplit('.').next().unwrap_or_default().to_lowercase();
    let count = |pattern: &Regex, text: &str| pattern.find_iter(text).count();
    let concerned = SIGNS
        .iter()
        .filter(|sign| sign.endings.is_empty() || sign.endings.contains(&ending.as_str()));
    let shows = |sign: &&Sign| {
        let (old, new) = (count(&sign.pattern, before), count(&sign.pattern, after));
        if sign.grows { new > old } else { new < old }
    };
    let mut found: BTreeSet<&str> = concerned.filter(shows).map(|sign| sign.what).collect();
    if is_underscored(before, after) {
        found.insert("a name that begins with _");
    }
    if reexports(after) > reexports(before) {
        found.insert("import x as x");
    }
    let claims = before.contains("assert") || before.contains("expect(");
    let returns = |text: &str| RETURN.as_ref().map_or(0, |pattern| count(pattern, text));
    if claims && returns(after) > returns(before) {
        found.insert("return before a claim");
    }
    found
}

/// Whether a name that was used is only there with an underscore in front: linters take that for
/// "on purpose".
fn is_underscored(before: &str, after: &str) -> bool {
    let (old, new) = (words(before), words(after));
    new.iter().any(|word| {
        let plain = word.strip_prefix('_').filter(|plain| !plain.is_empty());
        !old.contains(word) && plain.is_some_and(|plain| old.contains(plain))
    })
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(|sign: char| !(sign.is_alphanumeric() || sign == '_')).collect()
}

fn reexports(text: &str) -> usize {
    let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_end_matches(',')).collect();
    words.windows(3).filter(|it| it[1] == "as" && it[0] == it[2]).count()
}

/// The claims that are not there any more as they were: what is claimed, without what a change
/// of layout may change.
pub(super) fn changed_claims(before: &str, after: &str) -> Vec<String> {
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    for claim in claims(after) {
        *left.entry(claim).or_default() += 1;
    }
    let mut changed = Vec::new();
    for claim in claims(before) {
        match left.get_mut(&claim).filter(|count| **count > 0) {
            Some(count) => *count -= 1,
            None => changed.push(claim),
        }
    }
    changed
}

fn claims(text: &str) -> Vec<String> {
    static MARK: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\b\w*assert\w*|\bexpect\(").ok());
    let marks = MARK.as_ref().into_iter().flat_map(|mark| mark.find_iter(text));
    marks.map(|mark| statement(&text[mark.start()..])).collect()
}

/// From a mark to where its statement ends: a line's end outside of brackets, or a semicolon.
fn statement(text: &str) -> String {
    let (mut depth, mut said, mut escaped) = (0_i32, String::new(), false);
    for sign in text.chars() {
        match sign {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth < 0 || (depth == 0 && (sign == ';' || (sign == '\n' && !escaped))) {
            break;
        }
        escaped = sign == '\\';
        // Layout may add and take these away.
        if !sign.is_whitespace() && !matches!(sign, '(' | ')' | ',' | '"' | '\'' | '\\') {
            said.push(sign);
        }
    }
    said
}

/// The sources of packages in a lock file: another version comes from where the old one came.
pub(super) fn has_new_source(before: &str, after: &str) -> bool {
    let sources = |text: &str| -> BTreeSet<String> {
        let marks = ["source = ", "resolved", "registry", "git+", "url = "];
        let is_source = |line: &&str| marks.iter().any(|mark| line.contains(mark));
        let host = |line: &str| {
            line.split_once("://")
                .map(|(_, rest)| rest.split('/').next().unwrap_or_default().to_owned())
        };
        text.lines().filter(is_source).filter_map(host).collect()
    };
    !sources(after).is_subset(&sources(before))
}

/// Whether a line of a manifest changes that has a version, but not one of a dependency.
pub(super) fn sets_another_version(before: &str, after: &str) -> bool {
    static KEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(concat!(
            r#"(?i)^\s*"?(requires-python|python[_-]?version|python|target[_-]version|rust-version|"#,
            r#"msrv|edition|engines?|node|npm|version|minversion|required-version|"#,
            r#"[\w.-]*(fail|threshold|cover|cov-|min_|max_)[\w.-]*)"?\s*[:=]"#,
        ))
        .ok()
    });
    let set = |text: &str| -> Vec<String> {
        let is_setting = |line: &&str| KEY.as_ref().is_none_or(|key| key.is_match(line));
        text.lines().filter(is_setting).map(str::to_owned).collect()
    };
    set(before) != set(after)
}
