//! The words that languages keep for themselves, sorted.

pub(crate) mod csharp;
pub(crate) mod go;
pub(crate) mod java;
pub(crate) mod kotlin;
pub(crate) mod python;
pub(crate) mod rust;
pub(crate) mod sql;
pub(crate) mod typescript;
