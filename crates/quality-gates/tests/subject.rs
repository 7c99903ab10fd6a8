//! What gates look at, and the folder in which tools find it, on real files.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use evergen_artifact::{ArtifactPath, ProposedChange, ProposedChanges};
use evergen_quality_gates::{Folder, Scope, Scratch, Subject, SubjectFile, Workspace};

fn write(root: &Path, path: &str, text: &str) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

fn changes(writes: &[(&str, &str)], removes: &[&str]) -> ProposedChanges {
    let path = |text: &str| ArtifactPath::parse(text).unwrap();
    let written =
        writes.iter().map(|(at, text)| ProposedChange::write(path(at), "g", text.as_bytes(), true));
    let gone = removes.iter().map(|at| ProposedChange::remove(path(at), "g"));
    ProposedChanges::new(written.chain(gone).collect())
}

fn paths(subject: &Subject) -> Vec<String> {
    subject.files().unwrap().iter().map(|file| file.path().to_owned()).collect()
}

#[test]
fn a_folder_is_seen_as_its_owner_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for path in ["a.py", "src/b.py", "build/c.py", ".github/x.yml", ".git/config", "target/T.java"]
    {
        write(root, path, "x");
    }
    write(root, "node_modules/m/i.js", "x");
    write(root, "cargo/target/CACHEDIR.TAG", "x");
    write(root, ".gitignore", "build/\n");
    symlink("/etc", root.join("link")).unwrap();
    symlink("a.py", root.join("other.py")).unwrap();
    let subject = Subject::of_folder(Folder::new(root)).unwrap();
    let seen = [".github/x.yml", ".gitignore", "a.py", "src/b.py", "target/T.java"];
    assert_eq!(paths(&subject), seen, "a folder `target` is a cache only if it says so");
    assert!(subject.files().unwrap().iter().all(SubjectFile::is_changed));
    let all = Subject::of_folder(Folder::new(root).with_ignored_files()).unwrap();
    assert!(paths(&all).contains(&"build/c.py".to_owned()));
    let few = Subject::of_folder(Folder::new(root).with_max_files(2)).unwrap_err();
    assert!(few.to_string().contains("more than 2 files"), "{few}");
    assert!(Subject::of_folder(Folder::new(root.join("none"))).is_err());
}

#[test]
fn changes_lie_over_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["gen/a.py", "gen/b.py", "gen/c.py", "own.py"] {
        write(folder.path(), path, "old");
    }
    let proposed = changes(&[("b.py", "new"), ("d.py", "new")], &["c.py", "never.py"]);
    let subject = Subject::of_changes_over(Folder::new(folder.path()), "gen", &proposed);
    assert_eq!(paths(&subject), ["gen/a.py", "gen/b.py", "gen/d.py", "own.py"]);
    let text = |path: &str| subject.get(path).unwrap().and_then(|file| file.text().unwrap());
    assert_eq!(text("gen/b.py").as_deref(), Some("new"));
    assert_eq!(text("own.py").as_deref(), Some("old"));
    assert_eq!(text("gen/c.py"), None);
    let changed: Vec<&str> = subject.changed().iter().map(SubjectFile::path).collect();
    assert_eq!(changed, ["gen/b.py", "gen/d.py"]);
}

#[test]
fn a_file_that_changes_while_it_is_judged_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.py", "one");
    let subject = Subject::of_folder(Folder::new(folder.path())).unwrap();
    let before = subject.digest().unwrap();
    write(folder.path(), "a.py", "two");
    let file = subject.get("a.py").unwrap().unwrap();
    assert!(file.bytes().unwrap_err().to_string().contains("changed while it was judged"));
    assert_ne!(before, Subject::of_folder(Folder::new(folder.path())).unwrap().digest().unwrap());
}

#[test]
fn what_makes_a_project_is_read_in_any_case() {
    let scope = Scope::extensions(["py"]).within("a.ini", ["**/a.ini"]).unwrap();
    let scope = scope.doubting(["b.ini"]).unwrap();
    assert!(scope.reads("x/a.ini") && scope.reads("b.ini") && !scope.reads("c.ini"));
    let other = Scope::extensions(["py"]).within("a.ini", ["a.ini"]).unwrap();
    assert_ne!(scope.signature(), other.signature(), "verdicts are kept by it");
}

#[test]
fn a_scope_judges_by_ending_and_by_glob() {
    let scope = Scope::extensions(["py", "RS"]).excluding(["vendor/**"]).unwrap();
    let scope = scope.reading(["**/pyproject.toml"]).unwrap();
    let judged =
        ["a.py", "x/b.PY", "c.rs", "vendor/d.py", "py", "e.pyc"].map(|it| scope.judges(it));
    assert_eq!(judged, [true, true, true, false, false, false]);
    assert!(scope.reads("x/pyproject.toml") && !scope.judges("pyproject.toml"));
    let globs = Scope::globs(["src/*.py"]).unwrap();
    assert_eq!(["src/a.py", "src/x/a.py"].map(|it| globs.judges(it)), [true, false]);
    assert!(Scope::globs(["a[", "b"]).unwrap_err().to_string().contains("\"a[\""));
}

