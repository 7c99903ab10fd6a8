use std::fs;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::confined::walk;
use super::*;
use crate::conformance;
use crate::store::{CommitError, Committed, StageError};

/// A project in a folder of its own.
struct Project {
    folder: tempfile::TempDir,
    store: DirectoryStore,
}

fn project(durability: Durability, output: &str) -> Project {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let options = DirectoryOptions { durability };
    let store =
        DirectoryStore::open(&root.join(output), root, &root.join(".evergen"), options).unwrap();
    Project { folder, store }
}

fn plain() -> Project {
    let project = project(Durability::Process, "gen");
    fs::create_dir(project.at("gen")).unwrap();
    project
}

impl Project {
    fn at(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join(path)
    }

    fn commit(&self, staged: &[(&str, &str)], removed: &[&str]) -> Result<Committed, CommitError> {
        let transaction = self.store.begin().unwrap();
        for (path, bytes) in staged {
            transaction.stage(output(path), bytes.as_bytes()).unwrap();
        }
        for path in removed {
            transaction.remove(output(path));
        }
        transaction.commit()
    }

    fn stage(&self, path: &str) -> Result<FileStamp, StageError> {
        self.store.begin().unwrap().stage(output(path), b"new")
    }

    /// All that is in the project, folders with a slash.
    fn tree(&self) -> Vec<String> {
        let mut found = Vec::new();
        collect(self.folder.path(), "", &mut found);
        found.sort();
        found
    }
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{name}/"), found);
            found.push(format!("{name}/"));
        } else {
            found.push(name);
        }
    }
}

fn output(path: &str) -> Place {
    Place::Output(ArtifactPath::parse(path).unwrap())
}

#[test]
fn the_laws_of_the_port_hold() {
    for (durability, output) in
        [(Durability::Process, "gen"), (Durability::Process, "a/b/gen"), (Durability::Power, "gen")]
    {
        let mut projects = Vec::new();
        conformance::check(&mut || {
            let project = project(durability, output);
            projects.push(project.folder);
            Box::new(project.store)
        });
    }
}

#[test]
fn the_laws_hold_across_volumes() {
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else {
        return println!("skipped: there is no second volume");
    };
    for far in ["", "gen", "x/gen"] {
        let mut folders = Vec::new();
        let mut count = 0;
        conformance::check(&mut || {
            count += 1;
            let folder = tempfile::tempdir().unwrap();
            let output = match far {
                "" => folder.path().join("gen"),
                far => other.path().join(count.to_string()).join(far),
            };
            let project = if far.is_empty() {
                other.path().join(count.to_string())
            } else {
                folder.path().into()
            };
            let state = folder.path().join(".evergen");
            folders.push(folder);
            Box::new(
                DirectoryStore::open(&output, &project, &state, DirectoryOptions::default())
                    .unwrap(),
            )
        });
        let mut left = Vec::new();
        collect(other.path(), "", &mut left);
        left.retain(|path| path.contains(".evergen"));
        assert_eq!(left, Vec::<String>::new(), "no staging folder is left");
    }
}

#[test]
fn a_tree_that_is_new_takes_one_move() {
    let project = project(Durability::Process, "build/gen");
    let files: Vec<String> = (0..500).map(|n| format!("rust/src/{}/f{n}.rs", n % 7)).collect();
    let staged: Vec<(&str, &str)> = files.iter().map(|path| (&**path, "x")).collect();
    let committed = project.commit(&staged, &[]).unwrap();
    assert_eq!((committed.written, committed.moves), (500, 1));
    assert_eq!(project.store.list().unwrap().len(), 500);

    let files: Vec<String> = (0..500).map(|n| format!("python/{}/f{n}.py", n % 7)).collect();
    let staged: Vec<(&str, &str)> = files.iter().map(|path| (&**path, "x")).collect();
    assert_eq!(project.commit(&staged, &[]).unwrap().moves, 1, "one more folder in it, too");
}

/// What stands beside an output folder that is still to be made is none of its business, though it
/// be called like something in it.
#[test]
fn namesakes_beside_a_missing_output_folder_stay() {
    for place in ["gen", "a/b/gen"] {
        for durability in [Durability::Process, Durability::Power] {
            let project = project(durability, place);
            fs::create_dir_all(project.at("python/model")).unwrap();
            for own in ["python/README.md", "python/model/order.py", "python/gone.py"] {
                fs::write(project.at(own), "my own").unwrap();
            }
            let staged = [("python/README.md", "made"), ("python/model/order.py", "made")];
            project.commit(&staged, &["python/gone.py"]).unwrap();
            for own in ["python/README.md", "python/model/order.py", "python/gone.py"] {
                assert_eq!(
                    fs::read_to_string(project.at(own)).unwrap(),
                    "my own",
                    "{place}: {own}"
                );
            }
            for (path, text) in staged {
                let made = project.at(place).join(path);
                assert_eq!(fs::read_to_string(made).unwrap(), text, "{place}: {path}");
            }
        }
    }
}

