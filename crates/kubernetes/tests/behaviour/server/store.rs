//! The objects, and what the server knows of them besides.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::{Value, json};

use super::NAMESPACE;
use super::faults::Fault;

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) plural: String,
    pub(crate) name: String,
}

/// The resources that there are: name, group and version.
const RESOURCES: [(&str, &str); 10] = [
    ("configmaps", "v1"),
    ("pods", "v1"),
    ("secrets", "v1"),
    ("serviceaccounts", "v1"),
    ("services", "v1"),
    ("deployments", "apps/v1"),
    ("replicasets", "apps/v1"),
    ("networkpolicies", "networking.k8s.io/v1"),
    ("poddisruptionbudgets", "policy/v1"),
    ("httproutes", "gateway.networking.k8s.io/v1"),
];

impl Key {
    /// The place that a path names, and whether it names an object.
    pub(super) fn of_path(path: &str) -> Option<(Self, bool)> {
        let (version, rest) = match path.strip_prefix("/apis/") {
            Some(rest) => rest.split_once("/namespaces/")?,
            None => path.strip_prefix("/api/")?.split_once("/namespaces/")?,
        };
        let mut parts = rest.split('/');
        let (namespace, plural) = (parts.next()?, parts.next()?);
        let name = parts.next();
        RESOURCES.contains(&(plural, version)).then(|| {
            let [namespace, plural, shown] =
                [namespace, plural, name.unwrap_or_default()].map(str::to_owned);
            (Self { namespace, plural, name: shown }, name.is_some())
        })
    }
}

/// What the server keeps.
pub(crate) struct Store {
    objects: BTreeMap<(String, String), Value>,
    /// Who set which field last, by object and path.
    pub(super) owners: BTreeMap<(String, String), BTreeMap<String, BTreeSet<String>>>,
    versions: u64,
    uids: u64,
    /// When the specification of an object was changed last.
    pub(super) changed: BTreeMap<(String, String), Instant>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) asked: Vec<String>,
    /// How many calls had no answer.
    pub(crate) hanging: u32,
    /// Verbs and resources that no role allows.
    pub(crate) forbidden: BTreeSet<(String, String)>,
    /// Why an admission refuses all that is written.
    pub(crate) not_admitted: Option<&'static str>,
    /// What came of the calls that were carried out late, by their status.
    pub(crate) late: Vec<u16>,
    /// Whether the Gateway API is installed.
    pub(crate) gateway_api: bool,
    /// Whether a gateway looks at routes, and what it says.
    pub(crate) gateway: Gateway,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gateway {
    Accepts,
    Refuses,
    IsSilent,
}

impl Store {
    pub(super) fn new() -> Self {
        Self {
            objects: BTreeMap::new(),
            owners: BTreeMap::new(),
            versions: 100,
            uids: 0,
            changed: BTreeMap::new(),
            faults: Vec::new(),
            asked: Vec::new(),
            hanging: 0,
            forbidden: BTreeSet::new(),
            not_admitted: None,
            late: Vec::new(),
            gateway_api: true,
            gateway: Gateway::Accepts,
        }
    }

    pub(crate) fn forbid(&mut self, verb: &str, plural: &str) {
        self.forbidden.insert((verb.to_owned(), plural.to_owned()));
    }

    pub(super) fn serves(&self, plural: &str) -> bool {
        plural != "httproutes" || self.gateway_api
    }

    pub(crate) fn get(&self, plural: &str, name: &str) -> Option<&Value> {
        self.objects.get(&(plural.to_owned(), name.to_owned()))
    }

    /// The objects that have all labels of a selector, as `a=b,c=d`.
    pub(crate) fn list(&self, plural: &str, selector: &str) -> Vec<Value> {
        let has = |value: &Value| {
            selector.split(',').filter(|term| !term.is_empty()).all(|term| {
                let (key, wanted) = term.split_once('=').unwrap();
                value["metadata"]["labels"][key] == wanted
            })
        };
        let of = self.objects.iter().filter(|((kind, _), value)| kind == plural && has(value));
        of.map(|(_, value)| value.clone()).collect()
    }

    pub(crate) fn names(&self, plural: &str) -> Vec<String> {
        let of = self.objects.keys().filter(|(kind, _)| kind == plural);
        of.map(|(_, name)| name.clone()).collect()
    }

    /// Puts an object as it is to be; the server's own fields are set. One that changes nothing
    /// has no new version.
    pub(crate) fn put(&mut self, plural: &str, name: &str, mut value: Value) -> Value {
        let key = (plural.to_owned(), name.to_owned());
        let old = self.objects.get(&key).cloned();
        value["metadata"]["name"] = json!(name);
        value["metadata"]["namespace"] = json!(NAMESPACE);
        let (uid, generation) = match &old {
            Some(old) => {
                let generation = old["metadata"]["generation"].as_u64().unwrap();
                // Deployments count these, too.
                let of = |it: &Value| (plural == "deployments").then(|| annotations(it).clone());
                let changed = old["spec"] != value["spec"] || of(old) != of(&value);
                (old["metadata"]["uid"].clone(), generation + u64::from(changed))
            }
            None => (json!(format!("uid-{:04}", self.fresh())), 1),
        };
        value["metadata"]["uid"] = uid;
        value["metadata"]["generation"] = json!(generation);
        value["metadata"]["resourceVersion"] = match &old {
            Some(old) => old["metadata"]["resourceVersion"].clone(),
            None => Value::Null,
        };
        if old.as_ref() == Some(&value) {
            return value;
        }
        self.versions += 1;
        value["metadata"]["resourceVersion"] = json!(self.versions.to_string());
        if old.is_none_or(|old| old["metadata"]["generation"] != value["metadata"]["generation"]) {
            self.changed.insert(key.clone(), Instant::now());
        }
        self.objects.insert(key, value.clone());
        value
    }

    /// A number that was not given before.
    pub(super) fn fresh(&mut self) -> u64 {
        self.uids += 1;
        self.uids
    }

    /// Removes an object; a pod goes when its controller has ended it, unless by force.
    pub(crate) fn remove(&mut self, plural: &str, name: &str, force: bool) {
        let key = (plural.to_owned(), name.to_owned());
        if plural == "pods" && !force {
            let value = self.objects.get_mut(&key).unwrap();
            value["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            self.changed.insert(key, Instant::now());
            return;
        }
        self.objects.remove(&key);
        self.owners.remove(&key);
        self.changed.remove(&key);
    }

    /// Changes an object in a way that nobody minds.
    pub(super) fn touch(&mut self, key: &Key) {
        let mut value = self.get(&key.plural, &key.name).unwrap().clone();
        value["metadata"]["annotations"]["touched"] = json!(self.versions.to_string());
        self.put(&key.plural, &key.name, value);
    }
}

fn annotations(value: &Value) -> &Value {
    &value["metadata"]["annotations"]
}
