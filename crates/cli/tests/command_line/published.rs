//! What is published beside the binary: schemas, completions, the manual.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::Folder;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// With `EVERGEN_UPDATE_DOCS` set, the schemas are written instead.
#[test]
fn published_schemas_are_current() {
    let folder = docs().join("schemas");
    for schema in evergen::schemas() {
        let path = folder.join(schema.file_name());
        if std::env::var_os("EVERGEN_UPDATE_DOCS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, schema.text()).unwrap();
        }
        let published = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(published, schema.text(), "{} is not current", path.display());
    }
}

#[test]
fn every_published_schema_is_one_of_ours() {
    let names: Vec<_> = evergen::schemas().iter().map(evergen::SchemaFile::file_name).collect();
    for entry in fs::read_dir(docs().join("schemas")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(&name), "{name} is nobody's schema");
    }
}

#[test]
fn a_schema_is_printed_by_name() {
    let folder = Folder::new();
    let schema = folder.done("config schema").json();
    assert_eq!(schema["title"], "evergen.toml");
    assert_eq!(folder.done("config schema error").json()["type"], "object");
    assert_eq!(folder.say("config schema nothing").code, Some(2));
}

#[test]
fn shells_and_readers_are_served() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(folder.done(&format!("completions {shell}")).out.contains("evergen"));
    }
    assert!(folder.done("man").out.contains(".TH evergen"));
    folder.done("man --out pages");
    assert!(folder.exists("pages/evergen-run.1"));
}

/// Each code that can be printed leads to a heading of the book.
#[test]
fn every_code_is_explained() {
    let book = fs::read_to_string(docs().join("errors.md")).unwrap();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut missing = Vec::new();
    for name in ["cli", "regeneration", "knowledge", "packs"] {
        for code in codes(&crates.join(name).join("src")) {
            if !book.contains(&format!("\n### `{code}`\n")) {
                missing.push(code);
            }
        }
    }
    missing.sort();
    missing.dedup();
    assert_eq!(missing, Vec::<String>::new());
}

/// The texts of the form `"family::name"` in a folder's sources, without its tests.
fn codes(folder: &Path) -> Vec<String> {
    let mut codes = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            codes.extend(self::codes(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests.rs"
        {
            let text = fs::read_to_string(&path).unwrap();
            codes.extend(text.split('"').filter(|part| is_code(part)).map(str::to_owned));
        }
    }
    codes
}

fn is_code(text: &str) -> bool {
    let word =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    text.split_once("::").is_some_and(|(family, name)| word(family) && word(name))
}
