//! Folders that come, go and move.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::harness::{Watching, project, put, sources};

#[test]
fn new_folders_are_looked_into() {
    let folder = project();
    let mut watching = Watching::of(folder.path(), &sources(&["model/**/*.ttl"]));
    watching.put("model/deep/er/and/deeper/c.ttl", "new");
    watching.put("templates/sub/u.txt.j2", "new");
    watching.expect_in_any_number(&["model/deep/er/and/deeper/c.ttl", "templates/sub/u.txt.j2"]);
    watching.put("model/deep/er/and/deeper/c.ttl", "changed");
    watching.expect(&["model/deep/er/and/deeper/c.ttl"]);
    watching.put("templates/sub/u.txt.j2", "changed");
    watching.expect(&["templates/sub/u.txt.j2"]);
    watching.expect_nothing();
}

#[test]
fn a_folder_that_moves_takes_its_files_along() {
    let folder = project();
    put(&folder.path().join("model/x/c.ttl"), "first");
    put(&folder.path().join("away/y/d.ttl"), "first");
    let mut watching = Watching::of(folder.path(), &sources(&["model"]));
    let at = |path: &str| folder.path().join(path);

    fs::rename(at("model/x"), at("model/z")).unwrap();
    watching.expect_in_any_number(&["model/x/c.ttl", "model/z/c.ttl"]);
    watching.put("model/z/c.ttl", "changed");
    watching.expect(&["model/z/c.ttl"]);

    fs::rename(at("away/y"), at("model/y")).unwrap();
    watching.expect(&["model/y/d.ttl"]);
    fs::rename(at("model/y"), at("away/y")).unwrap();
    watching.expect(&["model/y/d.ttl"]);
    put(&at("away/y/d.ttl"), "nobody cares");
    watching.expect_nothing();
}

#[test]
fn a_source_folder_may_go_and_come_back() {
    let folder = project();
    let mut watching = Watching::of(folder.path(), &sources(&["model/*.ttl"]));
    for round in 0..3 {
        fs::remove_dir_all(folder.path().join("model")).unwrap();
        watching.expect_in_any_number(&["model/a.ttl", "model/b.ttl"]);
        watching.put("model/a.ttl", "again");
        watching.expect_in_any_number(&["model/a.ttl"]);
        watching.put("model/a.ttl", &format!("change {round}"));
        watching.expect(&["model/a.ttl"]);
        watching.put("model/b.ttl", "again");
        watching.expect(&["model/b.ttl"]);
    }
}

#[test]
fn a_folder_that_is_replaced_at_once_is_still_watched() {
    let folder = project();
    let mut watching = Watching::of(folder.path(), &sources(&["model/*.ttl"]));
    for round in 0..3 {
        // The file system may give the new folder the number of the old one.
        fs::remove_dir_all(folder.path().join("model")).unwrap();
        watching.put("model/a.ttl", "again");
        watching.put("model/b.ttl", "again");
        watching.expect_in_any_number(&["model/a.ttl", "model/b.ttl"]);
        while watching.next_within(super::harness::QUIET * 2).is_some() {}
        watching.put("model/a.ttl", &format!("change {round}"));
        watching.expect(&["model/a.ttl"]);
    }
}

#[test]
fn what_is_not_there_yet_is_waited_for() {
    let folder = project();
    let outside = tempfile::tempdir().unwrap();
    let far = outside.path().join("not/yet/there/*.ttl");
    let patterns = ["later/model/*.ttl", "later.ttl", "folder", far.to_str().unwrap(), "model"];
    let mut watching = Watching::of(folder.path(), &sources(&patterns));
    watching.put("later/model/c.ttl", "new");
    watching.expect(&["later/model/c.ttl"]);
    watching.put("later.ttl", "new");
    watching.expect(&["later.ttl"]);
    watching.put("folder/d.ttl", "new");
    watching.expect(&["folder/d.ttl"]);
    let far = outside.path().join("not/yet/there/e.ttl");
    put(&far, "new");
    watching.expect(&[far.to_str().unwrap()]);
    watching.expect_nothing();
}

