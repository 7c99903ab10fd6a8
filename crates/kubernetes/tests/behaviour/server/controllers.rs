//! What goes on in a cluster by itself: pods come and go, gateways look at routes.
//!
//! How pods do is told by the tag of their image: `missing` can't be pulled, `crashing` ends again
//! and again, `unready` never takes requests, `stubborn` does not end unless by force.

use std::time::Duration;

use serde_json::{Value, json};

use super::store::{Gateway, Store};

/// For a controller to see a change.
const LAG: Duration = Duration::from_millis(10);
/// For a pod to be ready.
const STARTING: Duration = Duration::from_millis(30);
/// For a pod to end.
const ENDING: Duration = Duration::from_millis(15);

pub(super) fn tick(store: &mut Store) {
    for name in store.names("deployments") {
        deployment(store, &name);
    }
    for name in store.names("pods") {
        pod(store, &name);
    }
    for name in store.names("httproutes") {
        route(store, &name);
    }
}

fn age(store: &Store, plural: &str, name: &str) -> Duration {
    let since = store.changed.get(&(plural.to_owned(), name.to_owned()));
    since.map(std::time::Instant::elapsed).unwrap_or_default()
}

fn deployment(store: &mut Store, name: &str) {
    if age(store, "deployments", name) < LAG {
        return;
    }
    let mut value = store.get("deployments", name).unwrap().clone();
    let wanted = value["spec"]["replicas"].as_u64().unwrap_or(1);
    let uid = value["metadata"]["uid"].as_str().unwrap().to_owned();
    let template = value["spec"]["template"].clone();
    let (new, old): (Vec<Value>, Vec<Value>) = pods_of(store, &uid)
        .into_iter()
        .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
        .partition(|pod| pod["template"] == template);
    for number in new.len() as u64..wanted {
        let name = format!("{name}-{number}-{}", store.fresh());
        let mut metadata = template["metadata"].clone();
        metadata["ownerReferences"] = json!([{ "uid": uid }]);
        let spec = template["spec"].clone();
        let pod = json!({ "metadata": metadata, "spec": spec, "template": template });
        store.put("pods", &name, pod);
    }
    let surplus = new.iter().skip(usize::try_from(wanted).unwrap());
    for pod in surplus.chain(&old) {
        store.remove("pods", pod["metadata"]["name"].as_str().unwrap(), false);
    }
    status_of(store, name, &mut value, wanted);
    store.put("deployments", name, value);
}

fn pods_of(store: &Store, uid: &str) -> Vec<Value> {
    let mut pods = store.list("pods", "");
    pods.retain(|pod| pod["metadata"]["ownerReferences"][0]["uid"] == uid);
    pods
}

