use super::Limits;

#[test]
fn what_is_not_named_keeps_its_default() {
    let limits: Limits = serde_json::from_str(r#"{"max_nesting": 7}"#).unwrap();
    assert_eq!(limits, Limits { max_nesting: 7, ..Limits::default() });
}

#[test]
fn a_misspelt_limit_is_an_error() {
    let error = serde_json::from_str::<Limits>(r#"{"max_nestings": 7}"#).unwrap_err();
    assert!(error.to_string().contains("unknown field `max_nestings`"), "{error}");
}
