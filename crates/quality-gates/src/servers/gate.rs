use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use evergen_artifact::Digest;
use futures::future::{BoxFuture, FutureExt};

use super::form::Form;
use super::preparation::{Prepared, prepare};
use super::reading::findings;
use super::session::{Session, Stop};
use crate::adapter::find::Found;
use crate::adapter::held;
use crate::process::Request;
use crate::{
    AdapterGate, Coverage, Examination, Fault, Finding, Gate, GateInfo, Identity, Looker, Outcome,
    Scratch, Subject, ToolAdapter, Workspace,
};

/// So often may a server be started...
const MOST_STARTS: usize = 5;
/// ...in this time.
const WINDOW: Duration = Duration::from_mins(10);

/// A gate that asks a tool as a server that stays warm from verdict to verdict.
///
/// The server proves itself on the tool's canaries each time it is started, and on each file when
/// it is first asked about it: it is shown a mistake there before it is shown the text. What it
/// can't be asked about, the tool itself is run for: when it can't be started or was started too
/// often, when it is blind to a file, when there are too many files. A server that breaks down
/// while it is asked is an error, and never a pass; the next verdict starts another one.
///
/// The server ends with the gate. [`close`](Self::close) says goodbye to it before.
pub struct ServerGate<A> {
    cold: AdapterGate<A>,
    form: Form,
    pub(super) alone: bool,
    /// Taken out for the time of a verdict, so that one which is given up takes it along.
    warm: Mutex<Option<Warm>>,
    starts: Mutex<VecDeque<Instant>>,
    note: Mutex<Option<String>>,
}

struct Warm {
    session: Session,
    /// The tool as it was when the server was started.
    digest: Digest,
}

impl<A> std::fmt::Debug for ServerGate<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerGate").field("form", &self.form).finish_non_exhaustive()
    }
}

impl<A: ToolAdapter> ServerGate<A> {
    /// The gate of a tool in its warm form.
    pub fn new(cold: AdapterGate<A>, form: Form) -> Self {
        Self {
            cold,
            form,
            alone: false,
            warm: Mutex::default(),
            starts: Mutex::default(),
            note: Mutex::default(),
        }
    }

