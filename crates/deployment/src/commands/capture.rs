use std::collections::VecDeque;
use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::redaction::Redactor;

/// The beginning and the end of an output; what lies between is only counted.
#[derive(Debug, Default)]
pub(super) struct Captured {
    pub(super) head: Vec<u8>,
    tail: VecDeque<u8>,
    pub(super) total: u64,
}

impl Captured {
    /// Reads to the end, keeping `limit` bytes of both ends. Whoever floods is read on, so
    /// that it comes to its end.
    pub(super) async fn read(
        from: Option<impl AsyncRead + Unpin>,
        into: &mut Self,
        limit: usize,
    ) -> io::Result<()> {
        let Some(mut from) = from else { return Ok(()) };
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let count = from.read(&mut buffer).await?;
            if count == 0 {
                return Ok(());
            }
            into.take(&buffer[..count], limit);
        }
    }

    fn take(&mut self, bytes: &[u8], limit: usize) {
        self.total += bytes.len() as u64;
        let room = limit.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        self.tail.extend(&bytes[bytes.len().saturating_sub(limit)..]);
        let surplus = self.tail.len().saturating_sub(limit);
        self.tail.drain(..surplus);
    }

    /// The end of it as text, at most `length` bytes and without secrets. Where bytes are
    /// missing before it, a part of a secret could be what it begins with, so that many bytes
    /// are left out.
    pub(super) fn end(&self, length: usize, redactor: &Redactor) -> String {
        let bytes: Vec<u8> = self.tail.iter().copied().collect();
        let cut = self.total > bytes.len() as u64;
        let text = String::from_utf8_lossy(&bytes);
        // A character that was cut may be longer here than it was.
        let mut skip = if cut { (redactor.longest() + 12).min(text.len()) } else { 0 };
        while !text.is_char_boundary(skip) {
            skip += 1;
        }
        let text = redactor.redact_from(&text, skip);
        let text = text.trim_end();
        let mut from = text.len().saturating_sub(length);
        while !text.is_char_boundary(from) {
            from += 1;
        }
        let gap = if cut || from > 0 { "…" } else { "" };
        format!("{gap}{}", text[from..].trim_start())
    }
}
