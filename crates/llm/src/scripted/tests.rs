use evergen_resilience::{Advice, Retryable as _};

use super::*;

#[tokio::test]
async fn it_is_conformant() {
    let mut make =
        |text: &str| -> Box<dyn LlmClient> { Box::new(ScriptedClient::answering(vec![text; 16])) };
    crate::conformance::check(&mut make).await;
}

#[tokio::test]
async fn it_follows_its_script_to_the_end() {
    let busy = Err(LlmError::RateLimited { retry_after: None });
    let client = ScriptedClient::new([Ok("first".to_owned()), busy, Ok("second".to_owned())]);
    let ask = async |text| client.complete(&CompletionRequest::user(text)).await;
    assert_eq!(ask("a").await.unwrap().text, "first");
    assert!(matches!(ask("b").await, Err(LlmError::RateLimited { .. })));
    assert_eq!(client.remaining(), 1);
    let stream = client.stream(&CompletionRequest::user("c")).await.unwrap();
    assert_eq!(crate::collect(stream).await.unwrap().text, "second");
    let error = ask("d").await.unwrap_err();
    assert_eq!(error.to_string(), "the script has only 3 answers");
    assert_eq!(error.advice(), Advice::Stop);
    let asked: Vec<String> =
        client.asked().iter().map(|request| request.messages[0].text.clone()).collect();
    assert_eq!(asked, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_request_without_sense_takes_nothing_from_the_script() {
    let client = ScriptedClient::answering(["only"]);
    assert!(client.complete(&CompletionRequest::new(Vec::new())).await.is_err());
    assert_eq!(client.remaining(), 1);
}
