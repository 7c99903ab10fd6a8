//! Any text as an output path: what is accepted stays inside the folder.
#![no_main]

use std::path::{Component, Path};

use evergen_artifact::ArtifactPath;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(path) = ArtifactPath::parse(text) {
        let written = path.as_str();
        let inside = |part| matches!(part, Component::Normal(_));
        assert!(!written.is_empty() && Path::new(written).components().all(inside));
        assert!(ArtifactPath::parse(written).is_ok_and(|again| again == path));
    }
});
