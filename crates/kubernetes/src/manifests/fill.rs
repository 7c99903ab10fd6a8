use serde_json::Value;

use super::About;

/// The names that stand for what is known of a release, without their braces.
pub(super) const NAMES: [&str; 7] =
    ["name", "service", "slot", "version", "release", "environment", "namespace"];

/// Puts values for the names in braces, in texts and in keys. Values are put into texts that
/// are read already, so none of them can change what a manifest is made of.
pub(super) fn fill(value: &Value, about: &About<'_>) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(filled(text, about)),
        Value::Array(values) => {
            Value::Array(values.iter().map(|value| fill(value, about)).collect::<Result<_, _>>()?)
        }
        Value::Object(map) => {
            if let Some(name) = bare(map) {
                return Err(format!(
                    "`{{{name}}}` stands alone, which is a map in YAML; write \"{{{name}}}\""
                ));
            }
            let entries =
                map.iter().map(|(key, value)| Ok((filled(key, about), fill(value, about)?)));
            Value::Object(entries.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

/// The name of a map that was meant as a name in braces.
fn bare(map: &serde_json::Map<String, Value>) -> Option<&str> {
    let (key, value) = map.iter().next()?;
    (map.len() == 1 && value.is_null() && NAMES.contains(&key.as_str())).then_some(key.as_str())
}

fn filled(text: &str, about: &About<'_>) -> String {
    if !text.contains('{') {
        return text.to_owned();
    }
    NAMES.iter().fold(text.to_owned(), |text, name| {
        text.replace(&format!("{{{name}}}"), &about.value_of(name))
    })
}

impl About<'_> {
    fn value_of(&self, name: &str) -> String {
        match name {
            "name" => self.place.name(),
            "service" => self.place.service.clone(),
            "slot" => self.place.slot.to_string(),
            "version" => self.version.to_owned(),
            "release" => self.release.to_string(),
            "environment" => self.place.environment.clone(),
            _ => self.namespace.to_owned(),
        }
    }
}
