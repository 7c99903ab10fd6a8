//! Bytes and a language in, a verdict out.

use crate::text::Text;
use crate::{Judge, Language, Limits, Unjudged, Verdict, judges};

/// Says whether `bytes` are well-formed in `language`, within the [usual limits](Limits::default).
///
/// Any bytes may be given: not UTF-8, with or without a byte order mark, empty,
/// with NUL characters or lines of megabytes. Parsers are kept from overflowing
/// the stack and from unwinding; it does no I/O, and takes its time on the
/// thread of the caller.
///
/// For Rust it ends the life of `proc_macro2` spans that other code made on the
/// same thread.
///
/// # Errors
///
/// If nobody has looked at the text, or not to its end: [`Unjudged`] says why.
/// It is never a pass.
///
/// ```
/// use evergen_syntax::{Language, check};
///
/// let verdict = check(Language::Python, b"def f(:\n    return 1\n")?;
/// assert_eq!((verdict.errors[0].line, verdict.errors[0].column), (1, 7));
/// assert!(check(Language::Python, b"def f():\n    return 1\n")?.is_well_formed());
/// # Ok::<(), evergen_syntax::Unjudged>(())
/// ```
pub fn check(language: Language, bytes: &[u8]) -> Result<Verdict, Unjudged> {
    check_within(language, bytes, &Limits::default())
}

/// [`check`] within limits of the caller.
///
/// # Errors
///
/// Like [`check`].
pub fn check_within(
    language: Language,
    bytes: &[u8],
    limits: &Limits,
) -> Result<Verdict, Unjudged> {
    let judge = judges::of(language).ok_or(Unjudged::NoJudge(language))?;
    if bytes.len() > limits.bytes {
        return Err(Unjudged::TooLong { bytes: bytes.len(), limit: limits.bytes });
    }
    let text = match Text::decode(bytes) {
        Ok(text) => text,
        Err(error) => return not_text(judge, bytes, error),
    };
    if text.skipped > 0 && !takes_mark(language) {
        let found = crate::text::Found::new(0..0, "the text begins with a byte order mark")
            .with_hint("save the file as UTF-8 without a mark");
        return Ok(Verdict { judge, errors: text.locate(vec![found], 1) });
    }
    let found = judges::ask(&judge, text.body, limits)?;
    Ok(Verdict { judge, errors: text.locate(found, Verdict::MOST_ERRORS) })
}

/// Who judges `language` in this build; nothing where its feature is not enabled.
pub fn judge_of(language: Language) -> Option<Judge> {
    judges::of(language)
}

/// Only Python lets a file say that it is something other than UTF-8.
fn not_text(judge: Judge, bytes: &[u8], error: crate::SyntaxError) -> Result<Verdict, Unjudged> {
    #[cfg(feature = "python")]
    if judge.language == Language::Python
        && let Some(encoding) = judges::python::declared_encoding(&String::from_utf8_lossy(bytes))
    {
        return Err(Unjudged::Encoding(encoding));
    }
    #[cfg(not(feature = "python"))]
    let _ = bytes;
    Ok(Verdict { judge, errors: vec![error] })
}

/// Languages whose own readers refuse a byte order mark: `javac`, and JSON by RFC 8259.
fn takes_mark(language: Language) -> bool {
    !matches!(language, Language::Java | Language::Json)
}
