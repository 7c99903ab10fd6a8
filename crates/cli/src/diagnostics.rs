//! Diagnostics as a person reads them: with an excerpt, a code, help and a link.

use std::fmt;

use evergen_regeneration::{Diagnostic, Severity};
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    SourceCode, SourceSpan, SpanContents,
};

use crate::excerpt::{Excerpt, shown_lines};

/// Where codes are explained.
const BOOK: &str = "https://github.com/evergen/evergen/blob/main/docs/errors.md";

/// How diagnostics are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) colours: bool,
}

/// The diagnostic as text, with a line end.
pub(crate) fn render(diagnostic: &Diagnostic, look: Look) -> String {
    let theme =
        if look.colours { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(110)
        .with_context_lines(1)
        .without_syntax_highlighting();
    let shown = Shown::new(diagnostic);
    let mut text = String::new();
    if handler.render_report(&mut text, &shown).is_err() {
        text = format!("{}: {}\n", diagnostic.code, shown.message);
    }
    let text: Vec<_> = text.lines().map(str::trim_end).collect();
    format!("{}\n", text.join("\n").trim_start_matches('\n'))
}

/// The place in the book that explains a code.
fn link(code: &str) -> String {
    let anchor: String = code.chars().filter(|c| *c != ':').collect();
    format!("{BOOK}#{anchor}")
}

/// A diagnostic in the form that can be drawn.
#[derive(Debug)]
struct Shown<'a> {
    diagnostic: &'a Diagnostic,
    message: String,
    help: Option<String>,
    code: Option<Numbered>,
}

impl<'a> Shown<'a> {
    fn new(diagnostic: &'a Diagnostic) -> Self {
        let code = Numbered::of(diagnostic);
        let mut message = shown_lines(&diagnostic.message);
        if code.is_none()
            && let Some(place) = place(diagnostic)
        {
            message = format!("{place}: {message}");
        }
        if let (None, Some(subject)) = (&code, &diagnostic.subject) {
            message = format!("{message} (in {})", shown_lines(subject));
        }
        let help = diagnostic.help.as_deref().map(shown_lines);
        let link = link(&diagnostic.code);
        let help = Some(help.map_or(format!("see {link}"), |help| format!("{help}\nsee {link}")));
        Self { diagnostic, message, help, code }
    }
}

/// Where it is, for one that has no excerpt.
fn place(diagnostic: &Diagnostic) -> Option<String> {
    let numbers = [diagnostic.line, diagnostic.column].into_iter().flatten();
    let parts = std::iter::once(diagnostic.file.clone()?).chain(numbers.map(|at| at.to_string()));
    Some(shown_lines(&parts.collect::<Vec<_>>().join(":")))
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            _ => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.code.as_ref().map(|code| code as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (start, length) = self.code.as_ref()?.excerpt.span;
        let subject = self.diagnostic.subject.as_deref().map(|subject| format!("in {subject}"));
        let label =
            LabeledSpan::new(Some(subject.unwrap_or_else(|| "here".to_owned())), start, length);
        Some(Box::new(std::iter::once(label)))
    }
}

/// An excerpt that knows the file and the line numbers it comes from.
#[derive(Debug)]
struct Numbered {
    file: String,
    excerpt: Excerpt,
}

impl Numbered {
    fn of(diagnostic: &Diagnostic) -> Option<Self> {
        let (source, span) = (diagnostic.source.as_deref()?, diagnostic.span?);
        let file = shown_lines(diagnostic.file.as_deref().unwrap_or("text"));
        Some(Self { file, excerpt: Excerpt::of(source, span) })
    }
}

impl SourceCode for Numbered {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let plain = self.excerpt.text.read_span(span, before, after)?;
        // The header is made from the contents of the place alone.
        let column = match (before, after) {
            (0, 0) => self.excerpt.column,
            _ => plain.column(),
        };
        Ok(Box::new(MietteSpanContents::new_named(
            self.file.clone(),
            plain.data(),
            *plain.span(),
            plain.line() + self.excerpt.first_line,
            column,
            plain.line_count(),
        )))
    }
}