/// Fills the scratch folder and gives what it then holds, with the time of each file.
async fn fill(scratch: &Scratch, files: &[(&str, &str)]) -> Vec<(String, String, i64)> {
    let subject = Subject::of_files(files.iter().map(|(path, text)| (*path, text.as_bytes())));
    let workspace = Workspace::new(subject, Some(scratch.clone()));
    let tree = workspace.folder().await.unwrap();
    let walk = Folder::new(tree).with_ignored_files();
    let seen = Subject::of_folder(walk).unwrap();
    let shown = seen.files().unwrap().iter().map(|file| {
        let metadata = fs::metadata(tree.join(file.path())).unwrap();
        (file.path().to_owned(), file.text().unwrap().unwrap(), metadata.mtime_nsec())
    });
    shown.collect()
}

#[tokio::test]
async fn what_did_not_change_is_not_written_again() {
    let state = tempfile::tempdir().unwrap();
    let scratch = Scratch::open(state.path()).unwrap();
    let before = fill(&scratch, &[("a/x.py", "1"), ("b.py", "1"), ("c.py", "1")]).await;
    let after = fill(&scratch, &[("a/x.py", "1"), ("b.py", "2")]).await;
    assert_eq!(before[0], after[0]);
    let names = |shown: &[(String, String, i64)]| -> Vec<(String, String)> {
        shown.iter().map(|(path, text, _)| (path.clone(), text.clone())).collect()
    };
    let expected = [("a/x.py", "1"), ("b.py", "2")].map(|(path, text)| (path.into(), text.into()));
    assert_eq!(names(&after), expected);
    drop(scratch);
    let scratch = Scratch::open(state.path()).unwrap();
    assert_eq!(fill(&scratch, &[("a/x.py", "1"), ("b.py", "2")]).await, after, "over a restart");
}

#[tokio::test]
async fn what_a_tool_did_to_the_tree_is_undone_but_for_caches() {
    let state = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let scratch = Scratch::open(state.path()).unwrap();
    let files = [("a.py", "1"), ("d/b.py", "1"), ("e.py", "1")];
    fill(&scratch, &files).await;
    let tree = state.path().canonicalize().unwrap().join("tree");
    write(&tree, "a.py", "formatted");
    write(&tree, "left.py", "x");
    write(&tree, "build/lib/left.py", "x");
    write(&tree, ".ruff_cache/x", "x");
    fs::remove_dir_all(tree.join("d")).unwrap();
    symlink(outside.path(), tree.join("d")).unwrap();
    fs::remove_file(tree.join("e.py")).unwrap();
    write(&tree, "e.py/inner", "a folder in the place of a file");
    let after = fill(&scratch, &files).await;
    let shown: Vec<(&str, &str)> =
        after.iter().map(|(path, text, _)| (path.as_str(), text.as_str())).collect();
    assert_eq!(shown, files);
    assert!(tree.join(".ruff_cache/x").exists());
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0, "written through a link");
}

#[tokio::test]
async fn a_second_user_of_the_scratch_folder_gets_another_one() {
    let state = tempfile::tempdir().unwrap();
    let (first, second) =
        (Scratch::open(state.path()).unwrap(), Scratch::open(state.path()).unwrap());
    fill(&first, &[("a.py", "1")]).await;
    fill(&second, &[("a.py", "2")]).await;
    let own = fs::read_to_string(state.path().join("tree/a.py")).unwrap();
    assert_eq!(own, "1");
}

#[tokio::test]
async fn a_path_that_leads_out_is_refused() {
    for path in ["../a", "/etc/a", "a//b", "./a", "a/../../b"] {
        let subject = Subject::of_files([(path, &b"x"[..])]);
        let fault = Workspace::new(subject, None).folder().await.unwrap_err();
        assert!(fault.to_string().contains("no path below"), "{path}: {fault}");
    }
}

#[tokio::test]
async fn one_subject_at_a_time_has_the_folder() {
    let state = tempfile::tempdir().unwrap();
    let scratch = Scratch::open(state.path()).unwrap();
    let of = |text: &'static str| {
        let subject = Subject::of_files([("a.py", text.as_bytes())]);
        Workspace::new(subject, Some(scratch.clone()))
    };
    let (first, second) = (of("1"), of("2"));
    let tree = first.folder().await.unwrap().to_path_buf();
    let waiting = tokio::spawn(async move { second.folder().await.map(Path::to_path_buf) });
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished());
    assert_eq!(fs::read_to_string(tree.join("a.py")).unwrap(), "1");
    drop(first);
    let tree = waiting.await.unwrap().unwrap();
    assert_eq!(fs::read_to_string(tree.join("a.py")).unwrap(), "2");
}
