//! `evergen init`.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arguments::Init;
use crate::console::{Console, Ink};
use crate::failure::{Failure, Verdict};
use crate::new_file::create_new;

/// What a new project holds; it runs as it is.
const FILES: &[(&str, &str)] = &[
    ("evergen.toml", include_str!("../../assets/evergen.toml")),
    ("model/example.ttl", include_str!("../../assets/example.ttl")),
    ("templates/class.rs.j2", include_str!("../../assets/class.rs.j2")),
    ("templates/_header.j2", include_str!("../../assets/_header.j2")),
    ("templates/model.md.j2", include_str!("../../assets/model.md.j2")),
    (".gitignore", "/.evergen/\n"),
];

/// What `init --json` prints.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct InitReport {
    /// Files that were written.
    written: Vec<String>,
    /// Files that were there before and are as they were.
    kept: Vec<String>,
}

pub(super) fn init(arguments: &Init, console: &mut Console) -> Result<Verdict, Failure> {
    let folder = &arguments.folder;
    let mut report = InitReport::default();
    if folder.join("evergen.toml").exists() {
        return Err(Failure::usage(
            format!("`{}` is a project already", folder.display()),
            "choose another folder; nothing was written",
        ));
    }
    for (path, text) in FILES {
        let target = folder.join(path);
        match create_new(&target, text) {
            Ok(true) => report.written.push((*path).to_owned()),
            Ok(false) => report.kept.push((*path).to_owned()),
            Err(error) => {
                return Err(Failure::storage(format!("writing `{}`", target.display()), &error));
            }
        }
    }
    if console.is_json() {
        console.object(&report);
    } else if !console.is_quiet() {
        print(console, folder, &report);
    }
    Ok(Verdict::Yes)
}

fn print(console: &mut Console, folder: &Path, report: &InitReport) {
    for path in &report.written {
        let sign = console.ink(Ink::Green, "+");
        console.line(format!("  {sign} {}", folder.join(path).display()));
    }
    for path in &report.kept {
        let note = console.ink(Ink::Dim, "(was there, kept as it is)");
        console.line(format!("  = {} {note}", folder.join(path).display()));
    }
    if report.kept.iter().any(|path| path == ".gitignore") {
        console.remark("note: add `/.evergen/` to .gitignore, and commit evergen.lock");
    }
    let run = match folder.to_str() {
        Some(".") => "evergen run".to_owned(),
        _ => format!("evergen run {}", folder.display()),
    };
    console.line(format!("now try `{run}`"));
}
