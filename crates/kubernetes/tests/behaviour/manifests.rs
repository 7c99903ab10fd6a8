//! What a release is made of in the cluster, and what can't be part of it.

use evergen_deployment::{Secret, Slot, SlotError, SlotRuntime as _};
use serde_json::json;

use crate::server::{Fault, Trouble};
use crate::support::{MANIFESTS, World, chain, context, start};

const CONFIG: &str = r#"
---
apiVersion: v1
kind: ConfigMap
metadata: { name: "{name}-texts" }
data: { greeting: "from {version} in {environment}" }
"#;

async fn refused(manifests: &str, says: &str) {
    let world = World::new().await;
    let release = world.release_with("1.0", manifests);
    let error = start(&world.slots(), Slot::Blue, &release).await.unwrap_err();
    assert!(matches!(error, SlotError::Setup { .. }), "{error:?}");
    assert!(error.to_string().contains(says), "{error}");
    let store = world.server.store();
    assert!(store.names("services").is_empty() && store.names("deployments").is_empty());
}

#[tokio::test]
async fn what_both_slots_would_share_is_refused() {
    refused(&format!("{MANIFESTS}{}", CONFIG.replace("{name}-", "")), "shared by both slots").await;
}

#[tokio::test]
async fn kinds_that_do_things_by_themselves_are_refused() {
    let cron = "---\napiVersion: batch/v1\nkind: CronJob\nmetadata: { name: \"{name}\" }\n";
    refused(&format!("{MANIFESTS}{cron}"), "`batch/v1 CronJob` can't be part of a release").await;
}

#[tokio::test]
async fn a_name_in_braces_without_quotes_is_told() {
    refused(&MANIFESTS.replace("\"{name}\"", "{name}"), "write `{slot}` or `{name}`").await;
    let bare = MANIFESTS.replace("{ app: shop }", "{ app: {version} }");
    refused(&bare, "`{version}` stands alone").await;
}

#[tokio::test]
async fn manifests_need_a_deployment_and_a_service_of_the_name() {
    let service = MANIFESTS.find("---").unwrap();
    refused(&MANIFESTS[..service], "there has to be a Service with the name `{name}`").await;
    refused(&MANIFESTS[service..], "there has to be a Deployment").await;
    refused(&MANIFESTS.replace("\"{name}\"", "\"other-{slot}\""), "has to be `shop-blue`").await;
    refused("a: [", "`kubernetes/shop.yaml` is no manifest").await;
    refused("", "there has to be a Deployment").await;
}

#[tokio::test]
async fn what_the_server_refuses_is_told_with_its_field() {
    let world = World::new().await;
    let release = world.release_with("1.0", &MANIFESTS.replace("image: registry", "img: registry"));
    let error = start(&world.slots(), Slot::Blue, &release).await.unwrap_err();
    let error = chain(&error);
    assert!(error.contains("spec.template.spec.containers[0].image: Required value"), "{error}");
}

#[tokio::test]
async fn a_release_without_manifests_is_told() {
    let world = World::new().await;
    let release = world.release("1.0");
    std::fs::remove_dir_all(release.root.join("kubernetes")).unwrap();
    let error = start(&world.slots(), Slot::Blue, &release).await.unwrap_err();
    assert!(error.to_string().contains("no manifests in `kubernetes`"), "{error}");
}

#[tokio::test]
async fn objects_come_with_a_release_and_go_with_the_next() {
    let world = World::new().await;
    let slots = world.slots();
    let with = world.release_with("1.0", &format!("{MANIFESTS}{CONFIG}"));
    start(&slots, Slot::Blue, &with).await.unwrap();
    let texts = world.server.get("configmaps", "shop-blue-texts").unwrap();
    assert_eq!(texts["data"]["greeting"], "from 1.0 in production");
    slots.stop(Slot::Blue, std::time::Duration::from_secs(2)).await.unwrap();
    start(&slots, Slot::Blue, &world.release("2.0")).await.unwrap();
    assert!(world.server.get("configmaps", "shop-blue-texts").is_none());
}

/// The record of what there may be is written before the first object is.
#[tokio::test]
async fn objects_of_a_start_that_was_cut_short_go_too() {
    let world = World::new().await;
    let slots = world.slots();
    let with = world.release_with("1.0", &format!("{MANIFESTS}{CONFIG}"));
    world.server.trouble(Fault::once("patch", "deployments", Trouble::Status(500, None)).times(4));
    let error = start(&slots, Slot::Blue, &with).await.unwrap_err();
    assert!(chain(&error).contains("answers 500"), "{error}");
    assert!(world.server.get("configmaps", "shop-blue-texts").is_some());
    start(&slots, Slot::Blue, &world.release("2.0")).await.unwrap();
    assert!(world.server.get("configmaps", "shop-blue-texts").is_none());
}

#[tokio::test]
async fn another_choice_of_pods_makes_the_deployment_anew() {
    let world = World::new().await;
    let slots = world.slots();
    start(&slots, Slot::Blue, &world.release("1.0")).await.unwrap();
    slots.stop(Slot::Blue, std::time::Duration::from_secs(2)).await.unwrap();
    let chosen = MANIFESTS.replace("app: shop", "app: \"shop-{version}\"");
    start(&slots, Slot::Blue, &world.release_with("2.0", &chosen)).await.unwrap();
    let deployment = world.server.get("deployments", "shop-blue").unwrap();
    assert_eq!(deployment["spec"]["selector"]["matchLabels"]["app"], "shop-2.0");
}

#[tokio::test]
async fn variables_come_as_a_secret_and_are_shown_nowhere() {
    let world = World::new().await;
    let slots = world.slots();
    let release = world.release("1.0");
    let variables = [("PASSWORD".to_owned(), Secret::new("hunter2hunter2"))];
    let context = context(Slot::Blue, &release).with_variables(variables.into());
    slots.start(Slot::Blue, &release, &context).await.unwrap();
    let secret = world.server.get("secrets", "shop-blue-variables").unwrap();
    assert_eq!(secret["data"], json!({ "PASSWORD": "aHVudGVyMmh1bnRlcjI=" }));

    let broken = "---\napiVersion: v1\nkind: Secret\nmetadata: { name: \"{name}-key\" }\n\
                  data: { key: \"hunter2!\" }\n";
    let release = world.release_with("2.0", &format!("{MANIFESTS}{broken}"));
    let error = start(&slots, Slot::Green, &release).await.unwrap_err();
    let shown = format!("{} {error:?}", chain(&error));
    assert!(shown.contains("data[key]") && !shown.contains("hunter2"), "{shown}");
}
