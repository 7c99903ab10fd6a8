//! What all tests do: generate into a folder of their own, and compile there.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use evergen_packs::{languages, packs};
use evergen_regeneration::{Access, CycleError, Project, RegenerationEngine, RunReport, Settings};
use tempfile::TempDir;

/// A project in a folder of its own that generates in all languages.
pub(crate) struct Generated {
    folder: TempDir,
}

impl Generated {
    /// A project with one source of the model, which is generated.
    pub(crate) fn new(name: &str, model: &str) -> Self {
        Self::with_templates(name, model, &[])
    }

    /// The same with templates of the project's own.
    pub(crate) fn with_templates(name: &str, model: &str, templates: &[(&str, &str)]) -> Self {
        let generated = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["model", "templates"] {
            fs::create_dir(generated.path(folder)).unwrap();
        }
        for (name, template) in templates {
            fs::write(generated.path("templates").join(name), template).unwrap();
        }
        generated.write(name, model);
        generated.run();
        generated
    }

    pub(crate) fn write(&self, name: &str, model: &str) {
        fs::write(self.path("model").join(name), model).unwrap();
    }

    pub(crate) fn run(&self) -> RunReport {
        match self.try_run() {
            Ok(report) => {
                assert!(report.succeeded(), "{:#?}", report.diagnostics);
                report
            }
            Err(error) => panic!("{error}: {:#?}", error.diagnostics()),
        }
    }

    pub(crate) fn try_run(&self) -> Result<RunReport, CycleError> {
        let mut settings = Settings::default();
        settings.model.sources = vec!["model/*".to_owned()];
        settings.regeneration.target_languages =
            ["rust", "typescript", "python"].map(str::to_owned).to_vec();
        let project = Project::new(self.folder.path(), settings)
            .with_packs(packs())
            .with_languages(languages());
        RegenerationEngine::open(project, Access::Write { wait: None })?.run(&mut |_| {})
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path("gen").join(path))
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The files below a folder of the output, each with its text.
    pub(crate) fn show(&self, folder: &str) -> String {
        let mut shown = String::new();
        for path in files(&self.path("gen").join(folder)) {
            let name = path.strip_prefix(self.path("gen")).unwrap().display().to_string();
            let text = fs::read_to_string(&path).unwrap();
            write!(shown, "──── {name}\n{text}").unwrap();
        }
        shown
    }

    /// How many files and lines a language has.
    pub(crate) fn size(&self, language: &str) -> String {
        let files = files(&self.path("gen").join(language));
        let lines: usize =
            files.iter().map(|file| fs::read_to_string(file).unwrap().lines().count()).sum();
        format!("{language}: {} files, {lines} lines", files.len())
    }

    /// Compiles all languages whose compiler is there, as strictly as it can.
    pub(crate) fn compile(&self) {
        let rust = self.path("gen/rust");
        let target = self.path("target");
        let cargo = Command::new(env!("CARGO"))
            .args(["check", "--quiet", "--offline"])
            .current_dir(&rust)
            .env("CARGO_TARGET_DIR", &target)
            .env("RUSTFLAGS", "-D warnings")
            .output();
        expect_silence("cargo check", Some(cargo.unwrap()));
        let _ = fs::remove_file(rust.join("Cargo.lock"));

        let tsc = tool("tsc", &self.path("gen/typescript"), &["--noEmit"]);
        expect_silence("tsc", tsc);

        let python = self.path("gen/python");
        let cache = format!("--cache-dir={}", self.path("mypy").display());
        expect_silence("mypy", tool("mypy", &python, &["--no-error-summary", &cache, "model"]));
        expect_silence("ruff", tool("ruff", &python, &["check", "--quiet", "--no-cache", "."]));
    }
}

/// The output of a tool, if it is installed.
fn tool(name: &str, folder: &Path, arguments: &[&str]) -> Option<std::process::Output> {
    if let Ok(output) = Command::new(name).args(arguments).current_dir(folder).output() {
        Some(output)
    } else {
        eprintln!("skipped: 1 check, {name} is not installed");
        None
    }
}

fn expect_silence(name: &str, output: Option<std::process::Output>) {
    let Some(output) = output else { return };
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(
        output.status.success() && said.concat().trim().is_empty(),
        "{name}: {}",
        said.concat()
    );
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// A file among the ontologies with which we test, where they are present.
pub(crate) fn ontology(path: &str) -> Option<String> {
    let Some(folder) = std::env::var_os("EVERGEN_DATA") else {
        eprintln!("skipped: 1 ontology, EVERGEN_DATA names no folder with {path}");
        return None;
    };
    Some(fs::read_to_string(PathBuf::from(folder).join(path)).unwrap())
}
