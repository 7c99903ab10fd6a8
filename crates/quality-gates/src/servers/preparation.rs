//! What is to be judged, as files that a server finds and texts that it is given.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use evergen_artifact::Digest;

use super::connection::MOST_WAITING;
use super::form::{Form, Project};
use super::session::{Document, Stop};
use crate::{Examination, Fault, Subject, SubjectError, SubjectFile};

/// A folder for a server, and what it is asked about there.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) folder: PathBuf,
    /// All files of the folder. Their paths, as those of the documents, are relative to it.
    pub(super) tree: BTreeMap<String, Digest>,
    /// Sorted by path.
    pub(super) documents: Vec<Document>,
    /// The documents' paths in the judged tree.
    pub(super) paths: Vec<String>,
}

/// Fills the folder, and reads what is to be judged.
pub(super) async fn prepare(
    form: &Form,
    gate: &str,
    examination: &Examination,
) -> Result<Prepared, Stop> {
    let workspace = examination.workspace();
    let folder = match form.project {
        Some(project) => {
            let name = format!("{gate} server");
            workspace.mirror(&name, move |path| !(project.leaves_out)(path)).await?
        }
        None => workspace.folder().await?.to_path_buf(),
    };
    let (project, examination) = (form.project, examination.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let (subject, files) = (examination.subject(), examination.files());
        let mut prepared = read(folder, project, subject, files)?;
        if let Some(project) = project {
            let text = (project.text)(files);
            keep(&prepared.folder.join(project.file), &text)?;
            prepared.tree.insert(project.file.to_owned(), Digest::of(text.as_bytes()));
        }
        Ok(prepared)
    });
    reading.await.map_err(|error| {
        Stop::Fault(Fault::infra(format!("reading what is judged failed: {error}"), "Report this."))
    })?
}

fn read(
    folder: PathBuf,
    project: Option<Project>,
    subject: &Subject,
    files: &[SubjectFile],
) -> Result<Prepared, Stop> {
    let failed = |error: SubjectError| Stop::Fault(error.into());
    let inside = |path: &str| match project {
        Some(_) => format!("tree/{path}"),
        None => path.to_owned(),
    };
    let stays = |path: &str| project.is_none_or(|project| !(project.leaves_out)(path));
    let mut tree = BTreeMap::new();
    for file in subject.files().map_err(failed)?.iter().filter(|file| stays(file.path())) {
        let digest = file.digest().map_err(SubjectError::from).map_err(failed)?;
        tree.insert(inside(file.path()), digest);
    }
    let mut documents = Vec::new();
    let mut size = 0;
    for file in files {
        let text = file.text().map_err(SubjectError::from).map_err(failed)?;
        let no_text = || declined(format!("{} is no text", file.path()));
        let text = text.ok_or_else(no_text)?;
        size += text.len();
        if size > MOST_WAITING / 2 {
            return Err(declined("the files are larger than what a server is given".to_owned()));
        }
        let digest = file.digest().map_err(SubjectError::from).map_err(failed)?;
        documents.push(Document { path: inside(file.path()), digest, text });
    }
    let paths = files.iter().map(|file| file.path().to_owned()).collect();
    Ok(Prepared { folder, tree, documents, paths })
}

fn declined(why: String) -> Stop {
    Stop::Declined(Fault::infra(why, "Run the tool itself."))
}

/// Writes a file that is not there with this text.
fn keep(file: &Path, text: &str) -> Result<(), Fault> {
    if std::fs::read(file).is_ok_and(|bytes| bytes == text.as_bytes()) {
        return Ok(());
    }
    std::fs::write(file, text).map_err(|error| {
        let why = format!("can't write {}: {error}", file.display());
        Fault::infra(why, "Check the state folder's permissions.")
    })
}
