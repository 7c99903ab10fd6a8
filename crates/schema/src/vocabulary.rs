//! The terms that this crate understands, by id.

use std::sync::LazyLock;

use evergen_delta::{TermId, TermRef};
use rustc_hash::FxHashSet;

macro_rules! vocabulary {
    ($($namespace:literal { $($field:ident = $local:literal,)* })*) => {
        pub(crate) struct Vocabulary {
            $($(pub(crate) $field: TermId,)*)*
        }

        static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| Vocabulary {
            $($($field: TermRef::Iri(concat!($namespace, $local)).id(),)*)*
        });
    };
}

/// All terms.
pub(crate) fn v() -> &'static Vocabulary {
    &VOCABULARY
}

vocabulary! {
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#" {
        rdf_type = "type",
        rdf_first = "first",
        rdf_rest = "rest",
        rdf_nil = "nil",
        facet_lang_range = "langRange",
    }
    "http://www.w3.org/2000/01/rdf-schema#" {
        rdfs_class = "Class",
        rdfs_datatype = "Datatype",
        rdfs_literal = "Literal",
        sub_class_of = "subClassOf",
        sub_property_of = "subPropertyOf",
        domain = "domain",
        range = "range",
        label = "label",
        comment = "comment",
    }
    "http://www.w3.org/2001/XMLSchema#" {
        facet_pattern = "pattern",
        facet_length = "length",
        facet_min_length = "minLength",
        facet_max_length = "maxLength",
        facet_min_inclusive = "minInclusive",
        facet_max_inclusive = "maxInclusive",
        facet_min_exclusive = "minExclusive",
        facet_max_exclusive = "maxExclusive",
        facet_total_digits = "totalDigits",
        facet_fraction_digits = "fractionDigits",
    }
    "http://www.w3.org/2002/07/owl#" {
        owl_class = "Class",
        owl_deprecated_class = "DeprecatedClass",
        owl_deprecated_property = "DeprecatedProperty",
        owl_deprecated = "deprecated",
        owl_restriction = "Restriction",
        owl_nothing = "Nothing",
        owl_data_range = "DataRange",
        object_property = "ObjectProperty",
        datatype_property = "DatatypeProperty",
        functional = "FunctionalProperty",
        inverse_functional = "InverseFunctionalProperty",
        symmetric = "SymmetricProperty",
        transitive = "TransitiveProperty",
        equivalent_class = "equivalentClass",
        equivalent_property = "equivalentProperty",
        inverse_of = "inverseOf",
        union_of = "unionOf",
        disjoint_union_of = "disjointUnionOf",
        intersection_of = "intersectionOf",
        one_of = "oneOf",
        on_datatype = "onDatatype",
        with_restrictions = "withRestrictions",
        datatype_complement = "datatypeComplementOf",
        on_property = "onProperty",
        all_values_from = "allValuesFrom",
        some_values_from = "someValuesFrom",
        has_value = "hasValue",
        on_class = "onClass",
        on_data_range = "onDataRange",
        min_cardinality = "minCardinality",
        max_cardinality = "maxCardinality",
        cardinality = "cardinality",
        min_qualified = "minQualifiedCardinality",
        max_qualified = "maxQualifiedCardinality",
        qualified = "qualifiedCardinality",
        has_key = "hasKey",
    }
    "http://www.w3.org/ns/shacl#" {
        sh_node_shape = "NodeShape",
        sh_target_class = "targetClass",
        sh_property = "property",
        sh_path = "path",
        sh_inverse_path = "inversePath",
        sh_node = "node",
        sh_and = "and",
        sh_or = "or",
        sh_xone = "xone",
        sh_class = "class",
        sh_datatype = "datatype",
        sh_node_kind = "nodeKind",
        sh_iri = "IRI",
        sh_blank = "BlankNode",
        sh_blank_or_iri = "BlankNodeOrIRI",
        sh_literal = "Literal",
        sh_in = "in",
        sh_has_value = "hasValue",
        sh_default_value = "defaultValue",
        sh_min_count = "minCount",
        sh_max_count = "maxCount",
        sh_qualified_min = "qualifiedMinCount",
        sh_min_length = "minLength",
        sh_max_length = "maxLength",
        sh_pattern = "pattern",
        sh_flags = "flags",
        sh_min_inclusive = "minInclusive",
        sh_max_inclusive = "maxInclusive",
        sh_min_exclusive = "minExclusive",
        sh_max_exclusive = "maxExclusive",
        sh_language_in = "languageIn",
        sh_unique_lang = "uniqueLang",
        sh_deactivated = "deactivated",
        sh_order = "order",
        sh_group = "group",
        sh_name = "name",
        sh_description = "description",
    }
    "http://www.w3.org/2004/02/skos/core#" {
        pref_label = "prefLabel",
        definition = "definition",
        in_scheme = "inScheme",
    }
    "http://purl.org/dc/terms/" {
        dc_title = "title",
        dc_description = "description",
        replaced_by = "isReplacedBy",
    }
    "http://www.w3.org/ns/prov#" {
        prov_definition = "definition",
    }
    "http://purl.obolibrary.org/obo/" {
        obo_definition = "IAO_0000115",
        obo_replaced_by = "IAO_0100001",
    }
    "https://schema.org/" {
        schema_name = "name",
        schema_description = "description",
        schema_enumeration = "Enumeration",
        schema_data_type = "DataType",
        schema_domain = "domainIncludes",
        schema_range = "rangeIncludes",
        schema_superseded = "supersededBy",
        schema_inverse = "inverseOf",
    }
    "http://schema.org/" {
        old_schema_enumeration = "Enumeration",
        old_schema_data_type = "DataType",
        old_schema_domain = "domainIncludes",
        old_schema_range = "rangeIncludes",
        old_schema_superseded = "supersededBy",
        old_schema_inverse = "inverseOf",
    }
    "https://evergen.dev/ns#" {
        ev_name = "name",
        ev_number = "number",
        ev_as = "as",
    }
}

