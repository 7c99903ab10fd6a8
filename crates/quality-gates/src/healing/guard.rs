//! What no healer may touch, and marks by which tools are told to look away. Both only ever
//! refuse: a mark too many costs a fix, one too few costs a gate.

use super::subtle;

/// Marks that tell a tool, a test runner or a compiler to look away, without blanks and in small
/// letters, as texts are compared with them.
const SUPPRESSIONS: &[&str] = &[
    // Python
    "noqa",
    "type:ignore",
    "pylint:",
    "mypy:",
    "pyright:",
    "ty:ignore",
    "pyrefly:",
    "pyre-ignore",
    "pyre-fixme",
    "pytype:disable",
    "nosec",
    "pragma:nocover",
    "pragma:nobranch",
    "fmt:off",
    "fmt:skip",
    "yapf:disable",
    "autopep8:off",
    "isort:skip",
    "isort:off",
    "no_type_check",
    "flake8:",
    "ruff:",
    "castany",
    "cast(any",
    "cast(\"any",
    ":any",
    "->any",
    "pytest.mark.skip",
    "pytest.skip",
    "mark.xfail",
    "skipif",
    "importorskip",
    "unittest.skip",
    "@skip",
    "skiptest",
    "expectedfailure",
    "collect_ignore",
    "ifnottype_checking",
    // Rust
    "allow(",
    "#[expect(",
    "#![expect(",
    "warn(",
    "rustfmt::skip",
    "coverage(off)",
    "#[ignore",
    "should_panic",
    "cfg(any(",
    "cfg(not(test))",
    "cfg(false)",
    "#[doc(hidden)]",
    "cap-lints",
    // JavaScript and TypeScript
    "eslint-disable",
    "@ts-ignore",
    "@ts-expect-error",
    "@ts-nocheck",
    "biome-ignore",
    "oxlint-disable",
    "prettier-ignore",
    "istanbulignore",
    "c8ignore",
    "v8ignore",
    "deno-lint-ignore",
    "tslint:disable",
    "jshintignore",
    "asany",
    "asunknownas",
    "asnever",
    "<any>",
    ".skip(",
    ".only(",
    ".todo(",
    ".failing(",
    "xit(",
    "xtest(",
    "xdescribe(",
    "describe.skip",
    "stryker-disable",
    "strykerdisable",
    "stylelint-disable",
    "node:coverage",
    "recordstring,any",
    "record<string,any",
    // Go, Java, Kotlin, C#, C
    "nolint",
    "lint:ignore",
    "lint:file-ignore",
    "t.skip(",
    "t.skipnow(",
    "b.skip(",
    "//go:build",
    "//+build",
    "@disabled",
    "@ignore",
    "@suppress",
    "suppresswarnings",
    "suppressmessage",
    "pragmawarning",
    "noinspection",
    "nosonar",
    "checkstyle:off",
    "nopmd",
    "spotless:off",
    "@formatter:off",
    "clang-formatoff",
    "nolintnextline",
    "diagnosticignored",
    "suppresslint",
    "assume(",
    // Any
    "nosemgrep",
    "gitleaks:allow",
    "pragma:allowlist",
    "trivy:ignore",
    "checkov:skip",
    "kics-scan",
    "shellcheckdisable",
    "lcov_excl",
    "coverage:ignore",
    "codegenerated",
    "donotedit",
    "@generated",
    "ignorestart",
    "hadolintignore",
    "yamllintdisable",
    "noverify",
    "set+e",
    "||true",
    "sqlfluff:",
    "squawk-ignore",
    "[any]",
    ":'any'",
    ":\"any\"",
    "iffalse:",
    "andfalse",
    "check=false",
    "verify=false",
    "exceptbaseexception",
];

/// Marks of tests and of what they claim: there may be more of them afterwards, and not fewer.
const CLAIMS: &[&str] = &[
    "assert",
    "expect(",
    "deftest",
    "classtest",
    "#[test",
    "::test]",
    "it(",
    "test(",
    "describe(",
    "functest",
    "@test",
    "should",
    "t.error",
    "t.fatal",
    "require.",
    "verify(",
    "proptest!",
    "raises(",
    "panic!(",
    "raise",
    "throw",
    "deny(",
    "forbid(",
];

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
    let path = path.to_lowercase();
    let parts: Vec<&str> = path.split('/').collect();
    let name = parts.last().copied().unwrap_or_default();
    if name.starts_with("evergen.") || parts.contains(&".evergen") {
        return Some(Guarded::Policy);
    }
    if is_test(&parts, name) {
        return Some(Guarded::Test);
    }
    is_configuration(&parts, name).then_some(Guarded::Configuration)
}

/// Whether a dependency may get another version there.
pub(super) fn is_manifest(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    MANIFESTS.contains(&name.as_str())
}

fn is_test(parts: &[&str], name: &str) -> bool {
    const FOLDERS: &[&str] = &[
        "test",
        "tests",
        "__tests__",
        "spec",
        "specs",
        "testdata",
        "fixtures",
        "__snapshots__",
        "snapshots",
        "e2e",
    ];
    let stem = name.split('.').next().unwrap_or(name);
    let middle = name.split('.').any(|part| ["test", "spec", "snap"].contains(&part));
    let folders = &parts[..parts.len().saturating_sub(1)];
    folders.iter().any(|folder| FOLDERS.contains(folder))
        || middle
        || stem == "conftest"
        || ["test_", "tests"].iter().any(|lead| stem.starts_with(lead))
        || ["_test", "_tests", "_spec"].iter().any(|end| stem.ends_with(end))
}

fn is_configuration(parts: &[&str], name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    parts.iter().any(|part| part.starts_with('.'))
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
    SUPPRESSIONS.iter().chain(subtle::SUPPRESSIONS).filter(more).copied().collect()
}

/// The marks of tests and claims of which `after` has fewer than `before`.
pub(super) fn lost_claims(before: &str, after: &str) -> Vec<&'static str> {
    let [before, after] = [before, after].map(squeezed);
    let fewer = |mark: &&&str| count(&after, mark) < count(&before, mark);
    CLAIMS.iter().chain(subtle::PROMISES).filter(fewer).copied().collect()
}

/// Small letters without blanks: no tool minds those in its marks.
fn squeezed(text: &str) -> String {
    text.chars().filter(|it| !it.is_whitespace()).flat_map(char::to_lowercase).collect()
}

fn count(text: &str, mark: &str) -> usize {
    text.matches(mark).count()
}
