//! What the server refuses.

use serde_json::Value;

use super::protocol::Failure;

pub(super) fn validate(
    plural: &str,
    name: &str,
    old: Option<&Value>,
    value: &Value,
) -> Result<(), Failure> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > 63 || !name.bytes().all(fits) {
        return Err(Failure::invalid(name, "metadata.name", "a lowercase RFC 1123 label"));
    }
    labels(name, "metadata.labels", &value["metadata"]["labels"])?;
    match plural {
        "deployments" => deployment(name, old, value),
        "services" if value["spec"]["ports"].as_array().is_none_or(Vec::is_empty) => {
            Err(Failure::invalid(name, "spec.ports", "Required value"))
        }
        "configmaps" | "secrets" if fixed(old, value) => {
            Err(Failure::invalid(name, "data", "field is immutable when `immutable` is set"))
        }
        "secrets" => secret(name, value),
        "httproutes" => route(name, value),
        _ => Ok(()),
    }
}

/// Whether something changes that says it does not.
fn fixed(old: Option<&Value>, value: &Value) -> bool {
    old.is_some_and(|old| old["immutable"] == true && old["data"] != value["data"])
}

fn labels(name: &str, field: &str, labels: &Value) -> Result<(), Failure> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    for value in labels.as_object().into_iter().flat_map(|labels| labels.values()) {
        let good = value.as_str().is_some_and(|text| text.len() <= 63 && text.bytes().all(fits));
        if !good {
            return Err(Failure::invalid(name, field, "must be a valid label value"));
        }
    }
    Ok(())
}

fn deployment(name: &str, old: Option<&Value>, value: &Value) -> Result<(), Failure> {
    let spec = &value["spec"];
    let containers = spec["template"]["spec"]["containers"].as_array();
    let Some(containers) = containers.filter(|list| !list.is_empty()) else {
        return Err(Failure::invalid(name, "spec.template.spec.containers", "Required value"));
    };
    if containers.iter().any(|container| container["image"].as_str().is_none_or(str::is_empty)) {
        let field = "spec.template.spec.containers[0].image";
        return Err(Failure::invalid(name, field, "Required value"));
    }
    let labels_of_pods = &spec["template"]["metadata"]["labels"];
    labels(name, "spec.template.metadata.labels", labels_of_pods)?;
    let chosen = spec["selector"]["matchLabels"].as_object();
    let chosen = chosen.into_iter().flatten();
    for (key, wanted) in chosen {
        if labels_of_pods[key] != *wanted {
            let why = "`selector` does not match template `labels`";
            return Err(Failure::invalid(name, "spec.template.metadata.labels", why));
        }
    }
    if let Some(old) = old
        && old["spec"]["selector"] != spec["selector"]
    {
        return Err(Failure::invalid(name, "spec.selector", "field is immutable"));
    }
    Ok(())
}

fn secret(name: &str, value: &Value) -> Result<(), Failure> {
    let texts = value["data"].as_object().into_iter().flatten();
    for (key, text) in texts {
        let coded = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
        let text = text.as_str().unwrap_or("?");
        if text.len() % 4 != 0 || !text.bytes().all(coded) {
            let why = format!("illegal base64 data in {text}");
            return Err(Failure::invalid(name, &format!("data[{key}]"), &why));
        }
    }
    Ok(())
}

fn route(name: &str, value: &Value) -> Result<(), Failure> {
    let rules = value["spec"]["rules"].as_array().into_iter().flatten();
    for reference in rules.flat_map(|rule| rule["backendRefs"].as_array().into_iter().flatten()) {
        let weight = reference["weight"].as_i64().unwrap_or(1);
        if !(0..=1_000_000).contains(&weight) {
            let field = "spec.rules[0].backendRefs[0].weight";
            return Err(Failure::invalid(name, field, "should be in 0 to 1000000"));
        }
        if reference["port"].as_u64().is_none() {
            let why = "Must have port for Service reference";
            return Err(Failure::invalid(name, "spec.rules[0].backendRefs[0]", why));
        }
    }
    Ok(())
}
