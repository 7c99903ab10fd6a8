//! What is wrong with a model, and what is made of it nevertheless.

use evergen_delta::{EncodedQuad, TermId};
use serde::Serialize;

use crate::classify::Standing;
use crate::graph::statement;
use crate::vocabulary::v;
use crate::{Schema, Text};

/// A contradiction. The view is defined all the same; the message says how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// Which kind of contradiction.
    pub code: ProblemCode,
    /// The class, enumeration or datatype that was viewed, by IRI.
    pub subject: Text,
    /// The property that it is about, by IRI.
    pub property: Option<Text>,
    /// What is wrong.
    pub message: String,
    /// What is made of it, and what would mend it.
    pub help: String,
    /// Statements of the model that contradict each other; some of them, where there are many.
    #[serde(skip)]
    pub evidence: Vec<EncodedQuad>,
}

/// The kinds of contradictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemCode {
    /// A class is declared as a datatype too.
    ClassAndDatatype,
    /// A property needs more values than it may have.
    MinAboveMax,
    /// No value can be what two statements say that all values are.
    IncompatibleRanges,
    /// Classes are below each other.
    ClassCycle,
    /// No literal is within the limits.
    EmptyBounds,
    /// A statement of a datatype names what is none.
    NoDatatype,
    /// A bound is no whole number of 0 or more.
    NoCount,
    /// A bound of literals is no value that has others below or above it.
    NoBound,
    /// An enumeration lists nothing.
    NoMembers,
    /// An `rdf:List` is broken or never ends.
    BrokenList,
    /// A default is no value that its property may have.
    WrongDefault,
    /// Two things would have one name.
    NameClash,
}

/// A property needs more values than it may have.
pub(crate) fn min_above_max(
    subject: &Text,
    property: &Text,
    (min, max, evidence): &(u32, u32, Vec<EncodedQuad>),
) -> Problem {
    Problem {
        code: ProblemCode::MinAboveMax,
        subject: subject.clone(),
        property: Some(property.clone()),
        message: format!("<{property}> needs at least {min} values, and may have at most {max}"),
        help: format!("taken as exactly {max}; correct one of the bounds"),
        evidence: evidence.clone(),
    }
}

/// No value can be what two statements say.
pub(crate) fn incompatible_ranges(
    subject: &Text,
    property: &Text,
    evidence: Vec<EncodedQuad>,
) -> Problem {
    Problem {
        code: ProblemCode::IncompatibleRanges,
        subject: subject.clone(),
        property: Some(property.clone()),
        message: format!("values of <{property}> would be literals and resources at once"),
        help: "taken as either; correct one of the ranges, or make them a union".to_owned(),
        evidence,
    }
}

/// A property's values are said to be of the other kind than its own kind allows.
pub(crate) fn wrong_kind(
    subject: &Text,
    property: &Text,
    kind: &str,
    values: &str,
    evidence: Vec<EncodedQuad>,
) -> Problem {
    Problem {
        code: ProblemCode::IncompatibleRanges,
        subject: subject.clone(),
        property: Some(property.clone()),
        message: format!("<{property}> is an {kind}, and its values would be {values}"),
        help: "taken as its range says; correct the range, or the property's type".to_owned(),
        evidence,
    }
}

/// No literal is within the limits of a property or datatype.
pub(crate) fn empty_bounds(
    subject: &Text,
    property: Option<&Text>,
    bounds: &str,
    evidence: Vec<EncodedQuad>,
) -> Problem {
    let of = property.unwrap_or(subject);
    Problem {
        code: ProblemCode::EmptyBounds,
        subject: subject.clone(),
        property: property.cloned(),
        message: format!("values of <{of}> would be {bounds}"),
        help: "no value passes; correct one of the bounds".to_owned(),
        evidence,
    }
}

