//! The router's side of its control socket.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::time::timeout;

use super::control::{CommandError, LONGEST_LINE, RouterAnswer, RouterCommand};
use super::engine::Engine;

/// How long a controller may be silent, or take nothing.
const SILENCE: Duration = Duration::from_secs(30);

/// Answers commands until the other side goes away, is silent, or says what is no line.
pub(crate) async fn serve_control(stream: UnixStream, engine: &Arc<Engine>) {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    while let Ok(Ok(Some(line))) = timeout(SILENCE, read_line(&mut read)).await {
        let (answer, last) = match RouterCommand::parse(&line) {
            Ok(command) => {
                tracing::info!(?command, "told");
                let answer = tokio::select! {
                    answer = engine.carry_out(command) => answer,
                    () = gone(&mut read) => return,
                };
                (answer, false)
            }
            Err(error) => {
                let last = error == CommandError::TooLong;
                (RouterAnswer::Refused { why: error.to_string() }, last)
            }
        };
        let Ok(mut text) = serde_json::to_vec(&answer) else { return };
        text.push(b'\n');
        let written = timeout(SILENCE, write.write_all(&text)).await;
        if last || !matches!(written, Ok(Ok(()))) {
            return;
        }
    }
}

/// The next line without its end; none when there is no more. A line that is too long is
/// given cut, one byte longer than is allowed.
async fn read_line(read: &mut BufReader<OwnedReadHalf>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let most = LONGEST_LINE as u64 + 1;
    if read.take(most).read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    if line.ends_with(b"\n") {
        line.pop();
    }
    Ok(Some(line))
}

/// Ends when the other side has gone away; never while it has said something more.
async fn gone(read: &mut BufReader<OwnedReadHalf>) {
    match read.fill_buf().await {
        Ok(more) if !more.is_empty() => std::future::pending().await,
        _ => {}
    }
}
