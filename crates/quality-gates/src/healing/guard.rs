//! What no healer may touch, and marks by which tools are told to look away. Both only ever
//! refuse: a mark too many costs a fix, one too few costs a gate.

use super::marks::{CLAIMS, EXAMPLES, SUPPRESSIONS};
use super::subtle;
use super::tokens::{Kind, Style, tokens};

/// Names of files by which tools are set, where neither a dot in front nor the ending tells.
const CONFIGURATION: &[&str] = &[
    "makefile",
    "justfile",
    "rakefile",
    "gemfile",
    "dockerfile",
    "jenkinsfile",
    "procfile",
    "build.rs",
    "conftest.py",
    "setup.py",
    "noxfile.py",
    "fabfile.py",
    "manage.py",
    "sitecustomize.py",
    "usercustomize.py",
    "codeowners",
    "package.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "bun.lock",
    "deno.json",
    "deno.jsonc",
    "biome.json",
    "biome.jsonc",
    "turbo.json",
    "nx.json",
    "lerna.json",
    "rush.json",
    "composer.json",
    "go.mod",
    "go.sum",
    "go.work",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "settings.gradle",
    "gradle.properties",
    "checkstyle.xml",
    "pmd.xml",
    "spotbugs.xml",
    "requirements.txt",
    "constraints.txt",
    "manifest.in",
    "rust-toolchain",
    "cargo.lock",
    "poetry.lock",
    "uv.lock",
    "pipfile",
    "pipfile.lock",
    "buf.yaml",
    "sonar-project.properties",
    "nyc.json",
    "cspell.json",
    "jest.json",
    "jasmine.json",
    "mocha.opts",
    "dprint.json",
    "rome.json",
    "knip.json",
    "knip.ts",
    "renovate.json",
    "nodemon.json",
    "typedoc.json",
    "api-extractor.json",
    "audit-ci.json",
    "jest-preset.js",
    "wallaby.js",
    "dangerfile",
    "dangerfile.ts",
    "dangerfile.js",
    "brewfile",
    "vagrantfile",
    "earthfile",
    "podfile",
    "cartfile",
    "doxyfile",
    "build",
    "workspace",
    "sconstruct",
    "wscript",
    "tasks.py",
    "dodo.py",
    "conanfile.py",
    "conanfile.txt",
    "mix.exs",
    "package.swift",
    "rebar.config",
    "cmakepresets.json",
    "py.typed",
];

/// Endings of files by which tools are set.
const CONFIGURED: &[&str] =
    &["toml", "ini", "cfg", "conf", "properties", "yml", "yaml", "editorconfig", "lock", "pth"];

/// Files in which a dependency gets another version.
const MANIFESTS: &[&str] = &[
    "cargo.toml",
    "cargo.lock",
    "package.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "pyproject.toml",
    "requirements.txt",
    "constraints.txt",
    "poetry.lock",
    "uv.lock",
    "go.mod",
    "go.sum",
    "pom.xml",
];

/// What kind of file nobody may touch it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guarded {
    Policy,
    Configuration,
    Test,
}

/// Why a healer may not edit the file at this path; nothing where it may.
pub(super) fn guarded(path: &str) -> Option<Guarded> {
    let lower = path.to_lowercase();
    let parts: Vec<&str> = lower.split('/').collect();
    let name = parts.last().copied().unwrap_or_default();
    if name.starts_with("evergen.") || parts.contains(&".evergen") {
        return Some(Guarded::Policy);
    }
    // Where a word begins can be seen by its large letter only.
    let (folders, own) = path.rsplit_once('/').unwrap_or(("", path));
    let is_test =
        folders.split('/').flat_map(words).any(|word| is_test_folder(&word)) || is_test(own);
    if is_test {
        return Some(Guarded::Test);
    }
    is_configuration(&parts, name).then_some(Guarded::Configuration)
}

/// Whether a dependency may get another version there.
pub(super) fn is_manifest(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    MANIFESTS.contains(&name.as_str())
}

