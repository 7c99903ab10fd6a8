//! Settings from the file, the environment and the command line.

use crate::assert_said;
use crate::support::{Folder, Said};

#[test]
fn every_value_is_shown_with_its_origin() {
    let folder = Folder::project();
    let mut command = folder.command("config show --lang rust --workers 2 --set limits.fuel=5");
    command.env("EVERGEN_REGENERATION__OUTPUT_DIR", "out");
    assert_said!("config_show", Said::from(command.output().unwrap()));
    let shown = folder.done("config show --json").json();
    let values = shown["values"].as_array().unwrap();
    let sources = values.iter().find(|value| value["key"] == "model.sources").unwrap();
    assert_eq!(sources["origin"]["kind"], "file");
    assert_eq!(sources["origin"]["line"], 2);
}

#[test]
fn overrides_are_checked_too() {
    let folder = Folder::project();
    let mut command = folder.command("run --set limits.fool=1 --set regeneration.on_edit=merg");
    command.env("EVERGEN_REGENERATION__PARALLEL_WORKERS", "many");
    let said = Said::from(command.output().unwrap());
    assert_eq!(said.code, Some(2));
    assert_said!("config_overrides", said);
}

#[test]
fn an_environment_reaches_the_run() {
    let folder = Folder::project();
    let mut command = folder.command("run");
    command.env("EVERGEN_REGENERATION__OUTPUT_DIR", "out");
    assert_eq!(command.output().unwrap().status.code(), Some(0));
    assert!(folder.exists("out/order.txt") && !folder.exists("gen"));
}
