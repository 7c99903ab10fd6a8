use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evergen_deployment::Variables;
use serde_json::{Map, Value, json};

use super::fill::fill;
use super::{
    About, LABEL_SERVICE, LABEL_SLOT, Manifest, ManifestError, Object, Objects, RELEASE, VERSION,
};
use crate::api::Kind;

type Fields = Map<String, Value>;

/// Makes the manifests of a release fit its slot: names are filled in, everything is marked as
/// the slot's, the Deployment's pods and the Service's choice of them are kept to the slot, and
/// the Deployment has no pods yet.
///
/// # Errors
/// There is an object that both slots would share or that may not be part of a release, or there
/// isn't exactly one Deployment and one Service with the name of the slot.
pub(crate) fn fit(
    manifests: &[Manifest],
    about: &About<'_>,
    variables: &Variables,
) -> Result<Objects, ManifestError> {
    let (mut deployment, mut service, mut others) = (None, None, Vec::<Object>::new());
    for manifest in manifests {
        let object = fitted(manifest, about).map_err(|why| {
            let file = manifest.file.clone();
            ManifestError::Unfit { file, why }
        })?;
        let place = match object.kind {
            Kind::Deployment => &mut deployment,
            Kind::Service if object.name == about.place.name() => &mut service,
            _ => {
                push(&mut others, object)?;
                continue;
            }
        };
        if place.replace(object).is_some() {
            let why = "there are two Deployments, or two Services of one name".to_owned();
            return Err(ManifestError::NotWhole { why });
        }
    }
    if !variables.is_empty() {
        push(&mut others, secret(about, variables))?;
    }
    let missing = |kind: Kind| {
        let why = format!("there has to be a {} with the name `{{name}}`", kind.name());
        ManifestError::NotWhole { why }
    };
    Ok(Objects {
        deployment: deployment.ok_or_else(|| missing(Kind::Deployment))?,
        service: service.ok_or_else(|| missing(Kind::Service))?,
        others,
    })
}

fn push(others: &mut Vec<Object>, object: Object) -> Result<(), ManifestError> {
    let same = |other: &&Object| (other.kind, &other.name) == (object.kind, &object.name);
    if others.iter().find(same).is_some() {
        let why = format!("there are two {} `{}`", object.kind.plural(), object.name);
        return Err(ManifestError::NotWhole { why });
    }
    others.push(object);
    Ok(())
}

fn fitted(manifest: &Manifest, about: &About<'_>) -> Result<Object, String> {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let (version, name) = (text(&manifest.value, "apiVersion"), text(&manifest.value, "kind"));
    let kind = Kind::of_manifest(&version, &name).ok_or_else(|| unknown(&version, &name))?;
    let raw = text(&manifest.value["metadata"], "name");
    if !raw.contains("{slot}") && !raw.contains("{name}") {
        return Err(format!(
            "{name} `{raw}` would be shared by both slots; write `{{slot}}` or `{{name}}` into its \
             name, or apply it yourself, outside of the release"
        ));
    }
    let mut value = fill(&manifest.value, about)?;
    let name = text(&value["metadata"], "name");
    let namespace = text(&value["metadata"], "namespace");
    if !namespace.is_empty() && namespace != about.namespace {
        return Err(format!(
            "`{name}` is of namespace `{namespace}`, and the environment is in `{}`",
            about.namespace
        ));
    }
    let Value::Object(fields) = &mut value else { return Err("it is no object".to_owned()) };
    fields.remove("status");
    mark(fields, about)?;
    match kind {
        Kind::Deployment => fit_deployment(fields, &name, about)?,
        Kind::Service => fit_service(fields, about)?,
        // What is not kept to the slot would take hold of the pods of the other one, too.
        Kind::NetworkPolicy => {
            let chosen = map(map(fields, "spec")?, "podSelector")?;
            choose(map(chosen, "matchLabels")?, about);
        }
        Kind::PodDisruptionBudget => {
            let chosen = map(map(fields, "spec")?, "selector")?;
            choose(map(chosen, "matchLabels")?, about);
        }
        _ => {}
    }
    Ok(Object { kind, name, value })
}

fn unknown(version: &str, name: &str) -> String {
    let known = Kind::OF_RELEASES.map(|kind| format!("{} {}", kind.api_version(), kind.name()));
    format!(
        "an object of kind `{version} {name}` can't be part of a release; there may be {}. Apply it \
         yourself if both releases may use it",
        known.join(", ")
    )
}

