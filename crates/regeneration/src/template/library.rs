//! The template files that a generator can reach.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use evergen_artifact::Digest;

use super::front_matter::{self, FrontMatter};
use crate::report::Diagnostic;

/// One template file.
#[derive(Clone, Debug)]
pub(crate) struct TemplateFile {
    /// The name by which templates include it: its path in the template folder.
    pub(crate) name: Arc<str>,
    /// The path that is shown to a person.
    pub(crate) shown: Arc<str>,
    pub(crate) text: Arc<str>,
    pub(crate) digest: Digest,
    pub(crate) front: Option<Arc<FrontMatter>>,
    /// Where the body begins in `text`.
    pub(crate) body: usize,
}

/// Template files by name: those of a project, or those of one pack.
#[derive(Clone, Debug, Default)]
pub(crate) struct Library {
    pub(crate) files: BTreeMap<Arc<str>, Arc<TemplateFile>>,
}

impl TemplateFile {
    /// Reads the parts of a file.
    pub(crate) fn parse(name: &str, shown: &str, text: &str) -> Result<Self, Diagnostic> {
        let text: Arc<str> = text.into();
        let fail = |error: front_matter::FrontMatterError| {
            Diagnostic::error("template::front_matter", error.message)
                .in_file(shown)
                .at(Arc::clone(&text), (error.span.start, error.span.len()))
                .about(name)
                .with_help(FRONT_MATTER_HELP)
        };
        let split = front_matter::split(&text).map_err(fail)?;
        let front = split.front.map(|front| front_matter::parse(&text, front)).transpose();
        if let Some(span) = overlong_tag(&text, split.body) {
            let why =
                format!("a tag has more than {LONGEST_TAG} bytes; divide it with {{% set %}}");
            return Err(Diagnostic::error("template::syntax", why)
                .in_file(shown)
                .at(Arc::clone(&text), (span.start, 2))
                .about(name));
        }
        Ok(Self {
            name: name.into(),
            shown: shown.into(),
            digest: Digest::of(text.as_bytes()),
            front: front.map_err(fail)?.map(Arc::new),
            body: split.body,
            text,
        })
    }

    pub(crate) fn body(&self) -> &str {
        &self.text[self.body..]
    }

    /// The lines before the body.
    pub(crate) fn lines_before_body(&self) -> usize {
        self.text[..self.body].matches('\n').count()
    }

    /// A diagnostic about a span of this file.
    pub(crate) fn diagnose(&self, code: &str, message: String, span: Range<usize>) -> Diagnostic {
        Diagnostic::error(code, message)
            .in_file(&*self.shown)
            .at(Arc::clone(&self.text), (span.start, span.len()))
            .about(&*self.name)
    }
}

/// Bytes of one tag. A chain of operators is as deep as it is long, and those who read it
/// recurse.
const LONGEST_TAG: usize = 8 << 10;

/// The first tag that is longer than a person writes.
fn overlong_tag(text: &str, body: usize) -> Option<Range<usize>> {
    let mut place = body;
    while let Some(found) =
        text[place..].find("{{").into_iter().chain(text[place..].find("{%")).min()
    {
        let start = place + found;
        let close = if text[start..].starts_with("{{") { "}}" } else { "%}" };
        let end = text[start..].find(close).map_or(text.len(), |length| start + length);
        if end - start > LONGEST_TAG {
            return Some(start..end);
        }
        place = (start + 2).max(end);
    }
    None
}

const FRONT_MATTER_HELP: &str = "a generator begins with TOML between two `+++` lines; the keys are \
    for_each, queries, to, language, when, critical, on_edit and depends_on";
