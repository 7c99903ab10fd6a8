use std::collections::BTreeSet;

use super::*;
use crate::Subject;

async fn rules(path: &str, text: &str) -> Vec<String> {
    let gate = PatternGate::new().unwrap();
    let subject = Subject::of_files([(path, text.as_bytes())]);
    let outcome = gate.examine(Examination::of(&subject, gate.info()).unwrap()).await;
    outcome.findings().iter().map(|finding| finding.rule.clone()).collect()
}

/// Made up so that no scanner of this repository takes them for real.
fn reds() -> Vec<(&'static str, &'static str, String)> {
    let digits = "0123456789ABCDEF";
    let letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    let red = |rule, path, text: &str| (rule, path, text.to_owned());
    vec![
        ("private-key", "a.pem", format!("-----BEGIN RSA {}-----", "PRIVATE KEY")),
        ("aws-access-key", "a.txt", format!("key AKIA{digits}")),
        ("github-token", "a.env", format!("T=ghp_{letters}")),
        ("slack-token", "a.env", format!("T=xoxb-{}", &letters[..20])),
        ("url-password", "a.toml", format!("url = \"postgres://me:{}@db/x\"", "hunter22")),
        ("written-password", "a.py", format!("password = \"{}\"", "hunter2hunter2")),
        ("written-password", "a.rs", format!("const API_KEY: &'static str = \"{letters}\";")),
        red("python-eval", "a.py", "x = eval(text)"),
        red("python-pickle", "a.py", "pickle.loads(data)"),
        red("python-shell", "a.py", "run(command, shell=True)"),
        red("python-yaml", "a.py", "yaml.load(text)"),
        red("python-no-verify", "a.py", "get(url, verify=False)"),
        red("script-eval", "a.ts", "const x = eval(text);"),
        red("script-shell", "a.js", "require('child_process').exec(text)"),
        red("script-html", "a.tsx", "element.innerHTML = text;"),
        red("script-no-verify", "a.ts", "{ rejectUnauthorized: false }"),
    ]
}

#[tokio::test]
async fn each_pattern_finds_its_red_line() {
    let mut seen = BTreeSet::new();
    for (rule, path, text) in reds() {
        let found = rules(path, &format!("first\n{text}\nlast\n")).await;
        assert!(found.iter().any(|found| found == rule), "{text}: {found:?}");
        seen.insert(rule);
    }
    let all: BTreeSet<&str> = PATTERNS.iter().map(|pattern| pattern.rule).collect();
    assert_eq!(seen, all, "a pattern without a red line");
}

#[tokio::test]
async fn what_looks_alike_is_left_alone() {
    for (path, text) in [
        ("a.py", "password = os.environ[\"DATABASE_PASSWORD\"]"),
        ("a.py", "password: str"),
        ("a.py", "password = \"{{ password }}\""),
        ("a.toml", "url = \"postgres://$USER:$PASSWORD@db/x\""),
        ("a.md", "see https://example.org/a:b and mailto:me@example.org"),
        ("a.py", "model.eval()"),
        ("a.py", "# never call eval(text)"),
        ("a.py", "yaml.load(text, Loader=yaml.SafeLoader)"),
        ("a.py", "yaml.safe_load(text)"),
        ("a.py", "literal_eval(text)"),
        ("a.rs", "eval(text)"),
        ("a.ts", "if (a.innerHTML == b) {}"),
        ("a.ts", "pattern.exec(text)"),
        ("a.pem", "-----BEGIN PUBLIC KEY-----"),
    ] {
        assert_eq!(rules(path, text).await, Vec::<String>::new(), "{text}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_looked_at_too() {
    let gate = PatternGate::new().unwrap();
    let mut bytes = vec![0xff, 0xfe, 0, b'\n'];
    bytes.extend(b"AKIA0123456789ABCDEF");
    let subject = Subject::of_files([("a.bin", bytes)]);
    let outcome = gate.examine(Examination::of(&subject, gate.info()).unwrap()).await;
    assert_eq!(outcome.findings().len(), 1);
    assert_eq!(outcome.findings()[0].line(), Some(2));
}
