use std::process::Command;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::{
    Baseline, Circumstances, Coverage, Crash, Edit, Extent, Fault, Finding, Findings, Fix,
    GateKind, GatePolicy, GateResult, LeftOut, Looker, Outcome, Policy, PolicyProblem, Position,
    Region, Severity, Waiver, Waivers, seal,
};

const SOURCE: &str = "import os\n\ndef f(x):\n\tif x == None:\n        return \"\u{202e}日本\"\n";

fn sources() -> Subject {
    let long = format!("a = {}oops{}\n", "x".repeat(200), "y".repeat(200));
    Subject::of_files([("src/a b.py", SOURCE.as_bytes()), ("src/long.py", long.as_bytes())])
}

fn findings() -> Vec<Finding> {
    let edit = Edit::new("src/a b.py", Position::new(1, 1), Position::new(2, 1), "");
    let mut findings = vec![
        Finding::error("F401", "`os` imported but unused: 100 %,\nsays <ruff> & \"co\"")
            .in_file("src/a b.py")
            .at(Region::between(Position::new(1, 8), Position::new(1, 10)))
            .with_help("https://docs.example.org/F401")
            .with_fix(Fix::new("Remove the import", true, vec![edit])),
        Finding::warning("E711", "comparison to None")
            .in_file("src/a b.py")
            .at(Region::between(Position::new(4, 5), Position::new(5, 15))),
        Finding::new(Severity::Note, "odd", "a mark \u{202e} and a \u{1b}[31mcolour")
            .in_file("src/a b.py")
            .at(Region::at(5, 17)),
        Finding::warning("long", "far to the right")
            .in_file("src/long.py")
            .at(Region::between(Position::new(1, 205), Position::new(1, 209))),
        Finding::warning("gone", "a line that is not there").in_file("src/long.py").at_line(77),
        Finding::warning("whole", "about everything"),
    ];
    seal(&mut findings, &sources());
    findings
}

fn report() -> GateReport {
    let ruff = Looker::new("ruff", "0.17.5").blind_to("does not say which files it read");
    let coverage = Coverage::of_files(2).with_lines(900).by(ruff);
    let borne = Finding::warning("style", "borne");
    let crash = Fault::Crash { how: Crash::Signal { number: 11 }, said: "Segfault".to_owned() };
    let measured = Coverage::default().with_tests(12).measured(Coverage::LINE_COVERAGE, 71.25);
    let all = findings();
    let by_rule =
        |rule: &str| all.iter().find(|finding| finding.rule == rule).unwrap().fingerprint.clone();
    let results = vec![
        GateResult::new(
            "ruff",
            GateKind::Lint,
            Outcome::Fail(Findings::new(all.clone(), coverage.clone())),
            12_345,
        ),
        GateResult::new(
            "style",
            GateKind::Lint,
            Outcome::Fail(Findings::new(vec![borne], Coverage::of_files(9))),
            3_200_000,
        ),
        GateResult::new("syntax", GateKind::Syntax, Outcome::Pass(coverage), 800),
        GateResult::new("pytest", GateKind::Tests, Outcome::Pass(measured), 900),
        GateResult::new("mypy", GateKind::Types, Outcome::Error(crash), 5),
        GateResult::new("go vet", GateKind::Lint, Outcome::NotApplicable, 1),
    ];
    let day = date(2026, 11, 28);
    let waivers = vec![
        Waiver::new(by_rule("long"), "ana", "goes \"away\"", date(2026, 12, 31)),
        Waiver::new(by_rule("gone"), "", "nobody answers", date(2026, 12, 31)),
        Waiver::new("0".repeat(32), "bob", "never needed", date(2026, 12, 31)).of_gate("ruff"),
    ];
    let known = GateReport::new(vec![GateResult::new(
        "ruff",
        GateKind::Lint,
        Outcome::fail(vec![all.iter().find(|it| it.rule == "whole").unwrap().clone()]),
        1,
    )]);
    Policy::default()
        .with_waivers(Waivers::new(waivers))
        .with_baseline(Baseline::of(&known))
        .judge(results, Circumstances::new(day, Extent::Whole))
}

