//! Server-side apply and merge patches, with the managers of fields. Lists are taken as a whole.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::protocol::Failure;
use super::store::{Key, Store};
use super::validation::validate;

type Owners = BTreeMap<String, BTreeSet<String>>;

/// Makes an object what a manager says, as far as it speaks of it.
pub(super) fn apply(
    store: &mut Store,
    key: &Key,
    said: &Value,
    manager: &str,
    force: bool,
) -> Result<Value, Failure> {
    for field in ["apiVersion", "kind"] {
        if said[field].as_str().is_none_or(str::is_empty) {
            return Err(Failure::invalid(&key.name, field, "Required value"));
        }
    }
    let old = store.get(&key.plural, &key.name).cloned();
    match &old {
        Some(old) => is_still(key, old, said)?,
        None if !said["metadata"]["uid"].is_null() => {
            let message =
                "uid mismatch: the provided object specified uid, and no existing object was found";
            return Err(Failure::new(409, "Conflict", message));
        }
        None => {}
    }
    let id = (key.plural.clone(), key.name.clone());
    let mut owners = store.owners.get(&id).cloned().unwrap_or_default();
    let mut value = old.clone().unwrap_or_else(|| json!({ "metadata": {} }));
    let leaves = leaves(said);
    conflicts(&value, &leaves, &owners, manager, force, &key.name)?;
    let gone: Vec<String> = owners
        .iter()
        .filter(|(path, by)| by.contains(manager) && !leaves.contains_key(*path))
        .map(|(path, _)| path.clone())
        .collect();
    for path in gone {
        let by = owners.get_mut(&path).unwrap();
        by.remove(manager);
        if by.is_empty() {
            owners.remove(&path);
            remove(&mut value, &path);
        }
    }
    for (path, leaf) in leaves {
        let same = value.pointer(&path) == Some(&leaf);
        let by = owners.entry(path.clone()).or_default();
        if !same {
            by.clear();
        }
        by.insert(manager.to_owned());
        set(&mut value, &path, leaf);
    }
    value["apiVersion"] = said["apiVersion"].clone();
    value["kind"] = said["kind"].clone();
    keep(store, key, old.as_ref(), value, owners)
}

/// Changes the fields that a patch names, if the object is still the one that it means.
pub(super) fn merge(
    store: &mut Store,
    key: &Key,
    patch: &Value,
    manager: &str,
) -> Result<Value, Failure> {
    let old = store.get(&key.plural, &key.name).cloned().unwrap();
    is_still(key, &old, patch)?;
    let mut value = old.clone();
    merged(&mut value, patch);
    let id = (key.plural.clone(), key.name.clone());
    let mut owners = store.owners.get(&id).cloned().unwrap_or_default();
    for (path, leaf) in leaves(patch) {
        if old.pointer(&path) != Some(&leaf) {
            owners.insert(path, BTreeSet::from([manager.to_owned()]));
        }
    }
    keep(store, key, Some(&old), value, owners)
}

/// Refuses a change that was made for another version of an object, or for another object.
fn is_still(key: &Key, old: &Value, change: &Value) -> Result<(), Failure> {
    for field in ["resourceVersion", "uid"] {
        let wanted = &change["metadata"][field];
        if !wanted.is_null() && *wanted != old["metadata"][field] {
            let message = format!(
                "Operation cannot be fulfilled on {} \"{}\": the object has been modified; please \
                 apply your changes to the latest version and try again",
                key.plural, key.name
            );
            return Err(Failure::new(409, "Conflict", message));
        }
    }
    Ok(())
}

fn keep(
    store: &mut Store,
    key: &Key,
    old: Option<&Value>,
    mut value: Value,
    owners: Owners,
) -> Result<Value, Failure> {
    validate(&key.plural, &key.name, old, &value)?;
    let managers: BTreeSet<&String> = owners.values().flatten().collect();
    let managers: Vec<Value> =
        managers.into_iter().map(|name| json!({ "manager": name, "operation": "Apply" })).collect();
    value["metadata"]["managedFields"] = Value::Array(managers);
    store.owners.insert((key.plural.clone(), key.name.clone()), owners);
    Ok(store.put(&key.plural, &key.name, value))
}

fn conflicts(
    value: &Value,
    leaves: &BTreeMap<String, Value>,
    owners: &Owners,
    manager: &str,
    force: bool,
    name: &str,
) -> Result<(), Failure> {
    let others = |path: &String| {
        let by = owners.get(path).into_iter().flatten();
        by.filter(|by| *by != manager).cloned().collect::<Vec<_>>()
    };
    let differs = leaves.iter().filter(|(path, leaf)| value.pointer(path) != Some(*leaf));
    let conflicts: Vec<(String, Vec<String>)> = differs
        .map(|(path, _)| (path.clone(), others(path)))
        .filter(|(_, by)| !by.is_empty())
        .collect();
    if force || conflicts.is_empty() {
        return Ok(());
    }
    let causes: Vec<Value> = conflicts
        .iter()
        .map(|(path, by)| {
            let message = format!("conflict with \"{}\"", by.join(", "));
            json!({ "reason": "FieldManagerConflict", "message": message, "field": path })
        })
        .collect();
    let message = format!("Apply failed with {} conflicts", conflicts.len());
    let details = json!({ "name": name, "causes": causes });
    Err(Failure { details, ..Failure::new(409, "Conflict", message) })
}

/// Every field of a patch by its path, but for those that say which object it is.
fn leaves(value: &Value) -> BTreeMap<String, Value> {
    fn walk(value: &Value, path: &str, leaves: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                for (key, value) in map {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    walk(value, &format!("{path}/{key}"), leaves);
                }
            }
            other => {
                leaves.insert(path.to_owned(), other.clone());
            }
        }
    }
    let mut leaves = BTreeMap::new();
    walk(value, "", &mut leaves);
    for field in ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace", "/metadata/uid"]
    {
        leaves.remove(field);
    }
    leaves.remove("/metadata/resourceVersion");
    leaves
}

fn parts(path: &str) -> Vec<String> {
    let parts = path.split('/').skip(1);
    parts.map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

fn set(value: &mut Value, path: &str, leaf: Value) {
    let mut place = value;
    for part in parts(path) {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[part];
    }
    *place = leaf;
}

fn remove(value: &mut Value, path: &str) {
    let mut parts = parts(path);
    let Some(last) = parts.pop() else { return };
    let parent = parts.iter().try_fold(value, |place, part| place.get_mut(part));
    if let Some(Value::Object(map)) = parent {
        map.remove(&last);
    }
}

/// RFC 7386.
fn merged(value: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let Value::Object(map) = value else { return };
    for (key, part) in patch {
        if part.is_null() {
            map.remove(key);
        } else {
            merged(map.entry(key).or_insert(Value::Null), part);
        }
    }
}
