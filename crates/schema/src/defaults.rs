//! Whether a default is a value that its property may have.
//!
//! A shape can give any default. One that no reader would take (a text where a link is expected,
//! a number that is out of bounds) says nothing that code could follow.

use std::cmp::Ordering;

use evergen_delta::TermRef;

use crate::facets::compare_surely;
use crate::{DataRange, Facets, Member, Range, Schema, Text, Value};

impl Schema<'_> {
    /// Whether a value can be one of a property with these ranges, as far as that shows without
    /// the grammar of each datatype: kind, datatype, numbers and truths, and limits.
    pub(crate) fn may_have(&self, ranges: &[Range], value: &Value) -> bool {
        ranges.iter().any(|range| match (range, value) {
            (Range::Anything, _) | (Range::Class(_) | Range::Resource, Value::Iri { .. }) => true,
            (Range::Enumeration(listed), value) => {
                let is_it = |member: &Member| member.value == *value;
                if let Some(members) = &listed.members {
                    return members.iter().any(is_it);
                }
                let whole = self.enumeration(TermRef::Iri(&listed.iri).id());
                whole.is_some_and(|whole| whole.members.iter().any(is_it))
            }
            (Range::Data(data), Value::Literal { value, datatype, language }) => {
                let is_tagged = data.base.ends_with("#langString");
                let (base, value) = (Form::of(&data.base), value.trim());
                let is_any = matches!(base, Form::Anything);
                is_any
                    || language.is_some() == is_tagged
                        && is_of(data, datatype, value)
                        && is_within(&data.facets, value)
            }
            _ => false,
        })
    }
}

fn is_of(data: &DataRange, datatype: &str, value: &str) -> bool {
    let (wanted, given) = (Form::of(&data.base), Form::of(datatype));
    let is_same = *data.datatype == *datatype || *data.base == *datatype;
    let is_number = value.parse::<f64>().is_ok_and(f64::is_finite);
    let (is_read, is_alike) = match wanted {
        Form::Anything => (true, true),
        Form::Truth => (["true", "false", "1", "0"].contains(&value), false),
        Form::Whole(least, most) => {
            (is_whole(value, least, most), matches!(given, Form::Whole(..)))
        }
        Form::Decimal => {
            let is_plain =
                value.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
            (is_number && is_plain, matches!(given, Form::Whole(..) | Form::Decimal))
        }
        Form::Float => {
            let is_special = ["INF", "+INF", "-INF", "NaN"].contains(&value);
            let is_alike = matches!(given, Form::Whole(..) | Form::Decimal | Form::Float);
            (is_number || is_special, is_alike)
        }
        Form::Other => (true, false),
    };
    is_read && (is_same || is_alike)
}

/// Whether a text is a whole number within bounds; more digits than a machine's number has are
/// beyond each bound but the one that is none.
fn is_whole(text: &str, least: Option<i128>, most: Option<i128>) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    match text.parse::<i128>() {
        Ok(number) => {
            least.is_none_or(|least| least <= number) && most.is_none_or(|most| number <= most)
        }
        Err(_) if text.starts_with('-') => least.is_none(),
        Err(_) => most.is_none(),
    }
}

/// What literals of a built-in datatype look like.
#[derive(Clone, Copy)]
enum Form {
    Anything,
    Truth,
    /// A whole number, at least and at most as large.
    Whole(Option<i128>, Option<i128>),
    Decimal,
    Float,
    Other,
}

impl Form {
    fn of(datatype: &str) -> Self {
        let name = datatype.rsplit(['#', '/']).next().unwrap_or(datatype);
        let between = |least: i128, most: i128| Self::Whole(Some(least), Some(most));
        match name {
            "Literal" | "PlainLiteral" | "anyType" | "anySimpleType" | "anyAtomicType"
            | "DataType" => Self::Anything,
            "boolean" | "Boolean" | "True" | "False" => Self::Truth,
            "integer" | "Integer" => Self::Whole(None, None),
            "nonNegativeInteger" => Self::Whole(Some(0), None),
            "positiveInteger" => Self::Whole(Some(1), None),
            "nonPositiveInteger" => Self::Whole(None, Some(0)),
            "negativeInteger" => Self::Whole(None, Some(-1)),
            "byte" => between(i8::MIN.into(), i8::MAX.into()),
            "short" => between(i16::MIN.into(), i16::MAX.into()),
            "int" => between(i32::MIN.into(), i32::MAX.into()),
            "long" => between(i64::MIN.into(), i64::MAX.into()),
            "unsignedByte" => between(0, u8::MAX.into()),
            "unsignedShort" => between(0, u16::MAX.into()),
            "unsignedInt" => between(0, u32::MAX.into()),
            "unsignedLong" => between(0, u64::MAX.into()),
            "decimal" => Self::Decimal,
            "double" | "float" | "Number" | "Float" | "real" | "rational" => Self::Float,
            _ => Self::Other,
        }
    }
}

/// Whether bounds and lengths allow a literal.
fn is_within(facets: &Facets, value: &str) -> bool {
    let against = |bound: &Option<Text>, wrong: &[Ordering]| {
        let order = bound.as_ref().and_then(|bound| compare_surely(value, bound));
        order.is_some_and(|order| wrong.contains(&order))
    };
    let length = || u32::try_from(value.chars().count()).unwrap_or(u32::MAX);
    !against(&facets.min_inclusive, &[Ordering::Less])
        && !against(&facets.max_inclusive, &[Ordering::Greater])
        && !against(&facets.min_exclusive, &[Ordering::Less, Ordering::Equal])
        && !against(&facets.max_exclusive, &[Ordering::Greater, Ordering::Equal])
        && facets.min_length.is_none_or(|min| min <= length())
        && facets.max_length.is_none_or(|max| length() <= max)
}
