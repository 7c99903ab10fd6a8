use std::time::Duration;

use proptest::prelude::*;

use super::{AdaptiveLimiter, Completion, LimitReason};

const STEP: Duration = Duration::from_millis(10);

/// Completes tasks at the pace that `throughput` gives for a limit, for so long.
fn run(
    limiter: &mut AdaptiveLimiter,
    from: Duration,
    seconds: u64,
    throughput: impl Fn(usize) -> f64,
) -> (Duration, Vec<LimitReason>) {
    let (mut now, mut owed, mut reasons) = (from, 0.0, Vec::new());
    while now < from + Duration::from_secs(seconds) {
        now += STEP;
        limiter.load(limiter.limit(), true, now);
        owed += throughput(limiter.limit()) * STEP.as_secs_f64();
        while owed >= 1.0 {
            owed -= 1.0;
            reasons.extend(limiter.complete(Completion::Success, now).map(|it| it.reason));
        }
    }
    (now, reasons)
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn cores(count: usize) -> impl Fn(usize) -> f64 {
    move |limit| limit.min(count) as f64 * 200.0
}

#[test]
fn it_finds_the_knee_from_below_and_from_above() {
    for (initial, knee) in [(1, 8), (64, 8), (64, 2), (2, 40)] {
        let mut limiter = AdaptiveLimiter::new(initial, 64);
        let (now, _) = run(&mut limiter, Duration::ZERO, 60, cores(knee));
        let mean = average(&mut limiter, now, knee);
        assert!(mean >= 0.97, "from {initial} to {knee}: {mean}");
    }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn average(limiter: &mut AdaptiveLimiter, from: Duration, knee: usize) -> f64 {
    let done = std::cell::Cell::new((0.0, 0.0));
    run(limiter, from, 60, |limit| {
        let (sum, count) = done.get();
        done.set((sum + limit.min(knee) as f64 / knee as f64, count + 1.0));
        cores(knee)(limit)
    });
    let (sum, count) = done.get();
    sum / count
}

#[test]
fn it_stands_still_while_the_load_does_not_fill_the_limit() {
    let mut limiter = AdaptiveLimiter::new(8, 64);
    for count in 0..10_000_u32 {
        let now = STEP * count;
        limiter.load(3, false, now);
        assert_eq!(limiter.complete(Completion::Success, now), None);
    }
    assert_eq!(limiter.limit(), 8);
}

#[test]
fn frequent_timeouts_cut_it_and_a_rare_one_does_not() {
    let mut limiter = AdaptiveLimiter::new(10, 64);
    let mut changes = Vec::new();
    for count in 1..=40_u32 {
        limiter.load(10, false, STEP * count);
        let rare = if count == 7 { Completion::Timeout } else { Completion::Success };
        changes.extend(limiter.complete(rare, STEP * count));
    }
    assert!(changes.is_empty(), "{changes:?}");
    for count in 41..=80_u32 {
        let often = if count % 4 == 0 { Completion::Timeout } else { Completion::Success };
        changes.extend(limiter.complete(often, STEP * count));
    }
    assert_eq!((changes[0].from, changes[0].to), (10, 7));
    assert_eq!(changes[0].reason, LimitReason::Timeouts);
}

#[test]
fn a_low_success_rate_cuts_it_now_and_then() {
    let mut limiter = AdaptiveLimiter::new(20, 64);
    let mut reasons = Vec::new();
    for count in 1..=300_u32 {
        limiter.load(20, false, STEP * count);
        let completion = if count % 2 == 0 { Completion::Failure } else { Completion::Success };
        reasons.extend(limiter.complete(completion, STEP * count).map(|it| it.reason));
    }
    assert_eq!(reasons, [LimitReason::SuccessLow], "once in five seconds");
    assert_eq!(limiter.limit(), 17);
    for count in 301..=900_u32 {
        let change = limiter.complete(Completion::Neutral, STEP * count);
        assert_eq!(change, None, "refused input says nothing of the load");
    }
}

#[test]
fn a_missed_target_makes_it_try_more() {
    let mut limiter = AdaptiveLimiter::new(4, 8);
    limiter.up.left = 100;
    limiter.cycle_over_target();
    let (_, reasons) = run(&mut limiter, Duration::ZERO, 5, cores(2));
    assert_eq!(reasons[0], LimitReason::CycleOverTarget);
    assert!(reasons.contains(&LimitReason::Contention), "{reasons:?}");
}

proptest! {
    #[test]
    fn it_stays_between_one_and_the_most_and_changes_four_times_a_second_at_most(
        most in 1_usize..100,
        initial in 0_usize..200,
        ends in proptest::collection::vec((0_u64..50, 0_u8..4, any::<bool>()), 1..2_000),
    ) {
        let mut limiter = AdaptiveLimiter::new(initial, most);
        let (mut now, mut last) = (Duration::ZERO, None);
        for (pause, kind, filled) in ends {
            now += Duration::from_millis(pause);
            limiter.load(if filled { limiter.limit() } else { 0 }, filled, now);
            let completion = match kind {
                0 => Completion::Timeout,
                1 => Completion::Failure,
                2 => Completion::Neutral,
                _ => Completion::Success,
            };
            let before = limiter.limit();
            if let Some(change) = limiter.complete(completion, now) {
                prop_assert_eq!((change.from, change.to), (before, limiter.limit()));
                prop_assert!(last.is_none_or(|last| now.saturating_sub(last) >= Duration::from_millis(250)));
                last = Some(now);
            }
            prop_assert!((1..=most).contains(&limiter.limit()));
        }
    }
}
