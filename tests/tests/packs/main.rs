//! Every pack on hostile and on real models: what it makes passes the strict checks of its
//! language, and reads, refuses and writes the same instances as all others.
//!
//! What is asked of a language stands in scripts beside the fixtures, `tests/packs/check` and
//! `tests/packs/drivers`, so that a person can run them by hand. A language whose tools are
//! not installed is skipped, and said to be.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod instances;
mod long_names;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use evergen_regeneration::{Access, Project, RegenerationEngine, RunReport, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::instances::Instances;

/// What a script says by its exit code: a tool that it needs is not there.
const NOT_THERE: i32 = 77;

/// So many random instances go through each language (`EVERGEN_SEED` gives others).
const RANDOM: usize = 400;

/// Where fixtures and scripts are.
fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packs")
}

/// What a pack makes of some models.
struct Package {
    folder: TempDir,
    language: &'static str,
}

impl Package {
    /// Generates a package, and once more, which has nothing left to do.
    fn of(language: &'static str, models: &[PathBuf]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("model")).unwrap();
        for model in models {
            fs::copy(model, folder.path().join("model").join(model.file_name().unwrap())).unwrap();
        }
        Self::of_project(language, folder)
    }

    fn of_project(language: &'static str, folder: TempDir) -> Self {
        let package = Self { folder, language };
        let report = package.generate();
        let lines: usize = report.changes.iter().map(|change| package.lines(&change.path)).sum();
        let instances = Instances::of(package.folder.path(), 0);
        let (classes, properties) = instances.counts();
        println!(
            "{language}: {classes} classes, {properties} properties, {} files, {lines} lines",
            report.artifacts.total
        );
        let again = package.generate().artifacts;
        assert_eq!((again.total, again.evaluated), (report.artifacts.total, 0), "{language}");
        package
    }

    fn generate(&self) -> RunReport {
        let mut settings = Settings::default();
        settings.model.sources = vec!["model/*".to_owned()];
        settings.regeneration.target_languages = vec![self.language.to_owned()];
        let project = Project::new(self.folder.path(), settings)
            .with_packs(evergen_packs::packs())
            .with_languages(evergen_packs::languages())
            .with_views(evergen_packs::views())
            .with_name_keeper(evergen_packs::name_keeper());
        let report = RegenerationEngine::open(project, Access::Write { wait: None })
            .and_then(|mut engine| engine.run(&mut |_| {}));
        match report {
            Ok(report) => {
                assert!(report.succeeded(), "{:#?}", report.diagnostics);
                report
            }
            Err(error) => panic!("{error}: {:#?}", error.diagnostics()),
        }
    }

    fn lines(&self, path: &str) -> usize {
        let text = fs::read_to_string(self.folder.path().join("gen").join(path)).unwrap();
        text.lines().count()
    }

