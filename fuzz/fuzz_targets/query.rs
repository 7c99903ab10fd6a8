//! Any text as a query over a small model: rows or a diagnostic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    evergen_knowledge::fuzzing::query(text);
});
