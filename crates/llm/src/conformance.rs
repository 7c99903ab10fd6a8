//! The laws of [`LlmClient`] as code: an implementation is conformant if
//! [`check`] returns. A law that does not hold is a panic that says which.
#![expect(clippy::expect_used, reason = "a law that does not hold is reported by a panic")]

use std::sync::Arc;

use evergen_resilience::{Advice, Retryable as _};
use futures::StreamExt as _;
use futures::future::{BoxFuture, FutureExt as _, join_all};

use crate::{Chunk, Completion, CompletionRequest, FinishReason, LlmClient, LlmError, Role};
use crate::{Message, collect};

type Law = for<'a> fn(&'a dyn LlmClient, &'a str) -> BoxFuture<'a, ()>;

/// What clients are made to answer: some words, some of them outside of ASCII, on two lines.
const ANSWER: &str = "An order is a promise to pay.\nUne commande coûte 5 €.";

/// Runs every law against clients that `make` gives. The client answers any question with the text that
/// `make` is given, at least 16 times.
pub async fn check(make: &mut dyn FnMut(&str) -> Box<dyn LlmClient>) {
    let laws: &[Law] = &[
        |client, text| a_completion_is_the_answer(client, text).boxed(),
        |client, text| the_pieces_of_a_stream_are_the_answer(client, text).boxed(),
        |client, _| requests_without_sense_are_refused(client).boxed(),
        |client, _| tokens_are_counted(client).boxed(),
        |client, text| what_is_dropped_does_no_harm(client, text).boxed(),
        |client, text| requests_run_at_once(client, text).boxed(),
    ];
    for law in laws {
        law(&*make(ANSWER), ANSWER).await;
    }
    pointers_forward(make(ANSWER)).await;
}

fn question() -> CompletionRequest {
    CompletionRequest::user("What is an order?").with_system("Be brief.")
}

async fn complete(client: &dyn LlmClient) -> Completion {
    client.complete(&question()).await.expect("a question is answered")
}

async fn a_completion_is_the_answer(client: &dyn LlmClient, text: &str) {
    let completion = complete(client).await;
    assert_eq!(completion.text, text, "the answer");
    assert_eq!(completion.finish, FinishReason::Stop, "an answer that is complete");
    let usage = completion.usage;
    assert!(usage.input > 0 && usage.output > 0, "question and answer have tokens: {usage:?}");
    assert!(!client.name().is_empty(), "a client has a name");
}

async fn the_pieces_of_a_stream_are_the_answer(client: &dyn LlmClient, text: &str) {
    let stream = client.stream(&question()).await.expect("a stream begins");
    let chunks: Vec<_> = stream.collect().await;
    let (last, pieces) = chunks.split_last().expect("a stream has an end");
    assert!(matches!(last, Ok(Chunk::End { usage, .. }) if usage.output > 0), "it ends: {last:?}");
    let pieces = pieces.iter().map(|piece| match piece {
        Ok(Chunk::Text(piece)) => piece.as_str(),
        other => unreachable!("before the end there is text alone, not {other:?}"),
    });
    assert_eq!(pieces.collect::<String>(), text, "the pieces together");
    let stream = client.stream(&question()).await.expect("a stream begins again");
    assert_eq!(collect(stream).await.expect("it is collected").text, text);
}

async fn requests_without_sense_are_refused(client: &dyn LlmClient) {
    let requests = [
        ("messages", CompletionRequest::new(Vec::new())),
        ("max-tokens", question().with_max_tokens(0)),
        ("temperature", question().with_temperature(-0.1)),
        ("temperature", question().with_temperature(f64::NAN)),
        ("stop", question().with_stop("")),
    ];
    for (expected, request) in &requests {
        let errors = [
            client.complete(request).await.err(),
            client.stream(request).await.err(),
            client.count_tokens(request).await.err(),
        ];
        for error in errors {
            let error = error.expect("a request without sense is refused");
            assert_eq!(error.advice(), Advice::Stop, "and asking again does not help");
            let named =
                matches!(&error, LlmError::InvalidRequest { field, .. } if field == expected);
            assert!(named, "`{expected}` is named: {error}");
        }
    }
}

async fn tokens_are_counted(client: &dyn LlmClient) {
    let mut request = CompletionRequest::new(vec![Message::new(Role::User, "An order")]);
    let mut last = 0;
    for _ in 0..3 {
        let count = client.count_tokens(&request).await.expect("tokens are counted");
        let again = client.count_tokens(&request).await.expect("and counted again");
        assert_eq!(count, again, "the same request has the same number");
        assert!(count > 0 && count >= last, "a longer message has no fewer: {count} after {last}");
        last = count;
        request.messages[0].text += " has positions, and each of them has a price.";
    }
}

async fn what_is_dropped_does_no_harm(client: &dyn LlmClient, text: &str) {
    let request = question();
    drop(client.complete(&request));
    let polled = client.complete(&request).now_or_never();
    drop(polled);
    let mut stream = client.stream(&request).await.expect("a stream begins");
    let first = stream.next().await;
    assert!(first.is_some_and(|chunk| chunk.is_ok()), "a stream has a first piece");
    drop(stream);
    assert_eq!(complete(client).await.text, text, "the client goes on to work");
}

async fn requests_run_at_once(client: &dyn LlmClient, text: &str) {
    let completions = join_all((0..8).map(|_| complete(client))).await;
    assert!(completions.iter().all(|completion| completion.text == text), "each is answered");
}

async fn pointers_forward(client: Box<dyn LlmClient>) {
    let name = client.name().to_owned();
    let expected = complete(&client).await;
    let shared: Arc<dyn LlmClient> = Arc::from(client);
    assert_eq!(shared.name(), name);
    assert_eq!(complete(&Arc::new(shared)).await, expected, "through pointers it is the same");
}
