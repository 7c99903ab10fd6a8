use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use evergen_resilience::{BreakerState, Jitter};
use futures::future::{pending, ready};
use proptest::prelude::*;
use tokio::time::Instant;

use super::*;
use crate::{FinishReason, MockClient, ScriptedClient, Usage, collect};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn settings() -> ResilientSettings {
    let retry = RetryPolicy::fixed(secs(1)).with_max_tries(3).with_total(secs(100));
    ResilientSettings::default()
        .with_retry(retry)
        .with_breaker(BreakerSettings::consecutive(4).with_recovery_timeout(secs(30)))
        .with_timeouts(secs(10), secs(5))
}

fn around(inner: impl LlmClient + 'static) -> ResilientClient {
    ResilientClient::new(Arc::new(inner), settings()).unwrap()
}

fn overloaded() -> Result<String, LlmError> {
    Err(LlmError::Overloaded { retry_after: None })
}

fn question() -> CompletionRequest {
    CompletionRequest::user("?")
}

/// Hangs at its first requests, then answers; and gives streams that were prepared.
#[derive(Default)]
struct Odd {
    hangs: AtomicU32,
    streams: Mutex<Vec<CompletionStream>>,
}

impl LlmClient for Odd {
    fn name(&self) -> &'static str {
        "odd"
    }

    fn complete<'a>(
        &'a self,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<Completion, LlmError>> {
        let less = |hangs: u32| hangs.checked_sub(1);
        let hangs = self.hangs.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok();
        if hangs {
            pending().boxed()
        } else {
            ready(Ok(crate::response::answer("ok", request))).boxed()
        }
    }

    fn stream<'a>(
        &'a self,
        _: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<CompletionStream, LlmError>> {
        ready(Ok(self.streams.lock().unwrap().remove(0))).boxed()
    }

    fn count_tokens<'a>(
        &'a self,
        _: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<u64, LlmError>> {
        ready(Ok(1)).boxed()
    }
}

fn text(piece: &str) -> Chunk {
    Chunk::Text(piece.to_owned())
}

fn end() -> Chunk {
    Chunk::End { finish: FinishReason::Stop, usage: Usage::new(1, 1) }
}

fn odd(streams: Vec<CompletionStream>) -> ResilientClient {
    around(Odd { hangs: AtomicU32::new(0), streams: Mutex::new(streams) })
}

#[tokio::test(start_paused = true)]
async fn it_is_conformant() {
    crate::conformance::check(&mut |text| Box::new(around(MockClient::with_response(text)))).await;
}

