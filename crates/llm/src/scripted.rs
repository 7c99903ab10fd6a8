use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::{BoxFuture, FutureExt as _, ready};

use crate::response::{answer, stream_of, tokens_of, words};
use crate::{Completion, CompletionRequest, CompletionStream, LlmClient, LlmError};

#[cfg(test)]
mod tests;

/// A client that follows a script: each question takes the next answer or error out of it,
/// whatever is asked. At its end it fails with [`LlmError::ScriptExhausted`].
///
/// It keeps what it was asked, for whoever wants to look. Clones follow the script together.
#[derive(Clone, Debug)]
pub struct ScriptedClient {
    answers: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    script: VecDeque<Result<String, LlmError>>,
    /// At most as many as the script had answers.
    asked: Vec<CompletionRequest>,
}

impl ScriptedClient {
    /// A client that gives these answers and errors, in this order.
    pub fn new(script: impl IntoIterator<Item = Result<String, LlmError>>) -> Self {
        let script: VecDeque<_> = script.into_iter().collect();
        let answers = script.len();
        Self { answers, state: Arc::new(Mutex::new(State { script, asked: Vec::new() })) }
    }

    /// A client that gives these answers, in this order.
    pub fn answering<T: Into<String>>(answers: impl IntoIterator<Item = T>) -> Self {
        Self::new(answers.into_iter().map(|answer| Ok(answer.into())))
    }

    /// How many answers and errors are left.
    pub fn remaining(&self) -> usize {
        self.with_state(|state| state.script.len())
    }

    /// The questions that took something out of the script, oldest first.
    pub fn asked(&self) -> Vec<CompletionRequest> {
        self.with_state(|state| state.asked.clone())
    }

    fn next(&self, request: &CompletionRequest) -> Result<Completion, LlmError> {
        request.validate()?;
        let next = self.with_state(|state| {
            let next = state.script.pop_front()?;
            state.asked.push(request.clone());
            Some(next)
        });
        let text = next.ok_or(LlmError::ScriptExhausted { answers: self.answers })??;
        Ok(answer(&text, request))
    }

    fn with_state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl LlmClient for ScriptedClient {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn complete<'a>(
        &'a self,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<Completion, LlmError>> {
        async { self.next(request) }.boxed()
    }

    fn stream<'a>(
        &'a self,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<CompletionStream, LlmError>> {
        async {
            let Completion { text, finish, usage } = self.next(request)?;
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
