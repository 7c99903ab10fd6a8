//! Where the rows of a generator come from: a query, or a view of the model.

use std::sync::Arc;

use evergen_delta::{Fingerprint, Term, TermRef};
use evergen_knowledge::{Query, Snapshot, TrackedReader, Value};
use minijinja::Value as Reply;

use crate::suggest;
use crate::template::asked::{Answers, told};
use crate::view::{AskError, ModelView, Views};

/// What gives the rows of a generator.
#[derive(Debug)]
pub(crate) enum RowSource {
    /// The rows of a SELECT query.
    Query(Box<Query>),
    /// The things that a view lists.
    View(ViewRows),
}

impl RowSource {
    /// The variables that a row binds.
    pub(crate) fn variables(&self) -> Vec<Arc<str>> {
        match self {
            Self::Query(query) => {
                query.variables().iter().map(|name| name.as_str().into()).collect()
            }
            Self::View(rows) => vec![Arc::clone(&rows.variable)],
        }
    }
}

/// A question to a view whose answer is a list of things.
pub(crate) struct ViewRows {
    variable: Arc<str>,
    view: Arc<dyn ModelView>,
    question: Arc<str>,
}

/// The things that a view lists, and what it read for that.
pub(crate) type Listed = (Vec<Value>, Vec<Fingerprint>);

impl ViewRows {
    /// Reads `class in schema.classes()`; none for a text of another form.
    ///
    /// # Errors
    /// What is wrong with a text of this form.
    pub(crate) fn parse(text: &str, views: &Views) -> Option<Result<Self, String>> {
        let mut words = text.split_whitespace();
        let (variable, keyword, call) = (words.next()?, words.next()?, words.next()?);
        if keyword != "in" || words.next().is_some() {
            return None;
        }
        let called = call.strip_suffix("()").and_then(|call| call.split_once('.'));
        let Some((view, question)) = called.filter(|(_, question)| is_name(question)) else {
            return Some(Err(format!(
                "`{call}` is no list of a view; write it like `class in schema.classes()`"
            )));
        };
        if !is_name(variable) {
            return Some(Err(format!("`{variable}` is no name of a variable")));
        }
        let Some(found) = views.iter().find(|known| known.name() == view) else {
            let names = views.iter().map(|view| view.name());
            let instead = suggest::instead(view, "views", names);
            return Some(Err(format!("there is no view `{view}`; {instead}")));
        };
        Some(Ok(Self {
            variable: variable.into(),
            view: Arc::clone(found),
            question: question.into(),
        }))
    }

    /// What the view lists in a state of the model.
    ///
    /// # Errors
    /// Why the view has no such list.
    pub(crate) fn list(&self, snapshot: &Snapshot, answers: &Answers) -> Result<Listed, String> {
        let asked = format!("{}.{}()", self.view.name(), self.question);
        let answer = answers.ask(&*self.view, &self.question, None);
        let reply = answer.reply.as_ref().map_err(|error| match error {
            AskError::NoSubject => format!("{asked} is asked about one thing, and gives no list"),
            _ => format!("{asked}: {}", told(error, &self.question)),
        })?;
        let no_list =
            || format!("{asked} does not answer with a list of things that have an `iri`");
        let listed = reply.value();
        if listed.kind() != minijinja::value::ValueKind::Seq {
            return Err(no_list());
        }
        let things = listed.try_iter().map_err(|_| no_list())?;
        let values = things.map(|thing| {
            let iri = if thing.as_str().is_some() { Ok(thing) } else { thing.get_attr("iri") };
            let iri = iri.unwrap_or(Reply::UNDEFINED);
            Some(value(iri.as_str()?, snapshot))
        });
        let values: Option<Vec<Value>> = values.collect();
        Ok((values.ok_or_else(no_list)?, vec![answer.fact.fingerprint()]))
    }
}

/// The term of an IRI: a view may name what no statement has.
fn value(iri: &str, snapshot: &Snapshot) -> Value {
    let term = TermRef::Iri(iri);
    match snapshot.term(term.id()) {
        Some(known) if known == term => Value::stored(term.id()),
        _ => Value::computed(Term::iri(iri)),
    }
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

impl std::fmt::Debug for ViewRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in {}.{}()", self.variable, self.view.name(), self.question)
    }
}
