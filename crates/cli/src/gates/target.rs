//! What a person means by the paths after `gates` and `heal`.

use std::path::{Path, PathBuf};

use evergen_artifact::{ArtifactPath, LockFile};
use evergen_quality_gates::{
    CompletenessSettings, Extent, FileMemory, Folder, History, LeftOut, Subject, SubjectFile,
};

use super::Gates;
use crate::arguments::{GateChoice, Selection};
use crate::console::Console;
use crate::failure::Failure;
use crate::origin::{self, absolute, upwards};
use crate::project::Chosen;

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
    pub(crate) whole: bool,
    /// The parts of the folder that were named, where there is nothing but them.
    parts: Vec<String>,
}

/// Which gates are asked.
pub(crate) struct Questions {
    pub(crate) names: Vec<String>,
    /// Those that would have been asked, and were left out.
    pub(crate) left_out: Vec<LeftOut>,
    /// How much of all that is.
    pub(crate) extent: Extent,
}

/// A file that evergen generates.
pub(crate) struct Generated {
    /// Where it lies in its project's output folder.
    pub(crate) artifact: ArtifactPath,
    /// Whether that is the project around the judged folder.
    pub(crate) around: bool,
}

/// What is to be judged, before it is looked at.
struct Meant {
    /// The folder that has all of it.
    folder: PathBuf,
    /// Files in it, where not all are meant.
    files: Vec<PathBuf>,
    /// Folders and files in it, where there is nothing but them.
    parts: Vec<PathBuf>,
}

impl Meant {
    fn whole(folder: PathBuf) -> Self {
        Self { folder, files: Vec::new(), parts: Vec::new() }
    }

    fn is_whole(&self) -> bool {
        self.files.is_empty() && self.parts.is_empty()
    }
}

impl Target {
    /// Finds the project around the paths, the gates, and the files. The folder is walked.
    pub(crate) fn find(
        paths: &[PathBuf],
        selection: &Selection,
        console: &mut Console,
    ) -> Result<Self, Failure> {
        let (chosen, is_project, meant) = located(paths, selection, console)?;
        let output = chosen.output();
        if !meant.folder.is_dir() {
            let folder = origin::from_here(&meant.folder, &chosen.here);
            return Err(Failure::usage(
                format!("there is no folder `{folder}`"),
                "generate it with `evergen run`, or name another folder",
            ));
        }
        let mut gates = Gates::of_folder(&chosen, &meant.folder)?;
        if is_project && meant.is_whole() {
            expect(&mut gates, &chosen, &meant.folder)?;
        }
        let mut folder = Folder::new(&meant.folder);
        if is_project && meant.folder.starts_with(&output) {
            // Generated files are often ignored.
            folder = folder.with_ignored_files();
        }
        let stamps = gates.memory(&meant.folder);
        let subject = subject(folder.remembering(stamps.clone()), &meant)?.placed(gates.place());
        // What is judged where nobody names a part.
        let all = if is_project && !chosen.effective.settings.model.sources.is_empty() {
            &output
        } else {
            &chosen.place.root
        };
        let whole = meant.is_whole() && meant.folder == *all;
        let of_files = !meant.files.is_empty();
        let parts = names(&meant.parts, &meant.folder)?;
        Ok(Self { chosen, gates, folder: meant.folder, subject, stamps, of_files, whole, parts })
    }

    /// What was found earlier of what the paths mean. Their files need not be there any more.
    pub(crate) fn history(
        paths: &[PathBuf],
        selection: &Selection,
        console: &mut Console,
    ) -> Result<History, Failure> {
        let (chosen, _, meant) = located(paths, selection, console)?;
        Ok(Gates::of_folder(&chosen, &meant.folder)?.history())
    }

    /// Whether what is judged lies in the project, so that its files have names there.
    pub(crate) fn is_inside(&self) -> bool {
        let root = absolute(&self.chosen.place.root, &self.chosen.here);
        real(&self.folder).starts_with(real(&root))
    }

    /// Whether a file, named from the project's root, is among those that were named, or would be
    /// if it were still there. Of the whole tree, "", that is so where all was named.
    pub(crate) fn is_judged(&self, file: &str) -> bool {
        if file.is_empty() {
            return self.whole;
        }
        let Some(inside) = file.strip_prefix(self.subject.place()) else { return false };
        if self.of_files {
            return self.subject.changed().iter().any(|file| file.path() == inside);
        }
        let is_in = |part: &String| Path::new(inside).starts_with(part);
        if !self.parts.is_empty() && !self.parts.iter().any(is_in) {
            return false;
        }
        // What lies elsewhere has no place by which it could be told from the project's own.
        let is_gone = || self.is_inside() && !self.folder.join(inside).exists();
        self.subject.get(inside).is_ok_and(|file| file.is_some()) || is_gone()
    }