fn render(report: &GateReport, format: ReportFormat) -> String {
    Presentation::new(report).with_sources(&sources()).render(format)
}

#[test]
fn each_format_as_its_readers_get_it() {
    for format in ReportFormat::ALL {
        let text = render(&report(), format);
        let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
        insta::assert_snapshot!(format.as_str(), text.replace(&version, "\"version\": \"<ours>\""));
    }
    let (report, sources) = (report(), sources());
    let detailed = Presentation::new(&report).with_sources(&sources).with_details();
    insta::assert_snapshot!("text-with-details", detailed.render(ReportFormat::Text));
}

#[test]
fn what_was_left_out_is_said_and_is_no_pass() {
    let left = vec![LeftOut::new("mypy", "`mypy` was not found")];
    let report = GateReport::new(Vec::new()).without(left);
    for format in ReportFormat::ALL {
        let text = render(&report, format);
        assert!(text.contains("mypy") && text.contains("was not found"), "{format}: {text}");
        assert!(!text.contains("mypy: passed"), "{format}: {text}");
    }
}

#[test]
fn what_nobody_looked_at_is_no_pass() {
    let why = "every gate was left out".to_owned();
    let advice = "name one with `--gate`".to_owned();
    let problem = PolicyProblem::NothingJudged { why: why.clone(), advice };
    let idle = GateResult::new("mypy", GateKind::Types, Outcome::NotApplicable, 7);
    for gates in [Vec::new(), vec![idle]] {
        let report = GateReport::new(gates).with_problem(problem.clone());
        assert!(!report.is_judged() && !report.overall_passed);
        for format in ReportFormat::ALL {
            let text = render(&report, format);
            assert!(text.contains(&why) && !text.contains("passed:"), "{format}: {text}");
        }
        let text = render(&report, ReportFormat::Text);
        assert!(text.ends_with("nothing was judged: every gate was left out\n"), "{text}");
    }
    let none = render(&GateReport::new(Vec::new()), ReportFormat::Text);
    assert_eq!(none, "nothing was judged: no gate was asked\n");
}

#[test]
fn files_are_named_from_where_the_whole_begins() {
    let placed = sources().placed("left/right");
    for format in ReportFormat::ALL {
        let text = Presentation::new(&report()).with_sources(&placed).render(format);
        let named = ["left/right/src/long.py", "left/right/src/a%20b.py"];
        assert!(named.iter().any(|name| text.contains(name)), "{format}: {text}");
        let bare = text.replace("left/right/src", "");
        assert!(!bare.contains("src/a b.py") && !bare.contains("src/long.py"), "{format}: {bare}");
    }
    let text = Presentation::new(&report()).with_sources(&placed).render(ReportFormat::Text);
    assert!(text.contains("import os"), "excerpts are still found: {text}");
}

#[test]
fn a_report_is_the_same_a_hundred_times() {
    for format in ReportFormat::ALL {
        let mut changed = report();
        let sources = sources();
        let render = |report: &GateReport| {
            Presentation::new(report).with_sources(&sources).without_timings().render(format)
        };
        let first = render(&changed);
        for run in 0..100 {
            changed.gates.iter_mut().for_each(|result| result.duration_us = run * 1_717);
            assert_eq!(render(&changed), first, "{format}");
        }
    }
}

#[test]
fn json_is_read_as_the_report_that_it_was() {
    let json = render(&report(), ReportFormat::Json);
    assert_eq!(serde_json::from_str::<GateReport>(&json).unwrap(), report());
}

#[test]
fn formats_are_known_by_name() {
    for format in ReportFormat::ALL {
        assert_eq!(format.to_string().parse(), Ok(format));
    }
    let said = "there is no report format \"xml\"; write text, json, sarif, junit or github";
    assert_eq!("xml".parse::<ReportFormat>().unwrap_err().to_string(), said);
}

