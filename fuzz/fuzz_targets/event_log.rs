//! Any bytes as a segment of the log, as a journal, or as the JSON of an event.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    evergen_events::fuzzing::segment(bytes);
    evergen_events::fuzzing::journals(bytes);
    evergen_events::fuzzing::event(bytes);
});
