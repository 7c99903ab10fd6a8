use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::{FoundTool, Job, LineSettings, Looker, Subject, ToolAdapter, ToolOutput, ToolVersion};

/// Findings on lines of their own, then what was looked at; or the kind of fault.
fn read(format: &OutputFormat, text: &str) -> String {
    let parsed = match format.read("it", text.as_bytes()) {
        Ok(parsed) => parsed,
        Err(fault) => return format!("{}: {fault}", fault.kind()),
    };
    let mut lines: Vec<String> = parsed.findings.iter().map(ToString::to_string).collect();
    let coverage = &parsed.coverage;
    let measures: Vec<String> =
        coverage.measures.iter().map(|(name, value)| format!(" {name}={value:.2}")).collect();
    lines.push(format!(
        "files {}{} tests {} lines {}{}",
        coverage.files,
        if parsed.says_files { "!" } else { "" },
        coverage.tests,
        coverage.lines,
        measures.concat()
    ));
    lines.join("\n")
}

fn check(format: &OutputFormat, text: &str, expected: &str) {
    assert_eq!(read(format, text), expected);
}

const SARIF: &str = r#"{"version":"2.1.0","runs":[{
  "tool":{"driver":{"name":"t","rules":[
    {"id":"A1","helpUri":"https://e.org/A1","defaultConfiguration":{"level":"error"},"messageStrings":{"m":{"text":"bad {0}"}}}]}},
  "invocations":[{"executionSuccessful":true}],
  "artifacts":[{"location":{"uri":"src/a%20b.py"},"roles":["analysisTarget"]},{"roles":["analysisTarget"]}],
  "results":[
    {"ruleId":"A1","ruleIndex":0,"message":{"id":"m","arguments":["name"]},
     "locations":[{"physicalLocation":{"artifactLocation":{"index":0},"region":{"startLine":3,"startColumn":5,"endColumn":7}}}],
     "fixes":[{"description":{"text":"drop"},"artifactChanges":[{"artifactLocation":{"uri":"src/a%20b.py"},"replacements":[{"deletedRegion":{"startLine":3,"startColumn":5,"endColumn":7}}]}]}]},
    {"ruleId":"B2","level":"note","message":{"text":"hm"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"file:///w/c.py"},"region":{"startLine":1}}}]},
    {"ruleId":"C3","message":{"text":"unlevelled"}},
    {"ruleId":"X","kind":"pass","message":{"text":"fine"}},
    {"ruleId":"X","message":{"text":"told to be silent"},"suppressions":[{"kind":"inSource"}]},
    {"ruleId":"X","baselineState":"absent","message":{"text":"gone"}}
  ]}]}"#;

#[test]
fn sarif() {
    check(
        &OutputFormat::Sarif,
        SARIF,
        "error[A1] src/a b.py:3:5: bad name\nnote[B2] /w/c.py:1: hm\nwarning[C3]: unlevelled\n\
         files 2! tests 0 lines 0",
    );
    let parsed = OutputFormat::Sarif.read("it", SARIF.as_bytes()).unwrap();
    let fix = parsed.findings[0].fix.as_ref().unwrap();
    assert_eq!((fix.description.as_str(), fix.safe, fix.edits.len()), ("drop", false, 1));
    assert_eq!(parsed.findings[0].help_url.as_deref(), Some("https://e.org/A1"));
}

#[test]
fn sarif_of_a_run_that_did_not_get_so_far_is_no_answer() {
    let failed = SARIF.replace("\"executionSuccessful\":true", "\"executionSuccessful\":false");
    let said = "infra: it says itself that its run failed: nothing more";
    check(&OutputFormat::Sarif, &failed, said);
    let bare = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"t"}}}]}"#;
    check(&OutputFormat::Sarif, bare, "unparsable: it could not be read: a run has no results");
    let none = r#"{"version":"2.1.0","runs":[]}"#;
    check(&OutputFormat::Sarif, none, "unparsable: it could not be read: it has no run");
    for text in ["", "{}", "[]", "null", &SARIF[..SARIF.len() / 2], &SARIF.replace("2.1.0", "1.0")]
    {
        assert!(read(&OutputFormat::Sarif, text).starts_with("unparsable"), "{text}");
    }
}

