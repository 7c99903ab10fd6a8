//! Whether a process takes requests.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::settings::Readiness;

/// Asks once, within `patience`. The error says what was wrong, for people.
pub(crate) async fn ask(
    readiness: &Readiness,
    (host, port): (&str, u16),
    patience: Duration,
) -> Result<(), String> {
    let asking = async {
        let stream = TcpStream::connect((host, port)).await;
        let stream = stream.map_err(|error| format!("port {port} takes no connection: {error}"))?;
        match readiness {
            Readiness::Tcp => Ok(()),
            Readiness::Http { path } => get(stream, path, (host, port)).await,
        }
    };
    let late = |_| format!("port {port} did not answer within {patience:?}");
    timeout(patience, asking).await.map_err(late)?
}

async fn get(stream: TcpStream, path: &str, (host, port): (&str, u16)) -> Result<(), String> {
    let broken = |error: &dyn std::fmt::Display| format!("GET {path} at port {port}: {error}");
    let request = Request::get(path)
        .header(HOST, format!("{host}:{port}"))
        .header(USER_AGENT, "evergen")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| broken(&error))?;
    let (mut client, driver) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
    // The connection may end together with the answer; without one, asking ends as well.
    let asking = client.send_request(request);
    tokio::pin!(asking);
    let answer = tokio::select! {
        answer = &mut asking => answer,
        _ = driver => asking.await,
    };
    let status = answer.map_err(|error| broken(&error))?.status();
    if status.is_success() || status.is_redirection() {
        return Ok(());
    }
    Err(format!("GET {path} at port {port} answers {status}"))
}