#[tokio::test(start_paused = true)]
async fn it_asks_again_where_that_may_help() {
    let client = around(ScriptedClient::new([overloaded(), overloaded(), Ok("done".to_owned())]));
    assert_eq!(client.complete(&question()).await.unwrap().text, "done");
    let client = around(ScriptedClient::new([Err(LlmError::Unauthorized), Ok("no".to_owned())]));
    assert!(matches!(client.complete(&question()).await, Err(LlmError::Unauthorized)));
    let client = around(ScriptedClient::new([overloaded(), overloaded(), overloaded()]));
    let error = client.complete(&question()).await.unwrap_err();
    assert_eq!(error.to_string(), "gave up after 3 tries: no tries are left");
    assert_eq!(error.advice(), Advice::Retry, "later it may help");
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_is_honoured_within_the_total() {
    let limited = |wait| Err(LlmError::RateLimited { retry_after: Some(secs(wait)) });
    let client = around(ScriptedClient::new([limited(20), Ok("done".to_owned())]));
    let begin = Instant::now();
    client.complete(&question()).await.unwrap();
    assert_eq!(begin.elapsed(), secs(20));
    let client = around(ScriptedClient::new([limited(3600)]));
    let begin = Instant::now();
    let error = client.complete(&question()).await.unwrap_err();
    assert!(matches!(error, LlmError::GaveUp { reason: StopReason::Deadline, .. }), "{error}");
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hangs_is_cut_off_and_made_again() {
    let client = around(Odd { hangs: AtomicU32::new(2), ..Odd::default() });
    let begin = Instant::now();
    assert_eq!(client.complete(&question()).await.unwrap().text, "ok");
    assert_eq!(begin.elapsed(), secs(22), "two attempts of 10 s, and two pauses");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_down_is_not_asked() {
    let script = ScriptedClient::new((0..4).map(|_| overloaded()).chain([Ok("up".to_owned())]));
    let client = around(script.clone());
    client.complete(&question()).await.unwrap_err();
    let error = client.complete(&question()).await.unwrap_err();
    assert!(matches!(error, LlmError::Unavailable { .. }), "the breaker opened: {error}");
    assert_eq!((client.breaker().view().state, script.remaining()), (BreakerState::Open, 1));
    let begin = Instant::now();
    let error = client.complete(&question()).await.unwrap_err();
    assert_eq!((begin.elapsed(), script.remaining()), (Duration::ZERO, 1), "refused at once");
    assert!(matches!(error.advice(), Advice::RetryAfter(_)));
    tokio::time::advance(secs(30)).await;
    assert_eq!(client.complete(&question()).await.unwrap().text, "up");
}

#[tokio::test(start_paused = true)]
async fn our_own_mistakes_do_not_open_the_breaker() {
    let script = (0..20).map(|_| Err(LlmError::ContextTooLong { tokens: 9, limit: 5 }));
    let client = around(ScriptedClient::new(script));
    for _ in 0..20 {
        client.complete(&question()).await.unwrap_err();
    }
    assert_eq!(client.breaker().view().state, BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_begun_again_until_its_first_piece() {
    let client = odd(vec![
        stream::iter([Err(LlmError::Interrupted)]).boxed(),
        stream::pending().boxed(),
        stream::iter([Ok(text("a")), Ok(text("b")), Ok(end())]).boxed(),
    ]);
    let stream = client.stream(&question()).await.unwrap();
    assert_eq!(collect(stream).await.unwrap().text, "ab");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_off_later_is_an_error_in_it() {
    let stalled = stream::iter([Ok(text("a"))]).chain(stream::pending()).boxed();
    let broken =
        stream::iter([Ok(text("a")), Err(LlmError::Interrupted), Ok(text("never"))]).boxed();
    let client = odd(vec![stalled, broken]);
    let begin = Instant::now();
    let chunks: Vec<_> = client.stream(&question()).await.unwrap().collect().await;
    assert!(matches!(chunks[..], [Ok(_), Err(LlmError::TimedOut { .. })]), "{chunks:?}");
    assert_eq!(begin.elapsed(), secs(5));
    let chunks: Vec<_> = client.stream(&question()).await.unwrap().collect().await;
    assert!(matches!(chunks[..], [Ok(_), Err(LlmError::Interrupted)]), "{chunks:?}");
    assert_eq!(client.breaker().view().consecutive_failures, 1, "it counts against the provider");
}

#[test]
fn absurd_settings_are_refused_with_field_value_and_range() {
    let told = |settings: ResilientSettings| settings.validate().unwrap_err().to_string();
    assert_eq!(
        told(settings().with_timeouts(secs(1), Duration::ZERO)),
        "`chunk-timeout` is 0ns; allowed is 1ms to 24h"
    );
    let text = r#"{"attempt-timeout": "10s", "retry": {"max-tries": 2}}"#;
    let read: ResilientSettings = serde_json::from_str(text).unwrap();
    assert_eq!((read.attempt_timeout, read.retry.max_tries), (secs(10), 2));
}

/// What a script may say next.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0_u8..6, 0..40)
}

fn line(kind: u8) -> Result<String, LlmError> {
    match kind {
        0 | 1 => Ok("fine".to_owned()),
        2 => Err(LlmError::RateLimited { retry_after: Some(secs(7)) }),
        3 => overloaded(),
        4 => Err(LlmError::Unauthorized),
        _ => Err(LlmError::Connection("reset".into())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever a provider does, a call asks it no more often than the policy allows, ends within its
    /// total, and gives an answer of the provider's or an error that was.
    #[test]
    fn a_call_stays_within_its_bounds(script in lines()) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let provider = ScriptedClient::new(script.iter().map(|&kind| line(kind)));
            let jittered = settings().retry.with_jitter(Jitter::Full).with_max_tries(3);
            let settings = settings().with_retry(jittered);
            let client = ResilientClient::new(Arc::new(provider.clone()), settings).unwrap();
            for _ in 0..10 {
                let (before, begin) = (provider.remaining(), Instant::now());
                let result = client.complete(&question()).await;
                let asked = before - provider.remaining();
                prop_assert!(asked <= 3);
                prop_assert!(begin.elapsed() < secs(100));
                let told: Vec<u8> = script[script.len() - before..][..asked].to_vec();
                match result {
                    Ok(_) => prop_assert!(told.last().is_some_and(|&kind| kind < 2)),
                    Err(LlmError::Unavailable { .. }) => {
                        prop_assert_eq!(client.breaker().view().state, BreakerState::Open);
                    }
                    Err(LlmError::ScriptExhausted { .. }) => prop_assert_eq!(provider.remaining(), 0),
                    Err(_) => prop_assert!(told.last().is_none_or(|&kind| kind >= 2)),
                }
            }
            Ok(())
        })?;
    }
}