#[test]
fn our_own_sarif_is_read_back() {
    let finding = Finding::warning("R", "odd").in_file("a b.py").at_line(2);
    let outcome = crate::Outcome::fail(vec![finding.clone()]);
    let result = crate::GateResult::new("g", crate::GateKind::Lint, outcome, 1);
    let report = crate::GateReport::new(vec![result]);
    let text = crate::Presentation::new(&report).render(crate::ReportFormat::Sarif);
    let parsed = OutputFormat::Sarif.read("it", text.as_bytes()).unwrap();
    assert_eq!(parsed.findings, [finding]);
}

const JUNIT: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4">
<testcase classname="tests.test_a" name="test_ok" time="0.1"/>
<testcase classname="tests.test_a" name="test_bad" file="tests/test_a.py" line="7"><failure message="assert 1 == 2&#10;more">long text</failure></testcase>
<testcase classname="" name="test_err"><error><![CDATA[
boom <now>
at x]]></error></testcase>
<testcase name="test_skip"><skipped message="later"/></testcase>
</testsuite></testsuites>"#;

#[test]
fn junit() {
    check(
        &OutputFormat::Junit,
        JUNIT,
        "error[test_failure] tests/test_a.py:7: tests.test_a::test_bad: assert 1 == 2\nmore\n\
         error[test_error]: test_err: boom <now>\nfiles 0 tests 3 lines 0",
    );
    let setup = r#"<testsuite name="s" errors="1"><error message="no database"/></testsuite>"#;
    let said = "error[test_error]: s: no database\nfiles 0 tests 0 lines 0";
    check(&OutputFormat::Junit, setup, said);
}

#[test]
fn junit_that_contradicts_itself_is_no_answer() {
    let short = JUNIT.replace("tests=\"4\"", "tests=\"40\"");
    check(&OutputFormat::Junit, &short, "partial: it looked at 4 of 40 tests");
    let silent = r#"<testsuite tests="1" failures="2"><testcase name="a"/></testsuite>"#;
    let said = "unparsable: it could not be read: a suite claims 2 failure(s) and names none";
    check(&OutputFormat::Junit, silent, said);
    let cut = &JUNIT[..JUNIT.len() - 20];
    assert!(read(&OutputFormat::Junit, cut).starts_with("unparsable"), "cut off");
    for text in ["", "<html/>", "no", "<testsuite/><testsuite/>", "<a>&nope;</a>"] {
        assert!(read(&OutputFormat::Junit, text).starts_with("unparsable"), "{text}");
    }
}

#[test]
fn lcov() {
    let text = "TN:\nSF:a.py\nFN:1,f\nDA:1,1\nDA:2,0\nDA:3,4\nLF:3\nLH:2\nend_of_record\n\
                SF:b.py\nLF:7\nLH:7\nend_of_record\nSF:a.py\nDA:2,9\nend_of_record\n";
    let said = "files 2! tests 0 lines 10 line_coverage_percent=100.00";
    check(&OutputFormat::Lcov, text, said);
    let half = "SF:a.py\nDA:1,1\nDA:2,0\nend_of_record\n";
    let said = "files 1! tests 0 lines 2 line_coverage_percent=50.00";
    check(&OutputFormat::Lcov, half, said);
    let cut = "unparsable: it could not be read: it ends inside the record of a.py";
    check(&OutputFormat::Lcov, "SF:a.py\nDA:1,1\n", cut);
    check(&OutputFormat::Lcov, "", "empty_scope: there was nothing to look at: it names no file");
    for text in ["SF:a\nDA:x,1\nend_of_record", "DA:1,1", "SF:a\nSF:b\nend_of_record", "hello"] {
        assert!(read(&OutputFormat::Lcov, text).starts_with("unparsable"), "{text}");
    }
}

