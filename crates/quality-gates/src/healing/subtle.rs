//! Weakenings that no single mark gives away, and marks that are rarer. Like all of `guard`, it
//! only ever refuses: where in doubt a fix is lost, and no gate.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

/// How names of files begin by which tools are set.
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
    "globalsetup",
    "gulpfile",
    "gruntfile",
    "tiltfile",
    "pytest",
    "tox",
];
/// How they end.
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
    ".neon",
    ".nix",
    ".sbt",
    ".supp",
    ".rego",
    ".cabal",
    ".gemspec",
    ".podspec",
    ".pro",
    ".mk",
    ".cmake",
    ".lcovrc",
];
/// What else gives them away.
const PARTS: &[&str] = &[
    "baseline",
    "whitelist",
    "allowlist",
    "allow-list",
    "denylist",
    "suppress",
    "exclude",
    "exclusion",
    "waiver",
    "quarantine",
    "known-issues",
    "known_issues",
];

/// Whether tools are set by a file of this name.
pub(super) fn sets_tools(name: &str) -> bool {
    STARTS.iter().any(|start| name.starts_with(start))
        || PARTS.iter().any(|part| name.contains(part))
        || ENDS.iter().any(|end| name.ends_with(end) && name != "src")
}

/// A pattern of which there must not be more, or not fewer, in files with these endings.
struct Sign {
    endings: &'static [&'static str],
    pattern: Regex,
    grows: bool,
    what: &'static str,
}

/// An `except` whose first statement does nothing.
const SILENT_EXCEPT: &str = r"except[^:\n]*:\s*(#[^\n]*\n\s*)*(pass\b|\.\.\.|continue\b|return\b)";

/// A `catch` with nothing but comments in it.
const SILENT_CATCH: &str = r"catch\s*(\([^)]*\))?\s*\{\s*(//[^\n]*\s*|/\*[^*]*\*/\s*)*\}";

/// A definition that stands in for an assertion.
const OWN_ASSERTION: &str =
    r"(macro_rules!\s*|\b(def|function|fn|const|let|var|func)\s+)(expect\b|\w*assert\w*)";

/// Each has a test, so that none of the patterns is broken. Compiled once: that takes longer than
/// most repairs.
static SIGNS: LazyLock<Vec<Sign>> = LazyLock::new(|| {
    const PYTHON: &[&str] = &["py", "pyi"];
    const TYPES: &[&str] = &["ts", "tsx", "mts", "cts"];
    const SHELL: &[&str] = &["sh", "bash", "zsh"];
    const KNOWN: &str = "a condition that is known";
    const OWN: &str = "an assertion of its own";
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
        // Whoever catches more hears less.
        sign(PYTHON, r"(?m)^\s*except\b", true, "except …"),
        sign(PYTHON, r"except\s*(\(?\s*(Base)?Exception\b|:)", true, "a wider except"),
        sign(PYTHON, SILENT_EXCEPT, true, "an except that says nothing"),
        sign(&[], r"\bcatch\b", true, "catch …"),
        sign(&[], SILENT_CATCH, true, "an empty catch"),
        sign(&[], r"catch\s*\(\s*(final\s+)?(Exception|Throwable)\b", true, "a wider catch"),
        sign(&["rb"], r"\brescue\b", true, "rescue …"),
        sign(&["rs"], r"\.ok\(\)\s*;", true, "an error that is dropped"),
        sign(&["rs"], r"(?m)^\s*drop\(\w+\);", true, "drop(x)"),
        sign(&["kt", "kts"], "!!", true, "x!!"),
        // Code that never runs, or always.
        sign(&[], r"\bif\s*\(?\s*\d+\s*(={2,3}|!={1,2}|[<>]=?)\s*\d+", true, KNOWN),
        sign(&[], r"(\bor\s+True|\|\|\s*true|&&\s*false|\band\s+False)\b", true, KNOWN),
        sign(PYTHON, r":\s*\.\.\.", true, "a body of …"),
        sign(SHELL, r#"<<-?\s*['"]?[A-Za-z_]"#, true, "a here document"),
        // Names that mean something else, and signs that nobody sees.
        sign(&[], OWN_ASSERTION, true, OWN),
        sign(&[], r"\b(expect|\w*[aA]ssert\w*)\s*=[^=>]", true, OWN),
        sign(&[], r"\bas\s+\w*[aA]ssert\w*", true, OWN),
        sign(&[], r"[\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2069}]", true, "hidden signs"),
        sign(&[], r"[\x{FF01}-\x{FF5E}\x{1D400}-\x{1D7FF}]", true, "letters in disguise"),
        sign(&[], r"\A(#[^\n]*\n)?#.*coding[:=]", true, "another encoding"),
        // Types that say less, and uses that use nothing.
        sign(TYPES, r"[\w)\]]!\s*[.,;:)\]\[}]", true, "x!"),
        sign(TYPES, r"[)\]\w]\s+as\s+[A-Z{(\[]", true, "a cast"),
        sign(PYTHON, r"(->|:)\s*object\b", true, "object"),
        sign(PYTHON, r"(?m)^\s*del\s+\w+\s*$", true, "del x"),
        sign(&["go"], r#"(?m)^\s*(import\s+)?_\s+""#, true, "a blank import"),
        sign(&["go"], r"\bvar\s+_\b", true, "var _"),
    ];
    signs.into_iter().flatten().collect()
});

/// What `after` does to look away that has no mark of its own, in a word or two.
pub(super) fn looks_away(path: &str, before: &str, after: &str) -> BTreeSet<&'static str> {
    static RETURN: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\b(return|continue|break|raise|throw|goto)\b").ok());
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
