//! How GraphQL is written.

use evergen_regeneration::{LanguageProfile, NameKind};

use crate::comment::{escaped, quoted_comment, room};
use crate::datatype::Datatype;
use crate::name::{Alphabet, Words};
use crate::text::{among, doc_lines, is_device, quoted, spelled, utf16_escape};

/// The scalars that are built in, those of which a schema with these types declares the
/// lexical forms, and the types at which operations begin.
const TYPES: &[&str] = &[
    "BigInt",
    "Boolean",
    "Date",
    "DateTime",
    "Decimal",
    "Duration",
    "Float",
    "ID",
    "Int",
    "Mutation",
    "Query",
    "String",
    "Subscription",
    "Time",
];

/// The schema language of GraphQL: `type Order`, `orderDate`, `IN_STOCK`, descriptions between `"""`.
///
/// Only `Int`, `Float`, `String`, `Boolean` and `ID` are built in. A schema declares the
/// scalars `BigInt`, `Decimal`, `DateTime`, `Date`, `Time` and `Duration` if it has them; each is
/// written in the lexical form of its XSD datatype.
#[derive(Clone, Copy, Debug, Default)]
pub struct GraphQl;

impl LanguageProfile for GraphQl {
    fn name(&self) -> &'static str {
        "graphql"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["gql"]
    }

    fn ident(&self, name: &str) -> String {
        let identifier = spelled(name, Alphabet::Ascii);
        // Names with two of them belong to introspection.
        let rest = identifier.trim_start_matches('_');
        let few = if identifier.starts_with("__") { format!("_{rest}") } else { identifier };
        if matches!(few.as_str(), "true" | "false" | "null") { format!("{few}_") } else { few }
    }

    fn name_for(&self, kind: NameKind, words: &str) -> String {
        let words = Words::of(words, Alphabet::Ascii);
        match kind {
            // Every word can be a field.
            NameKind::Property | NameKind::Method => words.camel().begun("_", Alphabet::begins),
            // Only `true`, `false` and `null` are no members, in small letters.
            NameKind::Member => words.screaming().begun("_", Alphabet::begins),
            NameKind::Module | NameKind::Package => words.kebab().unless(is_device),
            _ => words.pascal().begun("_", Alphabet::begins).unless(|name| among(TYPES, name)),
        }
        .finish()
    }

    fn string(&self, text: &str) -> String {
        quoted(text, utf16_escape)
    }

    fn doc(&self, text: &str) -> String {
        let doc = description(&doc_lines(text, 80).join("\n"));
        // Before the quotes of the end they would be read as part of these.
        if doc.ends_with(['"', '\\']) { doc + " " } else { doc }
    }

    fn comment(&self, text: &str, indent: usize, width: usize) -> String {
        let lines = escaped(text, room(width, indent, 0), false, &description);
        quoted_comment(&lines, indent, width, false)
    }

    fn native_type(&self, datatype: &str) -> String {
        match Datatype::of(datatype) {
            Datatype::Boolean => "Boolean",
            Datatype::Signed(8 | 16 | 32) | Datatype::Unsigned(8 | 16) => "Int",
            Datatype::Integer
            | Datatype::Natural
            | Datatype::Positive
            | Datatype::NonPositive
            | Datatype::Negative
            | Datatype::Signed(_)
            | Datatype::Unsigned(_) => "BigInt",
            Datatype::Decimal => "Decimal",
            Datatype::Float | Datatype::Double => "Float",
            Datatype::DateTime | Datatype::Instant => "DateTime",
            Datatype::Date => "Date",
            Datatype::Time => "Time",
            Datatype::Duration | Datatype::YearMonthDuration | Datatype::DayTimeDuration => {
                "Duration"
            }
            _ => "String",
        }
        .to_owned()
    }
}

fn description(text: &str) -> String {
    text.replace("\"\"\"", "\\\"\"\"")
}