#[test]
fn cobertura() {
    let text = r#"<?xml version="1.0" ?>
<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage line-rate="0.5"><packages><package><classes>
<class filename="a.py"><methods><method><lines><line number="1" hits="1"/></lines></method></methods>
<lines><line number="1" hits="1"/><line number="2" hits="0"/></lines></class>
<class filename="a.py"><lines><line number="2" hits="0"/><line number="3" hits="2"/><line number="4" hits="0"/></lines></class>
</classes></package></packages></coverage>"#;
    let said = "files 1! tests 0 lines 4 line_coverage_percent=50.00";
    check(&OutputFormat::Cobertura, text, said);
    let empty = "<coverage line-rate=\"1\"/>";
    let said = "empty_scope: there was nothing to look at: it names no file";
    check(&OutputFormat::Cobertura, empty, said);
    let odd = text.replace("hits=\"2\"", "hits=\"many\"");
    assert!(read(&OutputFormat::Cobertura, &odd).starts_with("unparsable"));
}

#[test]
fn checkstyle() {
    let text = r#"<checkstyle version="4.3"><file name="a.sh">
<error line="3" column="6" severity="info" message="Double quote &quot;x&quot;" source="ShellCheck.SC2086"/>
<error line="0" severity="error" message="m" source=""/><error line="1" severity="ignore" message="m" source="s"/>
</file><file name="b.sh"/></checkstyle>"#;
    check(
        &OutputFormat::Checkstyle,
        text,
        "note[ShellCheck.SC2086] a.sh:3:6: Double quote \"x\"\nerror[checkstyle] a.sh: m\n\
         files 2 tests 0 lines 0",
    );
    let broken =
        "<checkstyle><file name='a'><exception>java.lang.X\nat</exception></file></checkstyle>";
    check(&OutputFormat::Checkstyle, broken, "infra: it broke down over a file: java.lang.X");
}

#[test]
fn gnu_lines() {
    let text = "In file included from a.h:3:\na.c: In function 'main':\n\
                a.c:3:5: warning: unused variable 'x' [-Wunused-variable]\n    3 |     int x;\n      |         ^\n\
                a.c:9: fatal error: no such file\nb.pas:4.2-5.7: odd\n1 warning generated.\n";
    check(
        &OutputFormat::Lines(Lines::gnu().unwrap()),
        text,
        "warning[-Wunused-variable] a.c:3:5: unused variable 'x'\nerror[error] a.c:9: no such file\n\
         error[error] b.pas:4:2: odd\nfiles 0 tests 0 lines 0",
    );
    let crash = "Segmentation fault";
    let said =
        "unparsable: it could not be read: line 1 was not understood: \"Segmentation fault\"";
    check(&OutputFormat::Lines(Lines::gnu().unwrap()), crash, said);
}

#[test]
fn lines_by_pattern_and_their_closing_line() {
    let settings =
        LineSettings::new(r"^(?P<severity>[EW]) (?P<file>\S+)@(?P<line>\d+) (?P<message>.+)$")
            .ignoring("^checking ")
            .closed_by(r"^(?P<findings>\d+) findings in (?P<files>\d+) files$");
    let format = OutputFormat::Lines(Lines::new(&settings, "f").unwrap());
    let text = "checking a\nE a.x@3 bad\nW b.x@1 odd\n2 findings in 5 files\n";
    let said = "error[error] a.x:3: bad\nwarning[warning] b.x:1: odd\nfiles 5! tests 0 lines 0";
    check(&format, text, said);
    let cut = "unparsable: it could not be read: its closing line is missing";
    check(&format, "E a.x@3 bad\n", cut);
    let short = "unparsable: it could not be read: it claims 3 finding(s) and names 0";
    check(&format, "3 findings in 5 files\n", short);
    assert!(read(&format, "E a.x\n0 findings in 5 files").starts_with("unparsable"));
}

#[test]
fn patterns_are_checked() {
    let wrong = |regex: &str| Lines::new(&LineSettings::new(regex), "f").unwrap_err().to_string();
    assert!(wrong("a(").starts_with("f.regex is \"a(\", and must be a regular expression: "));
    assert!(wrong("a").ends_with("with the group (?P<message>...)"));
    assert!(wrong("(?P<message>\\w{1000}{1000})").contains("size limit"));
}

