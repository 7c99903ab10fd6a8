//! Commands to HAProxy's runtime socket.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// No answer is longer: a server has a line of about a kilobyte.
const LONGEST: u64 = 1024 * 1024;

/// The socket gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    #[error(
        "HAProxy does not listen at `{}`; start it, and see `stats socket` in its configuration",
        path.display()
    )]
    Gone {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("HAProxy broke off at `{}`", path.display())]
    Broken {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "HAProxy did not answer at `{}` within {patience:?}; see whether it hangs", path.display()
    )]
    Silent { path: PathBuf, patience: Duration },
}

/// Says one line, and gives all that is answered.
pub(crate) async fn say(
    path: &Path,
    command: &str,
    patience: Duration,
) -> Result<String, SocketError> {
    let exchange = async {
        let gone = |source| SocketError::Gone { path: path.to_owned(), source };
        let broken = |source| SocketError::Broken { path: path.to_owned(), source };
        let mut stream = UnixStream::connect(path).await.map_err(gone)?;
        stream.write_all(format!("{command}\n").as_bytes()).await.map_err(broken)?;
        let mut answer = Vec::new();
        stream.take(LONGEST).read_to_end(&mut answer).await.map_err(broken)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let silent = |_| SocketError::Silent { path: path.to_owned(), patience };
    timeout(patience, exchange).await.map_err(silent)?
}
