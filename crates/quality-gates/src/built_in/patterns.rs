use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use regex::bytes::{Regex, RegexSet};

use crate::{
    Cost, Coverage, Examination, Finding, Gate, GateInfo, GateKind, Looker, Outcome, Region, Scope,
    Severity, SubjectFile,
};

/// One thing that must not stand in a file.
struct Pattern {
    rule: &'static str,
    message: &'static str,
    severity: Severity,
    /// Endings of names; none for all files.
    extensions: &'static [&'static str],
    /// What a line must hold.
    text: &'static str,
    /// What makes such a line harmless; empty for nothing.
    unless: &'static str,
}

const fn secret(rule: &'static str, message: &'static str, text: &'static str) -> Pattern {
    Pattern { rule, message, severity: Severity::Error, extensions: &[], text, unless: "" }
}

const fn danger(
    rule: &'static str,
    message: &'static str,
    extensions: &'static [&'static str],
    text: &'static str,
) -> Pattern {
    Pattern { rule, message, severity: Severity::Warning, extensions, text, unless: "" }
}

const PYTHON: &[&str] = &["py", "pyi"];
const SCRIPT: &[&str] = &["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx"];

/// Each has a red and a green line in the tests.
const PATTERNS: &[Pattern] = &[
    secret(
        "private-key",
        "a private key; remove it and have it replaced",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
    ),
    secret(
        "aws-access-key",
        "an access key of AWS; remove it and have it replaced",
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    ),
    secret(
        "github-token",
        "a token of GitHub; remove it and have it replaced",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b",
    ),
    secret(
        "slack-token",
        "a token of Slack; remove it and have it replaced",
        r"\bxox[abprs]-[0-9A-Za-z-]{10,}\b",
    ),
    secret(
        "url-password",
        "a password in an address; take it from the environment",
        r#"\b[a-z][a-z0-9+.-]*://[^\s/:@"'<>{}$]+:[^\s/@"'<>{}$%*]{3,}@"#,
    ),
    secret(
        "written-password",
        "a password or key as text; take it from the environment",
        r#"(?i)\b(?:password|passwd|secret|api_?key|access_?token|private_?key)\b["']?\s*(?::\s*[A-Za-z&' ]+)?[:=]\s*["'][^"'\s{}$<>]{8,}["']"#,
    ),
    danger("python-eval", "runs text as code", PYTHON, r"(?:^|[^.\w])(?:eval|exec)\s*\("),
    danger(
        "python-pickle",
        "pickle runs what it reads",
        PYTHON,
        r"\b(?:pickle|cPickle|dill|marshal)\.loads?\s*\(",
    ),
    danger(
        "python-shell",
        "a shell interprets the text",
        PYTHON,
        r"\bshell\s*=\s*True\b|\bos\.(?:system|popen)\s*\(",
    ),
    Pattern {
        unless: "SafeLoader",
        ..danger(
            "python-yaml",
            "yaml.load makes any object; use safe_load",
            PYTHON,
            r"\byaml\.(?:load|load_all|unsafe_load)\s*\([^)]*\)",
        )
    },
    danger("python-no-verify", "certificates are not checked", PYTHON, r"\bverify\s*=\s*False\b"),
    danger(
        "script-eval",
        "runs text as code",
        SCRIPT,
        r"(?:^|[^.\w$])eval\s*\(|\bnew\s+Function\s*\(",
    ),
    danger(
        "script-shell",
        "a shell interprets the text",
        SCRIPT,
        r"\bchild_process\b.*\bexec(?:Sync)?\s*\(",
    ),
    danger(
        "script-html",
        "text becomes markup",
        SCRIPT,
        r"\bdangerouslySetInnerHTML\b|\.(?:inner|outer)HTML\s*=[^=]",
    ),
    danger(
        "script-no-verify",
        "certificates are not checked",
        SCRIPT,
        r"\brejectUnauthorized\s*:\s*false\b",
    ),
];

