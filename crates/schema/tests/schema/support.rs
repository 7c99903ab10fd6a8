//! Small models in Turtle, and views of them as short texts.

use std::fmt::Write as _;

use evergen_delta::{TermId, TermRef};
use evergen_knowledge::{Format, Limits, Model, Tracker, parse};
use evergen_schema::{
    Class, ClassRef, Deprecation, Enumeration, EnumerationRef, Facets, Member, Options, Problem,
    Property, Range, Schema, Text, Value,
};

pub(crate) const PREFIXES: &str = "
@prefix : <http://example.org/> .
@prefix ev: <https://evergen.dev/ns#> .
@prefix obo: <http://purl.obolibrary.org/obo/> .
@prefix other: <http://other.example/ns#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix schema: <https://schema.org/> .
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
";

/// A model of Turtle with the usual prefixes.
pub(crate) fn model(text: &str) -> Tracker {
    build(&format!("{PREFIXES}{text}"), Format::Turtle)
}

pub(crate) fn build(text: &str, format: Format) -> Tracker {
    let source = parse(text.as_bytes(), format, "http://example.org/", &Limits::default())
        .unwrap_or_else(|errors| panic!("{errors:#?}"));
    Tracker::new(Model::build([("model".to_owned(), source)]).unwrap().snapshot())
}

pub(crate) fn id(iri: &str) -> TermId {
    TermRef::Iri(iri).id()
}

/// The id of `:name`.
pub(crate) fn local(name: &str) -> TermId {
    id(&format!("http://example.org/{name}"))
}

/// All that a model says, as a short text.
pub(crate) fn show(text: &str) -> String {
    show_with(text, &Options::default())
}

pub(crate) fn show_with(text: &str, options: &Options) -> String {
    let tracker = model(text);
    show_all(&Schema::new(&tracker, options))
}

pub(crate) fn show_all(schema: &Schema<'_>) -> String {
    let mut shown = String::new();
    for class in schema.classes() {
        show_class(&schema.class(id(&class.iri)).unwrap(), &mut shown);
    }
    for enumeration in schema.enumerations() {
        show_enumeration(&schema.enumeration(id(&enumeration.iri)).unwrap(), &mut shown);
    }
    for datatype in schema.datatypes() {
        let datatype = schema.datatype(id(&datatype.iri)).unwrap();
        let facets = facets(&datatype.facets);
        writeln!(shown, "datatype {}: {}{facets}", datatype.name, short(&datatype.base)).unwrap();
        show_texts(
            datatype.label.as_ref(),
            datatype.comment.as_ref(),
            datatype.deprecated.as_ref(),
            &mut shown,
        );
        show_problems(&datatype.problems, &mut shown);
    }
    shown
}

fn show_class(class: &Class, shown: &mut String) {
    let is_abstract = if class.is_abstract { "abstract " } else { "" };
    write!(shown, "{is_abstract}class {}", class.name).unwrap();
    let lists = [("<", &class.parents), ("<<", &class.ancestors), (">", &class.children)];
    for (sign, classes) in lists {
        let is_known = sign == "<<" && *classes == class.parents;
        if !(classes.is_empty() || is_known) {
            write!(shown, " {sign} {}", names(classes)).unwrap();
        }
    }
    for alias in &class.aliases {
        write!(shown, " = {}", short(alias)).unwrap();
    }
    for key in &class.keys {
        let names: Vec<&str> = key.iter().map(|property| &*property.name).collect();
        write!(shown, " key({})", names.join(" ")).unwrap();
    }
    shown.push('\n');
    show_texts(class.label.as_ref(), class.comment.as_ref(), class.deprecated.as_ref(), shown);
    for property in &class.properties {
        show_property(property, class, shown);
    }
    show_problems(&class.problems, shown);
}

fn show_property(property: &Property, class: &Class, shown: &mut String) {
    let max = property.max.map_or("*".to_owned(), |max| max.to_string());
    let ranges: Vec<String> = property.ranges.iter().map(range).collect();
    let reversed = if property.is_reversed { "^" } else { "" };
    let (name, min) = (&property.name, property.min);
    write!(shown, "  {reversed}{name} {min}..{max} {}", ranges.join(" | ")).unwrap();
    if property.owner.iri != class.iri {
        write!(shown, " of {}", property.owner.name).unwrap();
    }
    let flags = [
        (property.narrowed, "narrowed"),
        (property.unique_lang, "unique-lang"),
        (property.is_inverse_functional, "inverse-functional"),
        (property.is_symmetric, "symmetric"),
        (property.is_transitive, "transitive"),
    ];
    for (_, flag) in flags.iter().filter(|(is_set, _)| *is_set) {
        write!(shown, " {flag}").unwrap();
    }
    if let Some(inverse) = &property.inverse {
        write!(shown, " inverse({})", inverse.name).unwrap();
    }
    for fixed in &property.fixed {
        write!(shown, " ={}", value(fixed)).unwrap();
    }
    if let Some(default) = &property.default {
        write!(shown, " default({})", value(default)).unwrap();
    }
    if let Some(order) = property.order {
        write!(shown, " order({order})").unwrap();
    }
    if let Some(group) = &property.group {
        write!(shown, " group({})", short(group)).unwrap();
    }
    if let Some(number) = property.number {
        write!(shown, " #{number}").unwrap();
    }
    shown.push('\n');
    let mut texts = String::new();
    show_texts(
        property.label.as_ref(),
        property.comment.as_ref(),
        property.deprecated.as_ref(),
        &mut texts,
    );
    for line in texts.lines() {
        writeln!(shown, "  {line}").unwrap();
    }
}