fn is_test_folder(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "test",
        "tests",
        "testing",
        "spec",
        "specs",
        "testdata",
        "fixture",
        "fixtures",
        "snapshot",
        "snapshots",
        "mock",
        "mocks",
        "golden",
        "goldens",
        "e2e",
        "cypress",
        "features",
    ];
    WORDS.contains(&word)
}

/// Whether a file of this name is a test, or what tests need: `OrderTests.cs`, `a.cy.ts`,
/// `b_spec.rb`, `c.test-d.ts`.
fn is_test(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "test",
        "tests",
        "testcase",
        "spec",
        "specs",
        "snap",
        "cy",
        "e2e",
        "conftest",
        "fixture",
        "fixtures",
        "approved",
        "verified",
        "doctest",
        "unittest",
        "unittests",
    ];
    const ENDS: &[&str] = &[".feature", ".golden", ".snap", ".story", ".robot"];
    let lower = name.to_lowercase();
    let stem = name.split('.').next().unwrap_or(name);
    ["test_", "tests", "setuptest"].iter().any(|lead| lower.starts_with(lead))
        || ENDS.iter().any(|end| lower.ends_with(end))
        || stem.ends_with("IT")
        || words(name).any(|word| WORDS.contains(&word.as_str()))
}

/// The words of a name, in small letters: parted by signs, and where a large letter follows a
/// small one.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut parted = String::with_capacity(name.len() + 4);
    let mut was_small = false;
    for sign in name.chars() {
        if was_small && sign.is_uppercase() {
            parted.push(' ');
        }
        was_small = sign.is_lowercase() || sign.is_numeric();
        parted.extend(if sign.is_alphanumeric() { sign } else { ' ' }.to_lowercase());
    }
    let words: Vec<String> = parted.split_whitespace().map(str::to_owned).collect();
    words.into_iter()
}

fn is_configuration(parts: &[&str], name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    parts.iter().any(|part| part.starts_with('.') || ["xtask", "ci"].contains(part))
        || CONFIGURATION.contains(&name)
        || CONFIGURED.contains(&ending)
        || name.contains(".config.")
        || name.contains("config.json")
        || name.ends_with("rc.json")
        || name.ends_with("rc.js")
        || name.ends_with("ignore")
        || subtle::sets_tools(name)
}

/// The marks to look away of which `after` has more than `before`.
pub(super) fn new_suppressions(before: &str, after: &str) -> Vec<&'static str> {
    let [before, after] = [before, after].map(squeezed);
    let more = |mark: &&&str| count(&after, mark) > count(&before, mark);
    SUPPRESSIONS.iter().filter(more).copied().collect()
}

/// The marks of tests and claims of which `after` has fewer than `before`. What stands in a
/// comment or in a text over several lines claims nothing, but for examples that are run.
pub(super) fn lost_claims(path: &str, before: &str, after: &str) -> Vec<&'static str> {
    let style = Style::of(path);
    let [old, new] = [before, after].map(|text| squeezed(&code(text, style)));
    let fewer = |mark: &&&str| count(&new, mark) < count(&old, mark);
    let examples = EXAMPLES.iter().filter(|mark| count(after, mark) < count(before, mark));
    CLAIMS.iter().filter(fewer).chain(examples).copied().collect()
}

fn code(text: &str, style: Style) -> String {
    let is_run = |text: &str, kind: Kind| kind != Kind::Literal || !text.contains('\n');
    let tokens = tokens(text, style).into_iter();
    let code = tokens.filter(|token| token.is_code() && is_run(token.text, token.kind));
    code.map(|token| token.text).collect()
}

/// Small letters without blanks: no tool minds those in its marks.
pub(super) fn squeezed(text: &str) -> String {
    text.chars().filter(|it| !it.is_whitespace()).flat_map(char::to_lowercase).collect()
}

fn count(text: &str, mark: &str) -> usize {
    text.matches(mark).count()
}
