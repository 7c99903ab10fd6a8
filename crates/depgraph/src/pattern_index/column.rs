use std::fmt;
use std::marker::PhantomData;

use bytemuck::Pod;
use bytes::Bytes;

/// The columns of an index don't fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column `{column}` of the pattern index {problem}")]
pub struct DamagedIndex {
    /// The name of the column: that of its field in [`IndexColumns`](crate::IndexColumns).
    pub column: &'static str,
    problem: String,
}

impl DamagedIndex {
    pub(super) fn new(column: &'static str, problem: impl Into<String>) -> Self {
        Self { column, problem: problem.into() }
    }
}

/// Bytes that are known to be a row of `T`: of the right length and alignment.
#[derive(Clone)]
pub(super) struct Column<T> {
    bytes: Bytes,
    entry: PhantomData<T>,
}

impl<T: Pod + Send> Column<T> {
    pub(super) fn new(entries: Vec<T>) -> Self {
        Self { bytes: Bytes::from_owner(Entries(entries)), entry: PhantomData }
    }

    /// Takes the bytes as they are, or a copy where they are not aligned.
    pub(super) fn from_bytes(name: &'static str, bytes: Bytes) -> Result<Self, DamagedIndex> {
        let size = size_of::<T>();
        if !bytes.len().is_multiple_of(size) {
            let problem = format!("has {} bytes, not a multiple of {size}", bytes.len());
            return Err(DamagedIndex::new(name, problem));
        }
        if bytemuck::try_cast_slice::<u8, T>(&bytes).is_err() {
            let entries = bytes.chunks_exact(size).map(bytemuck::pod_read_unaligned);
            return Ok(Self::new(entries.collect()));
        }
        Ok(Self { bytes, entry: PhantomData })
    }

    pub(super) fn to_bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    pub(super) fn entries(&self) -> &[T] {
        // Length and alignment were checked when the column was made.
        bytemuck::try_cast_slice(&self.bytes).unwrap_or(&[])
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() / size_of::<T>()
    }
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self { bytes: Bytes::new(), entry: PhantomData }
    }
}

impl<T> fmt::Debug for Column<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes.len())
    }
}

/// Keeps the alignment of a vector behind [`Bytes`].
struct Entries<T>(Vec<T>);

impl<T: Pod> AsRef<[u8]> for Entries<T> {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}
