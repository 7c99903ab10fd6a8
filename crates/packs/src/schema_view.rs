//! The intermediate model, as templates ask for it, and the names that it keeps.

use evergen_delta::{QuadPattern, TermId, TermRef};
use evergen_knowledge::TrackedReader;
use evergen_regeneration::{AskError, KeepError, ModelView, NameKeeper, Reply};
use evergen_schema::{Names, NamesError, Options, Schema};

/// What templates know as `schema`: classes, properties, enumerations and datatypes of any
/// ontology, as [`evergen_schema`] describes them.
///
/// | question | answer |
/// |---|---|
/// | `schema.kind(node)` | `kind` is `class`, `enumeration`, `datatype`, `alias` or `hidden` |
/// | `schema.class(node)` | [`Class`](evergen_schema::Class), with all that instances can have |
/// | `schema.declared(node)` | the same with only those properties that the class itself brings in, narrows, or repeats |
/// | `schema.enumeration(node)` | [`Enumeration`](evergen_schema::Enumeration) |
/// | `schema.datatype(node)` | [`Datatype`](evergen_schema::Datatype) |
/// | `schema.classes()`, `schema.enumerations()`, `schema.datatypes()` | all of them, by IRI: `iri` and `name` of each |
///
/// Asked about what is nothing of the kind, it answers with nothing.
#[derive(Clone, Debug, Default)]
pub struct SchemaView {
    options: Options,
    /// The same without the texts of inherited properties, which are shown elsewhere.
    declared: Options,
}

impl SchemaView {
    /// A view with these options.
    pub fn new(options: Options) -> Self {
        let mut declared = options.clone();
        declared.inherited_texts = false;
        Self { options, declared }
    }
}

/// What can be asked.
const QUESTIONS: &[&str] = &[
    "kind",
    "class",
    "declared",
    "enumeration",
    "datatype",
    "classes",
    "enumerations",
    "datatypes",
];

impl ModelView for SchemaView {
    fn name(&self) -> &'static str {
        "schema"
    }

    fn version(&self) -> u32 {
        2
    }

    fn ask(
        &self,
        reader: &dyn TrackedReader,
        question: &str,
        subject: Option<TermId>,
    ) -> Result<Reply, AskError> {
        let schema = Schema::new(reader, &self.options);
        let about = || subject.ok_or(AskError::NoSubject);
        Ok(match question {
            "kind" => Reply::new(&schema.kind(about()?)),
            "class" => Reply::new(&schema.class(about()?)),
            "declared" => {
                let mut class = Schema::new(reader, &self.declared).class(about()?);
                if let Some(class) = &mut class {
                    class.properties.retain(|property| {
                        let slot = &property.slot;
                        !property.inherited || property.narrowed || slot.is_own || slot.is_repeated
                    });
                }
                Reply::new(&class)
            }
            "enumeration" => Reply::new(&schema.enumeration(about()?)),
            "datatype" => Reply::new(&schema.datatype(about()?)),
            "classes" => Reply::new(&schema.classes()),
            "enumerations" => Reply::new(&schema.enumerations()),
            "datatypes" => Reply::new(&schema.datatypes()),
            _ => return Err(AskError::Unknown { known: QUESTIONS }),
        })
    }
}

/// Keeps the names of classes, properties and listed values, and the numbers that some
/// languages need for them, in `evergen.names.ttl`.
#[derive(Clone, Debug, Default)]
pub struct SchemaNames {
    options: Options,
}

impl SchemaNames {
    /// A keeper with these options.
    pub fn new(options: Options) -> Self {
        Self { options }
    }
}