const DONE: &str = "{\"reason\":\"build-finished\",\"success\":false}";

fn message(level: &str, code: &str, rest: &str) -> String {
    format!(
        "{{\"reason\":\"compiler-message\",\"package_id\":\"p\",\"message\":{{\"message\":\"text\",\
         \"level\":\"{level}\",\"code\":{code}{rest}}}}}\n"
    )
}

#[test]
fn messages_of_cargo() {
    let span =
        r#""file_name":"src/a.rs","line_start":2,"line_end":2,"column_start":5,"column_end":8"#;
    let rest = format!(
        r#","spans":[{{{span},"is_primary":true}}],"children":[{{"message":"remove it","level":"help",
        "spans":[{{{span},"is_primary":true,"suggested_replacement":"_x","suggestion_applicability":"MachineApplicable"}}]}}]"#
    )
    .replace('\n', "");
    let lint = message("warning", "{\"code\":\"clippy::x\"}", &rest);
    let sum = "{\"reason\":\"compiler-message\",\"message\":{\"message\":\"2 warnings emitted\",\"level\":\"warning\",\"code\":null}}\n";
    let text = format!("{lint}{lint}{sum}{{\"reason\":\"compiler-artifact\"}}\n{DONE}\n");
    let said = "warning[clippy::x] src/a.rs:2:5: text\nfiles 0 tests 0 lines 0";
    check(&OutputFormat::Cargo, &text, said);
    let parsed = OutputFormat::Cargo.read("it", text.as_bytes()).unwrap();
    assert!(parsed.findings[0].fix.as_ref().unwrap().safe);

    let cut = "unparsable: it could not be read: `build-finished` is missing";
    check(&OutputFormat::Cargo, &lint, cut);
    let ice = message("error: internal compiler error", "null", "") + DONE;
    check(&OutputFormat::Cargo, &ice, "crash: it panicked: text");
    assert!(read(&OutputFormat::Cargo, "running 3 tests").starts_with("unparsable"));
}

#[test]
fn messages_of_rustc() {
    let text = r#"{"$message_type":"diagnostic","message":"mismatched types","code":{"code":"E0308"},"level":"error","spans":[],"children":[]}
{"$message_type":"artifact","artifact":"a.o"}
{"message":"aborting due to 1 previous error","code":null,"level":"error","spans":[]}"#;
    let said = "error[E0308]: mismatched types\nfiles 0 tests 0 lines 0";
    check(&OutputFormat::Cargo, text, said);
}

fn all_formats() -> Vec<OutputFormat> {
    let lines = LineSettings::new("(?P<file>.*?):(?P<line>\\d+):(?P<message>.*)").ignoring("^#");
    vec![
        OutputFormat::Sarif,
        OutputFormat::Junit,
        OutputFormat::Lcov,
        OutputFormat::Cobertura,
        OutputFormat::Checkstyle,
        OutputFormat::Cargo,
        OutputFormat::Lines(Lines::gnu().unwrap()),
        OutputFormat::Lines(Lines::new(&lines, "f").unwrap()),
    ]
}

/// Real documents, cut and overwritten at random.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let whole = proptest::sample::select(vec![
        SARIF.to_owned(),
        JUNIT.to_owned(),
        "SF:a\nDA:1,1\nend_of_record\n".to_owned(),
        "<checkstyle><file name='a'><error line='1' message='&lt;'/></file></checkstyle>"
            .to_owned(),
        message("error", "null", ",\"spans\":[]") + DONE,
        "a.c:3:5: warning: x [-W]\n".to_owned(),
    ]);
    let damage = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (whole, damage, any::<prop::sample::Index>()).prop_map(|(whole, damage, end)| {
        let mut bytes = whole.into_bytes();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let end = end.index(bytes.len() * 2).min(bytes.len());
        bytes.truncate(end);
        bytes
    })
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(
        bytes in prop_oneof![damaged(), proptest::collection::vec(any::<u8>(), 0..200)],
    ) {
        for format in all_formats() {
            if let Err(fault) = format.read("it", &bytes) {
                prop_assert!(["unparsable", "partial", "empty_scope", "infra", "crash"].contains(&fault.kind()));
            }
        }
    }

    #[test]
    fn a_document_that_is_cut_off_is_no_answer(cut in 1usize..JUNIT.len()) {
        for (format, text) in [(OutputFormat::Sarif, SARIF), (OutputFormat::Junit, JUNIT)] {
            let end = text.len().saturating_sub(cut).max(1);
            let end = (end..text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(1);
            prop_assert!(format.read("it", &text.as_bytes()[..end]).is_err());
        }
    }
}

