//! biome and vitest.

use serde::Deserialize;

use super::junit;
use super::ready::{ReadyAdapter, doubting, info, json, reading, versions, within};
use crate::{
    Canary, Cost, Coverage, ExitContract, Fault, Finding, Fix, GateKind, Invocation, Job, Limits,
    Needs, Position, Reading, Region, Severity, ToolOutput, ToolSpec,
};

pub(super) const SETTINGS: &[&str] = &[
    "**/package.json",
    "**/tsconfig*.json",
    "**/biome.{json,jsonc}",
    "**/.biome.{json,jsonc}",
    "**/{vite,vitest}.config.*",
    "**/vitest.workspace.*",
];

pub(super) fn node(name: &str, install: &str) -> ToolSpec {
    ToolSpec::new(name, install).also_in("node_modules/.bin")
}

/// Lints of biome.
pub fn biome() -> ReadyAdapter {
    ReadyAdapter {
        info: reading(
            info(
                "biome",
                GateKind::Lint,
                &["ts", "tsx", "js", "jsx", "mjs", "cjs", "mts", "cts"],
                "lint json 2",
            ),
            SETTINGS,
        ),
        tool: node("biome", "Install it with `npm install --save-dev @biomejs/biome`.")
            .with_versions(versions("2", "3")),
        contract: ExitContract::default().tolerating(Severity::Warning),
        limits: Limits::default(),
        canaries: vec![
            Canary::red("canary.ts", "export const x = 1;\ndebugger;\n").by_rule("noDebugger"),
            Canary::green("canary.ts", "export const x = 1;\n"),
        ],
        run: |job| {
            vec![
                Invocation::new([
                    "lint",
                    "--reporter=json",
                    "--max-diagnostics=none",
                    "--colors=off",
                ])
                .with(job.paths()),
            ]
        },
        read: read_biome,
    }
}

#[derive(Deserialize)]
struct Biome {
    summary: BiomeSummary,
    diagnostics: Vec<BiomeFinding>,
}

#[derive(Deserialize)]
struct BiomeSummary {
    changed: u64,
    unchanged: u64,
}

#[derive(Deserialize)]
struct BiomeFinding {
    severity: String,
    message: String,
    category: Option<String>,
    location: Option<BiomePlace>,
    #[serde(default)]
    advices: Vec<BiomeAdvice>,
}

#[derive(Deserialize)]
struct BiomeAdvice {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct BiomePlace {
    path: Option<String>,
    start: Option<BiomePoint>,
    end: Option<BiomePoint>,
}

#[derive(Deserialize)]
struct BiomePoint {
    line: u32,
    column: u32,
}

fn read_biome(_: &Job<'_>, output: &ToolOutput) -> Result<Reading, Fault> {
    let report: Biome = json("its report", &output.stdout)?;
    let findings = report.diagnostics.into_iter().map(|one| {
        let severity = match one.severity.as_str() {
            "error" | "fatal" => Severity::Error,
            "warning" => Severity::Warning,
            _ => Severity::Note,
        };
        let rule = one.category.unwrap_or_else(|| "biome".to_owned());
        let mut finding = Finding::new(severity, rule, one.message);
        finding.fix = one.advices.iter().find_map(|advice| biome_fix(&advice.text));
        let Some(place) = one.location else { return finding };
        if let Some(path) = place.path {
            finding = finding.in_file(path);
        }
        match (place.start, place.end) {
            (Some(start), Some(end)) => finding.at(Region::between(
                Position::new(start.line, start.column),
                Position::new(end.line, end.column),
            )),
            _ => finding,
        }
    });
    let files = report.summary.changed + report.summary.unchanged;
    Ok(Reading::new(findings.collect(), Coverage::of_files(files)))
}

/// It says what it would do, and not how: only it can.
fn biome_fix(advice: &str) -> Option<Fix> {
    let safe = advice.strip_prefix("Safe fix: ").map(|text| Fix::new(text, true, Vec::new()));
    let maybe =
        || advice.strip_prefix("Unsafe fix: ").map(|text| Fix::new(text, false, Vec::new()));
    safe.or_else(maybe)
}

/// The layout of biome.
pub fn biome_format() -> ReadyAdapter {
    let lint = biome();
    let endings = ["ts", "tsx", "js", "jsx", "mjs", "cjs", "mts", "cts"];
    ReadyAdapter {
        info: reading(info("biome format", GateKind::Format, &endings, "format json 1"), SETTINGS),
        canaries: vec![
            Canary::red("canary.ts", "export const x   =  1;\n").by_rule("unformatted"),
            Canary::green("canary.ts", "export const x = 1;\n"),
        ],
        run: |job| {
            let run = Invocation::new(["format", "--reporter=json", "--max-diagnostics=none"]);
            vec![run.with(["--colors=off"]).with(job.paths())]
        },
        read: |job, output| {
            let mut reading = read_biome(job, output)?;
            for finding in reading.findings.iter_mut().filter(|it| it.rule == "format") {
                "unformatted".clone_into(&mut finding.rule);
                "biome would lay this file out differently".clone_into(&mut finding.message);
                finding.region = None;
            }
            Ok(reading)
        },
        ..lint
    }
}

/// Tests by vitest. No test is an error, and never a pass.
pub fn vitest() -> ReadyAdapter {
    let endings = ["ts", "tsx", "js", "jsx", "mjs"];
    let own = reading(info("vitest", GateKind::Tests, &endings, "junit 2"), SETTINGS);
    let own = within(own, "test file (`*.test.*`, `*.spec.*`)", &["**/*.{test,spec}.*"]);
    let settings = ["**/{vite,vitest}.config.*", "**/vitest.workspace.*"];
    ReadyAdapter {
        info: doubting(own, &settings)
            .needing(Needs::Tree)
            .with_cost(Cost::Expensive)
            .with_retries(1),
        tool: node("vitest", "Install it with `npm install --save-dev vitest`.")
            .with_versions(versions("1", "5")),
        contract: ExitContract::default(),
        limits: Limits::default().with_time(std::time::Duration::from_mins(10)),
        canaries: vec![
            Canary::red("canary.test.js", "test(\"a\", () => { expect(1).toBe(2); });\n"),
            Canary::green("canary.test.js", "test(\"a\", () => { expect(1).toBe(1); });\n"),
        ],
        run: |job| {
            let report = job.cache.join("report.xml");
            let arguments = ["run", "--globals", "--passWithNoTests", "--reporter=junit"];
            vec![
                Invocation::new(arguments)
                    .with([format!("--outputFile={}", report.display())])
                    .writing(report),
            ]
        },
        read: |job, output| {
            let report = junit::read(output.file(0)?, job)?;
            let coverage = Coverage::of_files(job.files.len() as u64).with_tests(report.ran);
            Ok(Reading::new(report.findings, coverage))
        },
    }
}
