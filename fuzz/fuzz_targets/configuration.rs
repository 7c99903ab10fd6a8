//! Any text as `evergen.toml`: accepted or refused, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    evergen_regeneration::fuzzing::configuration(text);
});