/// What the official schema has against a log; nothing where nobody can ask it.
fn schema_errors(log: &str) -> Option<String> {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sarif-2.1.0.schema.json");
    let folder = tempfile::tempdir().unwrap();
    let instance = folder.path().join("log.sarif");
    std::fs::write(&instance, log).unwrap();
    let run = Command::new("jsonschema").arg("-i").arg(&instance).arg(schema).output();
    let Ok(output) = run else {
        eprintln!(
            "skipped: SARIF's schema, `jsonschema` is not installed (pip install jsonschema)"
        );
        return None;
    };
    // Its warnings about itself come with a clean code.
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(if output.status.success() { String::new() } else { format!("invalid: {said}") })
}

#[test]
fn sarif_is_valid_by_its_own_schema() {
    let empty = GateReport::new(Vec::new());
    let sarif = |report: &GateReport| render(report, ReportFormat::Sarif);
    let broken = sarif(&report()).replace("\"unicodeCodePoints\"", "\"bytes\"");
    for log in [sarif(&report()), sarif(&empty)] {
        assert_eq!(schema_errors(&log).unwrap_or_default(), "");
    }
    assert_ne!(schema_errors(&broken), Some(String::new()), "the schema is asked");
}

#[test]
fn a_message_cannot_leave_its_annotation() {
    let message = "50 %\r\n::error::made up";
    let finding = Finding::error("a,b:c", message).in_file("a,b:c.py").at_line(3);
    let outcome = Outcome::fail(vec![finding]);
    let report = GateReport::new(vec![GateResult::new("g", GateKind::Custom, outcome, 1)]);
    let expected = "::error file=a%2Cb%3Ac.py,line=3,title=g%3A a%2Cb%3Ac::50 %25%0D%0A::error::made up\n\
        ::error title=g::1 finding\n";
    assert_eq!(render(&report, ReportFormat::Github), expected);
}

proptest! {
    #[test]
    fn whatever_a_tool_says_stays_inside_its_place(
        message in "\\PC{0,20}|[\\x00-\\x1f<>&\"'%:,\u{202e}\u{fffe}]{0,20}",
        file in "[\\x00-\\x1f <>&\"'%:,a-zé]{1,12}",
        line in 0u32..9,
        column in proptest::option::of(0u32..300),
    ) {
        let region = match column {
            Some(column) => Region::at(line, column),
            None => Region::line(line),
        };
        let finding = Finding::error(message.clone(), message).in_file(file.clone()).at(region);
        let outcome = Outcome::fail(vec![finding]);
        let report = GateReport::new(vec![GateResult::new(file, GateKind::Custom, outcome, 1)]);

        let junit = render(&report, ReportFormat::Junit);
        let mut reader = quick_xml::Reader::from_str(&junit);
        loop {
            match reader.read_event() {
                Ok(quick_xml::events::Event::Eof) => break,
                Ok(quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag)) => {
                    for attribute in tag.attributes() {
                        prop_assert!(attribute.unwrap().unescape_value().is_ok());
                    }
                }
                Ok(_) => {}
                Err(error) => prop_assert!(false, "{error}: {junit}"),
            }
        }
        let github = render(&report, ReportFormat::Github);
        prop_assert_eq!(github.lines().count(), 2);
        prop_assert!(github.lines().all(|line| line.starts_with("::error ")));
        let text = render(&report, ReportFormat::Text);
        prop_assert!(text.chars().all(|it| it == '\n' || !it.is_control()), "{text:?}");
        let sarif = render(&report, ReportFormat::Sarif);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&sarif).is_ok());
    }

    #[test]
    fn an_excerpt_is_drawn_of_any_text_and_region(
        text in "[ \\t\\na-z日\u{1b}]{0,200}",
        line in 0u32..9, column in 0u32..300, end_line in 0u32..9, end_column in 0u32..300,
    ) {
        let region = Region::between(Position::new(line, column), Position::new(end_line, end_column));
        if let Some(shown) = excerpt::excerpt(&text, region, "  ") {
            prop_assert!(shown.lines().all(|line| line.chars().count() < 1_000));
        }
    }
}
