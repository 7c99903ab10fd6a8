//! What scripts rely on: exit codes, streams, and the shape of JSON.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::assert_said;
use crate::support::{Folder, Said};

#[test]
fn a_run_and_what_follows_it() {
    let folder = Folder::project();
    assert_said!("run", folder.done("run"));
    assert_said!("run_again", folder.done("run"));
    folder.replace("model/shop.ttl", "Somebody", "A person");
    assert_said!("plan", folder.done("plan"));
    assert_said!("diff", folder.done("diff"));
    let said = folder.say("check");
    assert_eq!(said.code, Some(1));
    assert_said!("check_stale", said);
    assert_said!("check_github", folder.say("check --format github"));
    assert_said!("check_json", folder.say("check --json"));
    assert_said!("run_change", folder.done("run"));
    assert_said!("verify", folder.done("verify"));
    folder.replace("model/shop.ttl", "ex:Order a owl:Class ;", "ex:Order");
    assert_said!("run_removed", folder.done("run"));
    assert!(!folder.exists("gen/order.txt"));
    assert_said!("check_true", folder.done("check"));
}

#[test]
fn a_line_is_explained() {
    let folder = Folder::project();
    folder.done("run");
    assert_said!("explain_line", folder.done("explain gen/customer.txt:1"));
    assert_said!("explain_file", folder.done("explain gen/customer.txt"));
}

#[test]
fn json_has_the_promised_keys() {
    let folder = Folder::project();
    let report = folder.done("run --json").json();
    for (key, inner) in [
        ("cycle_id", ""),
        ("duration_ms", ""),
        ("model", "quads inserted removed"),
        ("artifacts", "total evaluated rendered written unchanged deleted refused"),
        ("modules", "validated partial failed"),
        ("phases_ms", "load diff invalidate query render commit"),
        ("diagnostics", ""),
    ] {
        assert!(!report[key].is_null(), "{key}");
        for inner in inner.split_whitespace() {
            assert!(report[key][inner].is_number(), "{key}.{inner}");
        }
    }
    assert_eq!(report["artifacts"]["written"], 2);
}

#[test]
fn events_are_lines_and_the_report_comes_last() {
    let folder = Folder::project();
    let said = folder.done("run --events");
    let events: Vec<serde_json::Value> =
        said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names.first(), Some(&"started"));
    assert_eq!(names.iter().filter(|name| **name == "artifact").count(), 2);
    assert_eq!(names.last(), Some(&"report"));
    assert_eq!(events.last().unwrap()["artifacts"]["written"], 2);
}

#[test]
fn quiet_says_nothing() {
    let folder = Folder::project();
    let said = folder.done("run --quiet");
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""));
    folder.replace("model/shop.ttl", "Somebody", "A person");
    let said = folder.say("check -q");
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(1), "", ""));
}

#[test]
fn colours_are_for_those_who_want_them() {
    let folder = Folder::project();
    assert!(!folder.done("run").out.contains('\u{1b}'));
    folder.replace("model/shop.ttl", "Somebody", "A person");
    assert!(folder.done("plan --color always").out.contains('\u{1b}'));
    assert!(folder.done("diff --color=always").out.contains("\u{1b}[32m+"));
}

#[test]
fn nobody_has_to_read_to_the_end() {
    let folder = Folder::project();
    folder.done("run");
    let mut child = folder
        .command("config schema event")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::with_capacity(1, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
}

#[test]
fn a_full_disk_behind_standard_output_is_told() {
    if !std::path::Path::new("/dev/full").exists() {
        println!("skipped: there is no /dev/full");
        return;
    }
    let folder = Folder::project();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = folder.command("config schema").stdout(full).output().unwrap();
    let said = Said::from(output);
    assert_eq!(said.code, Some(4));
    assert!(said.err.contains("writing to standard output"), "{said}");
}

#[test]
fn files_can_be_named_from_anywhere() {
    let folder = Folder::project();
    folder.done("run");
    for name in ["gen/order.txt", "order.txt", "./gen/../gen/order.txt"] {
        assert!(folder.done(&format!("explain {name}")).out.contains("ex"), "{name}");
    }
    let mut inside = folder.command("explain order.txt");
    let said = Said::from(inside.current_dir(folder.path().join("gen")).output().unwrap());
    assert_eq!(said.code, Some(0), "{said}");
    let said = folder.say("explain gen/ordr.txt");
    assert_eq!(said.code, Some(2));
    assert_said!("explain_unknown", said);
    assert_said!("explain_no_line", folder.say("explain gen/order.txt:99"));
}

#[test]
fn graphs_have_three_notations() {
    let folder = Folder::project();
    assert!(folder.done("graph").out.starts_with("digraph"));
    assert!(folder.done("graph --format svg").out.starts_with("<svg"));
    let json = folder.done("graph --json").json();
    assert!(json["nodes"].as_array().unwrap().len() > 3);
    folder.done("graph --format svg -o picture.svg");
    assert!(folder.read("picture.svg").ends_with("</svg>\n"));
}

#[test]
fn a_file_of_a_long_list_is_named_with_v() {
    let folder = Folder::project();
    let classes: Vec<_> =
        (0..40).map(|n| format!("ex:C{n} a <http://www.w3.org/2002/07/owl#Class> .")).collect();
    let prefix = "@prefix ex: <http://example.org/> .";
    folder.file("model/many.ttl", format!("{prefix}\n{}\n", classes.join("\n")));
    let said = folder.done("plan");
    assert!(said.out.contains("… and 22 more; `-v` shows all"), "{said}");
    let said = folder.done("run -v");
    assert!(!said.out.contains("more"), "{said}");
}

#[test]
fn check_says_no_to_a_module_that_is_not_complete() {
    let folder = Folder::project();
    folder.done("run");
    folder.done("check");
    let module = "[[modules]]\nname = \"orders\"\nrequired = [\"*.txt\"]\n\
                  critical_files = [\"nowhere.txt\"]\ncritical = true\n";
    folder.file("evergen.toml", format!("{}{module}", folder.read("evergen.toml")));
    assert_eq!(folder.say("run").code, Some(1));
    let said = folder.say("check");
    assert_eq!(said.code, Some(1), "{said}");
    assert!(said.err.contains("nowhere.txt"), "{said}");
}