#[test]
fn nothing_is_left_in_the_state_folder() {
    let project = plain();
    project.commit(&[("a/b", "1")], &[]).unwrap();
    drop(project.store.begin().unwrap());
    assert_eq!(project.tree(), [".evergen/", "gen/", "gen/a/", "gen/a/b"]);
}

#[test]
fn folders_go_when_their_last_file_is_removed() {
    let project = plain();
    project.commit(&[("a/b/c", "1"), ("a/b/d", "1"), ("x/y/z", "1")], &[]).unwrap();
    fs::create_dir_all(project.at("gen/x/users")).unwrap();
    fs::create_dir_all(project.at("gen/empty")).unwrap();
    project.commit(&[], &["a/b/c", "a/b/d", "x/y/z"]).unwrap();
    assert_eq!(project.tree(), [".evergen/", "gen/", "gen/empty/", "gen/x/", "gen/x/users/"]);
}

#[test]
fn unrelated_files_stay() {
    let project = plain();
    fs::create_dir_all(project.at("gen/a/.git")).unwrap();
    fs::write(project.at("gen/a/.git/own"), "mine").unwrap();
    fs::write(project.at("gen/a/own"), "mine").unwrap();
    project.commit(&[("a/b", "1"), ("c", "1")], &[]).unwrap();
    project.commit(&[], &["a/b", "c"]).unwrap();
    assert_eq!(
        project.tree(),
        [".evergen/", "gen/", "gen/a/", "gen/a/.git/", "gen/a/.git/own", "gen/a/own"]
    );
    assert_eq!(project.store.list().unwrap(), [ArtifactPath::parse("a/own").unwrap()]);
}

#[test]
fn links_are_neither_followed_nor_replaced() {
    let project = plain();
    fs::create_dir_all(project.at("outside/deep")).unwrap();
    fs::write(project.at("outside/file"), "mine").unwrap();
    fs::create_dir(project.at("gen/real")).unwrap();
    symlink(project.at("outside"), project.at("gen/real/folder")).unwrap();
    symlink(project.at("outside/file"), project.at("gen/link")).unwrap();
    symlink(project.at("nowhere"), project.at("gen/dangling")).unwrap();
    let named = |path: &str| {
        format!(
            "`{}` is a symbolic link, which is neither followed nor replaced",
            project.at(path).display()
        )
    };
    for (path, link) in [
        ("real/folder/file", "gen/real/folder"),
        ("real/folder/deep/x", "gen/real/folder"),
        ("real/folder/new/deep/x", "gen/real/folder"),
        ("link", "gen/link"),
        ("dangling", "gen/dangling"),
        ("dangling/x", "gen/dangling"),
    ] {
        assert_eq!(project.stage(path).unwrap_err().to_string(), named(link), "{path}");
        let read = project.store.read(&ArtifactPath::parse(path).unwrap());
        assert_eq!(read.unwrap_err().to_string(), named(link), "{path}");
        let error = project.commit(&[], &[path]).unwrap_err();
        assert_eq!(error.to_string(), named(link), "{path}");
    }
    assert!(fs::read_dir(project.at("outside")).unwrap().count() == 2);
    assert_eq!(project.store.list().unwrap(), []);
}

#[test]
fn the_output_folder_itself_may_be_a_link() {
    let project = project(Durability::Process, "gen");
    fs::create_dir(project.at("real")).unwrap();
    symlink(project.at("real"), project.at("gen")).unwrap();
    project.commit(&[("a/b", "1")], &[]).unwrap();
    assert_eq!(fs::read_to_string(project.at("real/a/b")).unwrap(), "1");
}

#[test]
fn an_output_folder_that_can_not_be_is_refused() {
    let project = project(Durability::Process, "gen");
    symlink(project.at("nowhere"), project.at("gen")).unwrap();
    assert!(matches!(project.store.begin(), Err(BeginError::Obstacle(Obstacle::Symlink { .. }))));
    fs::remove_file(project.at("gen")).unwrap();
    fs::write(project.at("gen"), "a file").unwrap();
    assert!(matches!(
        project.store.begin(),
        Err(BeginError::Obstacle(Obstacle::NotAFolder { .. }))
    ));
    assert!(matches!(project.store.list(), Err(ReadError::Obstacle(Obstacle::NotAFolder { .. }))));
    assert_eq!(project.tree(), [".evergen/", "gen"]);
}

