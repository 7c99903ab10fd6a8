use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use tempfile::TempDir;

use super::frame::{Damage, Record, to_frame};
use super::*;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deploy.checkpoints");
    (folder, path)
}

/// A journal with three steps, and where each record begins and the last one ends.
fn three_steps() -> (TempDir, PathBuf, Vec<usize>) {
    let (folder, path) = folder();
    let journal = Checkpoints::open(&path, "deploy 7").unwrap();
    let size = || usize::try_from(fs::metadata(&path).unwrap().len()).unwrap();
    let mut ends = vec![0, size()];
    for (step, result) in [("build", 1), ("push", 2), ("switch", 3)] {
        journal.record(step, &result).unwrap();
        ends.push(size());
    }
    (folder, path, ends)
}

#[tokio::test]
async fn a_finished_step_is_not_repeated() {
    let (_folder, path) = folder();
    let runs = AtomicU32::new(0);
    let build = async || {
        runs.fetch_add(1, Ordering::SeqCst);
        Ok::<_, String>(vec!["a".to_owned()])
    };
    for _ in 0..3 {
        let journal = Checkpoints::open(&path, "deploy 7").unwrap();
        assert_eq!(journal.step("build", build).await.unwrap(), ["a"]);
        assert_eq!(journal.finished_steps(), ["build"]);
    }
    assert_eq!(runs.into_inner(), 1);
    let journal = Checkpoints::open(&path, "deploy 7").unwrap();
    journal.finish().unwrap();
    journal.finish().unwrap();
    assert!(!path.exists());
    let error = journal.record("late", &1).unwrap_err().to_string();
    assert_eq!(error, "step \"late\" ended after the operation was finished");
}

/// Whoever believes that it is finished would find every step done the next time.
#[test]
fn a_journal_that_could_not_be_removed_can_be_finished_later() {
    let (folder, path) = folder();
    let journal = Checkpoints::open(&path, "deploy 7").unwrap();
    journal.record("build", &1).unwrap();
    let aside = folder.path().join("aside");
    fs::rename(&path, &aside).unwrap();
    fs::create_dir(&path).unwrap();
    for _ in 0..2 {
        let failed = journal.finish().unwrap_err();
        assert_eq!(failed.path, path);
    }
    fs::remove_dir(&path).unwrap();
    fs::rename(&aside, &path).unwrap();
    journal.record("push", &2).unwrap();
    journal.finish().unwrap();
    assert!(!path.exists());
    journal.finish().unwrap();
}

#[tokio::test]
async fn a_failed_step_runs_again() {
    let (_folder, path) = folder();
    let journal = Checkpoints::open(&path, "deploy 7").unwrap();
    let failed = journal.step::<u32, _, _, _>("push", async || Err("no network")).await;
    assert!(matches!(failed, Err(StepError::Failed("no network"))));
    assert_eq!(journal.step("push", async || Ok::<_, &str>(5)).await.unwrap(), 5);
    let again = journal.step_blocking::<i32, &str>("push", || Err("not run"));
    assert_eq!(again.unwrap(), 5);
}

#[test]
fn a_step_is_recorded_once_and_read_as_it_was_written() {
    let (_folder, path, _) = three_steps();
    let journal = Checkpoints::open(&path, "deploy 7").unwrap();
    let error = journal.record("build", &9).unwrap_err().to_string();
    assert_eq!(error, "step \"build\" is already recorded");
    assert_eq!(journal.result::<u32>("push").unwrap(), Some(2));
    assert_eq!(journal.result::<u32>("other").unwrap(), None);
    let error = journal.result::<String>("push").unwrap_err().to_string();
    assert_eq!(error, "the result of step \"push\" has another form");
}

#[test]
fn one_process_at_a_time_and_one_operation() {
    let (_folder, path, _) = three_steps();
    let journal = Checkpoints::open(&path, "deploy 7").unwrap();
    assert!(matches!(Checkpoints::open(&path, "deploy 7"), Err(OpenError::Busy { .. })));
    drop(journal);
    let error = Checkpoints::open(&path, "deploy 8").unwrap_err();
    assert!(matches!(error, OpenError::OtherOperation { found, .. } if found == "deploy 7"));
    assert_eq!(Checkpoints::open(&path, "deploy 7").unwrap().finished_steps().len(), 3);
}

