//! How much work one text may make.

/// Bounds for one text, so that a hostile one costs no more than a large one.
///
/// ```
/// use evergen_syntax::{Language, Limits, Unjudged, check_within};
///
/// let limits = Limits::default().with_bytes(10);
/// let refused = check_within(Language::Json, b"[1, 2, 3, 4]", &limits);
/// assert_eq!(refused, Err(Unjudged::TooLong { bytes: 12, limit: 10 }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Length of a text in bytes; 32 MiB unless told.
    pub bytes: usize,
    /// Stack for a parser in bytes, of which only what a text uses becomes
    /// memory; 8 GiB unless told. It bounds the number of tokens in a text of the
    /// languages whose parsers recurse, some million for 8 GiB, and an eighth of it
    /// how deep brackets nest.
    pub stack: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 32 << 20, stack: 8 << 30 }
    }
}

impl Limits {
    /// Bounds the length of a text.
    #[must_use]
    pub fn with_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Bounds the stack that a parser may use.
    #[must_use]
    pub fn with_stack(mut self, stack: usize) -> Self {
        self.stack = stack;
        self
    }
}
