//! Any bytes in any language: judges must not panic, overflow the stack or point outside of the text,
//! and where there are references, they are read from what was judged well-formed.
#![no_main]

use evergen_syntax::{Language, Limits, Unjudged, check_within, references};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, text)) = data.split_first() else { return };
    let language = Language::ALL[usize::from(*first) % Language::ALL.len()];
    match check_within(language, text, &Limits::default()) {
        Ok(verdict) => {
            for error in &verdict.errors {
                assert!(error.range.start <= error.range.end && error.range.end <= text.len());
                assert!(error.line >= 1 && error.column >= 1);
            }
            let is_kotlin = language == Language::Kotlin && std::str::from_utf8(text).is_ok();
            let is_told = verdict.is_well_formed() || is_kotlin;
            assert_eq!(references(language, text).is_ok(), is_told);
        }
        Err(Unjudged::Panicked { parser, message }) => panic!("{parser}: {message}"),
        Err(_) => {}
    }
});