#[test]
fn a_torn_tail_is_cut_wherever_it_is_torn() {
    let (_folder, path, ends) = three_steps();
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let journal = Checkpoints::open(&path, "deploy 7").unwrap();
        let records = ends[1..].iter().filter(|&&end| end <= length).count();
        assert_eq!(journal.finished_steps().len(), records.saturating_sub(1), "of {length} bytes");
        let tail = length - ends[records];
        assert_eq!(journal.torn_tail().map_or(0, |torn| torn.bytes), tail as u64);
        if !journal.finished_steps().contains(&"switch".to_owned()) {
            journal.record("switch", &4).unwrap();
        }
        drop(journal);
        let again = Checkpoints::open(&path, "deploy 7").unwrap();
        assert_eq!((again.result("switch").unwrap(), again.torn_tail()), (Some(4), None));
    }
}

/// A file that was made longer, but whose last bytes never came.
#[test]
fn zeros_at_the_end_are_a_torn_tail() {
    let (_folder, path, ends) = three_steps();
    let mut bytes = fs::read(&path).unwrap();
    bytes[ends[3]..].fill(0);
    fs::write(&path, &bytes).unwrap();
    let journal = Checkpoints::open(&path, "deploy 7").unwrap();
    assert_eq!(journal.finished_steps(), ["build", "push"]);
    assert_eq!(journal.torn_tail().unwrap().offset, ends[3] as u64);
}

#[test]
fn damage_in_the_middle_is_refused_with_its_offset() {
    let (_folder, path, ends) = three_steps();
    let whole = fs::read(&path).unwrap();
    for place in 0..ends[3] {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        let begin = ends.iter().rev().find(|&&end| end <= place).copied().unwrap();
        let error = Checkpoints::open(&path, "deploy 7").unwrap_err();
        assert!(matches!(error, OpenError::Damaged { offset, .. } if offset == begin), "{error}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "nothing was changed");
    }
}

#[test]
fn a_record_that_is_missing_is_damage() {
    let (_folder, path, ends) = three_steps();
    let mut bytes = fs::read(&path).unwrap();
    bytes.drain(ends[1]..ends[2]);
    fs::write(&path, &bytes).unwrap();
    let error = Checkpoints::open(&path, "deploy 7").unwrap_err();
    assert!(matches!(error, OpenError::Damaged { offset, .. } if offset == ends[1]), "{error}");
}

#[test]
fn a_file_of_somebody_else_is_left_alone() {
    let (_folder, path) = folder();
    fs::write(&path, "[package]\nname = \"precious\"\n").unwrap();
    let error = Checkpoints::open(&path, "deploy 7").unwrap_err();
    assert!(matches!(error, OpenError::Damaged { offset: 0, .. }));
    assert_eq!(fs::metadata(&path).unwrap().len(), 28);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_is_written_is_read(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..8)) {
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for (number, body) in (0..).zip(&bodies) {
            expected.push(Record { offset: bytes.len(), body: body.as_slice() });
            bytes.extend(to_frame(number, body));
        }
        let end = bytes.len();
        prop_assert_eq!(read_frames(&bytes), Ok(Frames { records: expected, end }));
    }

    /// Numbers too: a result that came back a little different would make another release.
    #[test]
    fn results_are_given_back_as_they_were(text: String, number in prop::num::f64::NORMAL) {
        let (_folder, path) = folder();
        let journal = Checkpoints::open(&path, "deploy 7").unwrap();
        journal.record(&text, &(text.clone(), number)).unwrap();
        drop(journal);
        let journal = Checkpoints::open(&path, "deploy 7").unwrap();
        prop_assert_eq!(journal.result(&text).unwrap(), Some((text, number)));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        crate::fuzzing::checkpoints(&bytes);
    }

    /// One changed bit is never taken for data: all before it is read, and nothing of its record.
    #[test]
    fn no_changed_bit_goes_unnoticed(which in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let bodies: Vec<Vec<u8>> = (0..4_u8).map(|number| vec![number; 30]).collect();
        let mut bytes: Vec<u8> =
            (0..).zip(&bodies).flat_map(|(number, body)| to_frame(number, body)).collect();
        let place = which.index(bytes.len());
        bytes[place] ^= 1_u8 << bit;
        let record = place / 50;
        match read_frames(&bytes) {
            Err(Damage { offset }) => prop_assert_eq!(offset, record * 50),
            Ok(Frames { records, end }) => {
                prop_assert_eq!((record, records.len(), end), (3, 3, 150), "only the last can look torn");
            }
        }
        crate::fuzzing::checkpoints(&bytes);
    }
}
