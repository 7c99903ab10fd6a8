//! Standard output for results, standard error for everything else.

use std::borrow::Cow;
use std::fs;
use std::io::{self, BufWriter, ErrorKind, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::ColorChoice;
use evergen_regeneration::{Diagnostic, Severity};
use serde::Serialize;

use crate::arguments::Manner;
use crate::diagnostics::{self, Look};
use crate::excerpt::{shown_lines, span_of};
use crate::failure::Failure;
use crate::origin::from_here;

/// How many diagnostics are printed for a person who did not ask for more.
const MANY: usize = 30;

/// The largest file that is read for an excerpt.
const LARGEST: u64 = 64 << 20;

/// Where evergen prints.
///
/// Whoever reads standard output may stop reading at any time; what is printed
/// after that is lost without a word. Any other error is kept for
/// `finish`.
#[derive(Debug)]
pub struct Console {
    manner: Manner,
    out: BufWriter<io::Stdout>,
    broken: Option<io::Error>,
    colours: Colours,
    /// The folder to which files in diagnostics are relative, and the current one.
    folders: Option<(PathBuf, PathBuf)>,
}

/// Which of the two streams shows colours.
#[derive(Clone, Copy, Debug)]
struct Colours {
    out: bool,
    err: bool,
}

/// A colour of a word.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ink {
    Red,
    Green,
    Yellow,
    Cyan,
    Bold,
    Dim,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Self::Red => "31",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Cyan => "36",
            Self::Bold => "1",
            Self::Dim => "2",
        }
    }
}

impl Console {
    pub(crate) fn new(manner: Manner) -> Self {
        let colours = Colours {
            out: colourful(manner.color, io::stdout().is_terminal()),
            err: colourful(manner.color, io::stderr().is_terminal()),
        };
        watch_inside(manner.verbose, colours.err);
        Self { manner, out: BufWriter::new(io::stdout()), broken: None, colours, folders: None }
    }

    /// Says to which folder the files in diagnostics are relative, and from where
    /// a person looks at them.
    pub(crate) fn stand_in(&mut self, root: &Path, here: &Path) {
        self.folders = Some((root.to_owned(), here.to_owned()));
    }

    pub(crate) fn is_json(&self) -> bool {
        self.manner.json
    }

    /// Makes the verb print JSON, as if `--json` had been given.
    pub(crate) fn speak_json(&mut self) {
        self.manner.json = true;
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.manner.quiet
    }

    /// Whether lists are to be complete.
    pub(crate) fn is_verbose(&self) -> bool {
        self.manner.verbose > 0
    }

    /// Whether a progress bar would be seen by a person.
    pub(crate) fn has_audience(&self) -> bool {
        !self.manner.quiet && io::stderr().is_terminal() && self.manner.verbose < 2
    }

    /// Whether standard output shows colours.
    pub(crate) fn is_colourful(&self) -> bool {
        self.colours.out
    }

    /// The word in a colour, where standard output shows colours.
    pub(crate) fn ink(&self, ink: Ink, word: impl std::fmt::Display) -> String {
        paint(self.colours.out, ink, word)
    }

