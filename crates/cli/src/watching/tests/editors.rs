//! The ways in which editors save.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use super::super::watcher::Bounds;
use super::super::{FileKind, WatchTiming};
use super::harness::{QUIET, TIMING, Watching, project, sources};

/// Saves `model/a.ttl` in some way; that is one burst with this file alone.
fn check(save: impl Fn(&Path)) {
    let folder = project();
    let mut watching = Watching::of(folder.path(), &sources(&["model"]));
    save(&folder.path().join("model"));
    watching.expect(&["model/a.ttl"]);
    watching.expect_nothing();
}

#[test]
fn truncate_and_write() {
    check(|model| fs::write(model.join("a.ttl"), "second").unwrap());
}

#[test]
fn append() {
    check(|model| {
        let mut file = OpenOptions::new().append(true).open(model.join("a.ttl")).unwrap();
        file.write_all(b"more").unwrap();
    });
}

#[test]
fn rename_over() {
    check(|model| {
        fs::write(model.join(".goutputstream-9R2QX2"), "second").unwrap();
        fs::rename(model.join(".goutputstream-9R2QX2"), model.join("a.ttl")).unwrap();
    });
}

#[test]
fn safe_write_with_two_renames() {
    check(|model| {
        fs::write(model.join("a.ttl___jb_tmp___"), "second").unwrap();
        fs::rename(model.join("a.ttl"), model.join("a.ttl___jb_old___")).unwrap();
        fs::rename(model.join("a.ttl___jb_tmp___"), model.join("a.ttl")).unwrap();
        fs::remove_file(model.join("a.ttl___jb_old___")).unwrap();
    });
}

#[test]
fn delete_and_create() {
    check(|model| {
        fs::remove_file(model.join("a.ttl")).unwrap();
        fs::write(model.join("a.ttl"), "second").unwrap();
    });
}

#[test]
fn backup_by_renaming_and_swap_file() {
    check(|model| {
        fs::write(model.join(".a.ttl.swp"), "swap").unwrap();
        fs::write(model.join("4913"), "").unwrap();
        fs::remove_file(model.join("4913")).unwrap();
        fs::rename(model.join("a.ttl"), model.join("a.ttl~")).unwrap();
        fs::write(model.join("a.ttl"), "second").unwrap();
        fs::remove_file(model.join("a.ttl~")).unwrap();
        fs::remove_file(model.join(".a.ttl.swp")).unwrap();
    });
}

#[test]
fn lock_link_and_autosave_file() {
    check(|model| {
        symlink("somebody@somewhere.123", model.join(".#a.ttl")).unwrap();
        fs::write(model.join("#a.ttl#"), "autosave").unwrap();
        fs::copy(model.join("a.ttl"), model.join("a.ttl~")).unwrap();
        fs::write(model.join("a.ttl"), "second").unwrap();
        fs::remove_file(model.join("#a.ttl#")).unwrap();
        fs::remove_file(model.join(".#a.ttl")).unwrap();
    });
}

#[test]
fn many_saves_are_few_bursts() {
    let folder = project();
    let mut watching = Watching::of(folder.path(), &sources(&["model"]));
    for number in 0..300 {
        watching.put("model/a.ttl", &format!("save {number}"));
    }
    let mut bursts = 0;
    watching.put("model/b.ttl", "the end");
    while !watching.next().files.contains_key(Path::new("model/b.ttl")) {
        bursts += 1;
    }
    assert!(bursts < 10, "300 saves made {bursts} bursts");
}

#[test]
fn a_file_that_is_no_source_is_nothing() {
    let folder = project();
    let mut watching = Watching::of(folder.path(), &sources(&["model"]));
    for name in ["model/notes.txt", "model/a.tmp", "model/.hidden.ttl", "README.md", "a.ttl"] {
        watching.put(name, "text");
    }
    fs::read(folder.path().join("model/a.ttl")).unwrap();
    // A file that was there only for a moment has not changed anything.
    watching.put("model/moment.ttl", "text");
    fs::remove_file(folder.path().join("model/moment.ttl")).unwrap();
    watching.expect_nothing();
}

#[test]
fn each_kind_is_told_apart() {
    let folder = project();
    let mut watching = Watching::of(folder.path(), &sources(&["model/*.ttl"]));
    for (file, kind) in [
        ("model/a.ttl", FileKind::Source),
        ("templates/t.txt.j2", FileKind::Template),
        ("templates/.new.j2", FileKind::Template),
        ("evergen.toml", FileKind::Configuration),
        ("catalog-v001.xml", FileKind::Configuration),
    ] {
        watching.put(file, "second");
        let files = watching.next().files;
        assert_eq!(files.into_iter().collect::<Vec<_>>(), [(file.into(), kind)]);
    }
}

#[test]
fn rights_that_come_back_are_a_change() {
    let folder = project();
    let mut watching = Watching::of(folder.path(), &sources(&["model"]));
    let file = folder.path().join("model/a.ttl");
    let mut rights = fs::metadata(&file).unwrap().permissions();
    rights.set_readonly(true);
    fs::set_permissions(&file, rights.clone()).unwrap();
    watching.expect(&["model/a.ttl"]);
    // The same once more is none.
    fs::set_permissions(&file, rights).unwrap();
    watching.expect_nothing();
}

#[test]
fn a_slow_writer_is_waited_for() {
    let folder = project();
    let mut watching = Watching::of(folder.path(), &sources(&["model"]));
    for name in ["a.ttl", "new.ttl"] {
        let mut file = File::create(folder.path().join("model").join(name)).unwrap();
        assert_eq!(watching.next_within(QUIET * 2), None, "{name} is truncated, or empty");
        file.write_all(b"half").unwrap();
        assert_eq!(watching.next_within(QUIET * 2), None, "{name} is half written");
        file.write_all(b" of it").unwrap();
        drop(file);
        watching.expect(&[format!("model/{name}").as_str()]);
    }
    watching.expect_nothing();
}

#[test]
fn nobody_is_waited_for_for_ever() {
    let folder = project();
    let longest = Duration::from_millis(500);
    let timing = WatchTiming { longest, ..TIMING };
    let settings = sources(&["model"]);
    let mut watching = Watching::with(folder.path(), &settings, timing, Bounds::default());
    let mut file = File::create(folder.path().join("model/a.ttl")).unwrap();
    file.write_all(b"half").unwrap();
    let burst = watching.next();
    assert!(burst.first_seen.elapsed() >= longest);
    assert_eq!(burst.files.len(), 1);
    file.write_all(b" of it").unwrap();
    drop(file);
    watching.expect(&["model/a.ttl"]);
    watching.expect_nothing();
}
