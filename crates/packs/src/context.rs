//! How a JSON-LD context is written.

use evergen_schema::{Coercion, ContextTerm};

use crate::text::{quoted, utf16_escape};

/// The members of a context, each with its name.
pub(crate) fn members(terms: &[ContextTerm]) -> Vec<String> {
    terms.iter().map(member).collect()
}

fn member(term: &ContextTerm) -> String {
    let (name, definition) = (json(&term.name), definition(term));
    format!("{name}: {definition}")
}

fn definition(term: &ContextTerm) -> String {
    let iri = json(&term.iri);
    let said = match &term.coercion {
        Coercion::Json => ", \"@type\": \"@json\"".to_owned(),
        Coercion::Datatype(datatype) => format!(", \"@type\": {}", json(datatype)),
        Coercion::Names(names) => {
            let names: Vec<String> =
                names.iter().map(|(name, iri)| format!("{}: {}", json(name), json(iri))).collect();
            format!(", \"@type\": \"@vocab\", \"@context\": {{ {} }}", names.join(", "))
        }
        _ => String::new(),
    };
    if term.is_property {
        let by = if term.is_reversed { "@reverse" } else { "@id" };
        let container = if term.is_set { ", \"@container\": \"@set\"" } else { "" };
        return format!("{{ \"{by}\": {iri}{said}{container} }}");
    }
    if term.within.is_empty() {
        return iri;
    }
    let within = members(&term.within).join(", ");
    format!("{{ \"@id\": {iri}, \"@context\": {{ {within} }} }}")
}

fn json(text: &str) -> String {
    quoted(text, utf16_escape)
}
