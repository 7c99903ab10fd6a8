//! Which gates' tools are there.

use evergen_quality_gates::{Fault, Gate, Identity, LeftOut, Looker};
use futures::stream::{self, StreamExt};

use super::Gates;
use crate::failure::Failure;

/// How many tools are asked for their versions at the same time.
const AT_ONCE: usize = 4;

/// Whether the tool of a gate is there.
pub(crate) enum Installed {
    /// It needs none.
    BuiltIn,
    /// It is, of this version.
    Yes(String),
    /// It is not, or can't be used: why, and what to do.
    No(Fault),
}

impl Gates {
    /// Asks the tools of these gates for their versions, in this order.
    pub(crate) fn installed(&self, names: &[String]) -> Result<Vec<Installed>, Failure> {
        let mut gates = Vec::new();
        for name in names {
            gates.push(self.gate(name)?.ok_or_else(|| self.unknown(name))?);
        }
        let asking = stream::iter(gates).map(|gate: Box<dyn Gate>| async move {
            match gate.identity().await {
                Ok(identity) => of(&identity),
                Err(fault) => Installed::No(fault),
            }
        });
        crate::verbs::wait(asking.buffered(AT_ONCE).collect())
    }

    /// Those whose tools are not installed. A tool of a wrong version is there, and its gate says
    /// so.
    pub(super) fn missing(&self, names: &[String]) -> Result<Vec<LeftOut>, Failure> {
        let installed = self.installed(names)?;
        let missing = names.iter().zip(installed).filter_map(|(name, installed)| match installed {
            Installed::No(fault @ Fault::ToolMissing { .. }) => {
                Some(LeftOut::new(name, fault.to_string()))
            }
            _ => None,
        });
        Ok(missing.collect())
    }
}

fn of(identity: &Identity) -> Installed {
    match identity.lookers.as_slice() {
        [] => Installed::BuiltIn,
        lookers => {
            // Of some tools nobody knows the version.
            let shown = |looker: &Looker| format!("{} {}", looker.name, looker.version);
            let said = lookers.iter().map(|looker| shown(looker).trim_end().to_owned());
            Installed::Yes(said.collect::<Vec<_>>().join(", "))
        }
    }
}
