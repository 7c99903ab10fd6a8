use std::fs;
use std::path::{Path, PathBuf};

use super::{Place, absolute, to_root};
use crate::arguments::Selection;

/// Where the arguments lead, seen from a folder of a small tree: `p/evergen.toml`,
/// `p/deep/`, `q/model.ttl`, `r/.evergen/last-run.toml`.
fn check(here: &str, paths: &[&str], expected: &str) {
    let tree = tempfile::tempdir().unwrap();
    for folder in ["p/deep", "q", "r/.evergen"] {
        fs::create_dir_all(tree.path().join(folder)).unwrap();
    }
    for file in ["p/evergen.toml", "q/model.ttl", "r/.evergen/last-run.toml"] {
        fs::write(tree.path().join(file), "").unwrap();
    }
    let paths: Vec<_> = paths.iter().map(PathBuf::from).collect();
    let found = Place::find(&paths, &Selection::default(), &tree.path().join(here));
    let found = match found {
        Ok(place) => format!(
            "{} {} {}",
            place.root.strip_prefix(tree.path()).unwrap().display(),
            place.configuration.as_deref().unwrap_or("-"),
            place.sources.join(",")
        ),
        Err(failure) => format!("{} ({})", failure.message, failure.help.unwrap_or_default()),
    };
    assert_eq!(found.replace(&format!("{}/", tree.path().display()), "").trim(), expected);
}

#[test]
fn a_project_is_found_upwards_or_by_name() {
    check("p/deep", &[], "p evergen.toml");
    check("q", &["../p"], "p evergen.toml");
    check("q", &["../p/evergen.toml"], "p evergen.toml");
    check("q", &[], "q -");
    check("r", &[], "r .evergen/last-run.toml");
}

#[test]
fn named_sources_make_a_project_of_the_current_folder() {
    check("q", &["model.ttl"], "q - model.ttl");
    check("q", &["*.ttl", "../p/deep"], "q - *.ttl,p/deep");
    check("q", &["."], "q - .");
}

#[test]
fn a_missing_source_comes_with_a_suggestion() {
    check(
        "q",
        &["modle.ttl"],
        "there is no file or folder `modle.ttl` (did you mean `model.ttl`?)",
    );
    check(
        "q",
        &["../p", "model.ttl"],
        "`p` is a project, and it is not alone (name one project, or only files and folders that hold a model)",
    );
}

#[test]
fn paths_are_made_relative_to_the_project() {
    let root = Path::new("/a/b");
    assert_eq!(to_root(Path::new("c"), root, Path::new("/a/b")), "c");
    assert_eq!(to_root(Path::new("../c"), root, Path::new("/a/b/d")), "c");
    assert_eq!(to_root(Path::new("../c"), root, Path::new("/a/b")), "/a/c");
    assert_eq!(absolute(Path::new("./x/../../y"), root), Path::new("/a/y"));
}
