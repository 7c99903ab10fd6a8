//! The filters that the interpreter understands.

use evergen_delta::TermId;
use spargebra::algebra::{Expression, Function};

use super::{Compiler, Op, Source};

/// A filter, true, false, or in error.
#[derive(Clone, Debug)]
pub(in crate::query) enum Condition {
    Constant(bool),
    Bound(usize),
    SameTerm(Source, Source),
    Equal(Source, Source),
    Kind(Source, Kind),
    /// Comparing texts that are strings for sure.
    Text(TextTest, Text, Text),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Exists(Box<Op>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::query) enum Kind {
    Iri,
    Blank,
    Literal,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::query) enum TextTest {
    Equal,
    Starts,
    Ends,
    Contains,
    /// The first is a language tag that the second, a range, covers.
    LanguageMatches,
}

#[derive(Clone, Debug)]
pub(in crate::query) enum Text {
    Str(Source),
    Language(Source),
    Constant(String),
}

impl Condition {
    pub(super) fn compile(expression: &Expression, compiler: &mut Compiler) -> Option<Self> {
        use Expression as E;
        let mut one = |inner: &Expression| Some(Box::new(Self::compile(inner, compiler)?));
        Some(match expression {
            E::And(left, right) => Self::And(one(left)?, one(right)?),
            E::Or(left, right) => Self::Or(one(left)?, one(right)?),
            E::Not(inner) => Self::Not(one(inner)?),
            E::Bound(variable) => Self::Bound(compiler.slot(variable)),
            E::Exists(body) => Self::Exists(compiler.boxed(body)?),
            E::SameTerm(left, right) => {
                Self::SameTerm(source(left, compiler)?, source(right, compiler)?)
            }
            E::Equal(left, right) => equal(left, right, compiler)?,
            E::In(left, list) => {
                let tests = list.iter().map(|item| equal(left, item, compiler));
                let tests: Vec<_> = tests.collect::<Option<_>>()?;
                let either = |left, right| Self::Or(Box::new(left), Box::new(right));
                // An empty list is an error where the operand is one; too rare to follow.
                tests.into_iter().reduce(either)?
            }
            E::Literal(literal) => match (literal.datatype().as_str(), literal.value()) {
                ("http://www.w3.org/2001/XMLSchema#boolean", "true") => Self::Constant(true),
                ("http://www.w3.org/2001/XMLSchema#boolean", "false") => Self::Constant(false),
                _ => return None,
            },
            E::FunctionCall(function, arguments) => call(function, arguments, compiler)?,
            _ => return None,
        })
    }
}

fn equal(left: &Expression, right: &Expression, compiler: &mut Compiler) -> Option<Condition> {
    let is_text = |side: &Expression| matches!(side, Expression::FunctionCall(..));
    if is_text(left) || is_text(right) {
        let (left, right) = (text(left, compiler)?, text(right, compiler)?);
        return Some(Condition::Text(TextTest::Equal, left, right));
    }
    Some(Condition::Equal(source(left, compiler)?, source(right, compiler)?))
}

fn call(
    function: &Function,
    arguments: &[Expression],
    compiler: &mut Compiler,
) -> Option<Condition> {
    let kind = match function {
        Function::IsIri => Some(Kind::Iri),
        Function::IsBlank => Some(Kind::Blank),
        Function::IsLiteral => Some(Kind::Literal),
        _ => None,
    };
    if let (Some(kind), [argument]) = (kind, arguments) {
        return Some(Condition::Kind(source(argument, compiler)?, kind));
    }
    let test = match function {
        Function::StrStarts => TextTest::Starts,
        Function::StrEnds => TextTest::Ends,
        Function::Contains => TextTest::Contains,
        Function::LangMatches => TextTest::LanguageMatches,
        _ => return None,
    };
    let [left, right] = arguments else { return None };
    Some(Condition::Text(test, text(left, compiler)?, text(right, compiler)?))
}

/// A variable or a constant term.
pub(super) fn source(expression: &Expression, compiler: &mut Compiler) -> Option<Source> {
    Some(match expression {
        Expression::Variable(variable) => Source::Slot(compiler.slot(variable)),
        Expression::NamedNode(node) => Source::Constant(compiler.constant(node.clone().into())),
        Expression::Literal(literal) => Source::Constant(compiler.constant(literal.clone().into())),
        _ => return None,
    })
}

fn text(expression: &Expression, compiler: &mut Compiler) -> Option<Text> {
    match expression {
        Expression::FunctionCall(Function::Str, arguments) => {
            Some(Text::Str(source(arguments.first()?, compiler)?))
        }
        Expression::FunctionCall(Function::Lang, arguments) => {
            Some(Text::Language(source(arguments.first()?, compiler)?))
        }
        Expression::Literal(literal)
            if literal.datatype().as_str() == "http://www.w3.org/2001/XMLSchema#string" =>
        {
            Some(Text::Constant(literal.value().to_owned()))
        }
        _ => None,
    }
}

/// Basic filtering of language ranges, where `*` covers every tag but none.
pub(super) fn language_matches(tag: &str, range: &str) -> bool {
    if range == "*" {
        return !tag.is_empty();
    }
    let mut tags = tag.split('-');
    range.split('-').all(|part| tags.next().is_some_and(|own| own.eq_ignore_ascii_case(part)))
}

impl Source {
    pub(super) fn id(self, frame: &[TermId]) -> TermId {
        match self {
            Self::Slot(slot) => frame[slot],
            Self::Constant(id) => id,
        }
    }
}
