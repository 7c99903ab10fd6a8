use std::sync::Arc;

use futures::future::BoxFuture;

use crate::{Completion, CompletionRequest, CompletionStream, LlmError};

/// Somebody who answers questions with text.
///
/// # Laws for implementors
/// - A request that does not [validate](CompletionRequest::validate) is refused with
///   [`LlmError::InvalidRequest`] before anything else happens.
/// - The pieces of a stream are what [`complete`](Self::complete) would give as a whole. After the
///   texts comes one [`Chunk::End`](crate::Chunk::End), or an error; after either, nothing.
/// - Errors are true to their advice: one that says "stop" comes again.
/// - A client retries nothing by itself: that is for [`ResilientClient`](crate::ResilientClient).
/// - Every future and stream may be dropped at any time, and the client goes on to work. Requests
///   may run at once.
/// - [`count_tokens`](Self::count_tokens) gives the same number for the same request, and no smaller
///   one when a message is made longer.
pub trait LlmClient: Send + Sync {
    /// What the client is called, in messages and statistics.
    fn name(&self) -> &str;

    /// Answers as a whole.
    fn complete<'a>(
        &'a self,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<Completion, LlmError>>;

    /// Answers bit by bit. The future ends when the answer begins.
    fn stream<'a>(
        &'a self,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<CompletionStream, LlmError>>;

    /// How many tokens the messages of the request have, exactly or by estimate.
    fn count_tokens<'a>(
        &'a self,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<u64, LlmError>>;
}

macro_rules! forward {
    ($pointer:ident) => {
        impl<C: LlmClient + ?Sized> LlmClient for $pointer<C> {
            fn name(&self) -> &str {
                (**self).name()
            }

            fn complete<'a>(
                &'a self,
                request: &'a CompletionRequest,
            ) -> BoxFuture<'a, Result<Completion, LlmError>> {
                (**self).complete(request)
            }

            fn stream<'a>(
                &'a self,
                request: &'a CompletionRequest,
            ) -> BoxFuture<'a, Result<CompletionStream, LlmError>> {
                (**self).stream(request)
            }

            fn count_tokens<'a>(
                &'a self,
                request: &'a CompletionRequest,
            ) -> BoxFuture<'a, Result<u64, LlmError>> {
                (**self).count_tokens(request)
            }
        }
    };
}

forward!(Arc);
forward!(Box);
