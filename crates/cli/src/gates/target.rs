//! What a person means by the paths after `gates` and `heal`.

use std::path::{Path, PathBuf};

use evergen_artifact::{ArtifactPath, LockFile};
use evergen_quality_gates::{Extent, FileMemory, Folder, Subject};

use super::Gates;
use crate::arguments::{GateChoice, Selection};
use crate::console::Console;
use crate::failure::Failure;
use crate::origin::{self, CONFIGURATION, absolute};
use crate::project::Chosen;
use crate::remembered;

/// The files that are judged, and the gates for them.
pub(crate) struct Target {
    pub(crate) chosen: Chosen,
    pub(crate) gates: Gates,
    /// The folder; absolute.
    pub(crate) folder: PathBuf,
    pub(crate) subject: Subject,
    stamps: FileMemory,
    /// Whether files were named one by one.
    pub(crate) of_files: bool,
    /// Whether it is all that the waivers are for.
    whole: bool,
}

/// What is to be judged, before it is looked at.
struct Meant {
    folder: PathBuf,
    /// Files in it, where not all are meant.
    files: Vec<PathBuf>,
}

impl Target {
    /// Finds the project around the paths, the gates, and the files. The folder is walked.
    pub(crate) fn find(
        paths: &[PathBuf],
        selection: &Selection,
        console: &mut Console,
    ) -> Result<Self, Failure> {
        let here = std::env::current_dir()
            .map_err(|error| Failure::storage("finding the current folder", &error))?;
        let meant = meant(paths, &here)?;
        let chosen = around(meant.as_ref(), selection, console)?;
        let output = chosen.output();
        let by_default = meant.is_none();
        let meant = meant.unwrap_or_else(|| {
            let is_project = !chosen.effective.settings.model.sources.is_empty();
            let folder = if is_project { output.clone() } else { chosen.place.root.clone() };
            Meant { folder, files: Vec::new() }
        });
        if !meant.folder.is_dir() {
            return Err(Failure::usage(
                format!("there is no folder `{}`", origin::from_here(&meant.folder, &here)),
                "generate it with `evergen run`, or name another folder",
            ));
        }
        let gates = Gates::of_folder(&chosen, &meant.folder)?;
        let mut folder = Folder::new(&meant.folder);
        if chosen.place.configuration.is_some() && meant.folder.starts_with(&output) {
            // Generated files are often ignored.
            folder = folder.with_ignored_files();
        }
        let stamps = gates.memory(&meant.folder);
        let subject = subject(folder.remembering(stamps.clone()), &meant)?;
        let whole = meant.files.is_empty()
            && (by_default || chosen.place.configuration.is_none() || meant.folder == output);
        let of_files = !meant.files.is_empty();
        Ok(Self { chosen, gates, folder: meant.folder, subject, stamps, of_files, whole })
    }

    /// Keeps what was learned of the files, so that nothing is read twice. Without it the next
    /// look costs time, and nothing else.
    pub(crate) fn keep_stamps(&self) {
        if let Err(error) = self.stamps.save() {
            tracing::warn!(%error, "the files' stamps could not be kept");
        }
    }

