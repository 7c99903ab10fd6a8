//! Types by `tsc`, under the project's own settings where it has some.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::ready::{ReadyAdapter, info, reading, text, versions};
use super::tsconfig::Configurations;
use super::typescript::{SETTINGS, node};
use crate::{
    Canary, Cost, Coverage, ExitContract, Fault, Finding, GateKind, Invocation, Job, Limits, Needs,
    Reading, Region, SubjectFile, ToolOutput,
};

/// The name of the settings' file.
const CONFIGURATION: &str = "tsconfig.json";

/// What is asked at least. A project may ask more, and can't ask less.
const STRICT: [&str; 8] = [
    "strict",
    "alwaysStrict",
    "noImplicitAny",
    "noImplicitThis",
    "strictBindCallApply",
    "strictFunctionTypes",
    "strictNullChecks",
    "strictPropertyInitialization",
];

/// Types by `tsc`, which lists the files that it took.
///
/// Each file is judged under the next `tsconfig.json` upwards, if the tree has one, or under the
/// project among its `references` that takes the file where it does not: that says how modules are
/// found, for which system the code is, and what is asked besides. Which files are judged it does
/// not say, nor can it take back that `strict` holds.
pub fn tsc() -> ReadyAdapter {
    let loose =
        "{\"compilerOptions\": {\"strict\": false, \"noCheck\": true, \"target\": \"es2022\"}}\n";
    ReadyAdapter {
        info: reading(
            info("tsc", GateKind::Types, &["ts", "tsx", "mts", "cts"], "strict listFiles 3"),
            SETTINGS,
        )
        .needing(Needs::Tree)
        .with_cost(Cost::Moderate),
        tool: node("tsc", "Install it with `npm install --save-dev typescript`.")
            .with_versions(versions("5.5", "8")),
        contract: ExitContract::new([0], [1, 2]),
        limits: Limits::default(),
        canaries: vec![
            Canary::red("canary.ts", "export const x: string = 1;\n").by_rule("TS2322"),
            Canary::red("canary.ts", "export const x: string = null;\n")
                .by_rule("TS2322")
                .with_file(CONFIGURATION, loose),
            Canary::green("canary.ts", "export const x: string = \"a\";\n"),
        ],
        run: |job| groups(job).iter().enumerate().map(|(at, group)| run(job, at, group)).collect(),
        read,
    }
}

/// Files that are judged under the same settings.
struct Group<'a> {
    /// Where the settings are, if there are any.
    settings: Option<String>,
    files: Vec<&'a SubjectFile>,
}

/// The files by their settings, always in the same order.
fn groups<'a>(job: &Job<'a>) -> Vec<Group<'a>> {
    let has = |path: &str| job.tree.binary_search_by(|file| file.path().cmp(path)).is_ok();
    let known = Configurations::of(&job.settings);
    let mut groups: BTreeMap<Option<String>, Vec<&SubjectFile>> = BTreeMap::new();
    for file in job.files {
        let mut folders = std::iter::successors(Some(file.path()), |path| {
            (!path.is_empty()).then(|| path.rsplit_once('/').map_or("", |(folder, _)| folder))
        });
        // The first is the file itself.
        folders.next();
        let mut settings = folders.map(|folder| match folder {
            "" => CONFIGURATION.to_owned(),
            folder => format!("{folder}/{CONFIGURATION}"),
        });
        let nearest = settings.find(|path| has(path));
        let owner = nearest.map(|nearest| known.owner(&nearest, file.path()).to_owned());
        groups.entry(owner).or_default().push(file);
    }
    groups.into_iter().map(|(settings, files)| Group { settings, files }).collect()
}

fn run(job: &Job<'_>, at: usize, group: &Group<'_>) -> Invocation {
    let said = Invocation::new(["--noEmit", "--pretty", "false", "--listFiles"]);
    let Some(settings) = &group.settings else {
        let options = ["--strict", "--skipLibCheck", "--ignoreConfig", "--target", "es2022"];
        let paths = job.paths_of(group.files.iter().copied());
        return said.with(options).with(["--module", "nodenext"]).with(paths);
    };
    let own = job.cache.join(format!("{at}.{CONFIGURATION}"));
    let text = over(&job.folder.join(settings), job, group).to_string();
    said.with(["--project".into(), own.clone().into_os_string()]).with_file(own, text.into_bytes())
}

/// Settings on top of the project's: which files, nothing less than is asked, and nothing
/// that only matters where something is written.
fn over(settings: &Path, job: &Job<'_>, group: &Group<'_>) -> Value {
    let files: Vec<PathBuf> = group.files.iter().map(|file| job.folder.join(file.path())).collect();
    let mut options: serde_json::Map<String, Value> =
        STRICT.iter().map(|name| ((*name).to_owned(), true.into())).collect();
    options.insert("noEmit".to_owned(), true.into());
    options.insert("noCheck".to_owned(), false.into());
    for written in ["composite", "incremental", "tsBuildInfoFile", "outDir", "outFile", "rootDir"] {
        options.insert(written.to_owned(), Value::Null);
    }
    json!({
        "extends": settings,
        "compilerOptions": options,
        "files": files,
        "include": [],
        "references": [],
    })
}

fn read(job: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let said = text("its report", &output.stdout)?;
    // Settings are named by their whole paths, which differ from machine to machine.
    let above = format!("'{}/", job.folder.display());
    let groups = groups(job);
    let own = groups.get(output.invocation).map_or(&[][..], |group| group.files.as_slice());
    let mut findings = Vec::new();
    let mut looked = BTreeSet::new();
    for line in said.lines() {
        if let Some((place, rest)) = line.split_once(": error TS") {
            findings
                .push(tsc_error(place, rest).ok_or_else(|| Fault::unparsable("its report", line))?);
        } else if let Some(rest) = line.strip_prefix("error TS") {
            let (code, message) =
                rest.split_once(": ").ok_or_else(|| Fault::unparsable("its report", line))?;
            findings.push(Finding::error(format!("TS{code}"), message.replace(&above, "'")));
        } else if let Some(file) = own.iter().find(|file| Path::new(line).ends_with(file.path())) {
            looked.insert(file.path());
        }
    }
    // What is found in a file under somebody else's settings is said by those.
    let is_others = |finding: &Finding| {
        let named = |file: &&SubjectFile| finding.file.as_deref() == Some(file.path());
        !own.iter().any(&named) && job.files.iter().any(|file| named(&file))
    };
    findings.retain(|finding| !is_others(finding));
    Ok(Reading::new(findings, Coverage::of_files(looked.len() as u64)))
}

/// `src/a.ts(1,7): error TS2322: …`
fn tsc_error(place: &str, rest: &str) -> Option<Finding> {
    let (file, position) = place.strip_suffix(')')?.rsplit_once('(')?;
    let (line, column) = position.split_once(',')?;
    let (code, message) = rest.split_once(": ")?;
    let region = Region::at(line.parse().ok()?, column.parse().ok()?);
    Some(Finding::error(format!("TS{code}"), message).in_file(file).at(region))
}
