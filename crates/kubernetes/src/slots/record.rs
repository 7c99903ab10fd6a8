//! What is written down of a slot's objects, in the cluster itself.

use std::collections::BTreeSet;

use crate::api::{Kind, Meta};
use crate::manifests::{OBJECTS, Objects};

/// The objects of a slot besides its Deployment and its Service.
///
/// They stand in an annotation of the slot's Service, before the first of them is made and until
/// the last of them is gone: whatever a killed deployer has left is found by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ObjectRecord(BTreeSet<(Kind, String)>);

impl ObjectRecord {
    /// Those of a release.
    pub(crate) fn of(objects: &Objects) -> Self {
        Self(objects.others.iter().map(|object| (object.kind, object.name.clone())).collect())
    }

    /// Those that the slot's Service tells; what is no object of ours is passed over.
    pub(crate) fn told_by(service: &Meta) -> Self {
        let text = service.annotations.get(OBJECTS).map(String::as_str).unwrap_or_default();
        let entries = text.split(',').filter_map(|entry| {
            let (plural, name) = entry.split_once('/')?;
            let kind = Kind::OF_RELEASES.into_iter().find(|kind| kind.plural() == plural)?;
            Some((kind, name.to_owned()))
        });
        Self(entries.collect())
    }

    pub(crate) fn with(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// Those that `kept` does not have.
    pub(crate) fn without(&self, kept: &Self) -> Vec<(Kind, String)> {
        self.0.difference(&kept.0).cloned().collect()
    }
}

impl std::fmt::Display for ObjectRecord {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let entries = self.0.iter().map(|(kind, name)| format!("{}/{name}", kind.plural()));
        formatter.write_str(&entries.collect::<Vec<_>>().join(","))
    }
}
