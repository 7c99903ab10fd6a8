//! The part of the protocol that is spoken here. Of the crates that have all of it, none is
//! needed for seven messages.

use std::fmt::Write as _;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

/// Anything that a server writes: a question, a notice, or an answer.
#[derive(Debug, Deserialize)]
pub(super) struct Heard {
    pub(super) id: Option<Value>,
    pub(super) method: Option<String>,
    pub(super) params: Option<Value>,
    /// `null` is an answer, too.
    #[serde(default, deserialize_with = "even_null")]
    pub(super) result: Option<Value>,
    pub(super) error: Option<Refusal>,
}

fn even_null<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(source).map(Some)
}

/// A question that the server answers with an error.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Refusal {
    pub(super) code: i64,
    pub(super) message: String,
}

impl Refusal {
    /// The server gave up on a question since it learned of something new, and is to be asked
    /// again.
    pub(super) fn asks_again(&self) -> bool {
        const CONTENT_MODIFIED: i64 = -32801;
        const SERVER_CANCELLED: i64 = -32802;
        matches!(self.code, CONTENT_MODIFIED | SERVER_CANCELLED)
    }
}

/// What is taken of the answer to `initialize`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Initialized {
    pub(super) capabilities: Capabilities,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Capabilities {
    #[serde(default)]
    pub(super) position_encoding: Encoding,
    pub(super) diagnostic_provider: Option<Value>,
}

/// What columns count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    #[default]
    #[serde(rename = "utf-16")]
    Utf16,
    #[serde(rename = "utf-32")]
    Utf32,
}

/// The answer to `textDocument/diagnostic`. Another kind than `full` refers to an answer that
/// was never asked for.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(super) enum Pulled {
    Full { items: Vec<Diagnostic> },
}

/// What `textDocument/publishDiagnostics` says.
#[derive(Debug, Deserialize)]
pub(super) struct Published {
    pub(super) uri: String,
    pub(super) version: Option<i64>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// One thing that a server found.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Diagnostic {
    pub(super) range: Range,
    pub(super) severity: Option<u8>,
    pub(super) code: Option<Value>,
    pub(super) code_description: Option<CodeDescription>,
    pub(super) message: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct CodeDescription {
    pub(super) href: String,
}

/// A change of a text.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TextEdit {
    pub(super) range: Range,
    pub(super) new_text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub(super) struct Range {
    pub(super) start: Place,
    pub(super) end: Place,
}

/// Counts from zero; what a character is, the [`Encoding`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) character: u32,
}

/// What is said of us and of the folder; `registers` is whether the server may say later that it
/// gives diagnostics when it is asked.
pub(super) fn introduction(folder: &str, options: &Value, registers: bool) -> Value {
    json!({
        "processId": std::process::id(),
        "clientInfo": { "name": "evergen", "version": env!("CARGO_PKG_VERSION") },
        "rootUri": folder,
        "workspaceFolders": [{ "uri": folder, "name": "tree" }],
        "initializationOptions": options,
        "capabilities": {
            "general": { "positionEncodings": ["utf-8", "utf-16"] },
            "textDocument": {
                "synchronization": {},
                "diagnostic": { "dynamicRegistration": registers, "relatedDocumentSupport": false },
                "publishDiagnostics": {
                    "versionSupport": true,
                    "relatedInformation": false,
                    "codeDescriptionSupport": true,
                },
                "formatting": {},
            },
            "window": { "workDoneProgress": true },
            "workspace": {
                "configuration": true,
                "workspaceFolders": true,
                "didChangeWatchedFiles": { "dynamicRegistration": true },
                "diagnostics": { "refreshSupport": true },
            },
        },
    })
}

/// The address of a file: every byte that could mean anything else is escaped.
pub(super) fn address(path: &str) -> String {
    let mut address = String::from("file://");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(address, "%{byte:02X}");
        }
    }
    address
}

/// The path at an address, however it was escaped.
pub(super) fn path_at(address: &str) -> Option<String> {
    let escaped = address.strip_prefix("file://")?;
    let mut bytes = Vec::new();
    let mut rest = escaped.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_from_its_address() {
        for path in ["/a b/ü%25.ts", "/a/@b/[id]+#?.ts", "/plain-1_2.~"] {
            assert_eq!(path_at(&address(path)).as_deref(), Some(path));
        }
        assert_eq!(address("/a b"), "file:///a%20b");
        assert_eq!(path_at("file:///a%2Fb%c3%bC").as_deref(), Some("/a/bü"));
        for wrong in ["http://a", "file:///%", "file:///%zz", "file:///%ff"] {
            assert_eq!(path_at(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_answer_of_nothing_is_an_answer() {
        let heard: Heard = serde_json::from_str(r#"{"id": 1, "result": null}"#).unwrap();
        assert_eq!(heard.result, Some(Value::Null));
        let heard: Heard = serde_json::from_str(r#"{"id": 1}"#).unwrap();
        assert_eq!(heard.result, None);
    }
}