    /// Never runs the tool itself: what the server can't be asked about is an error.
    #[must_use]
    pub fn without_the_tool_itself(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Why the tool itself was run for the last verdict; nothing if the server gave it.
    pub fn note(&self) -> Option<String> {
        locked(&self.note).clone()
    }

    /// Ends the server, if there is one, and waits until it is gone: for less than a second.
    pub async fn close(&self) {
        let warm = locked(&self.warm).take();
        if let Some(warm) = warm {
            warm.session.close().await;
        }
    }

    async fn answer(&self, examination: &Examination) -> Outcome {
        let why = match self.ask(examination).await {
            Ok(outcome) => {
                locked(&self.note).take();
                return outcome;
            }
            Err(Stop::Declined(why)) if !self.alone => why.to_string(),
            Err(Stop::Declined(fault) | Stop::Fault(fault)) => return Outcome::Error(fault),
        };
        let gate = &self.info().name;
        let known = locked(&self.note).replace(why.clone());
        if known.as_ref() == Some(&why) {
            tracing::debug!(gate, why, "no warm server; the tool itself is run");
        } else {
            tracing::warn!(gate, why, "no warm server; the tool itself is run");
        }
        self.cold.examine(examination.clone()).await
    }

    async fn ask(&self, examination: &Examination) -> Result<Outcome, Stop> {
        if examination.files().is_empty() {
            let what = "no file is left in the gate's scope".to_owned();
            return Err(Fault::EmptyScope { what }.into());
        }
        let found = self.cold.found().await?;
        self.check(&found, examination)?;
        let prepared = self.prepared(examination).await?;
        let mut session = match self.warm(&found, &prepared).await {
            Some(session) => session,
            None => self.started(&found, &prepared).await.map_err(Stop::Declined)?,
        };
        let found_in = self.look(&mut session, prepared).await;
        if let Err(Stop::Fault(fault)) = found_in {
            session.end().await;
            return Err(Stop::Fault(fault));
        }
        *locked(&self.warm) = Some(Warm { session, digest: found.digest });
        let found_in = found_in?;
        let files = examination.files().len() as u64;
        let looker = &found.tool.looker;
        let looker = Looker::new(format!("{} server", looker.name), &looker.version);
        Ok(Outcome::of(found_in, Coverage::of_files(files).by(looker)))
    }

    /// What a server is not asked.
    fn check(&self, found: &Found, examination: &Examination) -> Result<(), Stop> {
        let tool = self.cold.adapter().tool();
        if !self.form.versions.contains(&found.tool.version) {
            return Err(Stop::Declined(Fault::WrongVersion {
                tool: format!("{} as a server", tool.program),
                found: found.tool.version.to_string(),
                wanted: self.form.versions.to_string(),
                install: tool.install.clone(),
            }));
        }
        let (files, most) = (examination.files().len(), self.form.most_files);
        if files > most {
            let why =
                format!("{files} files are more than the {most} that a server is asked about");
            return Err(Stop::Declined(Fault::infra(why, "Run the tool itself.")));
        }
        Ok(())
    }

    async fn prepared(&self, examination: &Examination) -> Result<Prepared, Stop> {
        prepare(&self.form, &self.info().name, examination).await
    }

    /// The server that runs already, if it is the same tool in the same folder.
    async fn warm(&self, found: &Found, prepared: &Prepared) -> Option<Session> {
        let mut warm = locked(&self.warm).take()?;
        if warm.digest == found.digest && warm.session.follows(&prepared.folder) {
            return Some(warm.session);
        }
        warm.session.end().await;
        None
    }

    async fn started(&self, found: &Found, prepared: &Prepared) -> Result<Session, Fault> {
        self.count_start()?;
        self.prove(found).await?;
        self.open(found, &prepared.folder).await
    }

    fn count_start(&self) -> Result<(), Fault> {
        let mut starts = locked(&self.starts);
        starts.retain(|start| start.elapsed() < WINDOW);
        if starts.len() >= MOST_STARTS {
            let minutes = WINDOW.as_secs() / 60;
            let why =
                format!("the server was started {MOST_STARTS} times within {minutes} minutes");
            return Err(Fault::infra(why, "Run the tool by hand to see why its server ends."));
        }
        starts.push_back(Instant::now());
        Ok(())
    }

    async fn open(&self, found: &Found, folder: &Path) -> Result<Session, Fault> {
        let tool = &found.tool.path;
        let program = self.form.program.map_or_else(|| tool.clone(), |it| tool.with_file_name(it));
        let request = Request {
            program,
            arguments: self.form.arguments.iter().map(Into::into).collect(),
            folder: folder.to_path_buf(),
            private: true,
            environment: self.cold.environment(),
            input: None,
            limits: self.cold.adapter().limits(),
        };
        Session::open(request, folder, &self.form).await
    }

    /// Lets the server show in a folder of its own that it sees planted mistakes, and that it
    /// sees that they went away.
    async fn prove(&self, found: &Found) -> Result<(), Fault> {
        let scratch = Scratch::temporary()?;
        let mut session: Option<Session> = None;
        for canary in self.cold.adapter().canaries() {
            let files = canary.files.iter().map(|(path, text)| (path.clone(), text.as_bytes()));
            let subject = Subject::of_files(files);
            let workspace = Workspace::new(subject.clone(), Some(scratch.clone()));
            let files = subject.changed().iter().filter(|it| self.info().scope.judges(it.path()));
            let examination =
                Examination::new(subject.clone(), files.cloned().collect(), workspace);
            let prepared = self.prepared(&examination).await.map_err(as_fault)?;
            let mut current = match session.take() {
                Some(session) => session,
                None => self.open(found, &prepared.folder).await?,
            };
            let findings = self.look(&mut current, prepared).await.map_err(as_fault)?;
            held(&canary, &findings)?;
            session = Some(current);
        }
        if let Some(session) = session {
            session.end().await;
        }
        Ok(())
    }

    async fn look(&self, session: &mut Session, prepared: Prepared) -> Result<Vec<Finding>, Stop> {
        let answers = session.judge(&self.form, prepared.tree, &prepared.documents).await?;
        let mut all = Vec::new();
        for ((document, path), answer) in
            prepared.documents.iter().zip(&prepared.paths).zip(&answers)
        {
            let found = findings(&self.form, session.encoding, path, &document.text, answer);
            all.extend(found?);
        }
        Ok(all)
    }
}

impl<A: ToolAdapter> Gate for ServerGate<A> {
    fn info(&self) -> &GateInfo {
        self.cold.info()
    }

    /// Another one than the tool itself has: answers of the one are not taken for the other's.
    fn identity(&self) -> BoxFuture<'_, Result<Identity, Fault>> {
        async move {
            let found = self.cold.found().await?;
            let digest = format!("server 1\0{}\0{:?}", found.digest, self.form.arguments);
            Ok(Identity::of(vec![found.tool.looker], digest.as_bytes()))
        }
        .boxed()
    }

    fn examine(&self, examination: Examination) -> BoxFuture<'_, Outcome> {
        async move { self.answer(&examination).await }.boxed()
    }
}

fn as_fault(stop: Stop) -> Fault {
    match stop {
        Stop::Fault(fault) | Stop::Declined(fault) => fault,
    }
}

/// Each critical section leaves whole values behind, so a panic elsewhere does no harm.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
