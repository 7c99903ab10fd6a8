use std::time::Duration;

use super::*;

/// Providers that say how they are doing, by what they are asked.
fn providers() -> Fallback<&'static str, String, String> {
    let answer = |name: &'static str| {
        move |asked: &'static str| async move {
            if asked.contains(name) { Err(format!("{name} is down")) } else { Ok(name.to_owned()) }
        }
    };
    let settings = BreakerSettings::consecutive(2).with_recovery_timeout(Duration::from_secs(30));
    Fallback::new()
        .provider("first", settings, answer("first"))
        .and_then(|providers| providers.provider("second", settings, answer("second")))
        .unwrap()
}

fn not_empty(answer: &str) -> Result<(), String> {
    if answer.is_empty() { Err("it is empty".to_owned()) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn the_first_good_answer_is_taken() {
    let provided = providers().call("all are fine", |answer| not_empty(answer)).await.unwrap();
    assert_eq!((provided.value.as_str(), provided.passed_over.len()), ("first", 0));
    let provided = providers().call("first is down", |answer| not_empty(answer)).await.unwrap();
    assert_eq!(provided.provider, "second");
    assert_eq!(provided.passed_over[0].to_string(), "first: failed: first is down");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_pass_counts_against_its_provider() {
    let providers = providers();
    let check = |answer: &String| match answer.as_str() {
        "first" => Err("not JSON".to_owned()),
        _ => Ok(()),
    };
    for _ in 0..2 {
        let provided = providers.call("all are fine", check).await.unwrap();
        assert_eq!(provided.passed_over[0].to_string(), "first: answer rejected: not JSON");
    }
    let provided = providers.call("all are fine", check).await.unwrap();
    assert_eq!(
        provided.passed_over[0].to_string(),
        "first: not asked, its breaker is open for another 30s"
    );
    let states: Vec<String> =
        providers.breakers().map(|breaker| breaker.view().state.to_string()).collect();
    assert_eq!(states, ["open", "closed"]);
}

#[tokio::test(start_paused = true)]
async fn the_error_lists_what_each_said() {
    let error = providers()
        .call("first and second are down", |answer| not_empty(answer))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "no provider gave anything of use; first: failed: first is down; second: failed: second is down"
    );
    let nobody = Fallback::<(), (), String>::new();
    let error = nobody.call((), |()| Ok(())).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no provider to ask");
}
