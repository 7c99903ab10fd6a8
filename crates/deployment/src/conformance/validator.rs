//! The laws of [`ReleaseValidator`], as tests for any implementation.

use std::time::{Duration, Instant};

use super::tree;
use crate::{Candidate, Judgement, ReleaseValidator};

/// Tests a validator with a release that it passes and one that it refuses.
///
/// # Panics
/// A law does not hold.
pub async fn check_validator(validator: &dyn ReleaseValidator, good: &Candidate, bad: &Candidate) {
    assert!(!validator.name().is_empty(), "it has a name");
    for (candidate, passes) in [(good, true), (bad, false)] {
        let before = tree(&candidate.context.release.root);
        let first = judge(validator, candidate).await;
        assert_eq!(first.passes(), passes, "{first}");
        assert_eq!(judge(validator, candidate).await, first, "a judgement that is repeated");
        assert_eq!(tree(&candidate.context.release.root), before, "the files were changed");
    }
    it_ends_by_the_deadline(validator, good).await;
}

async fn judge(validator: &dyn ReleaseValidator, candidate: &Candidate) -> Judgement {
    let judged = validator.validate(candidate).await;
    judged.unwrap_or_else(|error| panic!("it was not judged: {error}"))
}

async fn it_ends_by_the_deadline(validator: &dyn ReleaseValidator, candidate: &Candidate) {
    let mut hurried = candidate.clone();
    hurried.context.deadline = Duration::from_millis(1);
    let began = Instant::now();
    // Whether a millisecond was enough is its own affair.
    let _ = validator.validate(&hurried).await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "it took {took:?} with a deadline of 1 ms");
}
