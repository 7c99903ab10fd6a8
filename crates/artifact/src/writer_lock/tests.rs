use super::*;

fn check_time(seconds: u64, expected: &str) {
    assert_eq!(Utc(seconds).to_string(), expected);
}

#[test]
fn times_are_printed_as_dates() {
    check_time(0, "1970-01-01 00:00:00 UTC");
    check_time(951_782_399, "2000-02-28 23:59:59 UTC");
    check_time(951_782_400, "2000-02-29 00:00:00 UTC");
    check_time(1_735_689_599, "2024-12-31 23:59:59 UTC");
    check_time(4_107_542_400, "2100-03-01 00:00:00 UTC");
}

#[test]
fn a_second_writer_is_told_who_holds_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("a/b");
    let lock = WriterLock::acquire(&state, None).unwrap();
    let Err(AcquireError::Held { holder: Some(holder), .. }) = WriterLock::acquire(&state, None)
    else {
        panic!("the lock is held");
    };
    assert_eq!(holder.pid, std::process::id());
    assert!(holder.since > 1_700_000_000 && !holder.host.is_empty() && !holder.command.is_empty());
    drop(lock);
    let _lock = WriterLock::acquire(&state, None).unwrap();
}

#[test]
fn a_writer_that_waits_gets_the_lock_when_it_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let lock = WriterLock::acquire(folder.path(), None).unwrap();
    std::thread::scope(|scope| {
        let waiting =
            scope.spawn(|| WriterLock::acquire(folder.path(), Some(Duration::from_mins(1))));
        drop(lock);
        assert!(waiting.join().unwrap().is_ok());
    });
}

#[test]
fn a_writer_that_waits_in_vain_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let _lock = WriterLock::acquire(folder.path(), None).unwrap();
    let waited = WriterLock::acquire(folder.path(), Some(Duration::from_millis(1)));
    assert!(matches!(waited, Err(AcquireError::Held { .. })));
}

#[test]
fn a_text_that_is_none_names_nobody() {
    assert_eq!(Holder::parse("12\nx"), None);
    assert_eq!(described(None), "another process");
}
