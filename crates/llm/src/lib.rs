//! Who can write text for us?
//!
//! A program that lets a language model write text needs the same few things whoever
//! the provider is: a question as a value, an answer with what it cost, errors that say whether
//! asking again may help, and some way to run without a network, today in a test and
//! in a year to build the same release again.
//!
//! [`LlmClient`] is the port: complete, stream, count tokens. Its laws stand in its
//! documentation and, behind the feature `conformance`, as code that every client passes.
//!
//! # Clients that need no network
//! - [`MockClient`] gives one answer to everything.
//! - [`ScriptedClient`] gives answers and errors in the order of a script, and fails when the
//!   script has come to its end.
//! - [`RecordedClient`] keeps what another client answered in a folder, under the digest of
//!   the question, and later gives the same bytes again with the network off. A question
//!   that was never asked is an error of its own: nothing is made up.
//!
//! # A client that holds out
//! [`ResilientClient`] puts around any of them a total deadline, retries with
//! pauses that honour a Retry-After, a circuit breaker and a timeout for each attempt and for each
//! piece of a stream.
//!
//! # What it does not do
//! It speaks to no provider: those clients live beside it and implement the port. It
//! knows nothing of prompts, templates or what the text is for.
//!
//! ```
//! use std::sync::Arc;
//!
//! use evergen_llm::{CompletionRequest, LlmClient, LlmError, MockClient, RecordedClient};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let question = CompletionRequest::user("Describe an order in one sentence.");
//!
//! // Once with a provider, here a mock of one ...
//! let provider = Arc::new(MockClient::with_response("An order is a promise to pay."));
//! let recording = RecordedClient::recording(folder.path(), provider);
//! let answer = recording.complete(&question).await?;
//!
//! // ... and from then on without.
//! let replaying = RecordedClient::replaying(folder.path());
//! assert_eq!(replaying.complete(&question).await?, answer);
//!
//! let other = replaying.complete(&CompletionRequest::user("And a customer?")).await;
//! assert!(matches!(other, Err(LlmError::NotRecorded { .. })));
//! # Ok(())
//! # }
//! ```

mod request;
mod response;

mod error;

mod client;

mod mock;
mod scripted;

mod recorded;

mod resilient;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

pub use crate::client::LlmClient;
pub use crate::error::LlmError;
pub use crate::mock::MockClient;
pub use crate::recorded::RecordedClient;
pub use crate::request::{CompletionRequest, Message, Parameters, Role, estimate_tokens};
pub use crate::resilient::{ResilientClient, ResilientSettings};
pub use crate::response::{Chunk, Completion, CompletionStream, FinishReason, Usage, collect};
pub use crate::scripted::ScriptedClient;
