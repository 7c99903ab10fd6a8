use std::task::{Context, Poll};

use futures::future::{BoxFuture, FutureExt as _};
use tower::{Layer, Service};

use crate::CallError;

/// Something that lets an operation run, refuses it or cuts it off.
///
/// # Laws
/// - The operation is polled only after it was let through, and at most once to its end.
/// - Dropping the returned future drops the operation and gives back what it held.
/// - Clones guard together: they share limits and state.
pub trait Guard: Clone + Send + Sync + 'static {
    /// What the guard says when it refuses.
    type Refusal: Send + 'static;

    /// Runs `operation` under the guard.
    fn guard<T, E, F>(
        &self,
        operation: F,
    ) -> impl Future<Output = Result<T, CallError<Self::Refusal, E>>> + Send
    where
        T: Send,
        E: Send,
        F: Future<Output = Result<T, E>> + Send;
}

/// Puts a [`Guard`] around a service of tower.
///
/// A guard refuses when the service is called, not when it is asked whether it is
/// ready: readiness is the inner service's.
#[derive(Clone, Debug)]
pub struct GuardLayer<G>(G);

impl<G: Guard> GuardLayer<G> {
    /// A layer of this guard; all services it is put around share it.
    pub fn new(guard: G) -> Self {
        Self(guard)
    }
}

impl<S, G: Guard> Layer<S> for GuardLayer<G> {
    type Service = Guarded<S, G>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded { inner, guard: self.0.clone() }
    }
}

/// A service of tower under a [`Guard`].
#[derive(Clone, Debug)]
pub struct Guarded<S, G> {
    inner: S,
    guard: G,
}

impl<S, G, Request> Service<Request> for Guarded<S, G>
where
    G: Guard,
    S: Service<Request>,
    S::Response: Send,
    S::Error: Send,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = CallError<G::Refusal, S::Error>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(CallError::Failed)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let operation = self.inner.call(request);
        let guard = self.guard.clone();
        async move { guard.guard(operation).await }.boxed()
    }
}
