//! Plain data as templates see it.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, Value};
use minijinja::{Error, ErrorKind, State};
use serde::ser::{self, Serialize, Serializer};

use crate::suggest::instead;
use crate::template::node::missing;

/// The value of any data: records for structures and maps, lists, texts, numbers.
pub(super) fn value_of(data: &impl Serialize) -> Value {
    let told =
        |error: Unserializable| Value::from(Error::new(ErrorKind::BadSerialization, error.0));
    data.serialize(ToValue).unwrap_or_else(told)
}

/// A map whose keys are all there are: to ask for another one is a mistake, and fails. One
/// that has a `kind` is open, as things of another kind have other fields.
#[derive(Debug)]
struct Record {
    /// By key.
    fields: Vec<(Value, Value)>,
    is_open: bool,
}

impl Record {
    fn of(mut fields: Vec<(Value, Value)>) -> Value {
        fields.sort_by(|(one, _), (other, _)| one.cmp(other));
        let is_open = fields.iter().any(|(key, _)| key.as_str() == Some("kind"));
        Value::from_object(Self { fields, is_open })
    }

    fn get(&self, key: &str) -> Option<Value> {
        let field = self.fields.iter().find(|(name, _)| name.as_str() == Some(key));
        field.map(|(_, value)| value.clone())
    }
}

impl Object for Record {
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let found = self.get(key);
        if found.is_some() || self.is_open {
            return found;
        }
        let known = self.fields.iter().filter_map(|(name, _)| name.as_str());
        Some(missing(format!("there is no `{key}` here; {}", instead(key, "fields", known))))
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if let Some(key) = key.as_str() {
            return self.get_value_by_str(key);
        }
        let field = self.fields.iter().find(|(name, _)| name == key);
        field.map(|(_, value)| value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.fields.iter().map(|(key, _)| key.clone()).collect())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.fields.len())
    }

    /// `get("field")` is for what takes things of several kinds: none where there is no such
    /// field.
    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        match (method, arguments) {
            ("get", [key]) => {
                let found = key.as_str().and_then(|key| self.get(key));
                Ok(found.unwrap_or_else(|| Value::from(())))
            }
            ("get", _) => {
                let message = "get() takes the name of a field, like get(\"label\")";
                Err(Error::new(ErrorKind::InvalidOperation, message))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

/// Data said that it can't be written down.
#[derive(Debug)]
struct Unserializable(String);

impl fmt::Display for Unserializable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unserializable {}

impl ser::Error for Unserializable {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Made = Result<Value, Unserializable>;

struct ToValue;

/// The items of a list, or the fields of a record; with the variant of an enumeration that
/// they belong to, where it has to be told.
#[derive(Default)]
struct Several {
    variant: Option<&'static str>,
    items: Vec<Value>,
    fields: Vec<(Value, Value)>,
    key: Value,
}

impl Several {
    fn of_variant(variant: &'static str) -> Self {
        Self { variant: Some(variant), ..Self::default() }
    }

    fn item(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Unserializable> {
        self.items.push(value.serialize(ToValue)?);
        Ok(())
    }

    fn field(
        &mut self,
        key: &'static str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), Unserializable> {
        self.fields.push((Value::from(key), value.serialize(ToValue)?));
        Ok(())
    }

    fn list(self) -> Value {
        in_variant(self.variant, Value::from(self.items))
    }

    fn record(self) -> Value {
        in_variant(self.variant, Record::of(self.fields))
    }
}

fn in_variant(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(variant) => Record::of(vec![(Value::from(variant), value)]),
        None => value,
    }
}

/// Numbers, texts and truths are values as they are.
macro_rules! plain {
    ($($method:ident: $kind:ty,)*) => { $(
        fn $method(self, value: $kind) -> Made {
            Ok(Value::from(value))
        }
    )* };
}

impl Serializer for ToValue {
    type Ok = Value;
    type Error = Unserializable;
    type SerializeSeq = Several;
    type SerializeTuple = Several;
    type SerializeTupleStruct = Several;
    type SerializeTupleVariant = Several;
    type SerializeMap = Several;
    type SerializeStruct = Several;
    type SerializeStructVariant = Several;

    plain! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_u128: u128,
        serialize_f32: f32,
        serialize_f64: f64,
        serialize_char: char,
        serialize_str: &str,
    }

    fn serialize_bytes(self, value: &[u8]) -> Made {
        Ok(Value::from_bytes(value.to_vec()))
    }

    fn serialize_none(self) -> Made {
        Ok(Value::from(()))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Made {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Made {
        Ok(Value::from(()))
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Made {
        Ok(Value::from(()))
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Made {
        Ok(Value::from(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Made {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Made {
        Ok(in_variant(Some(variant), value.serialize(self)?))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Several, Unserializable> {
        let items = Vec::with_capacity(length.unwrap_or_default().min(1024));
        Ok(Several { items, ..Several::default() })
    }

    fn serialize_tuple(self, length: usize) -> Result<Several, Unserializable> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        length: usize,
    ) -> Result<Several, Unserializable> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Several, Unserializable> {
        Ok(Several::of_variant(variant))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Several, Unserializable> {
        Ok(Several::default())
    }

    fn serialize_struct(
        self,
        _name: &'static str,
        length: usize,
    ) -> Result<Several, Unserializable> {
        Ok(Several { fields: Vec::with_capacity(length), ..Several::default() })
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Several, Unserializable> {
        Ok(Several::of_variant(variant))
    }
}

/// What all that is made of unnamed parts has in common.
macro_rules! listed {
    ($($kind:ident $method:ident;)*) => { $(
        impl ser::$kind for Several {
            type Ok = Value;
            type Error = Unserializable;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
                self.item(value)
            }

            fn end(self) -> Made {
                Ok(self.list())
            }
        }
    )* };
}

listed! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

/// What all that is made of named parts has in common.
macro_rules! named {
    ($($kind:ident;)*) => { $(
        impl ser::$kind for Several {
            type Ok = Value;
            type Error = Unserializable;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Unserializable> {
                self.field(key, value)
            }

            fn end(self) -> Made {
                Ok(self.record())
            }
        }
    )* };
}

named! {
    SerializeStruct;
    SerializeStructVariant;
}

impl ser::SerializeMap for Several {
    type Ok = Value;
    type Error = Unserializable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unserializable> {
        self.key = key.serialize(ToValue)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
        let value = value.serialize(ToValue)?;
        self.fields.push((std::mem::take(&mut self.key), value));
        Ok(())
    }

    fn end(self) -> Made {
        Ok(self.record())
    }
}
