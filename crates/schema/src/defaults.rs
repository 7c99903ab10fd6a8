//! Whether a default is a value that its property may have.
//!
//! A shape can give any default. One that no reader would take (a text where a link is expected,
//! a number that is out of bounds) says nothing that code could follow.

use std::cmp::Ordering;

use crate::facets::compare_surely;
use crate::{DataRange, Facets, Range, Value};

/// Whether a value can be one of a property with these ranges, as far as that shows without the
/// grammar of each datatype: kind, datatype, numbers and truths, and limits.
pub(crate) fn may_have(ranges: &[Range], value: &Value) -> bool {
    ranges.iter().any(|range| match (range, value) {
        (Range::Anything, _) | (Range::Class(_) | Range::Resource, Value::Iri { .. }) => true,
        (Range::Enumeration(listed), value) => match &listed.members {
            Some(members) => members.iter().any(|member| member.value == *value),
            // Its values are told elsewhere.
            None => true,
        },
        (Range::Data(data), Value::Literal { value, datatype, language }) => {
            is_of(data, datatype, value)
                && language.is_some() == (data.base.ends_with("#langString"))
                && is_within(&data.facets, value)
        }
        _ => false,
    })
}

fn is_of(data: &DataRange, datatype: &str, value: &str) -> bool {
    let (wanted, given) = (Form::of(&data.base), Form::of(datatype));
    let is_same = *data.datatype == *datatype || *data.base == *datatype;
    let is_read = match wanted {
        Form::Anything => return true,
        Form::Truth => ["true", "false", "1", "0"].contains(&value),
        Form::Whole(bounds) => {
            value.parse().is_ok_and(|number| bounds.0 <= number && number <= bounds.1)
        }
        Form::Number => value.parse::<f64>().is_ok_and(f64::is_finite),
        Form::Other => true,
    };
    let is_alike = match wanted {
        Form::Whole(_) => matches!(given, Form::Whole(_)),
        Form::Number => matches!(given, Form::Whole(_) | Form::Number),
        _ => false,
    };
    is_read && (is_same || is_alike)
}

/// What literals of a built-in datatype look like.
#[derive(Clone, Copy)]
enum Form {
    Anything,
    Truth,
    /// A whole number between two bounds.
    Whole((i128, i128)),
    Number,
    Other,
}

impl Form {
    fn of(datatype: &str) -> Self {
        let name = datatype.rsplit(['#', '/']).next().unwrap_or(datatype);
        let (least, most) = (i128::MIN, i128::MAX);
        match name {
            "Literal" | "PlainLiteral" | "anyType" | "anySimpleType" | "anyAtomicType"
            | "DataType" => Self::Anything,
            "boolean" | "Boolean" | "True" | "False" => Self::Truth,
            "integer" | "Integer" => Self::Whole((least, most)),
            "nonNegativeInteger" => Self::Whole((0, most)),
            "positiveInteger" => Self::Whole((1, most)),
            "nonPositiveInteger" => Self::Whole((least, 0)),
            "negativeInteger" => Self::Whole((least, -1)),
            "byte" => Self::Whole((i8::MIN.into(), i8::MAX.into())),
            "short" => Self::Whole((i16::MIN.into(), i16::MAX.into())),
            "int" => Self::Whole((i32::MIN.into(), i32::MAX.into())),
            "long" => Self::Whole((i64::MIN.into(), i64::MAX.into())),
            "unsignedByte" => Self::Whole((0, u8::MAX.into())),
            "unsignedShort" => Self::Whole((0, u16::MAX.into())),
            "unsignedInt" => Self::Whole((0, u32::MAX.into())),
            "unsignedLong" => Self::Whole((0, u64::MAX.into())),
            "decimal" | "double" | "float" | "Number" | "Float" | "real" | "rational" => {
                Self::Number
            }
            _ => Self::Other,
        }
    }
}

/// Whether bounds and lengths allow a literal.
fn is_within(facets: &Facets, value: &str) -> bool {
    let against = |bound: &Option<crate::Text>, wrong: &[Ordering]| {
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