    /// Prints a line of the result.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) {
        self.write(text.as_ref());
        self.write("\n");
    }

    /// Prints a part of the result as it is.
    pub(crate) fn write(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        if self.broken.is_none() {
            self.broken = self.out.write_all(bytes).err();
        }
    }

    /// Prints the one JSON object of a result.
    pub(crate) fn object(&mut self, value: &impl Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.line(text),
            Err(error) => self.broken = Some(error.into()),
        }
    }

    /// Prints one line of JSON, at once.
    pub(crate) fn event(&mut self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.line(text),
            Err(error) => self.broken = Some(error.into()),
        }
        self.flush();
    }

    /// Lets a reader see what was printed so far.
    pub(crate) fn flush(&mut self) {
        if self.broken.is_none() {
            self.broken = self.out.flush().err();
        }
    }

    /// Whether nobody can read any more what is printed.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Prints a remark that a person may want, on standard error.
    pub(crate) fn remark(&self, text: impl AsRef<str>) {
        if !self.manner.quiet {
            error_text(&format!("{}\n", text.as_ref()));
        }
    }

    /// Prints notices, warnings and errors that came with a result. Only errors
    /// are for the ears of who asked for quiet.
    pub(crate) fn diagnostics(&self, diagnostics: &[Diagnostic]) {
        let least = match self.manner {
            Manner { quiet: true, .. } => Severity::Error,
            _ => Severity::Notice,
        };
        let shown: Vec<_> = diagnostics.iter().filter(|found| found.severity >= least).collect();
        self.excerpts(&shown);
    }

    /// Prints what stopped the work: for a person, and for a program where it
    /// asked for JSON.
    pub(crate) fn fail(&mut self, failure: &Failure) {
        self.excerpts(&failure.diagnostics.iter().collect::<Vec<_>>());
        let word = paint(self.colours.err, Ink::Red, "error:");
        let mut lines = vec![format!("{word} {}", failure.message)];
        lines.extend(failure.causes.iter().map(|cause| format!("  because: {cause}")));
        lines.extend(failure.help.iter().map(|help| format!("  help: {help}")));
        let text = shown_lines(&lines.join("\n")) + "\n";
        error_text(&text);
        if self.manner.json {
            self.object(&failure.report());
        }
    }

    /// Flushes standard output and gives what went wrong with it.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        match self.broken.take().map_or(flushed, Err) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    fn excerpts(&self, diagnostics: &[&Diagnostic]) {
        if diagnostics.is_empty() {
            return;
        }
        let shown = if self.is_verbose() { diagnostics.len() } else { MANY };
        let look = Look { colours: self.colours.err };
        let mut text = String::new();
        for diagnostic in diagnostics.iter().take(shown) {
            text += &diagnostics::render(&self.with_text(diagnostic), look);
            text.push('\n');
        }
        if let Some(more @ 1..) = diagnostics.len().checked_sub(shown) {
            text.push_str("… and ");
            text.push_str(&more.to_string());
            text.push_str(" more; `-v` shows all\n\n");
        }
        error_text(&text);
    }

    /// The diagnostic as seen from the current folder, with the text of its file.
    fn with_text<'a>(&self, diagnostic: &'a Diagnostic) -> Cow<'a, Diagnostic> {
        let (Some((root, here)), Some(file)) = (&self.folders, &diagnostic.file) else {
            return Cow::Borrowed(diagnostic);
        };
        let path = root.join(file);
        let Some(found) = fs::metadata(&path).ok().filter(fs::Metadata::is_file) else {
            return Cow::Borrowed(diagnostic);
        };
        let mut diagnostic = diagnostic.clone();
        diagnostic.file = Some(from_here(&path, here));
        let place =
            diagnostic.line.filter(|_| diagnostic.source.is_none() && found.len() <= LARGEST);
        if let Some(line) = place
            && let Ok(text) = fs::read_to_string(&path)
        {
            let column = diagnostic.column.unwrap_or(1);
            diagnostic.span = diagnostic.span.or_else(|| Some(span_of(&text, line, column)));
            diagnostic.source = Some(text.into());
        }
        Cow::Owned(diagnostic)
    }
}

fn error_text(text: &str) {
    // There is nowhere left to say that this could not be printed.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn paint(colours: bool, ink: Ink, word: impl std::fmt::Display) -> String {
    if colours { format!("\x1b[{}m{word}\x1b[0m", ink.code()) } else { word.to_string() }
}

fn colourful(choice: ColorChoice, terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let plain =
                set("NO_COLOR") || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
            terminal && !plain
        }
    }
}

/// Starts the log of what goes on inside, for those who asked for it.
fn watch_inside(verbosity: u8, colours: bool) {
    let wanted = std::env::var("EVERGEN_LOG").ok().filter(|filter| !filter.is_empty());
    let filter = match (wanted, verbosity) {
        (Some(filter), _) => filter,
        (None, 0 | 1) => return,
        (None, 2) => "debug".to_owned(),
        (None, _) => "trace".to_owned(),
    };
    // A second start in one process, as in tests, leaves the first in place.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colours)
        .try_init();
}
