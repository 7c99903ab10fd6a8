//! A server that follows a folder from verdict to verdict.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use evergen_artifact::Digest;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::connection::{Connection, Deadline};
use super::form::{Asks, Form};
use super::protocol::{
    Diagnostic, Encoding, Initialized, Pulled, Refusal, TextEdit, address, introduction,
};
use crate::Fault;
use crate::process::Request;

/// How often a question is put that the server puts off.
const TRIES: usize = 5;

/// What a file adds to the time for an answer: a tree that is new takes a while.
const PER_FILE: Duration = Duration::from_millis(50);

/// A server, the files that it was told of, and the texts that it holds.
#[derive(Debug)]
pub(super) struct Session {
    connection: Connection,
    folder: String,
    pulls: bool,
    pub(super) encoding: Encoding,
    seen: BTreeMap<String, Digest>,
    open: BTreeMap<String, Open>,
}

#[derive(Debug)]
struct Open {
    version: i64,
    digest: Digest,
}

/// A text that is to be judged; the path is relative to the session's folder.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) path: String,
    pub(super) digest: Digest,
    pub(super) text: String,
}

/// What the server says of a document.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) diagnostics: Vec<Diagnostic>,
    /// What it would lay out differently, where that was asked.
    pub(super) edits: Vec<TextEdit>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Stop {
    /// Something broke. The session is of no more use.
    Fault(Fault),
    /// This is not for a server; the session is as good as before.
    Declined(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Session {
    /// Starts a server on a folder and waits until it says what it can.
    pub(super) async fn open(request: Request, folder: &Path, form: &Form) -> Result<Self, Fault> {
        let Some(folder) = folder.to_str().map(str::to_owned) else {
            return Err(Fault::infra("the folder's path is no text", "Rename the folder."));
        };
        let mut connection = Connection::open(request, form.settings.clone())?;
        connection
            .ask("initialize", &introduction(&address(&folder), &form.options, form.registers));
        let deadline = Deadline::within(form.start);
        let mut answers = connection.answers(deadline).await?;
        let said = answers.pop().ok_or_else(|| Fault::infra("no answer", "Try again."))?;
        let said: Initialized = read("what the server can", said.map_err(|it| refused(&it))?)?;
        connection.tell("initialized", &json!({}));
        if form.registers {
            connection.registration(deadline).await?;
        }
        let provider = said.capabilities.diagnostic_provider;
        Ok(Self {
            connection,
            folder,
            pulls: form.registers || provider.is_some_and(|it| !it.is_null()),
            encoding: said.capabilities.position_encoding,
            seen: BTreeMap::new(),
            open: BTreeMap::new(),
        })
    }

    /// Whether one of these files, as settings of the tool are, is another one in `tree`.
    pub(super) fn differs(
        &self,
        tree: &BTreeMap<String, Digest>,
        concerns: impl Fn(&str) -> bool,
    ) -> bool {
        let paths = self.seen.keys().chain(tree.keys()).filter(|path| concerns(path));
        !self.seen.is_empty() && paths.into_iter().any(|path| self.seen.get(path) != tree.get(path))
    }

    /// Whether it follows this folder and has not ended.
    pub(super) fn follows(&mut self, folder: &Path) -> bool {
        Path::new(&self.folder) == folder && self.connection.is_living()
    }

    /// Brings the server into step with the folder, which holds `tree` now, and asks it about the
    /// documents.
    ///
    /// A document that the server did not hold yet is first shown with a mistake in it: whoever
    /// does not see that does not look at this file, and what it says of it is worth nothing.
    pub(super) async fn judge(
        &mut self,
        form: &Form,
        tree: BTreeMap<String, Digest>,
        documents: &[Document],
    ) -> Result<Vec<Answer>, Stop> {
        self.tell_changes(tree);
        self.close_others(documents);
        self.show_mistakes(form, documents).await?;
        for document in documents {
            self.show(document);
        }
        let paths: Vec<&str> = documents.iter().map(|document| document.path.as_str()).collect();
        let answers = self.questions(form, &paths).await?;
        if !form.holds {
            self.close_others(&[]);
        }
        Ok(answers)
    }

    /// Ends the server in peace.
    pub(super) async fn close(self) {
        self.connection.close().await;
    }

    /// Ends a server that is of no more use.
    pub(super) async fn end(self) {
        self.connection.end().await;
    }

    fn tell_changes(&mut self, tree: BTreeMap<String, Digest>) {
        const CREATED: u8 = 1;
        const CHANGED: u8 = 2;
        const DELETED: u8 = 3;
        let mut changes = Vec::new();
        let mut note = |path: &str, how| {
            let uri = address(&format!("{}/{path}", self.folder));
            changes.push(json!({ "uri": uri, "type": how }));
        };
        for (path, digest) in &tree {
            match self.seen.get(path) {
                None => note(path, CREATED),
                Some(before) if before != digest => note(path, CHANGED),
                Some(_) => {}
            }
        }
        for path in self.seen.keys().filter(|path| !tree.contains_key(*path)) {
            note(path, DELETED);
        }
        if !changes.is_empty() {
            let changes = json!({ "changes": changes });
            self.connection.tell("workspace/didChangeWatchedFiles", &changes);
        }
        self.seen = tree;
    }

    fn close_others(&mut self, documents: &[Document]) {
        let stays = |path: &str| documents.binary_search_by(|it| it.path.as_str().cmp(path));
        let gone: Vec<String> =
            self.open.keys().filter(|path| stays(path).is_err()).cloned().collect();
        for path in gone {
            let closed = json!({ "textDocument": { "uri": self.address(&path) } });
            self.connection.tell("textDocument/didClose", &closed);
            self.open.remove(&path);
        }
    }

    async fn show_mistakes(&mut self, form: &Form, documents: &[Document]) -> Result<(), Stop> {
        let new = documents.iter().filter(|document| !self.open.contains_key(&document.path));
        let new: Vec<&str> = new.map(|document| document.path.as_str()).collect();
        for path in &new {
            let opened = json!({ "textDocument": {
                "uri": self.address(path),
                "languageId": language(path),
                "version": 1,
                "text": form.mistake,
            } });
            self.connection.tell("textDocument/didOpen", &opened);
            let digest = Digest::of(form.mistake.as_bytes());
            self.open.insert((*path).to_owned(), Open { version: 1, digest });
            if !self.pulls {
                self.want(path, 1);
            }
        }
        let answers = self.questions(form, &new).await?;
        let blind = new.iter().zip(&answers).find(|(_, answer)| match form.asks {
            Asks::Diagnostics => answer.diagnostics.is_empty(),
            Asks::Layout => answer.edits.is_empty(),
        });
        let Some((path, _)) = blind else { return Ok(()) };
        let what = format!("{path}: the server did not see a mistake that was put there");
        self.close_others(&[]);
        Err(Stop::Declined(Fault::CanaryMissed { what }))
    }

    /// Gives the server a text, where it has another one. One that publishes what it finds is
    /// given it in any case: only a new version tells old diagnostics from new ones.
    fn show(&mut self, document: &Document) {
        let Some(open) = self.open.get_mut(&document.path) else { return };
        if self.pulls && open.digest == document.digest {
            return;
        }
        open.version += 1;
        open.digest = document.digest;
        let version = open.version;
        let changed = json!({
            "textDocument": { "uri": self.address(&document.path), "version": version },
            "contentChanges": [{ "text": document.text }],
        });
        self.connection.tell("textDocument/didChange", &changed);
        if !self.pulls {
            self.want(&document.path, version);
        }
    }

    fn want(&mut self, path: &str, version: i64) {
        self.connection.want(format!("{}/{path}", self.folder), version);
    }

    fn address(&self, path: &str) -> String {
        address(&format!("{}/{path}", self.folder))
    }

    /// Asks about all of these at once, and waits for all answers.
    async fn questions(&mut self, form: &Form, paths: &[&str]) -> Result<Vec<Answer>, Fault> {
        let files = u32::try_from(paths.len()).unwrap_or(u32::MAX);
        let deadline = Deadline::within(form.patience + PER_FILE.saturating_mul(files));
        let mut answers: Vec<Answer> = paths.iter().map(|_| Answer::default()).collect();
        if self.pulls {
            let found = self.question("textDocument/diagnostic", paths, deadline).await?;
            for (answer, found) in answers.iter_mut().zip(found) {
                let Pulled::Full { items } = read("diagnostics of the server", found)?;
                answer.diagnostics = items;
            }
        } else {
            let mut found = self.connection.published(deadline).await?;
            for (answer, path) in answers.iter_mut().zip(paths) {
                let found = found.remove(&format!("{}/{path}", self.folder));
                let missing = || Fault::unparsable("diagnostics of the server", "some are missing");
                answer.diagnostics = found.ok_or_else(missing)?;
            }
        }
        if form.asks == Asks::Layout {
            let found = self.question("textDocument/formatting", paths, deadline).await?;
            for (answer, found) in answers.iter_mut().zip(found) {
                let edits: Option<Vec<TextEdit>> = read("edits of the server", found)?;
                answer.edits = edits.unwrap_or_default();
            }
        }
        Ok(answers)
    }

    async fn question(
        &mut self,
        method: &str,
        paths: &[&str],
        deadline: Deadline,
    ) -> Result<Vec<Value>, Fault> {
        let mut found = vec![Value::Null; paths.len()];
        let mut left: Vec<usize> = (0..paths.len()).collect();
        for _ in 0..TRIES {
            for index in &left {
                let uri = self.address(paths[*index]);
                let mut asked = json!({ "textDocument": { "uri": uri } });
                if method == "textDocument/formatting" {
                    // Required, and overruled by what the tool itself knows.
                    asked["options"] = json!({ "tabSize": 4, "insertSpaces": true });
                }
                self.connection.ask(method, &asked);
            }
            let answers = self.connection.answers(deadline).await?;
            let mut again = Vec::new();
            for (index, answer) in left.into_iter().zip(answers) {
                match answer {
                    Ok(value) => found[index] = value,
                    Err(refusal) if refusal.asks_again() => again.push(index),
                    Err(refusal) => return Err(refused(&refusal)),
                }
            }
            if again.is_empty() {
                return Ok(found);
            }
            left = again;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let why = format!("the server put the same question off {TRIES} times");
        Err(Fault::infra(why, "Try again."))
    }
}

fn read<T: DeserializeOwned>(what: &str, value: Value) -> Result<T, Fault> {
    serde_json::from_value(value).map_err(|error| Fault::unparsable(what, error))
}

fn refused(refusal: &Refusal) -> Fault {
    let why = format!("the server answered with error {}: {}", refusal.code, refusal.message);
    Fault::infra(why, "Run the tool by hand on the same files to see why.")
}

/// What editors call the language of a file.
fn language(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "py" | "pyi" => "python",
        "ts" | "mts" | "cts" => "typescript",
        "tsx" => "typescriptreact",
        "js" | "mjs" | "cjs" => "javascript",
        "jsx" => "javascriptreact",
        "rs" => "rust",
        _ => "plaintext",
    }
}
