//! The tools that have a warm form.

use std::time::Duration;

use serde_json::{Value, json};

use super::form::{Asks, Form, Project};
use super::protocol::Diagnostic;
use crate::{Severity, SubjectFile, VersionRange};

/// The warm form of a ready tool, by its gate's name; nothing where there is none.
pub fn warm_form(gate: &str) -> Option<Form> {
    match gate {
        "ruff check" => Some(ruff(Asks::Diagnostics, "(\n", |_| Some(Severity::Error))),
        "ruff format" => Some(ruff(Asks::Layout, "x   =  1\n", only_syntax)),
        "ty" => Some(ty()),
        "pyright" => Some(pyright()),
        "tsc" => Some(tsc()),
        _ => None,
    }
}

pub(super) fn form(arguments: &[&str], at_least: &str) -> Form {
    Form {
        arguments: arguments.iter().map(|it| (*it).to_owned()).collect(),
        program: None,
        versions: VersionRange::at_least(at_least).unwrap_or_default(),
        options: Value::Null,
        settings: Value::Null,
        registers: false,
        asks: Asks::Diagnostics,
        mistake: "(\n",
        holds: true,
        project: None,
        rule: |diagnostic| code(diagnostic).unwrap_or_else(|| "invalid-syntax".to_owned()),
        message: |message| message,
        severity: said_severity,
        ends: true,
        start: Duration::from_secs(20),
        patience: Duration::from_secs(20),
        most_files: 1000,
    }
}

/// What it found wrong, or how it would lay a text out: of each file by itself.
fn ruff(asks: Asks, mistake: &'static str, severity: fn(&Diagnostic) -> Option<Severity>) -> Form {
    Form {
        asks,
        mistake,
        severity,
        holds: false,
        // It says how to mend it, too, which the tool itself has elsewhere.
        message: |message| message.split("\n\nhelp: ").next().unwrap_or(message),
        most_files: 200,
        ..form(&["server"], "0.14")
    }
}

/// A text that can't be parsed is not laid out, and the tool says why.
fn only_syntax(diagnostic: &Diagnostic) -> Option<Severity> {
    let is_syntax = code(diagnostic).is_none_or(|code| code == "invalid-syntax");
    is_syntax.then_some(Severity::Error)
}

fn ty() -> Form {
    Form {
        // What it says besides is where it looked, which the tool itself leaves away.
        message: |message| message.split("\n\n").next().unwrap_or(message),
        ends: false,
        ..form(&["server"], "0.0.100")
    }
}

/// Left to itself it publishes what it finds, and may call what an older text was worth by the
/// version of a newer one; so it is asked.
fn pyright() -> Form {
    Form {
        program: Some("pyright-langserver"),
        registers: true,
        rule: |diagnostic| code(diagnostic).unwrap_or_else(|| "pyright".to_owned()),
        start: Duration::from_mins(1),
        ..form(&["--stdio"], "1.1.300")
    }
}

/// From version 7 on the compiler is a server, too. It takes its options from the settings file
/// that is nearest, so it gets one that says what the tool itself is told, in a folder without
/// others.
fn tsc() -> Form {
    Form {
        project: Some(Project {
            file: "tsconfig.json",
            text: tsconfig,
            leaves_out: |path| {
                let name = path.rsplit('/').next().unwrap_or(path);
                name == "tsconfig.json" || name == "jsconfig.json"
            },
        }),
        rule: |diagnostic| format!("TS{}", code(diagnostic).unwrap_or_default()),
        message: |message| message.lines().next().unwrap_or_default(),
        severity: |diagnostic| {
            Some(Severity::Error).filter(|_| diagnostic.severity.is_none_or(|it| it == 1))
        },
        ends: false,
        ..form(&["--lsp", "--stdio"], "7")
    }
}

fn tsconfig(files: &[SubjectFile]) -> String {
    let files: Vec<String> = files.iter().map(|file| format!("tree/{}", file.path())).collect();
    let options = json!({
        "noEmit": true,
        "strict": true,
        "skipLibCheck": true,
        "target": "es2022",
        "module": "nodenext",
    });
    json!({ "compilerOptions": options, "files": files }).to_string()
}

fn code(diagnostic: &Diagnostic) -> Option<String> {
    match diagnostic.code.as_ref()? {
        Value::String(code) => Some(code.clone()),
        Value::Number(code) => Some(code.to_string()),
        _ => None,
    }
}

/// A hint is for editors, and nothing that a tool would say.
fn said_severity(diagnostic: &Diagnostic) -> Option<Severity> {
    match diagnostic.severity {
        None | Some(1) => Some(Severity::Error),
        Some(2) => Some(Severity::Warning),
        Some(3) => Some(Severity::Note),
        Some(_) => None,
    }
}
