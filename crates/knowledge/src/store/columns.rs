//! Columns of plain values over shared bytes, in memory or in a mapped file.

use bytemuck::Pod;
use bytes::Bytes;

/// Lends a vector's memory to [`Bytes`].
pub(super) struct Owner<T: Pod + Send>(pub(super) Vec<T>);

impl<T: Pod + Send> AsRef<[u8]> for Owner<T> {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

/// The values in `bytes`, if length and alignment are right.
pub(super) fn cast<T: Pod>(bytes: &Bytes) -> Option<&[T]> {
    // An empty section has no address worth checking.
    if bytes.is_empty() { Some(&[]) } else { bytemuck::try_cast_slice(bytes).ok() }
}
