//! The parts that the queries of all packs share.
//!
//! In a pack's template `@name` stands for the fragment of that name, and
//! `@name(?x)` for the fragment with `?x` in place of `?it`.
//!
//! No path here can be of length zero at a class: such a path asks for any triple of
//! the class, and would be asked again for each of its labels.

const FRAGMENTS: &[(&str, &str)] = &[
    ("class_queries", include_str!("../templates/shared/class_queries.toml")),
    ("generated", GENERATED),
    ("alias", ALIAS),
    ("enumeration", ENUMERATION),
    ("values", VALUES),
    ("kind", KIND),
    ("declares", DECLARES),
    ("shapes", SHAPES),
    ("range", RANGE),
    ("limits", LIMITS),
    ("narrow", NARROW),
    ("shape_type", SHAPE_TYPE),
];

/// Whether a class has a file: it is declared as a class or a shape says what it has, it
/// belongs neither to the vocabularies in which models are written nor to the data
/// types of schema.org, and it is no alias.
const GENERATED: &str = r#"(
    isIRI(?it)
    && (EXISTS { ?it a owl:Class } || EXISTS { ?it a rdfs:Class } || EXISTS { ?it ^sh:targetClass/sh:property ?its_shape })
    && !REGEX(STR(?it), "^http://www[.]w3[.]org/(1999/02/22-rdf-syntax-ns|2000/01/rdf-schema|2001/XMLSchema|2002/07/owl|ns/shacl)#")
    && !REGEX(STR(?it), "^https?://schema[.]org/(DataType|Text|CssSelectorType|PronounceableText|URL|XPathType|Number|Integer|Float|Boolean|Date|DateTime|Time)$")
    && !@alias(?it)
  )"#;

/// Whether a class only lends its name: a class of another namespace is declared to be
/// its equivalent or below it, and the model says nothing of the class itself.
///
/// Each question is asked only where the one before it was answered with yes (`&&`
/// would ask all), so that hardly any class is asked for its label: a changed label is
/// to touch what shows it, not what refers to it.
const ALIAS: &str = r#"IF(
    EXISTS { ?it ^owl:equivalentClass|^rdfs:subClassOf ?its_twin FILTER(REPLACE(STR(?its_twin), "[^/#]*$", "") != REPLACE(STR(?it), "[^/#]*$", "")) },
    IF(EXISTS { ?it owl:equivalentClass|rdfs:subClassOf ?its_other }, false,
      IF(EXISTS { ?it ^rdfs:domain|^<https://schema.org/domainIncludes>|^<http://schema.org/domainIncludes>|^sh:targetClass ?its_use }, false,
        !EXISTS { ?it rdfs:label|rdfs:comment ?its_text })),
    false)"#;

/// Whether the values of a class are listed: by the class itself, or as the individuals
/// of a class below schema.org's Enumeration.
const ENUMERATION: &str = "(
    EXISTS { ?it (owl:oneOf|(owl:equivalentClass/owl:oneOf))/rdf:rest*/rdf:first ?its_value FILTER(isIRI(?its_value)) }
    || ((EXISTS { ?it rdfs:subClassOf+ <https://schema.org/Enumeration> } || EXISTS { ?it rdfs:subClassOf+ <http://schema.org/Enumeration> })
      && EXISTS { ?its_value a ?it FILTER(isIRI(?its_value)) })
  )";

/// From an enumeration to its values.
const VALUES: &str =
    "(((owl:oneOf|(owl:equivalentClass/owl:oneOf))/rdf:rest*/rdf:first)|^rdf:type)";

/// What stands for a class or datatype in code.
const KIND: &str = r#"IF(@generated(?it), IF(@enumeration(?it), "enumeration", "class"), "data")"#;

/// From a class or restriction to the properties that it declares, by domains, shapes
/// and restrictions.
const DECLARES: &str = "(^rdfs:domain|^<https://schema.org/domainIncludes>|^<http://schema.org/domainIncludes>\
    |(^rdf:first/(^rdf:rest)*/^owl:unionOf/^rdfs:domain)|(@shapes/sh:path)|owl:onProperty)";

/// From a class to the property shapes that hold for it.
const SHAPES: &str = "((^sh:targetClass/sh:property)|sh:property)";

/// From a property to what its values may be.
const RANGE: &str = "(rdfs:range|<https://schema.org/rangeIncludes>|<http://schema.org/rangeIncludes>\
    |(rdfs:range/owl:unionOf/rdf:rest*/rdf:first))";

/// From a class to the restrictions and property shapes that hold for it.
const LIMITS: &str = "(@shapes|rdfs:subClassOf+|(rdfs:subClassOf+/@shapes))";

/// From a restriction or property shape to what the values may be.
const NARROW: &str = "(@shape_type|((sh:or|sh:xone)/rdf:rest*/rdf:first/@shape_type)\
    |owl:allValuesFrom|owl:onClass|owl:onDataRange)";

/// From a shape to the type of what it describes.
const SHAPE_TYPE: &str = "(sh:datatype|sh:class|(sh:node/sh:targetClass))";

/// The text with all fragments in place.
pub(crate) fn expand(text: &str) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let length = rest.find(|c: char| c != '_' && !c.is_ascii_lowercase()).unwrap_or(rest.len());
        let Some((_, fragment)) = FRAGMENTS.iter().find(|(name, _)| *name == &rest[..length])
        else {
            expanded.push('@');
            continue;
        };
        rest = &rest[length..];
        let argument = rest.strip_prefix('(').and_then(|inside| inside.split_once(')'));
        match argument {
            Some((variable, after)) if variable.starts_with('?') => {
                rest = after;
                expanded.push_str(&expand(&place(fragment, variable)));
            }
            _ => expanded.push_str(&expand(fragment)),
        }
    }
    expanded.push_str(rest);
    expanded
}

/// The fragment for one variable. Its inner variables get that one's name in front,
/// so that two uses in one query stay apart.
fn place(fragment: &str, variable: &str) -> String {
    fragment.replace("?its_", &format!("{variable}_")).replace("?it", variable)
}