/// A default is no value that its property may have.
pub(crate) fn wrong_default(subject: &Text, property: &Text, at: EncodedQuad) -> Problem {
    Problem {
        code: ProblemCode::WrongDefault,
        subject: subject.clone(),
        property: Some(property.clone()),
        message: format!("the default of <{property}> is no value that it may have"),
        help: "taken as if it were not there; correct the default, or what values may be"
            .to_owned(),
        evidence: vec![at],
    }
}

/// What one statement of a restriction or shape gets wrong.
pub(crate) fn slip(subject: &Text, property: Option<&Text>, slip: &Slip) -> Problem {
    let of = property.unwrap_or(subject);
    let (code, message, help) = match &slip.kind {
        SlipKind::NoCount { found } => (
            ProblemCode::NoCount,
            format!("a bound of <{of}> is no whole number of 0 or more: {found}"),
            "taken as if it were not there; write a number, like 1",
        ),
        SlipKind::NoBound { found } => (
            ProblemCode::NoBound,
            format!("a bound of <{of}> is no number and no time: {found}"),
            "taken as if it were not there; write a value, like 1",
        ),
        SlipKind::ClassAsDatatype { class } => (
            ProblemCode::NoDatatype,
            format!("the datatype of <{of}> is the class <{class}>"),
            "taken as a link to an instance of it; say sh:class, or name a datatype",
        ),
        SlipKind::UnknownDatatype { datatype } => (
            ProblemCode::NoDatatype,
            format!("XML Schema has no datatype <{datatype}>"),
            "taken as a text; correct its name",
        ),
    };
    Problem {
        code,
        subject: subject.clone(),
        property: property.cloned(),
        message,
        help: help.to_owned(),
        evidence: vec![slip.at],
    }
}

/// A statement that says nothing, as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Slip {
    pub(crate) kind: SlipKind,
    pub(crate) at: EncodedQuad,
}

#[derive(Clone, Debug)]
pub(crate) enum SlipKind {
    NoCount { found: String },
    NoBound { found: String },
    ClassAsDatatype { class: Text },
    UnknownDatatype { datatype: Text },
}

/// Two properties of a class would have one name.
pub(crate) fn name_clash(subject: &Text, property: &Text, name: &str, other: &str) -> Problem {
    Problem {
        code: ProblemCode::NameClash,
        subject: subject.clone(),
        property: Some(property.clone()),
        message: format!("another property of the class has the name `{name}`"),
        help: format!("named `{other}`; keep allocated names with the model, or give one"),
        evidence: Vec::new(),
    }
}

/// Two things of the model have one name.
pub(crate) fn shared_name(subject: &Text, other: &Text, name: &str) -> Problem {
    Problem {
        code: ProblemCode::NameClash,
        subject: subject.clone(),
        property: None,
        message: format!("<{subject}> and <{other}> both have the name `{name}`"),
        help: "keep allocated names with the model, or give one of them another name".to_owned(),
        evidence: Vec::new(),
    }
}

