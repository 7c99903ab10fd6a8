//! Messages as the base protocol has them: headers, an empty line, and so many bytes of JSON.

use crate::Fault;

/// The most that headers may take, in bytes. Servers write fewer than fifty.
const MOST_HEADERS: usize = 4096;

/// The most that one message may take, in bytes.
const MOST_BODY: usize = 16 << 20;

/// What a server wrote so far, cut into messages.
#[derive(Debug, Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    /// Where what was not given out yet begins.
    start: usize,
}

impl Frames {
    /// Takes what was read.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message, if all of it is there.
    ///
    /// # Errors
    /// What was written is no message, or a larger one than anybody reads. Nothing that follows
    /// can be told apart then.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Fault> {
        let rest = &self.bytes[self.start..];
        let Some(end) = end_of_headers(rest) else {
            if rest.len() > MOST_HEADERS {
                let why = format!("its headers do not end within {MOST_HEADERS} bytes");
                return Err(wrong(why));
            }
            // A message begins with a header's name, and not with what somebody printed.
            return match rest.first() {
                Some(sign) if !sign.is_ascii_alphabetic() => Err(wrong("no header begins it")),
                _ => Ok(None),
            };
        };
        let length = length(&rest[..end])?;
        if length > MOST_BODY {
            let limit_bytes = MOST_BODY as u64;
            return Err(Fault::Flood { what: "one message".to_owned(), limit_bytes });
        }
        let (from, to) = (self.start + end + 4, self.start + end + 4 + length);
        if self.bytes.len() < to {
            return Ok(None);
        }
        self.start = to;
        Ok(Some(&self.bytes[from..to]))
    }
}

/// A message with its header.
pub(super) fn framed(body: &[u8]) -> Vec<u8> {
    let mut message = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    message.extend_from_slice(body);
    message
}

fn end_of_headers(bytes: &[u8]) -> Option<usize> {
    bytes[..bytes.len().min(MOST_HEADERS)].windows(4).position(|four| four == b"\r\n\r\n")
}

fn length(headers: &[u8]) -> Result<usize, Fault> {
    let headers = std::str::from_utf8(headers).map_err(wrong)?;
    let mut length = None;
    for line in headers.split("\r\n") {
        let (name, value) = line.split_once(':').ok_or_else(|| wrong("a header has no colon"))?;
        if name.eq_ignore_ascii_case("content-length") {
            let digits = value.trim();
            if length.is_some() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(wrong("its length is said twice, or is no number"));
            }
            length = Some(digits.parse().map_err(wrong)?);
        }
    }
    length.ok_or_else(|| wrong("it does not say its length"))
}

fn wrong(why: impl std::fmt::Display) -> Fault {
    Fault::unparsable("a message of the server", why)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &[u8], piece: usize) -> Result<Vec<String>, String> {
        let mut frames = Frames::default();
        let mut found = Vec::new();
        for piece in text.chunks(piece) {
            frames.push(piece);
            while let Some(body) = frames.next().map_err(|fault| fault.to_string())? {
                found.push(String::from_utf8_lossy(body).into_owned());
            }
        }
        Ok(found)
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            bodies in proptest::collection::vec("[a-zé{}\r\n]{0,40}", 0..6),
            piece in 1_usize..50,
        ) {
            let text: Vec<u8> = bodies.iter().flat_map(|body| framed(body.as_bytes())).collect();
            prop_assert_eq!(all(&text, piece), Ok(bodies));
        }

        #[test]
        fn no_bytes_make_it_panic(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = all(&text, 7);
        }
    }

    #[test]
    fn what_is_no_message_is_said() {
        let fails = |text: &str| all(text.as_bytes(), 64).unwrap_err();
        let start = "a message of the server could not be read: ";
        for (text, why) in [
            ("{\"a\": 1}", "no header begins it"),
            (
                "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
                "its length is said twice, or is no number",
            ),
            ("Content-Length: -1\r\n\r\n", "its length is said twice, or is no number"),
            ("Content-Type: a\r\n\r\n", "it does not say its length"),
            ("hello\r\n\r\n", "a header has no colon"),
        ] {
            assert_eq!(fails(text), format!("{start}{why}"), "{text:?}");
        }
        assert!(fails(&"a".repeat(5000)).ends_with("do not end within 4096 bytes"));
        let large = "Content-Length: 99999999\r\n\r\n";
        assert_eq!(fails(large), "it wrote more than 16777216 bytes to one message");
        assert!(fails("Content-Length: 99999999999999999999999\r\n\r\n").starts_with(start));
    }
}