    /// Keeps what was learned of the files, so that nothing is read twice. Without it the next
    /// look costs time, and nothing else.
    pub(crate) fn keep_stamps(&self) {
        if let Err(error) = self.stamps.save() {
            tracing::warn!(%error, "the files' stamps could not be kept");
        }
    }

    /// The gates that are asked, those that are left out, and how much that is.
    pub(crate) fn asked(&self, choice: &GateChoice) -> Result<Questions, Failure> {
        let chosen = self.known(&choice.gates)?;
        let skipped = self.known(&choice.skipped)?;
        let mut extent = if self.whole { Extent::Whole } else { Extent::Changes };
        let mut names = if chosen.is_empty() { self.gates.asked(true) } else { chosen };
        if !choice.gates.is_empty() || !skipped.is_empty() || choice.installed {
            // Somebody else may need what a waiver is for.
            extent = Extent::Changes;
        }
        let mut left_out = Vec::new();
        if choice.all {
            let (fitting, lacking) = self.fitting(&names)?;
            names.extend(fitting);
            left_out.extend(lacking);
        }
        names.retain(|name| {
            let is_asked = !skipped.contains(name);
            left_out.extend((!is_asked).then(|| LeftOut::new(name, "left out by `--skip`")));
            is_asked
        });
        if choice.installed {
            let missing = self.gates.missing(&names)?;
            names.retain(|name| !missing.iter().any(|left| left.gate == *name));
            left_out.extend(missing);
        }
        Ok(Questions { names, left_out, extent })
    }

