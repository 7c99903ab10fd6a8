//! Types by `tsc`, under the project's own settings where it has some.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::projects::around;
use super::ready::{ReadyAdapter, info, reading, text, versions};
use super::tsconfig::Configurations;
use super::typescript::node;
use crate::tool::{Plan, Share};
use crate::{
    Canary, Cost, Coverage, ExitContract, Fault, Finding, GateKind, Invocation, Job, Limits, Needs,
    Reading, Region, SubjectFile, ToolOutput, ToolVersion,
};

/// The name of the settings' file.
const CONFIGURATION: &str = "tsconfig.json";

/// Settings extend and refer to others of any name, and code imports JSON, or JavaScript.
const READ: &[&str] = &["**/*.json", "**/*.{js,jsx,mjs,cjs}"];

/// What is asked at least. A project may ask more, and can't ask less.
const STRICT: [&str; 9] = [
    "strict",
    "alwaysStrict",
    "noImplicitAny",
    "noImplicitThis",
    "strictBindCallApply",
    "strictFunctionTypes",
    "strictNullChecks",
    "strictPropertyInitialization",
    "useUnknownInCatchVariables",
];

/// What only matters where something is written.
const WRITTEN: [&str; 9] = [
    "composite",
    "incremental",
    "tsBuildInfoFile",
    "outDir",
    "outFile",
    "rootDir",
    "declarationDir",
    "declarationMap",
    "emitDeclarationOnly",
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
            info("tsc", GateKind::Types, &["ts", "tsx", "mts", "cts"], "strict listFiles 4"),
            READ,
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
        run: runs,
        read,
    }
}

/// The files by the settings under which they are judged.
fn plan(job: &Job<'_>, known: &Configurations) -> Plan {
    let has = |path: &str| job.tree.binary_search_by(|file| file.path().cmp(path)).is_ok();
    Plan::by_place(job, |file| {
        let mut settings = around(file.path()).map(|folder| match folder {
            "" => CONFIGURATION.to_owned(),
            folder => format!("{folder}/{CONFIGURATION}"),
        });
        let nearest = settings.find(|path| has(path))?;
        Some(known.owner(&nearest, file.path()).to_owned())
    })
}

fn runs(job: &Job<'_>) -> Vec<Invocation> {
    let known = Configurations::of(&job.settings);
    let shares = job.plan(|job| plan(job, &known)).shares.iter().enumerate();
    shares.map(|(at, share)| run(job, at, share, &known)).collect()
}

fn run(job: &Job<'_>, at: usize, share: &Share, known: &Configurations) -> Invocation {
    let said = Invocation::new(["--noEmit", "--pretty", "false", "--listFiles"]);
    let Some(settings) = &share.place else {
        let options = ["--strict", "--skipLibCheck", "--ignoreConfig", "--target", "es2022"];
        return said
            .with(options)
            .with(["--module", "nodenext"])
            .with(job.paths_of(share.files(job)));
    };
    let own = job.cache.join(format!("{at}.{CONFIGURATION}"));
    let text = over(settings, job, share, known).to_string();
    said.with(["--project".into(), own.clone().into_os_string()]).with_file(own, text.into_bytes())
}

/// Settings on top of the project's: which files, nothing less than is asked, and nothing
/// that only matters where something is written.
fn over(settings: &str, job: &Job<'_>, share: &Share, known: &Configurations) -> Value {
    let files: Vec<PathBuf> = share.files(job).map(|file| job.folder.join(file.path())).collect();
    let mut options: serde_json::Map<String, Value> =
        STRICT.iter().map(|name| ((*name).to_owned(), true.into())).collect();
    // Older ones do not know it.
    if "5.6".parse().is_ok_and(|least: ToolVersion| job.tool.version >= least) {
        options.insert("strictBuiltinIteratorReturn".to_owned(), true.into());
    }
    options.insert("noEmit".to_owned(), true.into());
    options.insert("noCheck".to_owned(), false.into());
    // It wants to be told of all files that are imported, and asks for declarations, too.
    if known.option(settings, "composite").is_some_and(|(_, value)| value == true) {
        options.insert("declaration".to_owned(), true.into());
    }
    for written in WRITTEN {
        options.insert(written.to_owned(), Value::Null);
    }
    options.extend(known.placed(settings, job.folder));
    json!({
        "extends": job.folder.join(settings),
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
    let plan = job.plan(|job| plan(job, &Configurations::of(&job.settings)));
    let share = plan.shares.get(output.invocation);
    let own: HashSet<&str> =
        share.into_iter().flat_map(|share| share.files(job)).map(SubjectFile::path).collect();
    let mut findings = Vec::new();
    let mut looked = HashSet::new();
    for line in said.lines() {
        if let Some((place, rest)) = line.split_once(": error TS") {
            findings
                .push(tsc_error(place, rest).ok_or_else(|| Fault::unparsable("its report", line))?);
        } else if let Some(rest) = line.strip_prefix("error TS") {
            let (code, message) =
                rest.split_once(": ").ok_or_else(|| Fault::unparsable("its report", line))?;
            findings.push(Finding::error(format!("TS{code}"), message.replace(&above, "'")));
        } else if let Some(file) = own.get(inside(line, job)) {
            looked.insert(*file);
        }
    }
    // What is found in a file under somebody else's settings is said by those.
    let is_own = |finding: &Finding| {
        finding.file.as_deref().is_none_or(|file| own.contains(inside(file, job)))
    };
    if !findings.iter().all(is_own) {
        let judged: HashSet<&str> = job.files.iter().map(SubjectFile::path).collect();
        let is_judged = |file: &str| judged.contains(inside(file, job));
        findings.retain(|it| is_own(it) || !it.file.as_deref().is_some_and(is_judged));
    }
    Ok(Reading::new(findings, Coverage::of_files(looked.len() as u64)))
}

/// A file from the tree's root, where it was named by its whole path.
fn inside<'p>(path: &'p str, job: &Job<'_>) -> &'p str {
    let inner = Path::new(path).strip_prefix(job.folder).ok().and_then(Path::to_str);
    inner.unwrap_or(path)
}

/// `src/a.ts(1,7): error TS2322: …`
fn tsc_error(place: &str, rest: &str) -> Option<Finding> {
    let (file, position) = place.strip_suffix(')')?.rsplit_once('(')?;
    let (line, column) = position.split_once(',')?;
    let (code, message) = rest.split_once(": ")?;
    let region = Region::at(line.parse().ok()?, column.parse().ok()?);
    Some(Finding::error(format!("TS{code}"), message).in_file(file).at(region))
}
