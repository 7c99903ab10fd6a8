use serde_json::json;

use super::read::documents;

#[test]
fn manifests_are_read_as_kubectl_reads_them() {
    let mut manifests = Vec::new();
    let text = "mode: 0644\non: yes\n---\n---\n# nothing\n---\na: &x {b: 1}\nc: *x\n";
    documents("a.yaml", text, &mut manifests).unwrap();
    let values: Vec<_> = manifests.into_iter().map(|manifest| manifest.value).collect();
    assert_eq!(values[0]["mode"], json!(420));
    assert_eq!(values[1..], [json!({ "a": { "b": 1 }, "c": { "b": 1 } })]);
}

#[test]
fn what_is_no_yaml_is_not_repeated() {
    let text = "data:\n  password: \"hunter2\n";
    let error = documents("a.yaml", text, &mut Vec::new()).unwrap_err().to_string();
    assert!(error.contains("`a.yaml` is no manifest at line"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}
