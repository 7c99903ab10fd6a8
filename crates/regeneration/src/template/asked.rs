//! Views as templates see them, and what was asked of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use evergen_delta::{QuadPattern, TermId, TermRef};
use evergen_knowledge::{Snapshot, Tracker};
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};

use super::node::{Node, Session, expand};
use crate::view::{AskError, ModelView, Reply};

/// So many answers are kept; then the memory begins anew.
const KEPT: usize = 8192;

/// Answers that were given about one state of the model, each with what it read: many
/// artifacts ask the same.
#[derive(Default)]
pub(crate) struct Answers {
    known: Mutex<HashMap<Question, Arc<Answer>>>,
}

type Question = (&'static str, String, Option<TermId>);

pub(crate) struct Answer {
    pub(crate) reply: Result<Reply, AskError>,
    pub(crate) reads: Vec<QuadPattern>,
}

impl Answers {
    /// The answer to a question, asked now or before.
    pub(crate) fn ask(
        &self,
        snapshot: &Snapshot,
        view: &dyn ModelView,
        question: &str,
        subject: Option<TermId>,
    ) -> Arc<Answer> {
        let key: Question = (view.name(), question.to_owned(), subject);
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = known().get(&key) {
            return Arc::clone(answer);
        }
        // Two workers may find the same answer at once, which costs time and does no harm.
        let tracker = Tracker::new(snapshot.clone());
        let reply = view.ask(&tracker, question, subject);
        let answer = Arc::new(Answer { reply, reads: tracker.take_reads().into_patterns() });
        let mut known = known();
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(key, Arc::clone(&answer));
        answer
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").finish_non_exhaustive()
    }
}

/// A view in a template.
pub(crate) struct Asked {
    pub(crate) view: Arc<dyn ModelView>,
    pub(crate) session: Arc<Session>,
}

impl Asked {
    fn subject(&self, argument: &Value) -> Result<TermId, Error> {
        if let Some(node) = argument.downcast_object_ref::<Node>() {
            return Ok(node.id());
        }
        let iri = argument.as_str().ok_or_else(|| {
            let what = format!(
                "{} is asked about a node or an IRI, not about {}",
                self.view.name(),
                argument.kind()
            );
            Error::new(ErrorKind::InvalidOperation, what)
        })?;
        // What no prefix of the project begins is an IRI in full.
        let iri = expand(iri, &self.session.prefixes).unwrap_or_else(|_| iri.to_owned());
        Ok(TermRef::Iri(&iri).id())
    }
}

impl Object for Asked {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        let subject = match arguments {
            [] => None,
            [argument] => Some(self.subject(argument)?),
            _ => return Err(Error::from(ErrorKind::TooManyArguments)),
        };
        let tracker = &self.session.tracker;
        let answer = self.session.answers.ask(tracker.snapshot(), &*self.view, method, subject);
        self.session.read(&answer.reads);
        match &answer.reply {
            Ok(reply) => Ok(reply.value()),
            Err(error) => Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("{}.{method}: {error}", self.view.name()),
            )),
        }
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Asked").field(&self.view.name()).finish()
    }
}
