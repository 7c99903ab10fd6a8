//! The intermediate model, as templates ask for it, and the names that it keeps.

use evergen_delta::TermId;
use evergen_knowledge::TrackedReader;
use evergen_regeneration::{
    AskError, KeepError, ModelChange, ModelView, NameKeeper, Remark, Reply, ViewMemory,
};
use evergen_schema::{Memo, Names, NamesError, Options, Problem, Property, Schema, TextScope};

use crate::context;

/// What templates know as `schema`: classes, properties, enumerations and datatypes of any
/// ontology, as [`evergen_schema`] describes them.
///
/// | question | answer |
/// |---|---|
/// | `schema.kind(node)` | `kind` is `class`, `enumeration`, `datatype`, `alias` or `hidden` |
/// | `schema.class(node)` | [`Class`](evergen_schema::Class), with all that instances can have |
/// | `schema.declared(node)` | the same with only those properties that the class itself brings in, narrows, or repeats |
/// | `schema.outline(node)` | what `declared` gives, without labels, comments and notes of deprecation |
/// | `schema.enumeration(node)` | [`Enumeration`](evergen_schema::Enumeration) |
/// | `schema.datatype(node)` | [`Datatype`](evergen_schema::Datatype) |
/// | `schema.number(node)` | the number that a class, enumeration or datatype keeps, none where none is kept |
/// | `schema.version()` | the version of what is generated, `0.1.0` where none is kept |
/// | `schema.context()` | the members of a JSON-LD context for instances, each a text of JSON |
/// | `schema.classes()`, `schema.enumerations()`, `schema.datatypes()` | all of them, by IRI: `iri` and `name` of each |
///
/// Asked about what is nothing of the kind, it answers with nothing.
#[derive(Clone, Debug)]
pub struct SchemaView {
    options: Options,
    /// The same without the texts of inherited properties, which are shown elsewhere.
    declared: Options,
    /// The same without any text.
    outline: Options,
}

impl SchemaView {
    /// A view with these options.
    pub fn new(options: Options) -> Self {
        let with = |texts| {
            let mut options = options.clone();
            options.texts = texts;
            options
        };
        Self { declared: with(TextScope::Own), outline: with(TextScope::Nothing), options }
    }
}

/// What can be asked.
const QUESTIONS: &[&str] = &[
    "kind",
    "class",
    "declared",
    "outline",
    "enumeration",
    "datatype",
    "classes",
    "enumerations",
    "datatypes",
    "number",
    "version",
    "context",
];

impl ModelView for SchemaView {
    fn name(&self) -> &'static str {
        "schema"
    }

    fn version(&self) -> u32 {
        3
    }

    fn ask(
        &self,
        reader: &dyn TrackedReader,
        memory: &mut ViewMemory,
        question: &str,
        subject: Option<TermId>,
    ) -> Result<Reply, AskError> {
        // What is found out about a class serves all that are asked about later.
        let options = match question {
            "declared" => &self.declared,
            "outline" | "context" => &self.outline,
            _ => &self.options,
        };
        let schema = Schema::resume(reader, options, memory.take());
        let reply = answer(&schema, question, subject);
        memory.leave(schema.into_memo());
        reply
    }

    fn forget(&self, memory: &mut ViewMemory, change: &ModelChange<'_>) {
        let mut memo: Memo = memory.take();
        memo.forget(change.facts, change.delta.quads().map(|quad| quad.subject));
        memory.leave(memo);
    }
}

fn answer(schema: &Schema<'_>, question: &str, subject: Option<TermId>) -> Result<Reply, AskError> {
    let about = || subject.ok_or(AskError::NoSubject);
    let of_all = ["classes", "enumerations", "datatypes", "version", "context"];
    if subject.is_some() && of_all.contains(&question) {
        return Err(AskError::NeedlessSubject);
    }
    Ok(match question {
        "kind" => Reply::new(&schema.kind(about()?)),
        "class" => {
            let class = schema.class(about()?);
            let found = remarks(class.as_ref().map(|class| &class.problems));
            Reply::new(&class).with_remarks(found)
        }
        "declared" | "outline" => {
            let mut class = schema.class(about()?);
            if let Some(class) = &mut class {
                class.properties.retain(Property::is_of_class);
            }
            let found = remarks(class.as_ref().map(|class| &class.problems));
            Reply::new(&class).with_remarks(found)
        }
        "enumeration" => {
            let enumeration = schema.enumeration(about()?);
            let found = remarks(enumeration.as_ref().map(|one| &one.problems));
            Reply::new(&enumeration).with_remarks(found)
        }
        "datatype" => {
            let datatype = schema.datatype(about()?);
            let found = remarks(datatype.as_ref().map(|one| &one.problems));
            Reply::new(&datatype).with_remarks(found)
        }
        "classes" => {
            let classes = schema.classes();
            let is_nothing = classes.is_empty()
                && schema.enumerations().is_empty()
                && schema.datatypes().is_empty();
            Reply::new(&classes).with_remarks(is_nothing.then(nothing))
        }
        "enumerations" => Reply::new(&schema.enumerations()),
        "datatypes" => Reply::new(&schema.datatypes()),
        "number" => Reply::new(&schema.class_number(about()?)),
        "version" => Reply::new(&schema.version()),
        "context" => Reply::new(&context::members(&schema.context())),
        _ => return Err(AskError::Unknown { known: QUESTIONS }),
    })
}

/// Of a model that has nothing that packs make something of.
fn nothing() -> Remark {
    Remark {
        message: "the model declares no class, no enumeration and no datatype".to_owned(),
        help:
            "packages without types of the model's own are made; declare classes by rdfs:Class or \
               owl:Class, in the default graph, as named graphs are left to queries"
                .to_owned(),
        evidence: Vec::new(),
    }
}

fn remarks(problems: Option<&Vec<Problem>>) -> Vec<Remark> {
    let problems = problems.into_iter().flatten();
    let remark = |problem: &Problem| Remark {
        message: problem.message.clone(),
        help: problem.help.clone(),
        evidence: problem.evidence.clone(),
    };
    problems.map(remark).collect()
}

/// Keeps the names of classes, properties and listed values, and the numbers that some
/// languages need for them, in `evergen.names.ttl`.
#[derive(Clone, Debug)]
pub struct SchemaNames {
    options: Options,
}

impl SchemaNames {
    /// A keeper with these options.
    pub fn new(mut options: Options) -> Self {
        // A name does not depend on what a property's comment says.
        options.texts = TextScope::Nothing;
        Self { options }
    }
}

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
