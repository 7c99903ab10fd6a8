use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};
use futures::{StreamExt as _, stream};

use self::entry::{Answer, Entry, Kind, digest};
use crate::response::stream_of;
use crate::{Chunk, Completion, CompletionRequest, CompletionStream, LlmClient, LlmError};

mod entry;

#[cfg(test)]
mod tests;

/// A client that answers from a folder of recordings, one file for each question under
/// the digest of it: for the same question always the same bytes, with the network off.
///
/// A recording is text that can be read and kept in version control. It has a
/// checksum: an answer that was changed by hand is refused. Errors are not recorded.
///
/// While [recording](Self::recording), what the folder has is not asked for again. Of two
/// answers to one question at once the first that is written stays, and both callers are given it;
/// only a stream that has begun gives what it gives.
#[derive(Clone)]
pub struct RecordedClient {
    folder: Arc<Path>,
    inner: Option<Arc<dyn LlmClient>>,
}

/// What the folder has for a request.
enum Found<'a> {
    Recorded(Answer),
    /// Nothing; this client can be asked.
    Ask(&'a Arc<dyn LlmClient>),
}

impl RecordedClient {
    /// Answers from `folder` alone. What is not there is [`LlmError::NotRecorded`].
    pub fn replaying(folder: &Path) -> Self {
        Self { folder: folder.into(), inner: None }
    }

    /// Answers from `folder`, and asks `inner` for what is not there and records it. The
    /// folder is made when it is needed.
    pub fn recording(folder: &Path, inner: Arc<dyn LlmClient>) -> Self {
        Self { folder: folder.into(), inner: Some(inner) }
    }

    /// Where the answer to a request is recorded or would be.
    pub fn path_of(&self, request: &CompletionRequest) -> PathBuf {
        entry::path(&self.folder, &digest(request, Kind::Completion))
    }

    /// The recorded answer; if there is none, who to ask.
    async fn find(&self, request: &CompletionRequest, kind: Kind) -> Result<Found<'_>, LlmError> {
        request.validate()?;
        let digest = digest(request, kind);
        let (folder, request) = (self.folder.clone(), request.clone());
        let path = entry::path(&folder, &digest);
        if let Some(answer) = on_disk(path.clone(), move || Entry::read(&path, &request)).await? {
            return Ok(Found::Recorded(answer));
        }
        match &self.inner {
            Some(inner) => Ok(Found::Ask(inner)),
            None => Err(LlmError::NotRecorded { digest, folder: folder.to_path_buf() }),
        }
    }

    async fn record(
        &self,
        request: &CompletionRequest,
        kind: Kind,
        answer: Answer,
    ) -> Result<Answer, LlmError> {
        let path = entry::path(&self.folder, &digest(request, kind));
        let request = request.clone();
        on_disk(path.clone(), move || Entry::write(&path, request, answer)).await
    }

    async fn stream_and_record(
        &self,
        request: &CompletionRequest,
        inner: &Arc<dyn LlmClient>,
    ) -> Result<CompletionStream, LlmError> {
        let live = inner.stream(request).await?;
        let state = (live, self.clone(), request.clone(), Vec::new());
        let recorded = stream::unfold(state, |(mut live, client, request, mut pieces)| async {
            let mut chunk = live.next().await?;
            if let Ok(Chunk::Text(piece)) = &chunk {
                pieces.push(piece.clone());
            }
            if let Ok(Chunk::End { finish, usage }) = chunk {
                let answer = Answer::Text { pieces: std::mem::take(&mut pieces), finish, usage };
                // The end is given only when the recording is on disk.
                if let Err(error) = client.record(&request, Kind::Completion, answer).await {
                    chunk = Err(error);
                }
            }
            Some((chunk, (live, client, request, pieces)))
        });
        Ok(recorded.boxed())
    }
}

impl LlmClient for RecordedClient {
    fn name(&self) -> &str {
        self.inner.as_ref().map_or("recorded", |inner| inner.name())
    }

    fn complete<'a>(
        &'a self,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<Completion, LlmError>> {
        async move {
            let answer = match self.find(request, Kind::Completion).await? {
                Found::Recorded(answer) => answer,
                Found::Ask(inner) => {
                    let Completion { text, finish, usage } = inner.complete(request).await?;
                    let answer = Answer::Text { pieces: vec![text], finish, usage };
                    self.record(request, Kind::Completion, answer).await?
                }
            };
            let (pieces, finish, usage) = answer.text(&self.path_of(request))?;
            Ok(Completion { text: pieces.concat(), finish, usage })
        }
        .boxed()
    }

    fn stream<'a>(
        &'a self,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<CompletionStream, LlmError>> {
        async move {
            match self.find(request, Kind::Completion).await? {
                Found::Recorded(answer) => {
                    let (pieces, finish, usage) = answer.text(&self.path_of(request))?;
                    Ok(stream_of(pieces, finish, usage))
                }
                Found::Ask(inner) => self.stream_and_record(request, inner).await,
            }
        }
        .boxed()
    }

    fn count_tokens<'a>(
        &'a self,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<u64, LlmError>> {
        async move {
            let answer = match self.find(request, Kind::Tokens).await? {
                Found::Recorded(answer) => answer,
                Found::Ask(inner) => {
                    let count = inner.count_tokens(request).await?;
                    self.record(request, Kind::Tokens, Answer::Tokens { count }).await?
                }
            };
            answer.tokens(&self.path_of(request))
        }
        .boxed()
    }
}

impl std::fmt::Debug for RecordedClient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = formatter.debug_struct("RecordedClient");
        let inner = self.inner.as_ref().map(LlmClient::name);
        fields.field("folder", &self.folder).field("inner", &inner);
        fields.finish()
    }
}

/// Runs what blocks where it may. It is a few small files, and goes on to its end when nobody waits any more.
async fn on_disk<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce() -> Result<T, LlmError> + Send + 'static,
) -> Result<T, LlmError> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|join| {
        Err(LlmError::RecordingIo { path, source: std::io::Error::other(join) })
    })
}
