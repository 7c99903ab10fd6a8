//! How SQL is written.

use evergen_regeneration::{LanguageProfile, NameKind};

use crate::comment::{escaped, line_comment, room};
use crate::datatype::Datatype;
use crate::name::{Alphabet, Words};
use crate::text::{among, between, doc_lines, is_device, is_invisible, long_escape, spelled};
use crate::words::sql::{COLUMNS, FUNCTIONS, NO_FUNCTIONS, RESERVED, TYPES};

/// How many bytes of a name PostgreSQL keeps.
const NAME_BYTES: usize = 63;

/// SQL for PostgreSQL 15: names in small letters that need no quotes, `--`, and its own types.
///
/// A text of PostgreSQL holds no NUL: the literal has U+FFFD in its place.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sql;

impl LanguageProfile for Sql {
    fn name(&self) -> &'static str {
        "sql"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["postgres", "postgresql"]
    }

    fn ident(&self, name: &str) -> String {
        let identifier = spelled(name, Alphabet::Marks);
        let lower = identifier.to_ascii_lowercase();
        let is_taken = among(RESERVED, &lower) || among(NO_FUNCTIONS, &lower);
        if is_taken || among(COLUMNS, &lower) { format!("{identifier}_") } else { identifier }
    }

    fn name_for(&self, kind: NameKind, words: &str) -> String {
        let name = Words::of(words, Alphabet::Marks).snake();
        if kind == NameKind::Module {
            return name.unless(is_device).finish();
        }
        let name = name.begun("_", Alphabet::begins);
        match kind {
            NameKind::Property | NameKind::Member => {
                name.unless(|name| among(RESERVED, name) || among(COLUMNS, name))
            }
            NameKind::Method => name.unless(|name| {
                among(NO_FUNCTIONS, name) || among(RESERVED, name) && !among(FUNCTIONS, name)
            }),
            // The server keeps all schemas of this prefix for itself, whatever stands behind it.
            NameKind::Package => {
                let is_system = |name: &str| name == "information_schema" || name == "pg";
                let is_kept = name.is(|name| name.starts_with("pg_"));
                let name = if is_kept { name.begun("_", |_| false) } else { name };
                name.unless(|name| among(RESERVED, name) || is_system(name))
            }
            _ => name.unless(|name| {
                among(RESERVED, name) || among(TYPES, name) || name.starts_with("pg_")
            }),
        }
        .within(NAME_BYTES)
    }

    fn string(&self, text: &str) -> String {
        let text = text.replace('\0', "\u{FFFD}");
        if text.chars().any(|c| c == '\\' || is_invisible(c)) {
            // Only such a literal has escapes. A server may be told to refuse `\'`, never `''`.
            return format!("E{}", between(('\'', "''"), &text, long_escape));
        }
        format!("'{}'", text.replace('\'', "''"))
    }

    fn doc(&self, text: &str) -> String {
        doc_lines(text, 77).join("\n-- ").replace("-- \n", "--\n")
    }

    fn comment(&self, text: &str, indent: usize, width: usize) -> String {
        let lines = escaped(text, room(width, indent, "-- ".len()), false, &str::to_owned);
        line_comment(&lines, indent, "--")
    }

    fn native_type(&self, datatype: &str) -> String {
        match Datatype::of(datatype) {
            Datatype::Boolean => "boolean",
            Datatype::Integer
            | Datatype::Natural
            | Datatype::Positive
            | Datatype::NonPositive
            | Datatype::Negative
            | Datatype::Decimal => "numeric",
            Datatype::Signed(8 | 16) | Datatype::Unsigned(8) => "smallint",
            Datatype::Signed(32) | Datatype::Unsigned(16) => "integer",
            Datatype::Signed(_) | Datatype::Unsigned(32) => "bigint",
            Datatype::Unsigned(_) => "numeric(20, 0)",
            Datatype::Float => "real",
            Datatype::Double => "double precision",
            Datatype::HexBytes | Datatype::Base64Bytes => "bytea",
            Datatype::DateTime | Datatype::Instant => "timestamptz",
            Datatype::Date => "date",
            Datatype::Time => "time",
            Datatype::Duration | Datatype::YearMonthDuration | Datatype::DayTimeDuration => {
                "interval"
            }
            Datatype::Json => "jsonb",
            _ => "text",
        }
        .to_owned()
    }
}
