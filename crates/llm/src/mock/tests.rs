use futures::StreamExt as _;

use super::*;
use crate::{Chunk, FinishReason, collect, estimate_tokens};

#[tokio::test]
async fn it_is_conformant() {
    crate::conformance::check(&mut |text| Box::new(MockClient::with_response(text))).await;
}

#[tokio::test]
async fn it_ends_where_a_real_one_would() {
    let client = MockClient::with_response("one two three four");
    let ask = async |request: CompletionRequest| client.complete(&request).await.unwrap();
    let cut = ask(CompletionRequest::user("?").with_max_tokens(2)).await;
    assert_eq!(
        (cut.text.as_str(), cut.finish, cut.usage.output),
        ("one two ", FinishReason::Length, 2)
    );
    let stopped = ask(CompletionRequest::user("?").with_stop("four").with_stop(" three")).await;
    assert_eq!((stopped.text.as_str(), stopped.finish), ("one two", FinishReason::Stop));
    assert_eq!(client.calls(), 2);
}

#[tokio::test]
async fn it_streams_word_by_word() {
    let client = MockClient::with_response("one two");
    let stream = client.stream(&CompletionRequest::user("?")).await.unwrap();
    let chunks: Vec<Chunk> = stream.map(Result::unwrap).collect().await;
    assert_eq!(chunks[..2], [Chunk::Text("one ".to_owned()), Chunk::Text("two".to_owned())]);
    assert_eq!(chunks.len(), 3);
}

#[tokio::test]
async fn a_stream_without_an_end_has_broken_off() {
    let stream = futures::stream::iter([Ok(Chunk::Text("half".to_owned()))]).boxed();
    assert!(matches!(collect(stream).await, Err(LlmError::Interrupted)));
}

#[test]
fn tokens_are_estimated() {
    assert_eq!(["", "a", "abcd", "abcde", "éééé"].map(estimate_tokens), [0, 1, 1, 2, 1]);
}
