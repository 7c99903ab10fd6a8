use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::{FinishReason, Message, MockClient, Role, ScriptedClient, Usage, collect};

fn recording(folder: &TempDir, text: &str) -> RecordedClient {
    RecordedClient::recording(folder.path(), Arc::new(MockClient::with_response(text)))
}

/// Records while it is checked, then is checked again from what was recorded.
#[tokio::test]
async fn it_is_conformant() {
    let mut folders = Vec::new();
    let mut record = |text: &str| -> Box<dyn LlmClient> {
        folders.push(tempfile::tempdir().unwrap());
        Box::new(recording(folders.last().unwrap(), text))
    };
    crate::conformance::check(&mut record).await;
    let mut recorded = folders.iter();
    let mut replay = |_: &str| -> Box<dyn LlmClient> {
        Box::new(RecordedClient::replaying(recorded.next().unwrap().path()))
    };
    crate::conformance::check(&mut replay).await;
}

#[tokio::test]
async fn what_was_recorded_is_replayed_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let request = CompletionRequest::user("What is an order?");
    let live = recording(&folder, "A promise,\r\nto \u{0}pay €.");
    let stream: Vec<_> = live.stream(&request).await.unwrap().collect().await;
    let file = fs::read(live.path_of(&request)).unwrap();
    let replaying = RecordedClient::replaying(folder.path());
    for _ in 0..2 {
        let again: Vec<_> = replaying.stream(&request).await.unwrap().collect().await;
        assert_eq!(format!("{again:?}"), format!("{stream:?}"), "piece by piece");
        let text = replaying.complete(&request).await.unwrap().text;
        assert_eq!(text.as_bytes(), "A promise,\r\nto \u{0}pay €.".as_bytes());
    }
    assert_eq!(fs::read(live.path_of(&request)).unwrap(), file);
}

#[tokio::test]
async fn what_is_recorded_is_not_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockClient::with_response("An answer.");
    let client = RecordedClient::recording(folder.path(), Arc::new(mock.clone()));
    let request = CompletionRequest::user("?");
    for _ in 0..3 {
        client.complete(&request).await.unwrap();
        collect(client.stream(&request).await.unwrap()).await.unwrap();
    }
    assert_eq!(mock.calls(), 1);
    client.complete(&request.clone().with_temperature(0.5)).await.unwrap();
    assert_eq!(mock.calls(), 2, "another temperature is another question");
}

#[tokio::test]
async fn a_miss_is_an_error_of_its_own_and_errors_are_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let request = CompletionRequest::user("?");
    let script = ScriptedClient::new([
        Err(LlmError::Overloaded { retry_after: None }),
        Ok("An answer.".to_owned()),
    ]);
    let live = RecordedClient::recording(folder.path(), Arc::new(script));
    assert!(matches!(live.complete(&request).await, Err(LlmError::Overloaded { .. })));
    let replaying = RecordedClient::replaying(folder.path());
    for error in [
        replaying.complete(&request).await.err(),
        replaying.stream(&request).await.err(),
        replaying.count_tokens(&request).await.err(),
    ] {
        assert!(matches!(error, Some(LlmError::NotRecorded { .. })), "{error:?}");
    }
    assert_eq!(live.complete(&request).await.unwrap().text, "An answer.");
}

#[tokio::test]
async fn a_stream_that_is_not_read_to_its_end_is_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let request = CompletionRequest::user("?");
    let live = recording(&folder, "one two three");
    let mut stream = live.stream(&request).await.unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    assert!(!live.path_of(&request).exists());
}

#[tokio::test]
async fn of_two_answers_the_first_stays() {
    let folder = tempfile::tempdir().unwrap();
    let request = CompletionRequest::user("?");
    let script = Arc::new(ScriptedClient::answering(["one", "two"]));
    let live = RecordedClient::recording(folder.path(), script.clone());
    let mut stream = live.stream(&request).await.unwrap();
    let complete = live.complete(&request).await.unwrap();
    while stream.next().await.is_some() {}
    assert_eq!((complete.text.as_str(), script.remaining()), ("two", 0));
    let again = live.complete(&request).await.unwrap();
    assert_eq!(again.text, "two", "it was written first");
}

#[tokio::test]
async fn a_recording_that_was_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let request = CompletionRequest::user("What is an order?");
    let live = recording(&folder, "A promise.");
    live.complete(&request).await.unwrap();
    let path = live.path_of(&request);
    let text = fs::read_to_string(&path).unwrap();
    for (from, to, reason) in [
        ("A promise.", "A threat.", "the answer does not have its checksum"),
        ("an order", "a customer", "it answers another request"),
        ("\"version\": 1", "\"version\": 2", "its version is 2, and ours is 1"),
        ("{", "", "expected value"),
    ] {
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let error = live.complete(&request).await.unwrap_err();
        let LlmError::RecordingDamaged { reason: told, .. } = error else { panic!("{error}") };
        assert!(told.contains(reason) || reason == "expected value", "{told}");
    }
}

/// Recordings are kept for years: where a question lies must not change.
#[test]
fn the_digest_of_a_question_stays() {
    let request = CompletionRequest::user("What is an order?").with_temperature(0.5);
    let json = serde_json::to_string(&request).unwrap();
    let expected = r#"{"messages":[{"role":"user","text":"What is an order?"}],"parameters":{"model":"","max-tokens":null,"temperature":0.5,"top-p":null,"stop":[],"seed":null}}"#;
    assert_eq!(json, expected);
}

fn requests() -> impl Strategy<Value = CompletionRequest> {
    let role = prop_oneof![Just(Role::System), Just(Role::User), Just(Role::Assistant)];
    let message = (role, any::<String>()).prop_map(|(role, text)| Message::new(role, text));
    let parameters = (
        any::<String>(),
        prop::option::of(1_u32..),
        prop::option::of(0.0..2.0_f64),
        prop::collection::vec(".{1,5}", 0..3),
        any::<Option<u64>>(),
    );
    (prop::collection::vec(message, 1..4), parameters).prop_map(
        |(messages, (model, max_tokens, temperature, stop, seed))| {
            let mut request = CompletionRequest::new(messages).with_model(model);
            request.parameters.max_tokens = max_tokens;
            request.parameters.temperature = temperature;
            request.parameters.stop = stop;
            request.parameters.seed = seed;
            request
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever is asked and answered: it is written once, read as it was, and no other question finds it.
    #[test]
    fn entries_round_trip(
        request in requests(),
        other in requests(),
        pieces in prop::collection::vec(any::<String>(), 0..5),
        numbers in any::<(u64, u64)>(),
    ) {
        prop_assert!(request.validate().is_ok());
        let folder = tempfile::tempdir().unwrap();
        let path = entry::path(folder.path(), &digest(&request, Kind::Completion));
        let usage = Usage::new(numbers.0, numbers.1);
        let answer = Answer::Text { pieces, finish: FinishReason::Length, usage };
        prop_assert!(Entry::read(&path, &request).unwrap().is_none());
        prop_assert_eq!(&Entry::write(&path, request.clone(), answer.clone()).unwrap(), &answer);
        let second = Entry::write(&path, request.clone(), Answer::Tokens { count: 1 }).unwrap();
        prop_assert_eq!(&second, &answer);
        prop_assert_eq!(Entry::read(&path, &request).unwrap(), Some(answer));
        let same = digest(&request, Kind::Completion) == digest(&other, Kind::Completion);
        prop_assert_eq!(same, request == other);
        prop_assert_ne!(digest(&request, Kind::Completion), digest(&request, Kind::Tokens));
    }
}
