//! Entry points for fuzzing: whatever they are given, they must not panic.

use crate::checkpoints::{Frames, read_frames};

/// Reads a journal of checkpoints. What is whole is whole again when read alone, and
/// cutting the tail off leaves nothing to cut.
pub fn checkpoints(bytes: &[u8]) {
    if let Ok(Frames { records, end }) = read_frames(bytes) {
        let again = read_frames(&bytes[..end]);
        assert!(again.is_ok_and(|again| again == Frames { records, end }));
    }
}
