use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backon::Retryable as _;
use proptest::prelude::*;
use tokio::time::Instant;

use super::*;
use crate::{Advice, Clock, Retryable};

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it failed")]
struct Fault(Advice);

impl Retryable for Fault {
    fn advice(&self) -> Advice {
        self.0
    }
}

const PASSING: Fault = Fault(Advice::Retry);

#[track_caller]
fn check_delays(policy: RetryPolicy, expected: &[u64]) {
    let delays: Vec<u64> =
        policy.delays(1).map(|delay| u64::try_from(delay.as_millis()).unwrap()).collect();
    assert_eq!(delays, expected);
}

#[test]
fn each_backoff_has_its_shape() {
    let plain = |policy: RetryPolicy| policy.with_jitter(Jitter::None).with_max_tries(5);
    check_delays(plain(RetryPolicy::exponential(millis(100))), &[100, 200, 400, 800]);
    check_delays(plain(RetryPolicy::linear(millis(100), millis(50))), &[100, 150, 200, 250]);
    check_delays(plain(RetryPolicy::fixed(millis(70))), &[70, 70, 70, 70]);
    let capped = plain(RetryPolicy::exponential(millis(100))).with_max_delay(millis(300));
    check_delays(capped, &[100, 200, 300, 300]);
    check_delays(plain(RetryPolicy::fixed(millis(70))).with_max_tries(1), &[]);
}

#[test]
fn absurd_settings_are_refused_with_field_value_and_range() {
    let told = |policy: RetryPolicy| policy.validate().unwrap_err().to_string();
    let policy = RetryPolicy::default;
    assert_eq!(told(policy().with_max_tries(0)), "`max-tries` is 0; allowed is 1 to 1000000");
    assert_eq!(told(policy().with_total(Duration::ZERO)), "`total` is 0ns; allowed is 1ms to 24h");
    assert_eq!(
        told(policy().with_max_delay(millis(5))),
        "`max-delay` is 5ms; allowed is at least `initial`"
    );
    for factor in [f64::NAN, f64::INFINITY, -1.0, 0.5, 11.0] {
        let backoff = Backoff::Exponential { factor };
        assert_eq!(RetryPolicy { backoff, ..policy() }.validate().unwrap_err().field, "factor");
    }
    let fixed = RetryPolicy::fixed(millis(5)).with_jitter(Jitter::Decorrelated);
    assert_eq!(fixed.validate().unwrap_err().field, "jitter");
    let budget = BudgetSettings { per_call: -0.1, ..BudgetSettings::default() };
    assert_eq!(
        budget.validate().unwrap_err().to_string(),
        "`per-call` is -0.1; allowed is 0 to 10"
    );
    let adaptive = AdaptiveSettings { max_stretch: 0.0, ..AdaptiveSettings::default() };
    assert_eq!(adaptive.validate().unwrap_err().field, "max-stretch");
}

