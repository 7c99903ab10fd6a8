//! Any text as `evergen.lock`: what is read can be written and read again.
#![no_main]

use evergen_artifact::LockFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(lock) = LockFile::parse(text) {
        let again = LockFile::parse(&lock.to_text());
        assert!(again.is_ok_and(|again| again.to_text() == lock.to_text()));
    }
});
