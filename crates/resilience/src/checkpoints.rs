mod frame;
mod journal;
mod store;

#[cfg(test)]
mod tests;

pub use self::frame::TornTail;
pub(crate) use self::frame::{Frames, read_frames};
pub use self::journal::OpenError;
pub use self::store::{Checkpoints, FinishError, RecordError, ResultError, StepError};