/// Predicates by which a model gains or loses classes, properties and listed values, and by
/// which those that have no words in their IRIs are called.
const WATCHED: &[&str] = &[
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#first",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#rest",
    "http://www.w3.org/2000/01/rdf-schema#subClassOf",
    "http://www.w3.org/2000/01/rdf-schema#subPropertyOf",
    "http://www.w3.org/2000/01/rdf-schema#domain",
    "http://www.w3.org/2000/01/rdf-schema#range",
    "http://www.w3.org/2002/07/owl#equivalentClass",
    "http://www.w3.org/2002/07/owl#equivalentProperty",
    "http://www.w3.org/2002/07/owl#inverseOf",
    "http://www.w3.org/2002/07/owl#intersectionOf",
    "http://www.w3.org/2002/07/owl#unionOf",
    "http://www.w3.org/2002/07/owl#oneOf",
    "http://www.w3.org/2002/07/owl#onProperty",
    "http://www.w3.org/ns/shacl#targetClass",
    "http://www.w3.org/ns/shacl#property",
    "http://www.w3.org/ns/shacl#path",
    "http://www.w3.org/ns/shacl#node",
    "http://www.w3.org/ns/shacl#and",
    "http://www.w3.org/ns/shacl#in",
    "http://www.w3.org/ns/shacl#datatype",
    "http://www.w3.org/2002/07/owl#allValuesFrom",
    "http://www.w3.org/2002/07/owl#someValuesFrom",
    "http://www.w3.org/2002/07/owl#hasValue",
    "http://www.w3.org/2002/07/owl#onClass",
    "http://www.w3.org/2002/07/owl#onDataRange",
    "http://www.w3.org/2002/07/owl#onDatatype",
    "http://www.w3.org/2002/07/owl#withRestrictions",
    "http://www.w3.org/2002/07/owl#disjointUnionOf",
    "http://www.w3.org/2002/07/owl#maxCardinality",
    "http://www.w3.org/2002/07/owl#cardinality",
    "http://www.w3.org/2002/07/owl#maxQualifiedCardinality",
    "http://www.w3.org/2002/07/owl#qualifiedCardinality",
    "http://www.w3.org/ns/shacl#or",
    "http://www.w3.org/ns/shacl#xone",
    "http://www.w3.org/ns/shacl#class",
    "http://www.w3.org/ns/shacl#nodeKind",
    "http://www.w3.org/ns/shacl#hasValue",
    "http://www.w3.org/ns/shacl#inversePath",
    "http://www.w3.org/ns/shacl#maxCount",
    "https://schema.org/rangeIncludes",
    "http://schema.org/rangeIncludes",
    "http://www.w3.org/2004/02/skos/core#inScheme",
    "http://www.w3.org/2000/01/rdf-schema#label",
    "http://www.w3.org/2004/02/skos/core#prefLabel",
    "https://schema.org/domainIncludes",
    "http://schema.org/domainIncludes",
];

/// The line on which the text speaks of an IRI.
fn line_of(text: &str, iri: &str) -> Option<u32> {
    let subject = format!("<{iri}>");
    let index = text.lines().position(|line| line.starts_with(&subject))?;
    u32::try_from(index + 1).ok()
}

fn error_line(error: &NamesError) -> Option<u32> {
    match error {
        NamesError::Syntax(error) => Some(error.line),
        _ => None,
    }
}

impl NameKeeper for SchemaNames {
    fn file_name(&self) -> &'static str {
        "evergen.names.ttl"
    }

    fn watched(&self) -> Vec<QuadPattern> {
        let of = |predicate: &&str| {
            QuadPattern::default_graph(None, Some(TermRef::Iri(predicate).id()), None)
        };
        WATCHED.iter().map(of).collect()
    }

    fn keep(&self, reader: &dyn TrackedReader, previous: &str) -> Result<String, KeepError> {
        let known = Names::parse(previous)
            .map_err(|error| KeepError::new(error.to_string(), error_line(&error)))?;
        if let Some(clash) = known.clashes().first() {
            let message = format!(
                "<{}> and <{}> are both called `{}`; give one of them another name",
                clash.first, clash.second, clash.shared
            );
            return Err(KeepError::new(message, line_of(previous, &clash.second)));
        }
        let wanted = Schema::new(reader, &self.options).wanted();
        let names = Names::allocate(&known, &wanted);
        // What holds nothing new is left as a person may have laid it out.
        Ok(if names == known { previous.to_owned() } else { names.to_string() })
    }
}
