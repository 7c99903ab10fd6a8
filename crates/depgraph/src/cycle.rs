use std::fmt;

/// A dependency was refused because it would have closed a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleError<K> {
    cycle: Vec<K>,
}

impl<K> CycleError<K> {
    pub(crate) fn new(cycle: Vec<K>) -> Self {
        Self { cycle }
    }

    /// The whole cycle, each node before one that it depends on. It begins with
    /// the dependent of the refused edge, goes on with its dependency, and ends
    /// where it began. No shorter cycle would have been closed.
    pub fn cycle(&self) -> &[K] {
        &self.cycle
    }
}

impl<K: fmt::Display> fmt::Display for CycleError<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the dependency would close a cycle: ")?;
        for (position, key) in self.cycle.iter().enumerate() {
            if position > 0 {
                f.write_str(" -> ")?;
            }
            write!(f, "{key}")?;
        }
        Ok(())
    }
}

impl<K: fmt::Debug + fmt::Display> std::error::Error for CycleError<K> {}
