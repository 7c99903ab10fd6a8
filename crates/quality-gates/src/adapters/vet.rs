//! `go vet`.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use serde::Deserialize;

use super::projects::{around, by_project, folder_of, folders_with, joined};
use super::ready::{ReadyAdapter, info, reading, text, versions, within};
use crate::tool::{Plan, Share};
use crate::{
    Canary, Cost, Coverage, ExitContract, Fault, Finding, GateKind, Invocation, Job, Limits, Needs,
    Reading, Region, SubjectFile, ToolOutput, ToolSpec,
};

const SETTINGS: &[&str] =
    &["**/go.mod", "**/go.sum", "**/go.work", "**/go.work.sum", "**/vendor/modules.txt"];

/// The name of a module's manifest.
const MODULE: &str = "go.mod";

/// Likely mistakes, by `go vet`: in each module, over all of its packages. Before that the module
/// lists its files, since some are for other systems, and nobody looks at those.
pub fn go_vet() -> ReadyAdapter {
    let module = "module canary\n\ngo 1.19\n";
    let vet = reading(info("go vet", GateKind::Lint, &["go"], "json 2"), SETTINGS);
    let scope = vet.scope.clone().only("files of packages", is_in_package);
    let vet = vet.with_scope(scope);
    ReadyAdapter {
        info: within(vet, "go.mod", &["**/go.mod"]).needing(Needs::Tree).with_cost(Cost::Moderate),
        tool: ToolSpec::new("go", "Install it from https://go.dev.")
            .with_version_arguments(["version"])
            .with_versions(versions("1.18", "2"))
            .passing("GOMODCACHE"),
        contract: ExitContract::new([0], [0]),
        limits: Limits::default(),
        canaries: vec![
            Canary::red(
                "canary.go",
                "package a\n\nimport \"fmt\"\n\nfunc F() { fmt.Printf(\"%d\", \"x\") }\n",
            )
            .by_rule("printf")
            .with_file("go.mod", module),
            Canary::green("canary.go", "package a\n\nfunc F() {}\n").with_file("go.mod", module),
        ],
        run: |job| {
            let modules = job.plan(plan).shares.iter();
            let modules = modules.filter_map(|it| Some((it, it.place.as_deref()?)));
            modules.flat_map(|(share, module)| runs(job, share, module)).collect()
        },
        read,
    }
}

/// `./...` has no package in such folders, and none has such files.
fn is_in_package(path: &str) -> bool {
    let is_other = |part: &str| part.starts_with(['_', '.']);
    let mut parts = path.split('/').rev();
    let name = parts.next().unwrap_or(path);
    !is_other(name) && !parts.any(|part| is_other(part) || ["testdata", "vendor"].contains(&part))
}

/// A file is looked at in the innermost module around it.
fn plan(job: &Job<'_>) -> Plan {
    let modules = folders_with(job, MODULE);
    by_project(job, MODULE, |file| around(file).find_map(|it| modules.get(it).copied()))
}

/// What a module is asked: which files it has, and what is wrong with them.
fn runs(job: &Job<'_>, share: &Share, module: &str) -> [Invocation; 2] {
    // Named one by one: `./...` passes over packages that are for other systems altogether.
    let inner = |file: &SubjectFile| {
        let folder = folder_of(file.path()).strip_prefix(module).unwrap_or_default();
        format!("./{}", folder.trim_start_matches('/'))
    };
    let folders: BTreeSet<String> = share.files(job).map(inner).collect();
    let list = Invocation::new(["list", "-e", "-find", "-json"]).with(folders);
    [list, Invocation::new(["vet", "-json", "./..."])].map(|run| {
        let run = run.with_variable("GOCACHE", job.cache.to_string_lossy()).in_folder(module);
        if is_in_workspace(job, module) {
            // Which versions are taken is said there, and may not be said otherwise.
            return run;
        }
        let run = run.with_variable("GOWORK", "off");
        if has_vendor(job, module) { run } else { run.with_variable("GOFLAGS", "-mod=mod") }
    })
}