/// The field of that name, which is a map or missing.
fn map<'a>(fields: &'a mut Fields, key: &str) -> Result<&'a mut Fields, String> {
    let value = fields.entry(key).or_insert(Value::Null);
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().ok_or_else(|| format!("`{key}` is no map"))
}

fn put(fields: &mut Fields, values: impl IntoIterator<Item = (&'static str, String)>) {
    fields.extend(values.into_iter().map(|(key, value)| (key.to_owned(), Value::String(value))));
}

/// Marks an object or the template of pods as of this slot and this release.
fn mark(fields: &mut Fields, about: &About<'_>) -> Result<(), String> {
    let metadata = map(fields, "metadata")?;
    let labels = about.place.labels().map(|(key, value)| (key, value.to_owned()));
    put(map(metadata, "labels")?, labels);
    let version = (VERSION, about.version.to_owned());
    put(map(metadata, "annotations")?, [(RELEASE, about.release.to_string()), version]);
    Ok(())
}

/// Keeps a choice of pods to those of the slot.
fn choose(fields: &mut Fields, about: &About<'_>) {
    let slot = (LABEL_SLOT, about.place.slot.to_string());
    put(fields, [(LABEL_SERVICE, about.place.service.clone()), slot]);
}

fn fit_deployment(fields: &mut Fields, name: &str, about: &About<'_>) -> Result<(), String> {
    if name != about.place.name() {
        return Err(format!(
            "the Deployment is called `{name}`, and has to be `{}`; write `{{name}}`",
            about.place.name()
        ));
    }
    let spec = map(fields, "spec")?;
    // The slot's runtime brings it up when all that it needs is there.
    spec.insert("replicas".to_owned(), 0.into());
    // One that somebody paused would start the pods of the release before.
    spec.insert("paused".to_owned(), false.into());
    choose(map(map(spec, "selector")?, "matchLabels")?, about);
    let template = map(spec, "template")?;
    mark(template, about)?;
    if about.resources.is_empty() { Ok(()) } else { limit(template, about) }
}

fn fit_service(fields: &mut Fields, about: &About<'_>) -> Result<(), String> {
    let spec = map(fields, "spec")?;
    if spec.get("type").and_then(Value::as_str) == Some("ExternalName") {
        return Err("a Service of type `ExternalName` leads out of the slot".to_owned());
    }
    choose(map(spec, "selector")?, about);
    Ok(())
}

/// Gives the resources of the environment to the container of the service: the only one, or the
/// one with the service's name.
fn limit(template: &mut Fields, about: &About<'_>) -> Result<(), String> {
    let containers = map(template, "spec")?.get_mut("containers").and_then(Value::as_array_mut);
    let containers = containers.ok_or("the Deployment has no containers")?;
    let only = containers.len() == 1;
    let is = |container: &&mut Value| only || container["name"] == about.place.service.as_str();
    let container =
        containers.iter_mut().find(is).and_then(Value::as_object_mut).ok_or_else(|| {
            format!(
                "none of its containers is called `{}`, and gets `resources`",
                about.place.service
            )
        })?;
    for (key, value) in about.resources {
        let parts = key.split_once('.').filter(|(group, _)| ["requests", "limits"].contains(group));
        let (group, resource) = parts.ok_or_else(|| {
            format!("`resources.{key}` is none; write `requests.cpu`, `limits.memory` or the like")
        })?;
        let resources = map(map(container, "resources")?, group)?;
        resources.insert(resource.to_owned(), Value::String(value.clone()));
    }
    Ok(())
}

/// The variables of the environment, which the Deployment takes by `envFrom`.
fn secret(about: &About<'_>, variables: &Variables) -> Object {
    let name = about.place.variables();
    let data: BTreeMap<&String, String> =
        variables.iter().map(|(key, value)| (key, STANDARD.encode(value.expose()))).collect();
    let labels: BTreeMap<_, _> = about.place.labels().into_iter().collect();
    let value = json!({
        "apiVersion": Kind::Secret.api_version(),
        "kind": Kind::Secret.name(),
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": { RELEASE: about.release.to_string(), VERSION: about.version },
        },
        "type": "Opaque",
        "data": data,
    });
    Object { kind: Kind::Secret, name, value }
}
