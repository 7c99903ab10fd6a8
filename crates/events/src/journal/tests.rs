use std::fs;
use std::sync::Arc;

use super::{Journal, read};
use crate::disk::{Durability, System};
use crate::record::Kind;
use crate::{Damage, OpenError};

fn disk() -> Arc<System> {
    Arc::new(System { durability: Durability::Power })
}

#[test]
fn what_is_appended_is_read_until_it_is_rewritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    assert!(read(&path, Kind::Cursors).unwrap().payloads.is_empty());
    let mut journal = Journal::create(disk(), path.clone(), Kind::Cursors, &["first"]).unwrap();
    journal.append(&["second", "third"]).unwrap();
    let contents = read(&path, Kind::Cursors).unwrap();
    assert_eq!(contents.payloads, [&b"first"[..], b"second", b"third"]);
    assert!(contents.torn.is_none());
    journal.shorten(|| -> Vec<&str> { panic!("it is short") }).unwrap();
    journal.append(&[vec![1_u8; 300 << 10]]).unwrap();
    journal.shorten(|| vec!["last"]).unwrap();
    journal.shorten(|| -> Vec<&str> { panic!("it is short again") }).unwrap();
    journal.append(&["more"]).unwrap();
    assert_eq!(read(&path, Kind::Cursors).unwrap().payloads, [&b"last"[..], b"more"]);
}

#[test]
fn other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    Journal::create(disk(), path.clone(), Kind::Cursors, &["x"]).unwrap();
    let told = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let error = read(&path, Kind::DeadLetters).unwrap_err();
        assert!(matches!(error, OpenError::Damaged(_)));
        error.to_string()
    };
    assert!(told(&fs::read(&path).unwrap()).contains("another kind"));
    assert!(told(b"").contains("the head of the file is damaged"));
}

#[test]
fn damage_says_where_reading_can_go_on() {
    let mut damage = Damage::new("a".into(), 5, 7, "there are zeros");
    assert_eq!(
        damage.to_string(),
        "`a` is damaged at byte 5, where offset 7 should be: there are zeros"
    );
    damage.next = Some(9);
    assert!(damage.to_string().ends_with("zeros; offset 9 can be read again"));
}
