use proptest::prelude::*;

use super::*;

const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn check(body: &str, line: usize, fault: &LockFileFault) {
    let text = body.replace('D', DIGEST);
    let error = LockFile::parse(&text).unwrap_err();
    assert_eq!((error.line, &error.fault), (line, fault), "{error}");
}

fn lock(entries: &[(&str, &str)]) -> LockFile {
    let entry = |&(path, bytes): &(&str, &str)| LockEntry {
        path: ArtifactPath::parse(path).unwrap(),
        digest: Digest::of(bytes.as_bytes()),
        generator: "class.rs.j2".into(),
    };
    entries.iter().map(entry).collect()
}

#[test]
fn the_text_is_sorted_and_has_a_header() {
    let text = lock(&[("b", "2"), ("a", "1")]).to_text();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines[0], "version 1");
    assert!(
        lines[1].ends_with(" a\tclass.rs.j2") && lines[2].ends_with(" b\tclass.rs.j2"),
        "{text}"
    );
}

#[test]
fn each_fault_names_its_line() {
    check("version 1\n<<<<<<< HEAD\nD a\tg\n", 2, &LockFileFault::MergeConflict);
    check("version 1\nD a\tg\n=======\n", 3, &LockFileFault::MergeConflict);
    check("# x\nversion 2\n", 2, &LockFileFault::Version);
    check("", 1, &LockFileFault::Version);
    check("version 1\n0123 a\tg\n", 2, &LockFileFault::Digest);
    check("version 1\n\nD a\n", 3, &LockFileFault::Generator);
    check("version 1\nD a\tx\\n\n", 2, &LockFileFault::Generator);
    let refused = ArtifactPath::parse("../a").unwrap_err();
    check("version 1\nD ../a\tg\n", 2, &LockFileFault::Path(refused));
    let twice = ArtifactPath::parse("a").unwrap();
    check("version 1\nD a\tg\n# x\nD b\tg\nD a\th\n", 5, &LockFileFault::Duplicate(twice));
}

#[test]
fn line_ends_of_windows_are_read_too() {
    let lock = lock(&[("a", "1"), ("b/c", "2")]);
    assert_eq!(LockFile::parse(&lock.to_text().replace('\n', "\r\n")), Ok(lock));
}

#[test]
fn changes_are_added_changed_and_removed() {
    let older = lock(&[("a", "1"), ("b", "1"), ("c", "1"), ("z", "1")]);
    let newer = lock(&[("b", "1"), ("c", "2"), ("d", "1")]);
    let changes = newer.changes_since(&older);
    let names = |paths: &[ArtifactPath]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&changes.added), ["d"]);
    assert_eq!(names(&changes.changed), ["c"]);
    assert_eq!(names(&changes.removed), ["a", "z"]);
    assert_eq!(newer.changes_since(&newer), ChangeSet::default());
}

#[test]
fn of_two_entries_with_one_path_the_last_stays() {
    let lock = lock(&[("a", "1"), ("b", "1"), ("a", "2")]);
    assert_eq!(lock.entries().len(), 2);
    let path = ArtifactPath::parse("a").unwrap();
    assert_eq!(lock.get(&path).unwrap().digest, Digest::of(b"2"));
}

proptest! {
    #[test]
    fn any_lock_survives_its_text(
        entries in prop::collection::vec(("[a-zä]{1,4}(/[A-Z ]{0,3}[a-z])?", any::<[u8; 32]>(), "(?s).{0,8}"), 0..20),
    ) {
        let lock: LockFile = entries
            .into_iter()
            .filter_map(|(path, digest, generator)| {
                let path = ArtifactPath::parse(&path).ok()?;
                Some(LockEntry { path, digest: Digest::from_bytes(digest), generator: generator.into() })
            })
            .collect();
        prop_assert_eq!(LockFile::parse(&lock.to_text()).unwrap(), lock);
    }

    #[test]
    fn any_text_is_a_lock_or_an_error(text in "(?s)(version 1\n)?.{0,80}") {
        if let Ok(lock) = LockFile::parse(&text) {
            prop_assert_eq!(LockFile::parse(&lock.to_text()).unwrap(), lock);
        }
    }
}
