//! Any text as the front matter of a template: accepted or refused, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    evergen_regeneration::fuzzing::front_matter(text);
});
