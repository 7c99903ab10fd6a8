use serde_json::{Value, json};

use super::conditions::{Parents, Standing};

fn standing(parents: &Value) -> Standing {
    let route = json!({
        "spec": { "parentRefs": [{ "name": "public" }, { "name": "inner", "namespace": "infra" }] },
        "status": { "parents": parents },
    });
    let parents: Parents = serde_json::from_value(route).unwrap();
    parents.standing("shop", 4)
}

fn said(parent: &Value, conditions: [(&str, &str, i64); 2]) -> Value {
    let conditions = conditions.map(|(name, status, generation)| {
        json!({ "type": name, "status": status, "reason": "R", "observedGeneration": generation })
    });
    json!({ "parentRef": parent, "conditions": conditions })
}

const GOOD: [(&str, &str, i64); 2] = [("Accepted", "True", 4), ("ResolvedRefs", "True", 4)];

#[test]
fn every_gateway_that_the_route_names_counts_and_no_other() {
    let public = || said(&json!({ "name": "public", "namespace": "shop" }), GOOD);
    let inner = |conditions| said(&json!({ "name": "inner", "namespace": "infra" }), conditions);
    let stale = said(&json!({ "name": "gone" }), [("Accepted", "False", 1), GOOD[1]]);
    assert_eq!(standing(&json!([public(), inner(GOOD), stale])), Standing::InEffect);
    let unseen = Standing::Unseen("gateway `inner` says nothing of the HTTPRoute".to_owned());
    assert_eq!(standing(&json!([public(), said(&json!({ "name": "inner" }), GOOD)])), unseen);
    let old = [("Accepted", "True", 3), GOOD[1]];
    let unseen = Standing::Unseen("gateway `inner` has seen generation 3 of 4".to_owned());
    assert_eq!(standing(&json!([public(), inner(old)])), unseen);
    let refused = inner([("Accepted", "False", 4), GOOD[1]]);
    assert!(matches!(standing(&json!([public(), refused])), Standing::NotAccepted(_)));
    let unresolved = inner([GOOD[0], ("ResolvedRefs", "False", 4)]);
    assert!(matches!(standing(&json!([public(), unresolved])), Standing::Unresolved(_)));
    let more = inner([GOOD[0], ("example.net/Warm", "False", 0)]);
    assert_eq!(standing(&json!([public(), more])), Standing::InEffect);
}
