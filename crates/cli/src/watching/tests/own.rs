//! What evergen does itself is no change.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use evergen_regeneration::{Access, Project, RegenerationEngine, Settings};

use super::harness::{Watching, project, put, sources};

/// The whole project is a source folder, and output lies in it.
fn settings() -> Settings {
    let mut settings = sources(&["."]);
    settings.regeneration.output_dir = "model/out".to_owned();
    settings.model.published = Some("model/published.nq".to_owned());
    settings
}

fn write_own(root: &Path) {
    for name in [
        "model/out/o.ttl",
        "model/out/deep/o.ttl",
        ".evergen/s.ttl",
        "evergen.lock",
        "model/published.nq",
        "model/published.nq.before",
    ] {
        put(&root.join(name), "own");
        put(&root.join("temporary"), "own");
        fs::rename(root.join("temporary"), root.join(name)).unwrap();
    }
    fs::rename(root.join("model/published.nq.before"), root.join("model/published.nq")).unwrap();
}

#[test]
fn own_files_are_nothing() {
    let folder = project();
    let mut watching = Watching::of(folder.path(), &settings());
    // Twice, as folders are new only once.
    write_own(folder.path());
    watching.expect_nothing();
    write_own(folder.path());
    watching.expect_nothing();
}

#[test]
fn own_files_are_nothing_behind_links() {
    let folder = project();
    let outside = tempfile::tempdir().unwrap();
    let root = outside.path().join("link");
    symlink(folder.path(), &root).unwrap();
    fs::create_dir(folder.path().join("model/real")).unwrap();
    symlink("real", folder.path().join("model/out")).unwrap();
    let mut watching = Watching::of(&root, &settings());
    write_own(&root);
    write_own(folder.path());
    put(&folder.path().join("model/real/o.ttl"), "own");
    watching.expect_nothing();
    // What is not evergen's is spelt as the settings do, whoever changes it.
    put(&folder.path().join("model/a.ttl"), "second");
    watching.expect(&["model/a.ttl"]);
}

#[test]
fn a_link_into_the_output_is_own() {
    let folder = project();
    put(&folder.path().join("model/out/o.ttl"), "own");
    symlink("out/o.ttl", folder.path().join("model/c.ttl")).unwrap();
    let mut watching = Watching::of(folder.path(), &settings());
    put(&folder.path().join("model/out/o.ttl"), "own again");
    watching.expect_nothing();
}

#[test]
fn a_project_may_be_its_own_output_folder() {
    let folder = project();
    let mut settings = sources(&["model"]);
    settings.regeneration.output_dir = ".".to_owned();
    let mut watching = Watching::of(folder.path(), &settings);
    for file in ["model/a.ttl", "templates/t.txt.j2", "evergen.toml"] {
        watching.put(file, "second");
        watching.expect(&[file]);
    }
    watching.put("evergen.lock", "own");
    watching.expect_nothing();
}

#[test]
fn what_others_make_is_nothing_where_the_project_is_a_source_folder() {
    let folder = project();
    let mut watching = Watching::of(folder.path(), &sources(&["**/*.ttl"]));
    for name in ["target/t.ttl", "sub/node_modules/n.ttl", ".git/g.ttl"] {
        watching.put(name, "theirs");
    }
    watching.expect_nothing();
    watching.put("sub/c.ttl", "new");
    watching.expect(&["sub/c.ttl"]);
}

#[test]
fn a_run_of_the_engine_is_nothing() {
    let folder = project();
    let model =
        "@prefix ex: <http://example.org/> . @prefix owl: <http://www.w3.org/2002/07/owl#> .
         ex:Order a owl:Class . ex:Product a owl:Class .";
    let template = "+++\nfor_each = 'SELECT ?class WHERE { ?class a owl:Class }'\n\
         to = '{{ class | local_name | snake }}.ttl'\n+++\n# {{ class | local_name }}\n";
    put(&folder.path().join("model/a.ttl"), model);
    put(&folder.path().join("model/b.ttl"), "");
    put(&folder.path().join("templates/t.txt.j2"), template);
    let settings = settings();
    let project = Project::new(folder.path(), settings.clone());
    let mut engine = RegenerationEngine::open(project, Access::Write { wait: None }).unwrap();
    let mut watching = Watching::of(folder.path(), &settings);
    assert_eq!(engine.run(&mut |_| {}).unwrap().artifacts.written, 2);
    watching.expect_nothing();
    watching.put("model/a.ttl", &format!("{model} ex:Customer a owl:Class ."));
    watching.expect(&["model/a.ttl"]);
    watching.put("model/b.ttl", "");
    watching.expect(&["model/b.ttl"]);
    assert_eq!(engine.run(&mut |_| {}).unwrap().artifacts.written, 1);
    watching.expect_nothing();
    assert!(folder.path().join("model/out/customer.ttl").is_file());
}
