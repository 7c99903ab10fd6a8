//! Projects on the disk, with engines and processes to run on them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use evergen_regeneration::{Access, Project, RegenerationEngine, RunReport, Settings};
use evergen_tests::synthetic::Ontology;
use tempfile::TempDir;

use crate::measure::{self, Timing};

/// What every file of the benchmarks is made by: about 40 lines for six properties.
pub(crate) const BODY: &str = r#"// {{ label }}.
//
// {{ comment }}.

use crate::model::{Entity, Identifier};

/// {{ label }}.
pub struct {{ class | local_name }} {
    pub identifier: Identifier,
{% for property in properties -%}
    /// The {{ property.name }}.
    ///
    /// Its values are of the datatype {{ property.range | local_name }}.
    #[property("{{ property.iri }}")]
    pub {{ property.iri | local_name }}: {{ property.range | local_name }},
{% endfor -%}
}

impl Entity for {{ class | local_name }} {
    const IRI: &'static str = "{{ class }}";
}
"#;

/// The part before [`BODY`].
pub(crate) const FRONT: &str = r#"+++
for_each = "SELECT ?class ?label ?comment WHERE { ?class a owl:Class ; rdfs:label ?label ; rdfs:comment ?comment }"
to = "{{ (class | local_name)[:6] }}/{{ class | local_name }}.rs"
[queries]
properties = "SELECT ?iri ?name ?range WHERE { ?iri rdfs:domain ?class ; rdfs:range ?range ; rdfs:label ?name }"
+++
"#;

/// A project in a folder that is removed when the benchmark is done with it.
pub(crate) struct Fixture {
    folder: TempDir,
    pub(crate) settings: Settings,
}

impl Fixture {
    /// A project without model and templates.
    pub(crate) fn empty() -> Result<Self> {
        let folder = scratch()?;
        let mut settings = Settings::default();
        settings.model.sources = vec!["model/*.ttl".to_owned()];
        let fixture = Self { folder, settings };
        fixture.write("evergen.toml", "[model]\nsources = [\"model/*.ttl\"]\n")?;
        Ok(fixture)
    }

    /// A project that makes a file for each class of a model, which is cut into so
    /// many sources.
    pub(crate) fn of(model: Ontology, sources: usize) -> Result<Self> {
        let fixture = Self::empty()?;
        fixture.write("templates/class.rs.j2", &format!("{FRONT}{BODY}"))?;
        for number in 0..sources {
            let share = |n: usize| n * model.classes / sources;
            let text = model.turtle(share(number)..share(number + 1));
            fixture.write(&source_name(number), &text)?;
        }
        Ok(fixture)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> Result<()> {
        let path = self.path().join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }

    pub(crate) fn read(&self, path: &str) -> Result<String> {
        let path = self.path().join(path);
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    }

    pub(crate) fn engine(&self, access: Access) -> Result<RegenerationEngine> {
        let project = Project::new(self.path(), self.settings.clone());
        Ok(RegenerationEngine::open(project, access)?)
    }

    pub(crate) fn writer(&self) -> Result<RegenerationEngine> {
        self.engine(Access::Write { wait: None })
    }

    /// One cycle of a new engine.
    pub(crate) fn run(&self) -> Result<RunReport> {
        run(&mut self.writer()?)
    }
}

/// A new folder on the disk that the workspace is on.
pub(crate) fn scratch() -> Result<TempDir> {
    // Set it to a disk that is not the workspace's, to compare disks.
    let folder = std::env::var_os("EVERGEN_BENCH_DIR");
    let folder = folder.unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    fs::create_dir_all(&folder)?;
    Ok(TempDir::with_prefix_in("evergen-bench-", folder)?)
}

/// One cycle, which must not refuse anything.
pub(crate) fn run(engine: &mut RegenerationEngine) -> Result<RunReport> {
    let report = engine.run(&mut |_| {})?;
    ensure!(report.artifacts.refused == 0, "a run refused {} files", report.artifacts.refused);
    Ok(report)
}

pub(crate) fn source_name(number: usize) -> String {
    format!("model/{number:03}.ttl")
}

/// Runs `evergen run` in a project, and times the process. The program is the shipped
/// one, as cargo has built it for the tests.
pub(crate) fn time_run(fixture: &Fixture) -> Result<Timing> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evergen-under-test"));
    time_process(command.args(["run", "--quiet"]).current_dir(fixture.path()))
}

/// Times a process from its start to its end.
pub(crate) fn time_process(command: &mut Command) -> Result<Timing> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let (status, timing) = measure::time(|| Ok(command.status()?))?;
    ensure!(status.success(), "{} ended with {status}", command.get_program().display());
    Ok(timing)
}

/// Whether a program can be started.
pub(crate) fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