fn range(range: &Range) -> String {
    match range {
        Range::Class(class) => class.name.to_string(),
        Range::Enumeration(EnumerationRef { name, members: None, .. }) => format!("enum {name}"),
        Range::Enumeration(EnumerationRef { name, members: Some(members), .. }) => {
            let members: Vec<String> = members.iter().map(member).collect();
            format!("enum {name}({})", members.join(" "))
        }
        Range::Data(data) => {
            let facets = facets(&data.facets);
            match &data.name {
                Some(name) => format!("{name}:{}{facets}", short(&data.base)),
                None if data.datatype == data.base => format!("{}{facets}", short(&data.base)),
                None => format!("{}:{}{facets}", short(&data.datatype), short(&data.base)),
            }
        }
        Range::Resource => "resource".to_owned(),
        Range::Anything => "anything".to_owned(),
        other => panic!("{other:?}"),
    }
}

fn facets(facets: &Facets) -> String {
    let mut shown = String::new();
    for pattern in &facets.patterns {
        let edge = if pattern.is_whole { "^$" } else { "" };
        write!(shown, " /{}/{}{edge}", pattern.text, pattern.flags).unwrap();
    }
    let texts = [
        (">=", &facets.min_inclusive),
        (">", &facets.min_exclusive),
        ("<=", &facets.max_inclusive),
        ("<", &facets.max_exclusive),
    ];
    for (sign, text) in texts {
        if let Some(text) = text {
            write!(shown, " {sign}{text}").unwrap();
        }
    }
    let counts = [
        ("length>=", facets.min_length),
        ("length<=", facets.max_length),
        ("digits<=", facets.total_digits),
        ("fraction<=", facets.fraction_digits),
    ];
    for (sign, count) in counts {
        if let Some(count) = count {
            write!(shown, " {sign}{count}").unwrap();
        }
    }
    for language in &facets.languages {
        write!(shown, " @{language}").unwrap();
    }
    if shown.is_empty() { shown } else { format!("[{}]", shown.trim_start()) }
}

fn show_enumeration(enumeration: &Enumeration, shown: &mut String) {
    let members: Vec<String> = enumeration.members.iter().map(member).collect();
    write!(shown, "enum {}: {}", enumeration.name, members.join(" ")).unwrap();
    for alias in &enumeration.aliases {
        write!(shown, " = {}", short(alias)).unwrap();
    }
    shown.push('\n');
    show_texts(
        enumeration.label.as_ref(),
        enumeration.comment.as_ref(),
        enumeration.deprecated.as_ref(),
        shown,
    );
    show_problems(&enumeration.problems, shown);
}

fn member(member: &Member) -> String {
    let mut shown = format!("{}={}", member.name, value(&member.value));
    if let Some(number) = member.number {
        write!(shown, "#{number}").unwrap();
    }
    shown
}

fn value(value: &Value) -> String {
    match value {
        Value::Iri { iri } => short(iri),
        Value::Literal { value, language: Some(language), .. } => format!("{value:?}@{language}"),
        Value::Literal { value, .. } => format!("{value:?}"),
        other => panic!("{other:?}"),
    }
}

fn show_texts(
    label: Option<&Text>,
    comment: Option<&Text>,
    deprecated: Option<&Deprecation>,
    shown: &mut String,
) {
    if let Some(label) = label {
        writeln!(shown, "  label {label:?}").unwrap();
    }
    if let Some(comment) = comment {
        writeln!(shown, "  comment {comment:?}").unwrap();
    }
    if let Some(deprecated) = deprecated {
        let note = deprecated.note.as_deref().unwrap_or_default();
        writeln!(shown, "  deprecated {note:?}").unwrap();
    }
}

fn show_problems(problems: &[Problem], shown: &mut String) {
    for problem in problems {
        writeln!(shown, "  ! {}", problem.message).unwrap();
        writeln!(shown, "    {} ({} statements)", problem.help, problem.evidence.len()).unwrap();
    }
}

fn names(classes: &[ClassRef]) -> String {
    classes.iter().map(|class| &*class.name).collect::<Vec<_>>().join(" ")
}

/// An IRI with its namespace left out.
fn short(iri: &str) -> String {
    iri[iri.rfind(['#', '/']).map_or(0, |at| at + 1)..].to_owned()
}
