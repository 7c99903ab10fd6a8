use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::{BoxFuture, FutureExt as _, ready};

use crate::response::{answer, stream_of, tokens_of, words};
use crate::{Completion, CompletionRequest, CompletionStream, LlmClient, LlmError};

#[cfg(test)]
mod tests;

/// A client that gives one answer to everything. It ends at stop texts and at the limit of tokens
/// like a real one, counts tokens by estimate, and streams word by word.
///
/// Clones count their calls together.
#[derive(Clone, Debug)]
pub struct MockClient {
    response: String,
    calls: Arc<AtomicU64>,
}

impl MockClient {
    /// Always answers with this text.
    pub fn with_response(response: impl Into<String>) -> Self {
        Self { response: response.into(), calls: Arc::default() }
    }

    /// How often it was asked for an answer.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    fn answer(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        request.validate()?;
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(answer(&self.response, request))
    }
}

impl LlmClient for MockClient {
    fn name(&self) -> &'static str {
        "mock"
    }

    fn complete<'a>(
        &'a self,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<Completion, LlmError>> {
        async { self.answer(request) }.boxed()
    }

    fn stream<'a>(
        &'a self,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<CompletionStream, LlmError>> {
        async {
            let Completion { text, finish, usage } = self.answer(request)?;
            Ok(stream_of(words(&text), finish, usage))
        }
        .boxed()
    }

    fn count_tokens<'a>(
        &'a self,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<u64, LlmError>> {
        ready(request.validate().map(|()| tokens_of(request))).boxed()
    }
}
