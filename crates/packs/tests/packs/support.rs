//! What all tests do: generate into a folder of their own.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use evergen_packs::{languages, name_keeper, packs, views};
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
            .with_languages(languages())
            .with_views(views())
            .with_name_keeper(name_keeper());
        RegenerationEngine::open(project, Access::Write { wait: None })?.run(&mut |_| {})
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The files below a folder of the output, each with its text, but for what is the same
    /// in every package.
    pub(crate) fn show(&self, folder: &str) -> String {
        let mut shown = String::new();
        for path in files(&self.path("gen").join(folder)) {
            let name = path.strip_prefix(self.path("gen")).unwrap().display().to_string();
            if ["runtime", "_literals"].iter().any(|fixed| name.contains(fixed)) {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            write!(shown, "──── {name}\n{text}").unwrap();
        }
        shown
    }
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