/// Secrets and dangerous calls, found line by line in all text files.
///
/// It is a net for what must never be published, and no scanner that follows data: what is put
/// together from several lines escapes it, and its passes say so. A comment line is searched
/// for secrets and not for calls. Files that are no text are looked at for secrets alone.
#[derive(Debug)]
pub struct PatternGate {
    info: GateInfo,
    matcher: Arc<Matcher>,
}

#[derive(Debug)]
struct Matcher {
    any: RegexSet,
    each: Vec<Regex>,
}

impl PatternGate {
    /// A gate with the patterns that are built in.
    ///
    /// # Errors
    /// The patterns need more memory than the engine for regular expressions may have.
    pub fn new() -> Result<Self, regex::Error> {
        let texts = || PATTERNS.iter().map(|pattern| pattern.text);
        let each: Result<Vec<Regex>, regex::Error> = texts().map(Regex::new).collect();
        let matcher = Matcher { any: RegexSet::new(texts())?, each: each? };
        let signature: Vec<&str> = texts().collect();
        let info = GateInfo::new("secrets", GateKind::Security)
            .with_scope(Scope::all())
            .with_cost(Cost::Instant)
            .with_settings(&signature.join("\n"));
        Ok(Self { info, matcher: Arc::new(matcher) })
    }
}

impl Matcher {
    fn look(&self, files: &[SubjectFile]) -> Outcome {
        let mut findings = Vec::new();
        let mut lines = 0;
        for file in files {
            match file.bytes() {
                Ok(bytes) => lines += self.look_at(file, &bytes, &mut findings),
                Err(fault) => return Outcome::Error(fault.into()),
            }
        }
        let looker = Looker::new("patterns", env!("CARGO_PKG_VERSION"))
            .blind_to("sees single lines, not where data goes");
        let coverage = Coverage::of_files(files.len() as u64).with_lines(lines).by(looker);
        Outcome::of(findings, coverage)
    }

    /// Looks at one file and returns how many lines it has.
    fn look_at(&self, file: &SubjectFile, bytes: &[u8], findings: &mut Vec<Finding>) -> u64 {
        // Most files have nothing at all, which one pass over the whole text tells.
        if !self.any.is_match(bytes) && !bytes.is_empty() {
            return bytes.split(|byte| *byte == b'\n').count() as u64;
        }
        let mut count = 0;
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            count += 1;
            for index in self.any.matches(line) {
                let pattern = &PATTERNS[index];
                let Some(found) = self.each[index].find(line) else { continue };
                if !pattern.concerns(file.extension(), line) {
                    continue;
                }
                let column = String::from_utf8_lossy(&line[..found.start()]).chars().count() + 1;
                let region = Region::at(number, u32::try_from(column).unwrap_or(u32::MAX));
                let finding = Finding::new(pattern.severity, pattern.rule, pattern.message);
                findings.push(finding.in_file(file.path()).at(region));
            }
        }
        count
    }
}

impl Pattern {
    fn concerns(&self, extension: Option<&str>, line: &[u8]) -> bool {
        let harmless = self.unless.as_bytes();
        if !harmless.is_empty() && line.windows(harmless.len()).any(|part| part == harmless) {
            return false;
        }
        if self.extensions.is_empty() {
            return true;
        }
        let is_comment = [&b"#"[..], b"//", b"*", b"/*"]
            .iter()
            .any(|start| line.trim_ascii_start().starts_with(start));
        extension.is_some_and(|extension| self.extensions.contains(&extension)) && !is_comment
    }
}

impl Gate for PatternGate {
    fn info(&self) -> &GateInfo {
        &self.info
    }

    fn examine(&self, examination: Examination) -> BoxFuture<'_, Outcome> {
        let matcher = self.matcher.clone();
        async move {
            let looked =
                tokio::task::spawn_blocking(move || matcher.look(examination.files())).await;
            looked.unwrap_or_else(|error| super::performance::broke_down(&error))
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