#[test]
fn elements_may_not_stand_too_deep_in_each_other() {
    let text = "<testsuite>".repeat(100_000);
    assert!(read(&OutputFormat::Junit, &text).contains("too deep"));
}

const TOOL: &str = r#"
name = "shellcheck"
kind = "lint"
command = ["shellcheck", "--cache={cache}", "{files}"]
install = "Install it."
files = ["**/*.sh"]
exit = { clean = [0], findings = [1, 3], tolerated = "note" }
limits = { time_ms = 5000 }
versions = { at_least = "0.9" }
reports = [{ format = "checkstyle" }, { from = { file = "out/c.info" }, format = "lcov" }]
canaries = [
  { expect = "red", path = "a.sh", text = "x", rule = "SC1" },
  { expect = "green", path = "b.sh", text = "y" },
]
"#;

#[test]
fn settings_alone_make_a_tool() {
    let tool = ConfiguredTool::new(&toml::from_str(TOOL).unwrap()).unwrap();
    let subject = Subject::of_files([("-a.sh", b"x".to_vec()), ("b.sh", b"x".to_vec())]);
    let found = FoundTool {
        path: "/bin/shellcheck".into(),
        version: ToolVersion::find("0.9.1").unwrap(),
        looker: Looker::new("shellcheck", "0.9.1"),
    };
    let job = Job::new(Path::new("/tree"), Path::new("/cache"), subject.changed(), &found);
    let invocations = tool.invocations(&job).unwrap();
    assert_eq!(invocations[0].arguments, ["--cache=/cache", "./-a.sh", "b.sh"]);
    assert_eq!(invocations[0].outputs, [Path::new("out/c.info")]);
    assert_eq!(tool.contract().findings, [1, 3]);
    assert_eq!(tool.canaries().len(), 2);

    let mut output = ToolOutput::new(0, "<checkstyle><file name='b.sh'/></checkstyle>", "");
    assert_eq!(tool.read(&job, &output).unwrap_err().kind(), "unparsable", "a report is missing");
    output.files = vec![Some(b"SF:b.sh\nDA:1,1\nend_of_record\n".to_vec())];
    let reading = tool.read(&job, &output).unwrap();
    assert_eq!(reading.coverage.files, 1, "the report that names all files is believed");
    assert_eq!(reading.coverage.measures.len(), 1);
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let refused = |from: &str, to: &str| {
        let text = TOOL.replace(from, to);
        assert_ne!(text, TOOL, "{from}");
        ConfiguredTool::new(&toml::from_str(&text).unwrap()).unwrap_err().to_string()
    };
    let at = |said: String, field: &str| {
        assert!(said.starts_with(&format!("gates.tools.shellcheck.{field} is ")), "{said}");
    };
    at(refused("expect = \"green\"", "expect = \"red\""), "canaries");
    at(refused("\"{files}\"", "\"--in={files}\""), "command");
    at(refused("out/c.info", "../c.info"), "reports");
    at(refused("out/c.info", "/etc/c.info"), "reports");
    at(refused("time_ms = 5000", "time_ms = 0"), "limits.time_ms");
    at(refused("clean = [0]", "clean = []"), "exit.clean");
    at(refused("clean = [0]", "clean = [256]"), "exit");
    at(refused("**/*.sh", "**/*.{sh"), "files");
    at(refused("0.9", "new"), "versions");
    at(refused("Install it.", " "), "install");
    assert!(toml::from_str::<ToolSettings>(&TOOL.replace("install", "instal")).is_err());
}
