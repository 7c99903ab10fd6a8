//! What the datatypes of RDF hold, before any language names it.

/// The datatypes that languages tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Datatype {
    /// Text, and everything that has no closer counterpart.
    Text,
    /// A text in a language, of which the text is kept.
    LangText,
    /// An IRI, absolute or not.
    Iri,
    Boolean,
    /// A whole number without a bound, or one that fits the given signed bits.
    Integer,
    Signed(u8),
    /// A whole number that is never negative: from zero, or from one.
    Natural,
    Positive,
    /// A whole number up to zero, or up to minus one.
    NonPositive,
    Negative,
    Unsigned(u8),
    Decimal,
    /// A fraction of two whole numbers.
    Rational,
    Float,
    Double,
    HexBytes,
    Base64Bytes,
    /// A day and a time, with an offset from UTC or without one.
    DateTime,
    /// A day and a time, always with an offset.
    Instant,
    Date,
    Time,
    /// A length of time in months and seconds, or in one of the two.
    Duration,
    YearMonthDuration,
    DayTimeDuration,
    Year,
    YearMonth,
    Month,
    MonthDay,
    Day,
    Json,
    /// A literal of any kind, by its lexical form.
    Anything,
}

const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const RDFS: &str = "http://www.w3.org/2000/01/rdf-schema#";
const OWL: &str = "http://www.w3.org/2002/07/owl#";
const SCHEMA: [&str; 2] = ["https://schema.org/", "http://schema.org/"];

/// All datatypes that are no text: their names in a namespace, and what they hold.
const TABLE: &[(&str, &[(&str, Datatype)])] = &[
    (
        XSD,
        &[
            ("anyAtomicType", Datatype::Anything),
            ("anySimpleType", Datatype::Anything),
            ("anyType", Datatype::Anything),
            ("anyURI", Datatype::Iri),
            ("base64Binary", Datatype::Base64Bytes),
            ("boolean", Datatype::Boolean),
            ("byte", Datatype::Signed(8)),
            ("date", Datatype::Date),
            ("dateTime", Datatype::DateTime),
            ("dateTimeStamp", Datatype::Instant),
            ("dayTimeDuration", Datatype::DayTimeDuration),
            ("decimal", Datatype::Decimal),
            ("double", Datatype::Double),
            ("duration", Datatype::Duration),
            ("float", Datatype::Float),
            ("gDay", Datatype::Day),
            ("gMonth", Datatype::Month),
            ("gMonthDay", Datatype::MonthDay),
            ("gYear", Datatype::Year),
            ("gYearMonth", Datatype::YearMonth),
            ("hexBinary", Datatype::HexBytes),
            ("int", Datatype::Signed(32)),
            ("integer", Datatype::Integer),
            ("long", Datatype::Signed(64)),
            ("negativeInteger", Datatype::Negative),
            ("nonNegativeInteger", Datatype::Natural),
            ("nonPositiveInteger", Datatype::NonPositive),
            ("positiveInteger", Datatype::Positive),
            ("short", Datatype::Signed(16)),
            ("time", Datatype::Time),
            ("unsignedByte", Datatype::Unsigned(8)),
            ("unsignedInt", Datatype::Unsigned(32)),
            ("unsignedLong", Datatype::Unsigned(64)),
            ("unsignedShort", Datatype::Unsigned(16)),
            ("yearMonthDuration", Datatype::YearMonthDuration),
            // Texts in their lexical form: a name in a document means nothing outside of it, and
            // a list of tokens is what stands in the model.
            ("ENTITIES", Datatype::Text),
            ("ENTITY", Datatype::Text),
            ("ID", Datatype::Text),
            ("IDREF", Datatype::Text),
            ("IDREFS", Datatype::Text),
            ("NCName", Datatype::Text),
            ("NMTOKEN", Datatype::Text),
            ("NMTOKENS", Datatype::Text),
            ("NOTATION", Datatype::Text),
            ("Name", Datatype::Text),
            ("QName", Datatype::Text),
            ("language", Datatype::Text),
            ("normalizedString", Datatype::Text),
            ("string", Datatype::Text),
            ("token", Datatype::Text),
        ],
    ),
    (
        RDF,
        &[
            ("HTML", Datatype::Text),
            ("JSON", Datatype::Json),
            ("PlainLiteral", Datatype::LangText),
            ("XMLLiteral", Datatype::Text),
            ("dirLangString", Datatype::LangText),
            ("langString", Datatype::LangText),
        ],
    ),
    (RDFS, &[("Literal", Datatype::Anything)]),
    (OWL, &[("rational", Datatype::Rational), ("real", Datatype::Double)]),
];

/// The data types of schema.org, under either of its namespaces.
const SCHEMA_TABLE: &[(&str, Datatype)] = &[
    ("Boolean", Datatype::Boolean),
    ("CssSelectorType", Datatype::Text),
    ("DataType", Datatype::Anything),
    ("Date", Datatype::Date),
    ("DateTime", Datatype::DateTime),
    ("False", Datatype::Boolean),
    ("Float", Datatype::Double),
    ("Integer", Datatype::Integer),
    ("Number", Datatype::Double),
    ("PronounceableText", Datatype::Text),
    ("Text", Datatype::Text),
    ("Time", Datatype::Time),
    ("True", Datatype::Boolean),
    ("URL", Datatype::Iri),
    ("XPathType", Datatype::Text),
];

impl Datatype {
    /// The datatype of this IRI; text for one that is not known.
    pub(crate) fn of(iri: &str) -> Self {
        let schema = SCHEMA.iter().map(|namespace| (*namespace, SCHEMA_TABLE));
        let spaces = TABLE.iter().copied().chain(schema);
        for (namespace, names) in spaces {
            if let Some(name) = iri.strip_prefix(namespace) {
                let found = names.iter().find(|(known, _)| *known == name);
                return found.map_or(Self::Text, |(_, datatype)| *datatype);
            }
        }
        Self::Text
    }

    /// The IRIs of all datatypes that are known, schema.org's under the newer namespace.
    #[cfg(test)]
    pub(crate) fn known() -> impl Iterator<Item = String> {
        let spaces = TABLE.iter().copied().chain([(SCHEMA[0], SCHEMA_TABLE)]);
        spaces.flat_map(|(namespace, names)| {
            names.iter().map(move |(name, _)| format!("{namespace}{name}"))
        })
    }
}
