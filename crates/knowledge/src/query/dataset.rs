//! Where the evaluator reads: a tracked reader, with terms by their ids.

use evergen_delta::{EncodedQuad, QuadPattern, Term, TermId, TermRef};
use oxrdf::{BlankNode, Literal, NamedNode};
use spareval::{InternalQuad, QueryEvaluationError, QueryableDataset};

use super::EvaluateError;
use crate::{TermCollision, TrackedReader, Value};

#[derive(Clone, Copy)]
pub(super) struct Dataset<'a> {
    reader: &'a dyn TrackedReader,
}

impl<'a> Dataset<'a> {
    pub(super) fn new(reader: &'a dyn TrackedReader) -> Self {
        Self { reader }
    }
}

/// The value of a term that may or may not be in the model.
///
/// # Errors
/// The model knows a different term by the same id.
pub(super) fn value(reader: &dyn TrackedReader, term: Term) -> Result<Value, TermCollision> {
    match reader.term(term.id()) {
        None => Ok(Value::computed(term)),
        Some(known) if known == term.as_ref() => Ok(Value::stored(term.id())),
        Some(known) => {
            Err(TermCollision { known: Box::new(known.to_owned()), refused: Box::new(term) })
        }
    }
}

/// The term that a value stands for, as the evaluator spells it.
pub(super) fn spelled(
    reader: &dyn TrackedReader,
    value: &Value,
) -> Result<oxrdf::Term, EvaluateError> {
    Ok(match value.term(reader).ok_or(EvaluateError::UnknownTerm(value.id()))? {
        TermRef::Iri(iri) => NamedNode::new_unchecked(iri).into(),
        TermRef::Blank(label) => BlankNode::new_unchecked(label).into(),
        TermRef::Literal { value, language: Some(language), .. } => {
            Literal::new_language_tagged_literal_unchecked(value, language).into()
        }
        TermRef::Literal { value, datatype, language: None } => {
            Literal::new_typed_literal(value, NamedNode::new_unchecked(datatype)).into()
        }
    })
}

/// The term of the model that the evaluator means.
pub(super) fn term(term: oxrdf::Term) -> Term {
    match term {
        oxrdf::Term::NamedNode(node) => Term::Iri(node.into_string()),
        oxrdf::Term::BlankNode(node) => Term::Blank(node.into_string()),
        oxrdf::Term::Literal(literal) => match literal.language() {
            Some(language) => Term::tagged(literal.value(), language),
            None => Term::typed(literal.value(), literal.datatype().as_str()),
        },
    }
}

fn id_or_any(value: Option<&Value>) -> TermId {
    value.map_or(TermId::ANY, Value::id)
}

fn internal(quad: EncodedQuad) -> InternalQuad<Value> {
    InternalQuad {
        subject: Value::stored(quad.subject),
        predicate: Value::stored(quad.predicate),
        object: Value::stored(quad.object),
        graph_name: (quad.graph != TermId::DEFAULT_GRAPH).then(|| Value::stored(quad.graph)),
    }
}

impl<'a> QueryableDataset<'a> for Dataset<'a> {
    type InternalTerm = Value;
    type Error = EvaluateError;

    fn internal_quads_for_pattern(
        &self,
        subject: Option<&Value>,
        predicate: Option<&Value>,
        object: Option<&Value>,
        graph_name: Option<Option<&Value>>,
    ) -> impl Iterator<Item = Result<InternalQuad<Value>, EvaluateError>> + use<'a> {
        let pattern = QuadPattern {
            subject: id_or_any(subject),
            predicate: id_or_any(predicate),
            object: id_or_any(object),
            graph: match graph_name {
                None => TermId::ANY,
                Some(None) => TermId::DEFAULT_GRAPH,
                Some(Some(graph)) => graph.id(),
            },
        };
        self.reader.quads(pattern).map(|quad| Ok(internal(quad)))
    }

    fn internal_named_graphs(
        &self,
    ) -> impl Iterator<Item = Result<Value, EvaluateError>> + use<'a> {
        let everything = QuadPattern {
            subject: TermId::ANY,
            predicate: TermId::ANY,
            object: TermId::ANY,
            graph: TermId::ANY,
        };
        let mut seen = rustc_hash::FxHashSet::default();
        self.reader
            .quads(everything)
            .filter(move |quad| seen.insert(quad.graph))
            .map(|quad| Ok(Value::stored(quad.graph)))
    }

    fn internalize_term(&self, spelled: oxrdf::Term) -> Result<Value, EvaluateError> {
        Ok(value(self.reader, term(spelled))?)
    }

    fn externalize_term(&self, value: Value) -> Result<oxrdf::Term, EvaluateError> {
        spelled(self.reader, &value)
    }
}

/// The same failure as a value that can be kept and compared.
pub(super) fn failure(error: QueryEvaluationError) -> EvaluateError {
    match error {
        QueryEvaluationError::Dataset(source) => match source.downcast::<EvaluateError>() {
            Ok(error) => *error,
            Err(other) => EvaluateError::Other(other.to_string()),
        },
        other => EvaluateError::Other(other.to_string()),
    }
}