impl Schema<'_> {
    /// What contradicts itself in the declarations of a group of classes or datatypes.
    pub(crate) fn group_problems(&self, term: TermId) -> Vec<Problem> {
        let subject = self.text(term);
        let members = self.members(term);
        let mut problems = Vec::new();
        problems.extend(self.class_and_datatype(&subject, &members));
        problems.extend(self.class_cycle(&subject, &members));
        for member in &members {
            let node = self.node(*member);
            for head in &node.one_of {
                problems.extend(self.no_members(&subject, *head));
            }
            let heads = node.one_of.iter().chain(&node.unions);
            let broken = heads.filter(|head| self.list(**head).broken_at.is_some());
            problems.extend(broken.map(|head| self.broken_list(*head, &subject, None)));
        }
        if matches!(self.standing(term), Standing::Datatype(_)) {
            let empty = self.data_range(term).facets.contradiction();
            let evidence = || members.iter().flat_map(|member| self.facet_statements(*member));
            problems.extend(
                empty.map(|bounds| empty_bounds(&subject, None, &bounds, evidence().collect())),
            );
            let useless = evidence().filter_map(|at| self.useless_bound(at));
            problems.extend(useless.map(|found| slip(&subject, None, &found)));
        }
        if matches!(self.standing(term), Standing::Class(_)) {
            let own = self.own_properties(term);
            problems.extend(own.broken.iter().map(|list| self.broken_list(*list, &subject, None)));
        }
        problems
    }

    fn class_and_datatype(&self, subject: &Text, members: &[TermId]) -> Option<Problem> {
        let is_class = |member: &&TermId| self.node(**member).is_owl_class;
        let is_data = |member: &&TermId| {
            let node = self.node(**member);
            node.is_datatype || !node.literals.is_empty()
        };
        let class = members.iter().find(is_class)?;
        let data = members.iter().find(is_data)?;
        let taken = match self.standing(*class) {
            Standing::Class(_) => "a class",
            Standing::Enumeration(_) => "an enumeration",
            _ => "a datatype",
        };
        let node = self.node(*data);
        let above = node.literals.iter().flat_map(|literal| {
            [v().sub_class_of, v().equivalent_class].map(|by| statement(*data, by, *literal))
        });
        let mut evidence = vec![
            statement(*class, v().rdf_type, v().owl_class),
            statement(*data, v().rdf_type, v().rdfs_datatype),
        ];
        evidence.extend(above);
        evidence.retain(|quad| self.says(quad.subject, quad.predicate, quad.object));
        Some(Problem {
            code: ProblemCode::ClassAndDatatype,
            subject: subject.clone(),
            property: None,
            message: format!("<{subject}> is declared as a class and as a datatype"),
            help: format!("taken as {taken}; remove one of the declarations"),
            evidence,
        })
    }

    fn class_cycle(&self, subject: &Text, members: &[TermId]) -> Option<Problem> {
        let evidence: Vec<EncodedQuad> = members
            .iter()
            .flat_map(|member| {
                let above = self.objects(*member, v().sub_class_of).into_iter();
                above
                    .filter(move |above| above != member && members.contains(above))
                    .map(move |above| statement(*member, v().sub_class_of, above))
            })
            .collect();
        if evidence.is_empty() {
            return None;
        }
        let names: Vec<String> =
            members.iter().map(|member| format!("<{}>", self.text(*member))).collect();
        Some(Problem {
            code: ProblemCode::ClassCycle,
            subject: subject.clone(),
            property: None,
            message: format!("{} are below each other", names.join(", ")),
            help: format!("taken as one class, <{subject}>; remove one of the statements"),
            evidence,
        })
    }

    fn no_members(&self, subject: &Text, head: TermId) -> Option<Problem> {
        let is_empty = self.list(head).members.is_empty();
        is_empty.then(|| Problem {
            code: ProblemCode::NoMembers,
            subject: subject.clone(),
            property: None,
            message: format!("<{subject}> is one of no values at all"),
            help: "taken as if nothing were listed; list the values".to_owned(),
            evidence: self
                .subjects(v().one_of, head)
                .into_iter()
                .map(|owner| statement(owner, v().one_of, head))
                .collect(),
        })
    }

    pub(crate) fn broken_list(
        &self,
        head: TermId,
        subject: &Text,
        property: Option<&Text>,
    ) -> Problem {
        let at = self.list(head).broken_at.unwrap_or(head);
        let star = self.star(at);
        Problem {
            code: ProblemCode::BrokenList,
            subject: subject.clone(),
            property: property.cloned(),
            message: "an rdf:List is broken, or never ends".to_owned(),
            help: "read as far as it goes; give each cell one rdf:first and one rdf:rest"
                .to_owned(),
            evidence: star
                .iter()
                .map(|(predicate, object)| statement(at, *predicate, *object))
                .collect(),
        }
    }
}
