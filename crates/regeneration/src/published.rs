//! What programs publish, as a source of the model.
//!
//! Quads that come with events live in one N-Quads file, sorted, a line each, so that it can
//! be read, compared and kept under version control like any other source. A change of it
//! is undone as a whole when the cycle that it was made for fails: the text before the
//! change lies beside the file until the cycle has ended.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use evergen_artifact::FileStamp;
use evergen_delta::{Delta, Quad, Term};
use evergen_knowledge::{Format, Limits, parse};

/// The file, and the change of it that is under way.
#[derive(Debug)]
pub(crate) struct Published {
    path: PathBuf,
    before: PathBuf,
    lines: BTreeSet<String>,
    /// The stamp of the file that has these lines.
    stamp: Option<FileStamp>,
    /// Whether a change outlives a power cut.
    durable: bool,
}

/// Why published quads can't be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    /// RDF, or the file, can't say this.
    #[error("{0}")]
    Malformed(String),
    /// The file can't be read or written.
    #[error("{}", path.display())]
    File { path: PathBuf, source: io::Error },
}

impl Published {
    /// Opens the file; if a cycle was cut short, as it was before that cycle.
    pub(crate) fn open(path: PathBuf, durable: bool) -> Result<Self, PublishError> {
        let mut name = path.clone().into_os_string();
        name.push(".before");
        let before = PathBuf::from(name);
        let lines = BTreeSet::new();
        let mut published = Self { before, path, lines, stamp: None, durable };
        published.restore()?;
        published.look()?;
        Ok(published)
    }

    /// Takes changes into the file; [`keep`](Self::keep) or [`undo`](Self::undo) follows.
    ///
    /// The file is a source like any other: what somebody else has written to it since counts.
    pub(crate) fn apply<'a>(
        &mut self,
        changes: impl Iterator<Item = &'a Delta<Quad>>,
    ) -> Result<(), PublishError> {
        self.look()?;
        let mut lines = self.lines.clone();
        for change in changes {
            for quad in &change.removed {
                lines.remove(&line(quad)?);
            }
            for quad in &change.inserted {
                lines.insert(line(quad)?);
            }
        }
        if lines == self.lines {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.lines, lines);
        let swapped =
            self.write(&self.before, &before).and_then(|()| self.write(&self.path, &self.lines));
        if let Err(error) = swapped {
            self.lines = before;
            // The file may be either; what lies beside it decides when it is opened again.
            return Err(error);
        }
        self.stamp = self.stamp_now()?;
        Ok(())
    }

    /// Ends a change that stays.
    pub(crate) fn keep(&mut self) -> Result<(), PublishError> {
        remove(&self.before)
            .and_then(|is_gone| if is_gone { self.sync() } else { Ok(()) })
            .map_err(|source| PublishError::File { path: self.before.clone(), source })
    }

    /// Takes a change back.
    pub(crate) fn undo(&mut self) -> Result<(), PublishError> {
        if self.restore()? { self.look() } else { Ok(()) }
    }

    /// Reads the file if it is not as it was left.
    fn look(&mut self) -> Result<(), PublishError> {
        let now = self.stamp_now()?;
        if now != self.stamp {
            self.lines = self.read()?;
            self.stamp = now;
        }
        Ok(())
    }

    fn stamp_now(&self) -> Result<Option<FileStamp>, PublishError> {
        match std::fs::metadata(&self.path) {
            Ok(found) => Ok(Some(FileStamp::of(&found))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(PublishError::File { path: self.path.clone(), source }),
        }
    }

    fn folder(&self) -> &Path {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.unwrap_or(Path::new("."))
    }

    /// Forces to the disk which files there are, where that is wanted.
    fn sync(&self) -> io::Result<()> {
        if self.durable { std::fs::File::open(self.folder())?.sync_all() } else { Ok(()) }
    }

    /// Puts the text of before in its place, if there is one.
    fn restore(&self) -> Result<bool, PublishError> {
        match std::fs::rename(&self.before, &self.path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(PublishError::File { path: self.before.clone(), source })
            }
            renamed => Ok(renamed.is_ok()),
        }
    }

    fn read(&self) -> Result<BTreeSet<String>, PublishError> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            Err(source) => return Err(PublishError::File { path: self.path.clone(), source }),
        };
        let shown = self.path.display();
        let source = parse(&bytes, Format::NQuads, "", &Limits::default()).map_err(|errors| {
            let first = errors.first().map_or_else(String::new, |error| crate::error::chain(error));
            PublishError::Malformed(format!("{shown} can't be read: {first}"))
        })?;
        if !source.components.is_empty() {
            return Err(PublishError::Malformed(format!(
                "{shown} holds blank nodes, which published quads can't have"
            )));
        }
        let spell = |id| source.terms.get(id).map(evergen_delta::TermRef::to_owned);
        let lines = source.ground.iter().filter_map(|quad| {
            let graph = if quad.graph == evergen_delta::TermId::DEFAULT_GRAPH {
                None
            } else {
                Some(spell(quad.graph)?)
            };
            let (subject, predicate, object) =
                (spell(quad.subject)?, spell(quad.predicate)?, spell(quad.object)?);
            Some(Quad { subject, predicate, object, graph }.to_string())
        });
        Ok(lines.collect())
    }

    /// Replaces a file in one step, and forces it to the disk.
    fn write(&self, path: &Path, lines: &BTreeSet<String>) -> Result<(), PublishError> {
        let failed = |source| PublishError::File { path: path.to_owned(), source };
        let folder = self.folder();
        std::fs::create_dir_all(folder).map_err(failed)?;
        // Who may read it is for the folder and the system's settings to say.
        let anybody = std::fs::Permissions::from_mode(0o666);
        let mut file =
            tempfile::Builder::new().permissions(anybody).tempfile_in(folder).map_err(failed)?;
        let text: String = lines.iter().flat_map(|line| [line.as_str(), " .\n"]).collect();
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_data().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        self.sync().map_err(failed)
    }
}

/// Removes a file, and says whether it was there.
fn remove(path: &Path) -> io::Result<bool> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        removed => Ok(removed.is_ok()),
    }
}

/// A quad as a line of N-Quads, if it can be one.
fn line(quad: &Quad) -> Result<String, PublishError> {
    let terms = [&quad.subject, &quad.predicate, &quad.object].into_iter().chain(&quad.graph);
    if terms.into_iter().any(|term| matches!(term, Term::Blank(_))) {
        let why = format!("`{quad}` has a blank node, which has no name outside of its event");
        return Err(PublishError::Malformed(why));
    }
    let line = quad.to_string();
    // An IRI may hold anything; only what reads as this one quad is written.
    let text = format!("{line} .\n");
    match parse(text.as_bytes(), Format::NQuads, "", &Limits::default()) {
        Ok(source) if source.ground.as_slice() == [quad.encode()] => Ok(line),
        _ => Err(PublishError::Malformed(format!("`{}` is no quad", line.escape_debug()))),
    }
}
