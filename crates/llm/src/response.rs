use futures::StreamExt as _;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::LlmError;
use crate::request::{CompletionRequest, estimate_tokens};

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FinishReason {
    /// It was complete, or came to a text at which it was to stop.
    Stop,
    /// It came to the limit of tokens.
    Length,
    /// The provider held the rest back.
    ContentFilter,
}

/// What an answer took, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens of the question.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
}

impl Usage {
    /// So many tokens of question and answer.
    #[must_use]
    pub fn new(input: u64, output: u64) -> Self {
        Self { input, output }
    }

    /// All of them.
    #[must_use]
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct Completion {
    /// What was answered.
    pub text: String,
    /// Why it ended.
    pub finish: FinishReason,
    /// What it took.
    pub usage: Usage,
}

impl Completion {
    /// An answer that was complete.
    pub fn new(text: impl Into<String>, usage: Usage) -> Self {
        Self { text: text.into(), finish: FinishReason::Stop, usage }
    }

    /// Changes why it ended.
    #[must_use]
    pub fn with_finish(self, finish: FinishReason) -> Self {
        Self { finish, ..self }
    }
}

/// A piece of an answer that comes bit by bit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Chunk {
    /// The next piece of text.
    Text(String),
    /// The end. Nothing follows.
    End {
        /// Why it ended.
        finish: FinishReason,
        /// What all of it took.
        usage: Usage,
    },
}

/// An answer that comes bit by bit: pieces of text, then [`Chunk::End`]; or an error, after which nothing follows.
pub type CompletionStream = BoxStream<'static, Result<Chunk, LlmError>>;

/// Reads a stream to its end and puts the answer together.
///
/// # Cancellation
/// Dropping the future drops the stream.
pub async fn collect(mut stream: CompletionStream) -> Result<Completion, LlmError> {
    let mut text = String::new();
    while let Some(chunk) = stream.next().await {
        match chunk? {
            Chunk::Text(piece) => text.push_str(&piece),
            Chunk::End { finish, usage } => return Ok(Completion { text, finish, usage }),
        }
    }
    Err(LlmError::Interrupted)
}

/// What a client without a model makes of a text: it ends at a stop text and at the limit of tokens.
pub(crate) fn answer(text: &str, request: &CompletionRequest) -> Completion {
    let parameters = &request.parameters;
    let stops = parameters.stop.iter().filter_map(|stop| text.find(stop.as_str()));
    let text = stops.min().map_or(text, |end| &text[..end]);
    let most = parameters.max_tokens.map_or(usize::MAX, |tokens| tokens as usize);
    let end = text.char_indices().nth(most.saturating_mul(4)).map(|(index, _)| index);
    let finish = if end.is_some() { FinishReason::Length } else { FinishReason::Stop };
    let text = end.map_or(text, |end| &text[..end]);
    let usage = Usage::new(tokens_of(request), estimate_tokens(text));
    Completion { text: text.to_owned(), finish, usage }
}

pub(crate) fn tokens_of(request: &CompletionRequest) -> u64 {
    // What separates two messages takes about four tokens with most providers.
    request.messages.iter().map(|message| estimate_tokens(&message.text) + 4).sum()
}

/// A stream of these pieces of text and the end.
pub(crate) fn stream_of(
    pieces: Vec<String>,
    finish: FinishReason,
    usage: Usage,
) -> CompletionStream {
    let texts = pieces.into_iter().map(Chunk::Text);
    let chunks: Vec<_> = texts.chain([Chunk::End { finish, usage }]).map(Ok).collect();
    futures::stream::iter(chunks).boxed()
}

/// The words of a text, each with the space after it.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split_inclusive(' ').map(str::to_owned).collect()
}
