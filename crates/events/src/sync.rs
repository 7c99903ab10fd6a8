//! The locks that [`crate::watched`] is made of. The model check replaces them.

pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