    /// Runs one of the scripts on the package; none if a tool that it needs is not there.
    fn run(&self, script: &str, input: String) -> Option<Output> {
        let work = self.folder.path().join("work");
        fs::create_dir_all(&work).unwrap();
        let mut child = Command::new(fixtures().join(script))
            .arg(self.folder.path().join("gen").join(self.language))
            .current_dir(&work)
            .env("TMPDIR", &work)
            .env("EVERGEN_COMPILED", self.folder.path().join("compiled"))
            .env("GENERATED_TARGET", Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let feeder = thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        drop(feeder.join());
        if output.status.code() == Some(NOT_THERE) {
            let why = String::from_utf8_lossy(&output.stderr);
            eprintln!("skipped: 1 check of {}: {}", self.language, why.trim());
            return None;
        }
        Some(output)
    }

    /// The strict compiler, the linter and the formatter have nothing to say.
    fn check(&self) {
        self.pass(self.language);
    }

    /// A check has nothing to say.
    fn pass(&self, check: &str) {
        let Some(output) = self.run(&format!("check/{check}.sh"), String::new()) else { return };
        let said = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        let shown: String = said.concat().chars().take(6_000).collect();
        assert!(output.status.success(), "{}: {shown}", self.language);
    }

    /// The schemas take what readers take, and refuse what they refuse as far as schemas can tell.
    fn validate_instances(&self) {
        self.pass("jsonschema-instances");
    }

    /// The tables of the hostile model take and refuse the rows that they should.
    fn take_and_refuse_rows(&self) {
        self.pass("sql-behaviour");
    }

    /// Each example is read and written again, or refused, as it says; and random instances
    /// are, the same in every language.
    fn read_and_write(&self) {
        let examples = fs::read_to_string(fixtures().join("instances.jsonl")).unwrap();
        let mut examples: Vec<Value> =
            examples.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let seed = std::env::var("EVERGEN_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or(30);
        let random = Instances::of(self.folder.path(), seed).take(RANDOM);
        assert_eq!(random.len(), RANDOM, "too few classes can have random instances");
        examples.extend(random.into_iter().map(
            |(class, instance)| json!({ "class": class, "instance": instance, "ok": instance }),
        ));
        let asked = examples.iter().map(|example| {
            let asked = json!({ "class": example["class"], "instance": example["instance"] });
            format!("{asked}\n")
        });
        let script = format!("drivers/{}/run.sh", self.language);
        let Some(output) = self.run(&script, asked.collect()) else { return };
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {errors}", self.language);
        let answers = String::from_utf8(output.stdout).unwrap();
        let answers: Vec<Value> =
            answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers.len(), examples.len(), "{errors}");
        let wrong: Vec<String> = examples
            .iter()
            .zip(&answers)
            .filter(|(example, answer)| match example.get("ok") {
                Some(ok) => !answer.get("ok").is_some_and(|given| is_same(given, ok)),
                None => answer["error"]["path"] != example["path"],
            })
            .map(|(example, answer)| format!("{example}\n  gave {answer}"))
            .collect();
        let (count, of) = (wrong.len(), examples.len());
        assert!(wrong.is_empty(), "EVERGEN_SEED={seed}: {count} of {of}:\n{}", wrong.join("\n"));
    }
}

/// Whether two values of JSON are one: of a number counts what it is, and not how it is written.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || (one.is_f64() || other.is_f64()) && one.as_f64() == other.as_f64()
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let in_other = |(name, value): (&String, &Value)| {
                other.get(name).is_some_and(|other| is_same(value, other))
            };
            one.len() == other.len() && one.iter().all(in_other)
        }
        _ => one == other,
    }
}

/// The hostile model, and names of all lengths beside it, so that one compilation serves both.
fn hostile(language: &'static str) -> Package {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    fs::create_dir(&model).unwrap();
    fs::copy(fixtures().join("torture.ttl"), model.join("torture.ttl")).unwrap();
    fs::write(model.join("long.ttl"), long_names::model()).unwrap();
    Package::of_project(language, folder)
}

/// A model without any class.
fn empty(language: &'static str) -> Package {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("model")).unwrap();
    let text = "<http://x.example/> a <http://www.w3.org/2002/07/owl#Ontology> .\n";
    fs::write(folder.path().join("model/empty.ttl"), text).unwrap();
    Package::of_project(language, folder)
}

/// The example of the README.
fn shop() -> Vec<PathBuf> {
    vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/shop/model/shop.ttl")]
}

/// Real vocabularies at once, some of whose classes have one name.
fn vocabularies() -> Option<Vec<PathBuf>> {
    let files = ["schemaorg/schemaorg-30.0.ttl", "w3c/dcat3.ttl", "w3c/org.ttl", "w3c/prov-o.ttl"];
    evergen_tests::data::files("real vocabularies at once", &files)
}

macro_rules! languages {
    ($($name:ident $(and $task:ident)*;)*) => { $(
        mod $name {
            use super::*;

            #[test]
            fn hostile_model() {
                let package = hostile(stringify!($name));
                package.check();
                $(package.$task();)*
            }

            #[test]
            fn small_models() {
                empty(stringify!($name)).check();
                Package::of(stringify!($name), &shop()).check();
            }

            #[test]
            fn real_models() {
                if let Some(models) = vocabularies() {
                    Package::of(stringify!($name), &models).check();
                }
            }
        }
    )* };
}

languages! {
    csharp and read_and_write;
    go and read_and_write;
    graphql;
    java and read_and_write;
    jsonschema and validate_instances;
    kotlin and read_and_write;
    openapi;
    protobuf;
    python and read_and_write;
    rust and read_and_write;
    sql and take_and_refuse_rows;
    typescript and read_and_write;
}
