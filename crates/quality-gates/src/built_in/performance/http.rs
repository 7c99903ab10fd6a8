//! One question over HTTP/1.1, without TLS: what a load on a nearby server needs.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How much of an answer is read before it is called endless.
const LIMIT: usize = 64 << 20;

/// Where a question goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    authority: String,
    target: String,
}

impl Address {
    /// Reads `http://host:port/path?query`; nothing for all else.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("http://")?;
        let rest = rest.split('#').next()?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let clean = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if authority.is_empty() || authority.contains('@') || !clean(rest) {
            return None;
        }
        let has_port = authority.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty()
                && (!host.contains(':') || host.ends_with(']'))
                && port.parse::<u16>().is_ok()
        });
        let has_no_port = !authority.contains(':') || authority.ends_with(']');
        if !has_port && !has_no_port {
            return None;
        }
        let authority = if has_port { authority.to_owned() } else { format!("{authority}:80") };
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Some(Self { authority, target })
    }

    /// Asks once, on a connection of its own, and reads the whole answer. Says why an answer is
    /// no good one.
    pub(super) async fn ask(&self, patience: Duration) -> Result<(), String> {
        match timeout(patience, self.exchange()).await {
            Ok(Ok(status)) if (200..300).contains(&status) => Ok(()),
            Ok(Ok(status)) => Err(format!("status {status}")),
            Ok(Err(why)) => Err(why),
            Err(_) => Err(format!("no answer within {patience:?}")),
        }
    }

    async fn exchange(&self) -> Result<u16, String> {
        let failed = |error: std::io::Error| error.to_string();
        let mut stream = TcpStream::connect(&*self.authority).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let Self { authority, target } = self;
        let question = format!(
            "GET {target} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: evergen\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(question.as_bytes()).await.map_err(failed)?;
        let mut answer = Vec::new();
        let read = stream.take(LIMIT as u64 + 1).read_to_end(&mut answer).await;
        if let Err(error) = read {
            return Err(error.to_string());
        }
        if answer.len() > LIMIT {
            return Err(format!("an answer of more than {LIMIT} bytes"));
        }
        let head_end = find(&answer, b"\r\n\r\n").ok_or("an answer that breaks off in its head")?;
        let head = String::from_utf8_lossy(&answer[..head_end]);
        let body = answer.len() - head_end - 4;
        if wanted_length(&head).is_some_and(|wanted| body < wanted)
            || (is_chunked(&head) && !answer.ends_with(b"0\r\n\r\n"))
        {
            return Err("an answer that breaks off in its body".to_owned());
        }
        let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
        status.ok_or_else(|| "an answer that is no HTTP".to_owned())
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn wanted_length(head: &str) -> Option<usize> {
    header(head, "content-length")?.parse().ok()
}

fn is_chunked(head: &str) -> bool {
    header(head, "transfer-encoding")
        .is_some_and(|value| value.to_ascii_lowercase().contains("chunked"))
}