fn status_of(store: &Store, name: &str, value: &mut Value, wanted: u64) {
    let uid = value["metadata"]["uid"].as_str().unwrap().to_owned();
    let mut all = pods_of(store, &uid);
    all.retain(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    let updated = all.iter().filter(|pod| pod["template"] == value["spec"]["template"]);
    let updated: Vec<&Value> = updated.collect();
    let available = updated.iter().filter(|pod| pod["status"]["ready"] == true).count() as u64;
    let patience = value["spec"]["progressDeadlineSeconds"].as_u64().unwrap_or(600);
    let late = age(store, "deployments", name) > Duration::from_secs(patience);
    // Once a template was complete, as one without pods is at once, nobody looks at its progress.
    let template = value["spec"]["template"].clone();
    let complete = available >= wanted || value["status"]["complete"] == template;
    let progressing = if !complete && late {
        let message = format!("ReplicaSet \"{name}-5d4f\" has timed out progressing.");
        json!({
            "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
            "message": message,
        })
    } else {
        json!({ "type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated" })
    };
    let enough = available >= wanted - wanted / 4;
    let available_condition =
        json!({ "type": "Available", "status": if enough { "True" } else { "False" } });
    value["status"] = json!({
        "observedGeneration": value["metadata"]["generation"],
        "complete": if complete { template } else { Value::Null },
        "replicas": all.len(),
        "updatedReplicas": updated.len(),
        "availableReplicas": available,
        "conditions": [progressing, available_condition],
    });
}

fn pod(store: &mut Store, name: &str) {
    let mut value = store.get("pods", name).unwrap().clone();
    let owner = value["metadata"]["ownerReferences"][0]["uid"].as_str().unwrap_or_default();
    let kept = store.list("deployments", "").iter().any(|it| it["metadata"]["uid"] == owner);
    let age = age(store, "pods", name);
    let image = value["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned();
    if !value["metadata"]["deletionTimestamp"].is_null() {
        if age > ENDING && !image.ends_with("stubborn") {
            store.remove("pods", name, true);
        }
        return;
    }
    if !kept {
        store.remove("pods", name, false);
        return;
    }
    value["status"] = pod_status(&image, age);
    store.put("pods", name, value);
}

fn pod_status(image: &str, age: Duration) -> Value {
    let container = |waiting: Value, ended: Value, count: u32| {
        json!([{
            "name": "shop", "restartCount": count, "ready": false,
            "state": { "waiting": waiting }, "lastState": { "terminated": ended },
        }])
    };
    if age < STARTING {
        let waiting = json!({ "reason": "ContainerCreating" });
        return json!({ "phase": "Pending", "containerStatuses": container(waiting, Value::Null, 0) });
    }
    if image.ends_with("missing") {
        let message = format!("Back-off pulling image \"{image}\"");
        let waiting = json!({ "reason": "ImagePullBackOff", "message": message });
        return json!({ "phase": "Pending", "containerStatuses": container(waiting, Value::Null, 0) });
    }
    if image.ends_with("crashing") {
        let waiting = json!({ "reason": "CrashLoopBackOff", "message": "back-off 10s" });
        let ended = json!({ "exitCode": 3, "reason": "Error" });
        return json!({ "phase": "Running", "containerStatuses": container(waiting, ended, 2) });
    }
    if image.ends_with("unready") {
        let why = "containers with unready status: [shop]";
        let ready = json!([{ "type": "Ready", "status": "False", "message": why }]);
        return json!({ "phase": "Running", "conditions": ready });
    }
    json!({ "phase": "Running", "ready": true })
}

/// A gateway for each parent that a route names.
fn route(store: &mut Store, name: &str) {
    let lag = age(store, "httproutes", name) < LAG;
    if lag || store.gateway == Gateway::IsSilent {
        return;
    }
    let mut value = store.get("httproutes", name).unwrap().clone();
    let generation = value["metadata"]["generation"].clone();
    let missing = references(&value).find(|reference| !is_there(store, reference));
    let condition = |name: &str, why: Option<(&str, String)>| {
        let (reason, message) = why.clone().unwrap_or((name, String::new()));
        json!({
            "type": name, "status": if why.is_none() { "True" } else { "False" },
            "reason": reason, "message": message, "observedGeneration": generation,
        })
    };
    let refused = (store.gateway == Gateway::Refuses)
        .then(|| ("NotAllowedByListeners", "no listener takes it".to_owned()));
    let missing = missing.map(|reference| {
        let name = reference["name"].as_str().unwrap_or_default();
        ("BackendNotFound", format!("Service \"{name}\" not found"))
    });
    let conditions = json!([condition("Accepted", refused), condition("ResolvedRefs", missing)]);
    let parents = value["spec"]["parentRefs"].as_array().cloned().unwrap_or_default();
    let parents: Vec<Value> = parents
        .into_iter()
        .map(|parent| {
            json!({
                "parentRef": parent, "controllerName": "example.net/gateway",
                "conditions": conditions,
            })
        })
        .collect();
    value["status"] = json!({ "parents": parents });
    store.put("httproutes", name, value);
}

fn references(route: &Value) -> impl Iterator<Item = &Value> {
    let rules = route["spec"]["rules"].as_array().into_iter().flatten();
    rules.flat_map(|rule| rule["backendRefs"].as_array().into_iter().flatten())
}

/// Whether there is a Service with that port.
fn is_there(store: &Store, reference: &Value) -> bool {
    let service = store.get("services", reference["name"].as_str().unwrap_or_default());
    let ports = service.and_then(|service| service["spec"]["ports"].as_array());
    ports.is_some_and(|ports| ports.iter().any(|port| port["port"] == reference["port"]))
}