    /// These names, each once, if there are such gates.
    fn known(&self, given: &[String]) -> Result<Vec<String>, Failure> {
        let offers = self.gates.offers();
        let mut names: Vec<String> = Vec::new();
        for name in given.iter().map(|name| name.trim().to_owned()) {
            if !offers.iter().any(|(offer, _)| *offer == name) {
                return Err(self.gates.unknown(&name));
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The gates that fit the files and are not among these, and those that would if the files
    /// were a project, as cargo wants one.
    pub(crate) fn fitting(&self, names: &[String]) -> Result<(Vec<String>, Vec<LeftOut>), Failure> {
        let folder = origin::from_here(&self.folder, &self.chosen.here);
        let tree = self.subject.files();
        let tree = tree.map_err(|error| Failure::storage(format!("reading `{folder}`"), &error))?;
        let (mut fitting, mut lacking) = (Vec::new(), Vec::new());
        for (name, _) in self.gates.offers() {
            if names.contains(&name) {
                continue;
            }
            let Some(gate) = self.gates.gate(&name)? else { continue };
            let scope = &gate.info().scope;
            if !self.subject.changed().iter().any(|file| scope.judges(file.path())) {
                continue;
            }
            match scope.lacks(tree.iter().map(SubjectFile::path)) {
                None => fitting.push(name),
                Some(what) => {
                    lacking.push(LeftOut::new(name, format!("there is no {what} in `{folder}`")));
                }
            }
        }
        Ok((fitting, lacking))
    }

    /// Which artifact a file of the judged folder is, if evergen generates it: for the project
    /// around it, or for the one in which somebody stands, whose output may lie outside of it.
    pub(crate) fn generated(&self) -> Result<impl Fn(&str) -> Option<Generated> + use<>, Failure> {
        let mut outputs = vec![output_of(&self.chosen)?];
        let own = upwards(&self.chosen.here).filter(|root| *root != self.chosen.place.root);
        if let Some(root) = own {
            outputs.push(output_of(&Chosen::at(&root)?)?);
        }
        let folder = real(&self.folder);
        Ok(move |path: &str| {
            let file = folder.join(path);
            outputs.iter().enumerate().find_map(|(number, (output, lock))| {
                let inside = file.strip_prefix(output).ok().and_then(Path::to_str);
                let artifact = inside.and_then(|path| ArtifactPath::parse(path).ok())?;
                let around = number == 0;
                lock.get(&artifact).is_some().then_some(Generated { artifact, around })
            })
        })
    }
}

/// The project around the paths, whether it is one, and what the paths mean there.
fn located(
    paths: &[PathBuf],
    selection: &Selection,
    console: &mut Console,
) -> Result<(Chosen, bool, Meant), Failure> {
    let here = std::env::current_dir()
        .map_err(|error| Failure::storage("finding the current folder", &error))?;
    let meant = meant(paths, &here)?;
    let (chosen, is_project) = around(meant.as_ref(), selection, &here, console)?;
    let meant = meant.unwrap_or_else(|| {
        let has_output = !chosen.effective.settings.model.sources.is_empty();
        Meant::whole(match (is_project, has_output) {
            (true, true) => chosen.output(),
            (true, false) => chosen.place.root.clone(),
            (false, _) => here,
        })
    });
    Ok((chosen, is_project, meant))
}

/// Tells the gates what should be in this folder, if it is the output folder or lies in it.
fn expect(gates: &mut Gates, chosen: &Chosen, folder: &Path) -> Result<(), Failure> {
    let (output, lock) = output_of(chosen)?;
    let real = real(folder);
    let Some(inside) = real.strip_prefix(&output).ok().and_then(Path::to_str) else {
        return Ok(());
    };
    let inside = if inside.is_empty() { String::new() } else { format!("{inside}/") };
    let settings = &chosen.effective.settings;
    let shares = CompletenessSettings::default()
        .with_files(settings.completeness.required_files)
        .with_modules(settings.completeness.validated_modules);
    gates.expect(&lock, &settings.modules, shares, &inside);
    Ok(())
}

/// Where a project's generated files lie, and which those are.
fn output_of(chosen: &Chosen) -> Result<(PathBuf, LockFile), Failure> {
    let lock = match std::fs::read_to_string(chosen.place.root.join("evergen.lock")) {
        Ok(text) => LockFile::parse(&text)
            .map_err(|error| Failure::storage("reading `evergen.lock`", &error))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => LockFile::default(),
        Err(error) => return Err(Failure::storage("reading `evergen.lock`", &error)),
    };
    Ok((real(&chosen.output()), lock))
}

/// Whoever goes to a folder by another way, as by a link, means the same files.
pub(super) fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn subject(folder: Folder, meant: &Meant) -> Result<Subject, Failure> {
    let subject = if meant.files.is_empty() {
        Subject::of_folder(folder.with_parts(names(&meant.parts, &meant.folder)?))
    } else {
        let files = names(&meant.files, &meant.folder)?;
        Subject::of_selection(folder, &files.iter().map(String::as_str).collect::<Vec<_>>())
    };
    subject.map_err(|error| Failure::usage(error.to_string(), error.advice()))
}

/// Where these paths lie in a folder.
fn names(paths: &[PathBuf], folder: &Path) -> Result<Vec<String>, Failure> {
    let name = |path: &PathBuf| {
        let inside = path.strip_prefix(folder).ok().and_then(Path::to_str);
        inside.map(str::to_owned).ok_or_else(|| {
            let message = format!("`{}` has a name that is no text", path.display());
            Failure::usage(message, "rename it")
        })
    };
    paths.iter().map(name).collect()
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
    let has_folder = paths.iter().any(|path| path.is_dir());
    Ok(match paths.as_slice() {
        [] => None,
        [folder] if has_folder => Some(Meant::whole(folder.clone())),
        all if has_folder => {
            let folder = common(all.iter().map(PathBuf::as_path));
            // One of them may have all the others in it.
            let parts = if paths.contains(&folder) { Vec::new() } else { paths };
            Some(Meant { folder, files: Vec::new(), parts })
        }
        files => {
            let around = files.iter().filter_map(|file| file.parent());
            let folder = common(around.chain([here]));
            Some(Meant { folder, files: paths, parts: Vec::new() })
        }
    })
}

/// The innermost folder that has all of them.
fn common<'a>(mut paths: impl Iterator<Item = &'a Path>) -> PathBuf {
    let first = paths.next().unwrap_or(Path::new("/")).to_owned();
    paths.fold(first, |folder, path| {
        let shared = folder.components().zip(path.components()).take_while(|(a, b)| a == b);
        shared.map(|(component, _)| component).collect()
    })
}

/// The project around what is judged, and whether it is one: the next one upwards, else the
/// repository, else the folder itself.
fn around(
    meant: Option<&Meant>,
    selection: &Selection,
    here: &Path,
    console: &mut Console,
) -> Result<(Chosen, bool), Failure> {
    let mut selection = selection.clone();
    if selection.root.is_none() {
        let is_repository = |folder: &&Path| folder.join(".git").exists();
        let folder = meant.map_or(here, |meant| &meant.folder);
        let repository = || folder.ancestors().find(is_repository).unwrap_or(folder).to_owned();
        let found = upwards(folder).or_else(|| upwards(&real(folder)));
        selection.root = Some(found.unwrap_or_else(repository));
    }
    let chosen = Chosen::with_any_settings(&[], &selection, console)?;
    let is_project = chosen.place.configuration.is_some();
    Ok((chosen, is_project))
}
