//! Any bytes as a model: quads or diagnostics, never a panic, and never without end.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    evergen_knowledge::fuzzing::parse(bytes);
});
