use std::sync::Arc;
use std::time::Duration;

use evergen_events::{ConsumeError, LogEntry};
use evergen_telemetry::{Body, ErrorKind, TelemetryEvent};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::engine::Intake;
use super::shared::Shared;
use super::task::chain;

/// How many events are read at once. One batch waits while another is worked on, no more.
const BATCH: usize = 512;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Reads the log ahead of the loop, by one batch.
pub(super) struct Reader {
    batches: mpsc::Receiver<Vec<LogEntry>>,
    task: JoinHandle<()>,
}

impl Reader {
    pub(super) fn start(intake: Intake, shared: &Arc<Shared>) -> Self {
        let (sender, batches) = mpsc::channel(1);
        let task = tokio::spawn(read(intake, sender, Arc::clone(shared)));
        Self { batches, task }
    }

    pub(super) async fn next(&mut self) -> Option<Vec<LogEntry>> {
        self.batches.recv().await
    }

    pub(super) async fn stop(self) {
        self.task.abort();
        // It is aborted, or has ended.
        let _ = self.task.await;
    }
}

async fn read(mut intake: Intake, batches: mpsc::Sender<Vec<LogEntry>>, shared: Arc<Shared>) {
    let mut pause = FIRST_PAUSE;
    while let Ok(place) = batches.reserve().await {
        match intake.consumer.next_batch(BATCH).await {
            Ok(batch) => {
                pause = FIRST_PAUSE;
                place.send(batch);
            }
            Err(error) => {
                drop(place);
                tell(&error, &shared);
                if let ConsumeError::Lagged(lagged) = &error {
                    // They are gone from the log, and that has been told.
                    if let Err(error) = intake.acknowledger.accept_loss(lagged).await {
                        tracing::error!(error = chain(&error), "the loss can't be noted");
                    }
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn tell(error: &ConsumeError, shared: &Shared) {
    let text = chain(error);
    shared.seen().gathered.failed_reads += 1;
    tracing::error!(error = text, "events can't be read from the log");
    let event = TelemetryEvent::new("orchestrator", Body::ChangeReceived)
        .failed(Duration::ZERO, ErrorKind::Io)
        .message(text);
    shared.telemetry.record(event);
}