    /// The names of the gates that are asked, and how much that is.
    pub(crate) fn names(&self, choice: &GateChoice) -> Result<(Vec<String>, Extent), Failure> {
        if !choice.gates.is_empty() {
            let known = self.gates.offers();
            let mut names: Vec<String> = Vec::new();
            for name in choice.gates.iter().map(|name| name.trim().to_owned()) {
                if !known.iter().any(|(offer, _)| *offer == name) {
                    return Err(self.gates.unknown(&name));
                }
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            return Ok((names, Extent::Changes));
        }
        let mut names = self.gates.asked(true);
        if choice.all {
            names.extend(self.fitting(&names)?);
        }
        Ok((names, if self.whole { Extent::Whole } else { Extent::Changes }))
    }

    /// The gates that fit the files and are not among these.
    pub(crate) fn fitting(&self, names: &[String]) -> Result<Vec<String>, Failure> {
        let mut fitting = Vec::new();
        for (name, _) in self.gates.offers() {
            if names.contains(&name) {
                continue;
            }
            let Some(gate) = self.gates.gate(&name)? else { continue };
            let scope = &gate.info().scope;
            if self.subject.changed().iter().any(|file| scope.judges(file.path())) {
                fitting.push(name);
            }
        }
        Ok(fitting)
    }

    /// Which artifact a file of the judged folder is; none where evergen does not generate it.
    pub(crate) fn generated(
        &self,
    ) -> Result<impl Fn(&str) -> Option<ArtifactPath> + use<>, Failure> {
        // Whoever goes to the output by another way, as by a link, means the same files.
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let output = real(&self.chosen.output());
        let lock = match std::fs::read_to_string(self.chosen.place.root.join("evergen.lock")) {
            Ok(text) => LockFile::parse(&text)
                .map_err(|error| Failure::storage("reading `evergen.lock`", &error))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => LockFile::default(),
            Err(error) => return Err(Failure::storage("reading `evergen.lock`", &error)),
        };
        let folder = real(&self.folder);
        Ok(move |path: &str| {
            let file = folder.join(path);
            let inside = file.strip_prefix(&output).ok().and_then(Path::to_str);
            let path = inside.and_then(|path| ArtifactPath::parse(path).ok());
            path.filter(|path| lock.get(path).is_some())
        })
    }
}

fn subject(folder: Folder, meant: &Meant) -> Result<Subject, Failure> {
    let subject = if meant.files.is_empty() {
        Subject::of_folder(folder)
    } else {
        let names = meant.files.iter().map(|file| {
            file.strip_prefix(&meant.folder).ok().and_then(Path::to_str).ok_or_else(|| {
                let message = format!("`{}` lies outside of the current folder", file.display());
                Failure::usage(message, "go to a folder that has all files in it")
            })
        });
        Subject::of_selection(folder, &names.collect::<Result<Vec<_>, _>>()?)
    };
    subject.map_err(|error| {
        Failure::usage(error.to_string(), "name a folder, or files that are in the current folder")
    })
}

/// What the paths say; nothing if there are none.
fn meant(paths: &[PathBuf], here: &Path) -> Result<Option<Meant>, Failure> {
    let paths: Vec<PathBuf> = paths.iter().map(|path| absolute(path, here)).collect();
    for path in &paths {
        if !path.exists() {
            let message = format!("there is no `{}`", origin::from_here(path, here));
            return Err(Failure::usage(message, "name a folder, or files"));
        }
    }
    match paths.as_slice() {
        [] => Ok(None),
        [folder] if folder.is_dir() => {
            Ok(Some(Meant { folder: folder.clone(), files: Vec::new() }))
        }
        files if files.iter().any(|path| path.is_dir()) => Err(Failure::usage(
            "a folder is named with other paths",
            "name one folder, or only files",
        )),
        _ => Ok(Some(Meant { folder: here.to_owned(), files: paths })),
    }
}

/// The project around what is judged: the next one upwards, or the folder itself.
fn around(
    meant: Option<&Meant>,
    selection: &Selection,
    console: &mut Console,
) -> Result<Chosen, Failure> {
    let mut selection = selection.clone();
    if let (Some(meant), None) = (meant, &selection.root) {
        let is_project = |folder: &&Path| {
            folder.join(CONFIGURATION).is_file() || folder.join(remembered::FILE).is_file()
        };
        let real = meant.folder.canonicalize().unwrap_or_else(|_| meant.folder.clone());
        let project = meant.folder.ancestors().find(is_project);
        let project = project.or_else(|| real.ancestors().find(is_project));
        selection.root = Some(project.unwrap_or(&meant.folder).to_owned());
    }
    Chosen::with_any_settings(&[], &selection, console)
}