/// The namespace of the terms by which names are kept.
pub(crate) const EVERGEN: &str = "https://evergen.dev/ns#";
pub(crate) const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
pub(crate) const XSD_STRING: &str = "http://www.w3.org/2001/XMLSchema#string";
pub(crate) const RDFS_LITERAL: &str = "http://www.w3.org/2000/01/rdf-schema#Literal";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const OWL: &str = "http://www.w3.org/2002/07/owl#";

/// Vocabularies in which models are written; what they define is never a model's own.
const META: [&str; 6] = [
    RDF,
    "http://www.w3.org/2000/01/rdf-schema#",
    XSD,
    OWL,
    "http://www.w3.org/ns/shacl#",
    EVERGEN,
];

/// Whether an IRI belongs to the vocabularies in which models are written.
pub(crate) fn is_meta(iri: &str) -> bool {
    META.iter().any(|namespace| iri.starts_with(namespace))
}

/// The datatypes of XML Schema, each with the one of which it is a part.
const XSD_TYPES: &[(&str, &str)] = &[
    ("ENTITIES", "anySimpleType"),
    ("ENTITY", "NCName"),
    ("ID", "NCName"),
    ("IDREF", "NCName"),
    ("IDREFS", "anySimpleType"),
    ("NCName", "Name"),
    ("NMTOKEN", "token"),
    ("NMTOKENS", "anySimpleType"),
    ("NOTATION", "anyAtomicType"),
    ("Name", "token"),
    ("QName", "anyAtomicType"),
    ("anyAtomicType", "anySimpleType"),
    ("anySimpleType", ""),
    ("anyType", ""),
    ("anyURI", "anyAtomicType"),
    ("base64Binary", "anyAtomicType"),
    ("boolean", "anyAtomicType"),
    ("byte", "short"),
    ("date", "anyAtomicType"),
    ("dateTime", "anyAtomicType"),
    ("dateTimeStamp", "dateTime"),
    ("dayTimeDuration", "duration"),
    ("decimal", "anyAtomicType"),
    ("double", "anyAtomicType"),
    ("duration", "anyAtomicType"),
    ("float", "anyAtomicType"),
    ("gDay", "anyAtomicType"),
    ("gMonth", "anyAtomicType"),
    ("gMonthDay", "anyAtomicType"),
    ("gYear", "anyAtomicType"),
    ("gYearMonth", "anyAtomicType"),
    ("hexBinary", "anyAtomicType"),
    ("int", "long"),
    ("integer", "decimal"),
    ("language", "token"),
    ("long", "integer"),
    ("negativeInteger", "nonPositiveInteger"),
    ("nonNegativeInteger", "integer"),
    ("nonPositiveInteger", "integer"),
    ("normalizedString", "string"),
    ("positiveInteger", "nonNegativeInteger"),
    ("short", "int"),
    ("string", "anyAtomicType"),
    ("time", "anyAtomicType"),
    ("token", "normalizedString"),
    ("unsignedByte", "unsignedShort"),
    ("unsignedInt", "unsignedLong"),
    ("unsignedLong", "nonNegativeInteger"),
    ("unsignedShort", "unsignedInt"),
    ("yearMonthDuration", "duration"),
];

