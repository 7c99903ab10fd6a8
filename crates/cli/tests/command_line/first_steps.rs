//! What somebody does first.

use crate::assert_said;
use crate::support::{Folder, MODEL};

#[test]
fn a_new_project_runs_at_once() {
    let folder = Folder::new();
    assert_said!("init", folder.done("init shop"));
    assert_said!("init_run", folder.done("run shop"));
    assert_said!("init_customer", folder.read("shop/gen/customer.rs"));
    assert_said!("init_model", folder.read("shop/gen/model.md"));
    folder.done("check shop");
    let said = folder.say("init shop");
    assert_eq!(said.code, Some(2));
    assert_said!("init_again", said);
}

#[test]
fn a_new_project_leaves_what_is_there() {
    let folder = Folder::new();
    folder.file(".gitignore", "mine\n").file("templates/class.rs.j2", "mine\n");
    let report = folder.done("init --json").json();
    assert_eq!(report["kept"].as_array().unwrap().len(), 2);
    assert_eq!(folder.read(".gitignore"), "mine\n");
}

#[test]
fn no_configuration_is_needed() {
    let folder = Folder::new();
    folder.file("shop.ttl", MODEL);
    folder.done("run shop.ttl --lang rust,typescript,python --out made");
    assert!(folder.exists("made/rust") && folder.exists("made/python"));
    // The verbs that follow mean the same.
    folder.done("check");
    folder.file("shop.ttl", MODEL.replace("Somebody", "A person"));
    assert_eq!(folder.say("check").code, Some(1));
    folder.done("run");
    folder.done("check");
}

#[test]
fn a_pattern_of_the_shell_or_of_evergen_names_the_model() {
    let folder = Folder::new();
    folder.file("a/shop.ttl", MODEL);
    folder.done("run a/*.ttl --lang rust");
    folder.done("run a --lang rust");
    assert!(folder.exists("gen/rust"));
}

#[test]
fn the_doctor_finds_what_is_wrong() {
    let folder = Folder::project();
    folder.done("run");
    let said = folder.done("doctor --json").json();
    assert_eq!(said["ok"], true);
    folder.file("model/shop.ttl", "ex:a ex:b .\n").file("evergen.lock", "<<<<<<< ours\n");
    let said = folder.say("doctor");
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("fail  model"), "{said}");
    assert!(said.out.contains("fail  evergen.lock"), "{said}");
    folder.file("evergen.toml", "[modle]\n");
    let said = folder.say("doctor");
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("fail  configuration"), "{said}");
}
