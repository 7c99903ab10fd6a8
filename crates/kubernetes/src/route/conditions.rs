//! What gateways say of a route.

use serde::Deserialize;

use crate::api::{Condition, words};

/// A route's parents and what they say, as much as we read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Parents {
    spec: Spec,
    status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    parent_refs: Vec<ParentRef>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    parents: Vec<ParentStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ParentStatus {
    parent_ref: ParentRef,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ParentRef {
    namespace: Option<String>,
    name: String,
    section_name: Option<String>,
    port: Option<u16>,
}

/// What the gateways say of a generation of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// All of them do as it says.
    InEffect,
    /// One of them has not looked at it yet.
    Unseen(String),
    /// One of them refuses all of it.
    NotAccepted(String),
    /// One of them can't find a Service that it sends to.
    Unresolved(String),
}

impl Parents {
    /// What the gateways say of the route as it is at `generation`.
    pub(crate) fn standing(&self, namespace: &str, generation: i64) -> Standing {
        if self.spec.parent_refs.is_empty() {
            let why = "the HTTPRoute names no gateway in its `parentRefs`";
            return Standing::NotAccepted(why.to_owned());
        }
        let mut unresolved = None;
        for parent in &self.spec.parent_refs {
            match self.of_parent(parent, namespace, generation) {
                Standing::InEffect => {}
                Standing::Unresolved(why) => unresolved = Some(why),
                other => return other,
            }
        }
        unresolved.map_or(Standing::InEffect, Standing::Unresolved)
    }

    /// What the controllers of one gateway say; there may be several.
    fn of_parent(&self, parent: &ParentRef, namespace: &str, generation: i64) -> Standing {
        let told: Vec<&ParentStatus> =
            self.status.parents.iter().filter(|it| it.parent_ref.is(parent, namespace)).collect();
        let name = &parent.name;
        if told.is_empty() {
            return Standing::Unseen(format!("gateway `{name}` says nothing of the HTTPRoute"));
        }
        // Controllers may tell more than these two; what they mean by it is not known.
        let known = |it: &&Condition| ["Accepted", "ResolvedRefs"].contains(&it.r#type.as_str());
        let conditions = || told.iter().flat_map(|it| &it.conditions).filter(known);
        let of = |r#type: &str| conditions().find(|it| it.r#type == r#type && it.status != "True");
        if let Some(old) = conditions().find(|it| it.observed_generation < generation) {
            let seen = old.observed_generation;
            return Standing::Unseen(format!(
                "gateway `{name}` has seen generation {seen} of {generation}"
            ));
        }
        if !conditions().any(|it| it.is("Accepted", "True")) || of("Accepted").is_some() {
            let why = of("Accepted").map_or_else(|| "it does not say so".to_owned(), shown);
            return Standing::NotAccepted(format!("gateway `{name}` does not accept it: {why}"));
        }
        match of("ResolvedRefs") {
            Some(not) => Standing::Unresolved(format!("gateway `{name}`: {}", shown(not))),
            None => Standing::InEffect,
        }
    }
}

fn shown(condition: &Condition) -> String {
    format!("{} ({})", words(&condition.message), condition.reason)
}

impl ParentRef {
    /// Whether two references are of the same parent; without a namespace it is the route's own.
    fn is(&self, other: &Self, namespace: &str) -> bool {
        let of = |it: &Self| it.namespace.clone().unwrap_or_else(|| namespace.to_owned());
        of(self) == of(other)
            && (&self.name, &self.section_name, self.port)
                == (&other.name, &other.section_name, other.port)
    }
}