#[test]
fn settings_are_written_as_people_write_them() {
    let text =
        r#"{"backoff": {"kind": "linear", "increment": "250ms"}, "initial": "1s", "total": "2m"}"#;
    let policy: RetryPolicy = serde_json::from_str(text).unwrap();
    let expected = RetryPolicy::linear(millis(1000), millis(250)).with_total(millis(120_000));
    assert_eq!(policy, expected);
    let again: RetryPolicy =
        serde_json::from_str(&serde_json::to_string(&policy).unwrap()).unwrap();
    assert_eq!(again, policy);
    assert!(serde_json::from_str::<RetryPolicy>(r#"{"tries": 3}"#).is_err());
    assert!(serde_json::from_str::<RetryPolicy>(r#"{"initial": "-1s"}"#).is_err());
}

fn policies() -> impl Strategy<Value = RetryPolicy> {
    let backoff = prop_oneof![
        Just(Backoff::Fixed),
        (1_u64..10_000).prop_map(|ms| Backoff::Linear { increment: millis(ms) }),
        (1.0..10.0_f64).prop_map(|factor| Backoff::Exponential { factor }),
    ];
    let jitter = prop_oneof![Just(Jitter::None), Just(Jitter::Full), Just(Jitter::Decorrelated)];
    let numbers = (1_u64..10_000, 0_u64..100_000, 1_u32..200);
    (backoff, jitter, numbers)
        .prop_map(|(backoff, jitter, (initial, more, max_tries))| RetryPolicy {
            backoff,
            initial: millis(initial),
            max_delay: millis(initial + more),
            jitter,
            max_tries,
            total: Duration::from_hours(1),
        })
        .prop_filter("settings are valid", |policy| policy.validate().is_ok())
}

proptest! {
    #[test]
    fn delays_stay_within_their_bounds(policy in policies(), seed: u64) {
        let delays: Vec<Duration> = policy.delays(seed).collect();
        let plain: Vec<Duration> = policy.with_jitter(Jitter::None).delays(0).collect();
        prop_assert_eq!(delays.len(), policy.max_tries as usize - 1);
        prop_assert!(plain.is_sorted(), "the plain pauses do not become shorter");
        for (delay, plain) in delays.iter().zip(plain) {
            match policy.jitter {
                Jitter::None => prop_assert_eq!(*delay, plain),
                Jitter::Full => prop_assert!(*delay <= plain),
                Jitter::Decorrelated => prop_assert!(*delay >= policy.initial),
            }
            prop_assert!(*delay <= policy.max_delay);
        }
        prop_assert_eq!(delays, policy.delays(seed).collect::<Vec<_>>(), "the same seed");
    }

    /// Whatever the errors advise, the waits never go beyond the total, and a Retry-After is never undercut.
    #[test]
    fn a_schedule_keeps_its_promises(
        policy in policies(),
        seed: u64,
        advice in prop::collection::vec(prop::option::of(0_u64..100_000), 1..50),
        stretch in 0.0..20.0_f64,
    ) {
        let mut schedule = RetrySchedule::new(&policy, seed);
        let mut elapsed = Duration::ZERO;
        let mut tries = 1;
        for after in advice {
            let advice = after.map_or(Advice::Retry, |ms| Advice::RetryAfter(millis(ms)));
            match schedule.after_failure(advice, elapsed, stretch) {
                NextTry::After(pause) => {
                    prop_assert!(pause >= after.map_or(Duration::ZERO, millis));
                    elapsed += pause;
                    tries += 1;
                    prop_assert!(elapsed < policy.total);
                    prop_assert!(tries <= policy.max_tries);
                }
                NextTry::Never(StopReason::Tries) => {
                    prop_assert_eq!(tries, policy.max_tries);
                    break;
                }
                NextTry::Never(reason) => {
                    prop_assert_eq!(reason, StopReason::Deadline);
                    break;
                }
            }
        }
    }

    /// In any stretch of time the retries are no more than what was saved, earned and refilled.
    #[test]
    fn a_budget_is_never_overdrawn(
        capacity in 1_u32..20,
        per_call in 0.0..1.0_f64,
        per_second in 0.0..5.0_f64,
        events in prop::collection::vec((any::<bool>(), 0_u64..2_000), 1..200),
    ) {
        let mut bucket = TokenBucket::new(BudgetSettings { capacity, per_call, per_second });
        let mut now = Duration::ZERO;
        let (mut calls, mut retries) = (0.0, 0.0);
        for (is_call, passed) in events {
            now += millis(passed);
            if is_call {
                bucket.deposit(now);
                calls += 1.0;
            } else if bucket.withdraw(now) {
                retries += 1.0;
            }
            let allowed = f64::from(capacity) + calls * per_call + now.as_secs_f64() * per_second;
            prop_assert!(retries <= allowed + 1e-6);
            prop_assert!(bucket.available() >= 0.0);
        }
    }

    /// More failures in the same places never shorten the pauses, and time heals.
    #[test]
    fn the_stretch_grows_with_failures(
        outcomes in prop::collection::vec((any::<bool>(), 0_u64..5_000), 1..100),
        worse in any::<prop::sample::Index>(),
    ) {
        let settings = AdaptiveSettings::default();
        let [mut rate, mut worse_rate] = [FailureRate::new(settings); 2];
        let worse = worse.index(outcomes.len());
        let mut now = Duration::ZERO;
        for (index, (failed, passed)) in outcomes.into_iter().enumerate() {
            now += millis(passed);
            rate.record(failed, now);
            worse_rate.record(failed || index == worse, now);
            prop_assert!(worse_rate.stretch(now) >= rate.stretch(now) - 1e-9);
            prop_assert!((1.0..=settings.max_stretch + 1e-9).contains(&rate.stretch(now)));
        }
        prop_assert!(rate.stretch(now + Duration::from_hours(1)) < 1.01);
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_is_tried_until_it_succeeds() {
    let retry = Retry::new(RetryPolicy::fixed(millis(100))).unwrap();
    let begin = Instant::now();
    let result =
        retry.run(async |attempt| if attempt < 4 { Err(PASSING) } else { Ok(attempt) }).await;
    assert_eq!(result, Ok(4));
    assert_eq!(begin.elapsed(), millis(300));
}

#[tokio::test(start_paused = true)]
async fn the_error_says_how_it_ended() {
    let retry = Retry::new(RetryPolicy::fixed(millis(100)).with_max_tries(3)).unwrap();
    let error = retry.run(async |_| Err::<(), _>(PASSING)).await.unwrap_err();
    assert_eq!((error.tries, error.reason), (3, StopReason::Tries));
    assert_eq!(error.to_string(), "gave up after 3 tries in 200ms: no tries are left");
    let error = retry.run(async |_| Err::<(), _>(Fault(Advice::Stop))).await.unwrap_err();
    assert_eq!((error.tries, error.reason), (1, StopReason::NotRetryable));
    assert_eq!(error.last, Some(Fault(Advice::Stop)));
    let error = retry.run_with(|_| Advice::Stop, async |_| Err::<(), _>("no")).await.unwrap_err();
    assert_eq!((error.last, error.tries), (Some("no"), 1));
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_is_waited_for_but_not_beyond_the_total() {
    let policy = RetryPolicy::fixed(millis(100)).with_total(millis(5_000));
    let retry = Retry::new(policy).unwrap();
    let begin = Instant::now();
    let busy = Fault(Advice::RetryAfter(millis(3_000)));
    let error = retry.run(async |_| Err::<(), _>(busy)).await.unwrap_err();
    assert_eq!((error.tries, error.reason), (2, StopReason::Deadline));
    assert_eq!(begin.elapsed(), millis(3_000), "the second wait would end too late: not begun");
}

#[tokio::test(start_paused = true)]
async fn a_try_that_hangs_is_cut_off_by_the_total() {
    let retry = Retry::new(RetryPolicy::fixed(millis(100)).with_total(millis(700))).unwrap();
    let error =
        retry.run(async |_| std::future::pending::<Result<(), Fault>>().await).await.unwrap_err();
    assert_eq!((error.last, error.tries, error.reason), (None, 1, StopReason::Deadline));
    assert_eq!(error.elapsed.as_millis(), 700);
}

#[tokio::test(start_paused = true)]
async fn callers_share_a_budget() {
    let settings = BudgetSettings { capacity: 4, per_call: 0.5, per_second: 0.0 };
    let budget = RetryBudget::new(settings, Clock::monotonic()).unwrap();
    let policy = RetryPolicy::fixed(millis(1)).with_max_tries(4);
    let [one, two] = [(); 2].map(|()| Retry::new(policy).unwrap().with_budget(budget.clone()));
    let error = one.run(async |_| Err::<(), _>(PASSING)).await.unwrap_err();
    assert_eq!((error.tries, error.reason), (4, StopReason::Tries));
    let error = two.run(async |_| Err::<(), _>(PASSING)).await.unwrap_err();
    assert_eq!(
        (error.tries, error.reason),
        (2, StopReason::Budget),
        "one was left and half a one earned"
    );
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_with_the_failure_rate_of_the_target() {
    let adaptive = AdaptiveBackoff::new(AdaptiveSettings::default(), Clock::monotonic()).unwrap();
    let policy = RetryPolicy::fixed(millis(10)).with_max_tries(2);
    let retry = Retry::new(policy).unwrap().with_adaptive(adaptive.clone());
    let begin = Instant::now();
    let mut pauses = Vec::new();
    for _ in 0..10 {
        let before = begin.elapsed();
        retry.run(async |_| Err::<(), _>(PASSING)).await.unwrap_err();
        pauses.push(begin.elapsed().saturating_sub(before));
    }
    assert!(pauses.is_sorted(), "{pauses:?}");
    assert!(pauses[0] < millis(15) && pauses[9] > millis(80), "{pauses:?}");
    for _ in 0..40 {
        retry.run(async |_| Ok::<_, Fault>(())).await.unwrap();
    }
    assert!(adaptive.rate() < 0.5 && adaptive.stretch() < 4.0, "successes bring it down");
    retry.run(async |_| Err::<(), _>(Fault(Advice::Stop))).await.unwrap_err();
    assert!(adaptive.rate() < 0.5, "an error of the caller's own is no failure of the target");
}

#[tokio::test(start_paused = true)]
async fn dropping_the_future_drops_the_try() {
    let retry = Retry::new(RetryPolicy::fixed(millis(1))).unwrap();
    let alive = Arc::new(());
    let run = retry.run(|_| {
        let held = alive.clone();
        async move {
            std::future::pending::<()>().await;
            drop(held);
            Err::<(), _>(PASSING)
        }
    });
    assert!(tokio::time::timeout(millis(50), run).await.is_err());
    assert_eq!(Arc::strong_count(&alive), 1);
}

/// The schedule is an iterator of pauses, which is what backon's own driver takes.
#[tokio::test(start_paused = true)]
async fn backon_can_drive_our_delays() {
    let tries = AtomicU32::new(0);
    let operation =
        || async { if tries.fetch_add(1, Ordering::SeqCst) < 2 { Err("no") } else { Ok(7) } };
    let result = operation.retry(RetryPolicy::fixed(millis(10)).delays(3)).await;
    assert_eq!((result, tries.load(Ordering::SeqCst)), (Ok(7), 3));
}
