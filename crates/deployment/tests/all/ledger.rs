//! What is kept, and what is told when it was changed.

use std::fs;

use evergen_deployment::{
    AppendError, DeploymentLedger, DirectoryLedger, Entry, ReadLedgerError, Record,
};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::world::{World, block_on};

#[test]
fn it_keeps_the_laws() {
    let world = World::new();
    evergen_deployment::conformance::check_ledger(&DirectoryLedger::new(world.target(), "staging"));
}

#[test]
fn details_go_into_the_history_and_nothing_is_lost() {
    let world = World::new();
    let config = evergen_deployment::DeploymentConfig::new(vec![world.environment()]).unwrap();
    let automation = evergen_deployment::DeploymentAutomation::with_parts(&config, |settings| {
        let folder = &settings.target_dir;
        let ledger = DirectoryLedger::new(folder, "staging").with_journal_bytes(4096);
        let store = evergen_deployment::DirectoryReleases::new(folder, "staging");
        evergen_deployment::EnvironmentParts::new(
            std::sync::Arc::new(store),
            std::sync::Arc::new(ledger),
            evergen_deployment::Target::Directory,
        )
    })
    .unwrap();
    for number in 1..=12 {
        let name = format!("1.{number}");
        let source = world.source(&name, 5);
        block_on(crate::world::deploy(&automation, &source, &name)).unwrap();
    }
    let journal = fs::metadata(world.target().join(".evergen/journal")).unwrap().len();
    assert!(journal < 8192, "the journal has {journal} bytes");
    let history = block_on(automation.history("staging")).unwrap();
    let numbers: Vec<_> = history.iter().map(|it| it.number).collect();
    assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
    block_on(automation.rollback("staging", None)).unwrap();
    assert_eq!(world.live().as_deref(), Some("1.11"));
    // Lines that came into the history without a journal that follows them are cut.
    let path = world.target().join(".evergen/history");
    let mut longer = fs::read(&path).unwrap();
    let length = longer.len();
    longer.extend_from_slice(b"half a li");
    fs::write(&path, longer).unwrap();
    block_on(automation.recover("staging")).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), length as u64);
}

/// A world with some deployments, and its journal.
fn recorded() -> (World, Vec<u8>) {
    let world = World::new();
    for number in 1..=3 {
        world.deploy(&format!("1.{number}")).unwrap();
    }
    let journal = fs::read(world.target().join(".evergen/journal")).unwrap();
    (world, journal)
}

#[test]
fn a_cut_tail_is_left_out_with_a_warning_and_then_cut() {
    let (world, journal) = recorded();
    let path = world.target().join(".evergen/journal");
    let ledger = DirectoryLedger::new(world.target(), "staging");
    let all = ledger.read().unwrap().entries.len();
    for cut in [1, 10, 100] {
        fs::write(&path, &journal[..journal.len() - cut]).unwrap();
        let view = ledger.read().unwrap();
        assert_eq!((view.entries.len(), view.warnings.len()), (all - 1, 1), "{cut}");
        assert!(view.warnings[0].contains("was cut short at byte"), "{:?}", view.warnings);
    }
    // The system had made room, and the machine stopped.
    let zeros = [journal.as_slice(), &[0; 512]].concat();
    fs::write(&path, zeros).unwrap();
    assert_eq!(ledger.read().unwrap().entries.len(), all);
    drop(ledger.lock().unwrap());
    assert_eq!(fs::read(&path).unwrap(), journal, "cut by whoever writes next");
}

#[test]
fn an_edited_record_is_told_with_its_place_and_nothing_is_done() {
    let (world, journal) = recorded();
    let path = world.target().join(".evergen/journal");
    let text = String::from_utf8(journal).unwrap();
    let edited = text.replacen("\"version\":\"1.2\"", "\"version\":\"6.6\"", 1);
    assert_ne!(edited, text);
    let place = text.lines().scan(0, |offset, line| {
        let start = *offset;
        *offset += line.len() + 1;
        Some((start, line))
    });
    let expected =
        place.into_iter().find(|(_, line)| line.contains("\"version\":\"1.2\"")).unwrap().0;
    fs::write(&path, edited).unwrap();
    let ledger = DirectoryLedger::new(world.target(), "staging");
    let error = ledger.read().unwrap_err();
    let ReadLedgerError::Damaged { offset, .. } = &error else { panic!("{error}") };
    assert_eq!(*offset, expected as u64);
    let refused = world.deploy("2.0").unwrap_err().to_string();
    assert!(refused.contains("was changed at byte"), "{refused}");
    assert_eq!(world.live().as_deref(), Some("1.3"));
}

#[test]
fn a_stale_writer_is_refused_although_it_still_believes_in_its_lock() {
    let world = World::new();
    let old = DirectoryLedger::new(world.target(), "staging");
    let lease = old.lock().unwrap();
    let entry =
        |epoch| Entry::new(epoch, Timestamp::UNIX_EPOCH, Record::Paused { by: "ann".into() });
    old.append(&lease, &[entry(lease.epoch())]).unwrap();
    // Somebody removes the file of the lock by hand, and another process takes a new one.
    fs::remove_file(world.target().join(".evergen/lock")).unwrap();
    let new = DirectoryLedger::new(world.target(), "staging");
    let later = new.lock().unwrap();
    assert!(later.epoch() > lease.epoch());
    new.append(&later, &[entry(later.epoch())]).unwrap();
    let refused = old.append(&lease, &[entry(lease.epoch())]);
    assert!(matches!(refused, Err(AppendError::Stale { .. })), "{refused:?}");
    assert_eq!(new.read().unwrap().entries.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_changed_byte_goes_unnoticed(place in any::<prop::sample::Index>(), flip in 1_u8..=255) {
        static RECORDED: std::sync::LazyLock<(World, Vec<u8>)> = std::sync::LazyLock::new(recorded);
        let (_, journal) = &*RECORDED;
        let world = World::new();
        let state = world.target().join(".evergen");
        fs::create_dir_all(&state).unwrap();
        let mut changed = journal.clone();
        let place = place.index(changed.len());
        changed[place] ^= flip;
        fs::write(state.join("journal"), &changed).unwrap();
        match DirectoryLedger::new(world.target(), "staging").read() {
            Err(ReadLedgerError::Damaged { offset, .. }) => prop_assert!(offset <= place as u64),
            Err(error) => prop_assert!(false, "{error}"),
            // Only the end of the last line can look like a write that was cut short.
            Ok(view) => prop_assert!(place == journal.len() - 1 && view.warnings.len() == 1),
        }
    }
}