#[test]
fn the_walk_agrees_with_the_system_call() {
    let project = plain();
    fs::create_dir_all(project.at("gen/a/b")).unwrap();
    fs::write(project.at("gen/file"), "").unwrap();
    symlink(project.at("gen/a"), project.at("gen/link")).unwrap();
    let shown = project.at("gen");
    let root = open_root(&shown).unwrap().unwrap();
    for folder in ["a", "a/b", "a/x", "x/y", "file", "file/x", "link", "link/b", "a/b/c/d"] {
        let said = |lookup: Result<Lookup, Obstacle>| match lookup {
            Ok(Lookup::Found(_)) => "found".to_owned(),
            Ok(Lookup::Missing) => "missing".to_owned(),
            Ok(Lookup::Blocked) => "blocked".to_owned(),
            Err(obstacle) => obstacle.to_string(),
        };
        let walked = said(walk(root.as_fd(), folder, &shown, Volumes::Same));
        assert_eq!(
            walked,
            said(open_folder(root.as_fd(), folder, &shown, Volumes::Same)),
            "{folder}"
        );
    }
}

#[test]
fn a_folder_or_a_socket_is_not_replaced_by_a_file() {
    let project = plain();
    fs::create_dir_all(project.at("gen/empty")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(project.at("gen/socket")).unwrap();
    let error = project.commit(&[("empty", "1"), ("x", "1")], &[]).unwrap_err();
    assert!(matches!(error, CommitError::Obstacle(Obstacle::NotAFile { .. })), "{error}");
    assert!(matches!(
        project.stage("socket"),
        Err(StageError::Obstacle(Obstacle::NotAFile { .. }))
    ));
    assert!(project.store.read(&ArtifactPath::parse("socket").unwrap()).is_err());
    assert_eq!(project.tree(), [".evergen/", "gen/", "gen/empty/", "gen/socket"]);
}

#[test]
fn a_folder_that_may_not_be_written_to_is_found_before_the_commit() {
    let project = plain();
    fs::create_dir_all(project.at("gen/fixed")).unwrap();
    fs::set_permissions(project.at("gen/fixed"), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(project.at("gen/fixed/probe"), "").is_ok() {
        return println!("skipped: this user may write to any folder");
    }
    let error = project.stage("fixed/a").unwrap_err();
    assert!(matches!(error, StageError::Obstacle(Obstacle::ReadOnly { .. })), "{error}");
}

#[test]
fn permissions_of_a_replaced_file_stay() {
    let project = plain();
    project.commit(&[("run.sh", "1")], &[]).unwrap();
    fs::set_permissions(project.at("gen/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    project.commit(&[("run.sh", "2")], &[]).unwrap();
    assert_eq!(fs::metadata(project.at("gen/run.sh")).unwrap().permissions().mode() & 0o777, 0o755);
}

#[test]
fn a_file_that_is_not_staged_keeps_its_stamp() {
    let project = plain();
    project.commit(&[("a", "1"), ("b", "1")], &[]).unwrap();
    let path = ArtifactPath::parse("a").unwrap();
    let before = project.store.stamp(&path).unwrap();
    project.commit(&[("b", "2")], &[]).unwrap();
    assert_eq!(project.store.stamp(&path).unwrap(), before);
    let metadata = fs::metadata(project.at("gen/a")).unwrap();
    assert_eq!(before, Some(FileStamp::of(&metadata)));
}

#[test]
fn a_stamp_is_settled_after_twenty_milliseconds() {
    let stamp = FileStamp { size: 1, modified_ns: 1_000_000_000, inode: 1 };
    assert!(!stamp.is_settled(900_000_000));
    assert!(!stamp.is_settled(1_020_000_000));
    assert!(stamp.is_settled(1_020_000_001));
}

#[test]
fn a_journal_that_is_damaged_is_reported_and_put_aside() {
    let project = plain();
    fs::create_dir_all(project.at(".evergen/stage/1")).unwrap();
    fs::write(project.at(".evergen/journal"), "evergen journal 1\n").unwrap();
    assert!(matches!(project.store.begin(), Err(BeginError::Unfinished)));
    assert_eq!(project.store.recover().unwrap(), Recovery::Unreadable);
    assert_eq!(project.store.recover().unwrap(), Recovery::Clean);
    assert_eq!(project.tree(), [".evergen/", "gen/"]);
}

#[test]
fn a_thousand_folders_need_no_thousand_descriptors() {
    let project = plain();
    for round in ["1", "2"] {
        let paths: Vec<String> = (0..1500).map(|n| format!("d{n}/e/f")).collect();
        let staged: Vec<(&str, &str)> = paths.iter().map(|path| (&**path, round)).collect();
        assert_eq!(project.commit(&staged, &[]).unwrap().written, 1500);
    }
}