/// Whether the next `go.work` upwards has this module.
fn is_in_workspace(job: &Job<'_>, module: &str) -> bool {
    let folders = std::iter::once(module).chain(around(module));
    let mut next =
        folders.filter_map(|folder| Some((folder, job.settings.get(&joined(folder, "go.work")?)?)));
    let Some((folder, text)) = next.next() else { return false };
    let text = String::from_utf8_lossy(text);
    // `use ./a`, or one on each line within `use ( … )`; other lines name no folder.
    let words = text.lines().map(|line| line.split("//").next().unwrap_or(line));
    let words = words.flat_map(str::split_whitespace).map(|word| word.trim_matches('"'));
    let words = words.filter(|word| word.starts_with('.'));
    let mut used = words.filter_map(|word| joined(folder, word));
    used.any(|used| used == module)
}

fn has_vendor(job: &Job<'_>, module: &str) -> bool {
    joined(module, "vendor/modules.txt").is_some_and(|path| job.settings.contains_key(&path))
}

fn read(job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    match output.invocation % 2 {
        0 => read_list(job, output),
        _ => read_vet(output),
    }
}

/// The files of a package, as `go list` has them.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Package {
    dir: PathBuf,
    go_files: Vec<String>,
    cgo_files: Vec<String>,
    test_go_files: Vec<String>,
    #[serde(rename = "XTestGoFiles")]
    outer_test_go_files: Vec<String>,
    ignored_go_files: Vec<String>,
}

fn read_list(job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let said = text("its list of files", &output.stdout)?;
    let (mut taken, mut ignored) = (HashSet::new(), HashSet::new());
    for package in serde_json::Deserializer::from_str(said).into_iter::<Package>() {
        let package = package.map_err(|error| Fault::unparsable("its list of files", error))?;
        let folder = package.dir.strip_prefix(job.folder).unwrap_or(&package.dir);
        let path = |name: &String| folder.join(name);
        let own = [&package.go_files, &package.cgo_files, &package.test_go_files];
        let own = own.into_iter().chain([&package.outer_test_go_files]).flatten();
        taken.extend(own.map(path));
        ignored.extend(package.ignored_go_files.iter().map(path));
    }
    if taken.is_empty() && ignored.is_empty() {
        return Err(Fault::unparsable("its list of files", "no file is in it"));
    }
    let share = job.plan(plan).shares.get(output.invocation / 2);
    let files = || share.into_iter().flat_map(|share| share.files(job)).map(SubjectFile::path);
    let is_in = |set: &HashSet<PathBuf>, path: &str| set.contains(std::path::Path::new(path));
    let beyond: Vec<&str> = files().filter(|path| is_in(&ignored, path)).collect();
    let looked = files().filter(|path| is_in(&taken, path)).count();
    let mut coverage = Coverage::of_files(looked as u64);
    if !beyond.is_empty() {
        let spot = format!("does not see what is for other builds: {}", beyond.join(", "));
        coverage = coverage.by(job.tool.looker.clone().blind_to(spot));
    }
    let mut reading = Reading::new(Vec::new(), coverage);
    reading.beyond = beyond.len() as u64;
    Ok(reading)
}

/// Lines with `# package`, and after each an object: package, analyser, findings. It ends with 0 also
/// where nobody could read what it wrote.
fn read_vet(output: &ToolOutput) -> Result<Reading, Fault> {
    let said = text("its report", &output.stderr)?;
    // Each package is named, also one in which nothing is found.
    if !said.lines().any(|line| line.starts_with("# ")) {
        return Err(Fault::unparsable("its report", "no package is in it"));
    }
    let objects: String =
        said.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    let mut findings = Vec::new();
    for object in serde_json::Deserializer::from_str(&objects).into_iter::<serde_json::Value>() {
        let object = object.map_err(|error| Fault::unparsable("its report", error))?;
        let packages = object.as_object().into_iter().flatten();
        for (rule, found) in
            packages.flat_map(|(_, by_rule)| by_rule.as_object().into_iter().flatten())
        {
            for one in found.as_array().into_iter().flatten() {
                findings.push(
                    vet_finding(rule, one).ok_or_else(|| Fault::unparsable("its report", one))?,
                );
            }
        }
    }
    Ok(Reading::new(findings, Coverage::default()))
}

fn vet_finding(rule: &str, one: &serde_json::Value) -> Option<Finding> {
    let mut place = one["posn"].as_str()?.rsplitn(3, ':');
    let (column, line, file) = (place.next()?, place.next()?, place.next()?);
    let region = Region::at(line.parse().ok()?, column.parse().ok()?);
    Some(Finding::error(rule, one["message"].as_str()?).in_file(file).at(region))
}
