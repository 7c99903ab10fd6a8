//! Any bytes as a journal of checkpoints: read as it was written, or known to be damaged.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    evergen_resilience::fuzzing::checkpoints(bytes);
});