/// What RDF and OWL add to them.
const RDF_TYPES: [&str; 6] =
    ["HTML", "JSON", "PlainLiteral", "XMLLiteral", "dirLangString", "langString"];
const OWL_TYPES: [&str; 2] = ["rational", "real"];

/// The data types of schema.org, each with the one of which it is a part.
const SCHEMA_TYPES: &[(&str, &str)] = &[
    ("Boolean", ""),
    ("CssSelectorType", "Text"),
    ("Date", ""),
    ("DateTime", ""),
    ("False", "Boolean"),
    ("Float", "Number"),
    ("Integer", "Number"),
    ("Number", ""),
    ("PronounceableText", "Text"),
    ("Text", ""),
    ("Time", ""),
    ("True", "Boolean"),
    ("URL", "Text"),
    ("XPathType", "Text"),
];

const SCHEMA: [&str; 2] = ["https://schema.org/", "http://schema.org/"];

static BUILT_IN: LazyLock<FxHashSet<TermId>> = LazyLock::new(|| {
    let xsd = XSD_TYPES.iter().map(|(name, _)| format!("{XSD}{name}"));
    let rdf = RDF_TYPES.iter().map(|name| format!("{RDF}{name}"));
    let owl = OWL_TYPES.iter().map(|name| format!("{OWL}{name}"));
    let schema = SCHEMA.iter().flat_map(|namespace| {
        SCHEMA_TYPES.iter().map(move |(name, _)| format!("{namespace}{name}"))
    });
    let literal = std::iter::once(RDFS_LITERAL.to_owned());
    xsd.chain(rdf)
        .chain(owl)
        .chain(schema)
        .chain(literal)
        .map(|iri| TermRef::Iri(&iri).id())
        .collect()
});

/// Whether a term is a datatype that every language pack knows.
pub(crate) fn is_built_in(term: TermId) -> bool {
    BUILT_IN.contains(&term)
}

/// Whether all values of one built-in datatype are values of another.
pub(crate) fn is_part(narrow: &str, wide: &str) -> bool {
    if narrow == wide || wide == RDFS_LITERAL {
        return true;
    }
    let part = |namespace: &str, table: &[(&'static str, &'static str)]| {
        let (Some(mut name), Some(wide)) =
            (narrow.strip_prefix(namespace), wide.strip_prefix(namespace))
        else {
            return false;
        };
        // The tables have no cycle: each step leads towards the root.
        while let Some((_, parent)) = table.iter().find(|(known, _)| *known == name) {
            if *parent == wide {
                return true;
            }
            name = parent;
        }
        false
    };
    part(XSD, XSD_TYPES) || SCHEMA.iter().any(|namespace| part(namespace, SCHEMA_TYPES))
}
