//! What the datatypes of RDF hold, before any language names it.

/// What a value of a datatype is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Datatype {
    /// Text, and everything that has no closer counterpart.
    Text,
    Boolean,
    /// A whole number without a bound, or one that fits the given signed bits.
    Integer,
    Signed(u8),
    /// A whole number that is never negative.
    Natural,
    Unsigned(u8),
    Decimal,
    Float,
    Double,
    Bytes,
    DateTime,
    Date,
    Time,
    /// A length of time that is exact, in days and seconds.
    DayTimeDuration,
    Json,
}

const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const OWL: &str = "http://www.w3.org/2002/07/owl#";
const SCHEMA: [&str; 2] = ["https://schema.org/", "http://schema.org/"];

impl Datatype {
    /// The datatype of this IRI; text for one that is not known.
    pub(crate) fn of(iri: &str) -> Self {
        if let Some(name) = iri.strip_prefix(XSD) {
            xsd(name)
        } else if iri.strip_prefix(RDF) == Some("JSON") {
            Self::Json
        } else if iri.strip_prefix(OWL) == Some("real") {
            Self::Double
        } else {
            SCHEMA
                .iter()
                .find_map(|namespace| iri.strip_prefix(namespace))
                .map_or(Self::Text, schema)
        }
    }
}

fn xsd(name: &str) -> Datatype {
    match name {
        "boolean" => Datatype::Boolean,
        "integer" | "nonPositiveInteger" | "negativeInteger" => Datatype::Integer,
        "nonNegativeInteger" | "positiveInteger" => Datatype::Natural,
        "long" => Datatype::Signed(64),
        "int" => Datatype::Signed(32),
        "short" => Datatype::Signed(16),
        "byte" => Datatype::Signed(8),
        "unsignedLong" => Datatype::Unsigned(64),
        "unsignedInt" => Datatype::Unsigned(32),
        "unsignedShort" => Datatype::Unsigned(16),
        "unsignedByte" => Datatype::Unsigned(8),
        "decimal" => Datatype::Decimal,
        "float" => Datatype::Float,
        "double" => Datatype::Double,
        "hexBinary" | "base64Binary" => Datatype::Bytes,
        "dateTime" | "dateTimeStamp" => Datatype::DateTime,
        "date" => Datatype::Date,
        "time" => Datatype::Time,
        "dayTimeDuration" => Datatype::DayTimeDuration,
        // The texts, `anyURI` and `QName`; `duration`, `yearMonthDuration` and the
        // parts of a date, which no standard library keeps apart from a number;
        // lists (`NMTOKENS` …) in their lexical form; `anyType` and its like.
        _ => Datatype::Text,
    }
}

fn schema(name: &str) -> Datatype {
    match name {
        "Boolean" => Datatype::Boolean,
        "Integer" => Datatype::Integer,
        "Number" | "Float" => Datatype::Double,
        "DateTime" => Datatype::DateTime,
        "Date" => Datatype::Date,
        "Time" => Datatype::Time,
        _ => Datatype::Text,
    }
}