#[test]
fn links_are_followed() {
    let folder = project();
    let outside = tempfile::tempdir().unwrap();
    let at = |path: &str| outside.path().join(path);
    put(&at("file.ttl"), "first");
    put(&at("folder/c.ttl"), "first");
    put(&at("other.ttl"), "first");
    symlink(at("file.ttl"), folder.path().join("model/linked.ttl")).unwrap();
    symlink(at("folder"), folder.path().join("model/linked")).unwrap();
    let mut watching = Watching::of(folder.path(), &sources(&["model"]));
    put(&at("file.ttl"), "second");
    watching.expect(&["model/linked.ttl"]);
    put(&at("folder/c.ttl"), "second");
    watching.expect(&["model/linked/c.ttl"]);
    put(&at("other.ttl"), "nobody cares");

    symlink(at("other.ttl"), folder.path().join("model/new")).unwrap();
    fs::rename(folder.path().join("model/new"), folder.path().join("model/linked.ttl")).unwrap();
    watching.expect(&["model/linked.ttl"]);
    put(&at("other.ttl"), "third");
    watching.expect(&["model/linked.ttl"]);
    watching.expect_nothing();
}

#[test]
fn imported_files_count_wherever_they_are() {
    let folder = project();
    let outside = tempfile::tempdir().unwrap();
    let at = |path: &str| outside.path().join(path);
    let catalog = format!(
        r#"<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">
        <uri name="http://example.org/far" uri="{}"/></catalog>"#,
        at("far.ttl").display()
    );
    put(&folder.path().join("catalog-v001.xml"), &catalog);
    put(&at("far.ttl"), "first");
    let mut settings = sources(&["model"]);
    settings.model.imports = [("http://example.org/c", "context/c.json")]
        .into_iter()
        .map(|(iri, path)| (iri.to_owned(), path.to_owned()))
        .collect();
    let mut watching = Watching::of(folder.path(), &settings);
    put(&at("far.ttl"), "second");
    watching.expect(&[at("far.ttl").to_str().unwrap()]);
    watching.put("context/c.json", "{}");
    watching.expect(&["context/c.json"]);
    put(&at("near.ttl"), "nobody cares");
    watching.expect_nothing();
}

#[test]
fn another_scope_takes_over() {
    let folder = project();
    put(&folder.path().join("other/c.ttl"), "first");
    let mut watching = Watching::of(folder.path(), &sources(&["model/b.ttl"]));
    watching.put("other/c.ttl", "nobody cares yet");
    watching.rescope(&sources(&["other", "model/b.ttl"]));
    watching.expect_nothing();
    watching.put("other/c.ttl", "changed");
    watching.expect(&["other/c.ttl"]);
    watching.rescope(&sources(&["model/b.ttl"]));
    watching.put("other/c.ttl", "nobody cares any more");
    watching.expect_nothing();
    watching.stop();
}

#[test]
fn a_checkout_of_500_files_is_few_bursts() {
    let folder = project();
    let names: Vec<String> =
        (0..500).map(|number| format!("model/part-{}/{number}.ttl", number % 7)).collect();
    let write = |text: &str| {
        for name in &names {
            put(&folder.path().join(name), &format!("{text} {name}"));
        }
    };
    let repository = folder.path();
    git(repository, &["init", "-q", "-b", "first"]);
    write("first");
    git(repository, &["add", "."]);
    git(repository, &["commit", "-q", "-m", "First"]);
    git(repository, &["checkout", "-q", "-b", "second"]);
    write("second, which is longer,");
    git(repository, &["commit", "-q", "-a", "-m", "Second"]);
    let mut watching = Watching::of(repository, &sources(&["."]));
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    git(repository, &["checkout", "-q", "first"]);
    let bursts = watching.expect_in_any_number(&names);
    assert!(bursts <= 4, "a checkout made {bursts} bursts");

    // Folders that go and come with their files.
    git(repository, &["rm", "-q", "-r", "model"]);
    names.extend(["model/a.ttl", "model/b.ttl"]);
    watching.expect_in_any_number(&names);
    git(repository, &["checkout", "-q", "second", "-f"]);
    watching.expect_in_any_number(&names);
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(folder).args(["-c", "user.name=Test", "-c", "user.email=test@example.org"]);
    command.args(["-c", "commit.gpgsign=false", "-c", "gc.auto=0"]).args(arguments);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
