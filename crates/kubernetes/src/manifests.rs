//! The objects of a release: what its manifests say, made to fit one slot.

mod read;

mod fill;

mod fit;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use evergen_deployment::{ReleaseId, Slot};
use serde_json::Value;

pub(crate) use fit::fit;
pub(crate) use read::read;

use crate::api::{Kind, Selector};

/// Which environment, by the name of its service.
pub(crate) const LABEL_SERVICE: &str = "evergen.dev/service";
/// See [`LABEL_SERVICE`].
pub(crate) const LABEL_ENVIRONMENT: &str = "evergen.dev/environment";
/// Which of the two slots.
pub(crate) const LABEL_SLOT: &str = "evergen.dev/slot";
/// Which release, by its whole digest, which is too long for a label.
pub(crate) const RELEASE: &str = "evergen.dev/release";
/// Its version, for people.
pub(crate) const VERSION: &str = "evergen.dev/version";
/// On the slot's Service: all objects that the slot may have left in the cluster.
pub(crate) const OBJECTS: &str = "evergen.dev/objects";

/// What a slot's objects are called and marked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The name before `-blue` and `-green`.
    pub(crate) service: String,
    pub(crate) environment: String,
    pub(crate) slot: Slot,
}

impl Place {
    /// The name of the slot's Deployment and Service.
    pub(crate) fn name(&self) -> String {
        slot_name(&self.service, self.slot)
    }

    /// The Secret with the environment's variables.
    pub(crate) fn variables(&self) -> String {
        format!("{}-variables", self.name())
    }

    /// The labels by which everything of the slot is known.
    pub(crate) fn labels(&self) -> [(&'static str, &str); 3] {
        [
            (LABEL_SERVICE, self.service.as_str()),
            (LABEL_ENVIRONMENT, self.environment.as_str()),
            (LABEL_SLOT, self.slot.name()),
        ]
    }

    /// The same, as a list is asked for.
    pub(crate) fn selector(&self) -> String {
        self.labels().map(|(key, value)| format!("{key}={value}")).join(",")
    }

    /// Whether something has our labels.
    pub(crate) fn owns(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels().iter().all(|(key, value)| labels.get(*key).is_some_and(|it| it == value))
    }
}

/// What a slot's Deployment and Service are called.
pub(crate) fn slot_name(service: &str, slot: Slot) -> String {
    format!("{service}-{slot}")
}

/// A release, as its manifests are told about it.
#[derive(Clone, Debug)]
pub(crate) struct About<'a> {
    pub(crate) place: &'a Place,
    pub(crate) namespace: &'a str,
    pub(crate) release: ReleaseId,
    pub(crate) version: &'a str,
    /// Requests and limits of the container, as `limits.memory`.
    pub(crate) resources: &'a BTreeMap<String, String>,
}

/// A manifest as it was read, and the file that it stands in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Manifest {
    pub(crate) file: String,
    pub(crate) value: Value,
}

/// An object that is to be in the cluster.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Object {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) value: Value,
}

impl Object {
    /// Which pods a Deployment chooses; none if that is written as nobody can read it, which the
    /// server will say.
    pub(crate) fn selector(&self) -> Selector {
        serde_json::from_value(self.value["spec"]["selector"].clone()).unwrap_or_default()
    }
}

/// Everything that a slot runs a release by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Objects {
    pub(crate) deployment: Object,
    pub(crate) service: Object,
    pub(crate) others: Vec<Object>,
}

/// The manifests of a release can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    #[error("the release has no manifests in `{folder}`: {why}")]
    None { folder: String, why: String },
    #[error("`{file}` is no manifest{place}: {why}")]
    NoYaml { file: String, place: String, why: String },
    #[error("`{file}`: {why}")]
    Unfit { file: String, why: String },
    #[error("the manifests don't make a service: {why}")]
    NotWhole { why: String },
}
