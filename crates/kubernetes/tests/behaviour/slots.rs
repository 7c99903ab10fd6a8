//! DPL-4: releases in slots of a cluster.

use std::time::Duration;

use evergen_deployment::conformance::check_slots;
use evergen_deployment::{Slot, SlotError, SlotRuntime as _, SlotStatus};
use evergen_kubernetes::KubernetesSettings;
use serde_json::json;

use crate::server::{Fault, Trouble};
use crate::support::{MANIFESTS, World, chain, context, start, until};

const GRACE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn slots_keep_the_laws() {
    let world = World::new().await;
    let (one, two) = (world.release("1.0"), world.release("2.0"));
    check_slots(&world.slots(), &one, &two).await;
    let kept = world.server.store().names("services");
    assert_eq!(kept, ["shop-blue", "shop-green"], "Services stay when a slot is emptied");
}

#[tokio::test]
async fn a_slot_answers_at_its_service_and_its_objects_are_kept_to_it() {
    let world = World::new().await;
    let settings = KubernetesSettings::new("shop", "production")
        .with_replicas(3)
        .with_resources([("limits.memory".to_owned(), "256Mi".to_owned())].into());
    let slots = world.slots_with(settings);
    let running = start(&slots, Slot::Blue, &world.release("1.0")).await.unwrap();
    let endpoints: Vec<String> = running.endpoints().iter().map(ToString::to_string).collect();
    assert_eq!(endpoints, ["http://shop-blue.shop.svc:80"], "the port called `http`");
    let deployment = world.server.get("deployments", "shop-blue").unwrap();
    let spec = &deployment["spec"];
    assert_eq!(
        (&spec["replicas"], &deployment["status"]["availableReplicas"]),
        (&json!(3), &json!(3))
    );
    let container = &spec["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "registry.example/shop:1.0");
    assert_eq!(container["resources"], json!({ "limits": { "memory": "256Mi" } }));
    let service = world.server.get("services", "shop-blue").unwrap();
    for chosen in [&spec["selector"]["matchLabels"], &service["spec"]["selector"]] {
        assert_eq!(chosen["evergen.dev/slot"], "blue", "{chosen}");
        assert_eq!(chosen["app"], "shop", "what the user chooses stays: {chosen}");
    }
    let managers = deployment["metadata"]["managedFields"].as_array().unwrap();
    assert!(managers.iter().any(|it| it["manager"] == "evergen"), "{managers:?}");
}

/// The tag of the image says how its pods do; see the server's controllers.
async fn does_not_come(tag: &str, says: &[&str]) {
    let world = World::new().await;
    let slots = world.slots();
    let release = world.release(tag);
    let context = context(Slot::Blue, &release).with_deadline(Duration::from_millis(800));
    let error = slots.start(Slot::Blue, &release, &context).await.unwrap_err();
    assert!(matches!(error, SlotError::NotReady { .. }), "{error:?}");
    let error = chain(&error);
    assert!(says.iter().all(|text| error.contains(text)), "{error}");
    assert_eq!(slots.inspect(Slot::Blue).await.unwrap(), SlotStatus::Empty, "all or nothing");
    assert!(world.server.store().names("pods").is_empty());
}

#[tokio::test]
async fn an_image_that_is_not_there_is_told() {
    does_not_come("missing", &["ImagePullBackOff", "registry.example/shop:missing"]).await;
}

#[tokio::test]
async fn a_release_that_ends_again_and_again_is_told() {
    does_not_come("crashing", &["CrashLoopBackOff", "ended with 3"]).await;
}

#[tokio::test]
async fn a_release_that_takes_no_requests_is_told() {
    does_not_come("unready", &["0 of 1 pods take requests", "unready status"]).await;
}

#[tokio::test]
async fn a_progress_deadline_ends_the_wait() {
    let world = World::new().await;
    let hasty = MANIFESTS
        .replace("  selector:\n    match", "  progressDeadlineSeconds: 0\n  selector:\n    match");
    let release = world.release_with("missing", &hasty);
    let context = context(Slot::Green, &release).with_deadline(Duration::from_mins(5));
    let error = world.slots().start(Slot::Green, &release, &context).await.unwrap_err();
    let error = chain(&error);
    assert!(error.contains("progress deadline"), "{error}");
}

#[tokio::test]
async fn what_a_killed_start_has_left_is_found() {
    let world = World::new().await;
    let release = world.release("1.0");
    // All is applied, and nobody hears of it.
    let hang = Trouble::HangAfterwards(Duration::from_mins(1));
    world.server.trouble(Fault::once("patch", "deployments", hang));
    let slots = world.slots();
    let starting = tokio::spawn({
        let release = release.clone();
        async move { start(&slots, Slot::Blue, &release).await }
    });
    until("a Deployment", || world.server.get("deployments", "shop-blue").is_some()).await;
    starting.abort();
    let _ = starting.await;
    let slots = world.slots();
    let running = start(&slots, Slot::Blue, &release).await.unwrap();
    let generation =
        world.server.get("deployments", "shop-blue").unwrap()["metadata"]["generation"].clone();
    assert_eq!(generation, 1, "what is there is not started again");
    assert_eq!(slots.inspect(Slot::Blue).await.unwrap().ready(), Some(&running));
    let other = start(&slots, Slot::Blue, &world.release("2.0")).await.unwrap_err();
    assert!(matches!(other, SlotError::Occupied { .. }), "{other:?}");
}

#[tokio::test]
async fn what_is_not_ours_is_not_touched() {
    let world = World::new().await;
    world.service("shop-blue", 80);
    let before = world.server.get("services", "shop-blue");
    let slots = world.slots();
    let error = start(&slots, Slot::Blue, &world.release("1.0")).await.unwrap_err();
    assert!(matches!(error, SlotError::Setup { .. }), "{error:?}");
    assert!(chain(&error).contains("not of this environment"), "{error}");
    assert!(slots.stop(Slot::Blue, GRACE).await.is_err());
    assert!(slots.inspect(Slot::Blue).await.is_err(), "what can't be told is no empty slot");
    assert_eq!(world.server.get("services", "shop-blue"), before);
    assert!(world.server.get("deployments", "shop-blue").is_none());

    let other = world.slots_with(KubernetesSettings::new("shop", "staging"));
    start(&other, Slot::Green, &world.release("1.0")).await.unwrap();
    let error = start(&slots, Slot::Green, &world.release("1.0")).await.unwrap_err();
    assert!(chain(&error).contains("evergen.dev/environment=production"), "{error}");
}

#[tokio::test]
async fn what_was_changed_by_hand_is_not_what_was_checked() {
    let world = World::new().await;
    let slots = world.slots();
    let running = start(&slots, Slot::Blue, &world.release("1.0")).await.unwrap();
    world.server.edit("deployments", "shop-blue", &json!({ "spec": { "replicas": 2 } }));
    until("two pods", || world.server.store().names("pods").len() == 2).await;
    until("a status", || {
        world.server.get("deployments", "shop-blue").unwrap()["status"]["availableReplicas"] == 2
    })
    .await;
    let status = slots.inspect(Slot::Blue).await.unwrap();
    let ready = status.ready().unwrap();
    assert_eq!(ready.release, running.release);
    assert_ne!(ready, &running);

    let gone = json!({ "metadata": { "annotations": null } });
    world.server.edit("deployments", "shop-blue", &gone);
    let error = slots.inspect(Slot::Blue).await.unwrap_err();
    assert!(chain(&error).contains("does not say its release"), "{error}");
}

#[tokio::test]
async fn a_pod_that_is_replaced_is_no_change() {
    let world = World::new().await;
    let slots = world.slots();
    let running = start(&slots, Slot::Blue, &world.release("1.0")).await.unwrap();
    let pod = world.server.store().names("pods").pop().unwrap();
    world.server.store().remove("pods", &pod, true);
    until("a pod in its place", || {
        let deployment = world.server.get("deployments", "shop-blue").unwrap();
        !world.server.store().names("pods").is_empty()
            && deployment["status"]["availableReplicas"] == 1
    })
    .await;
    assert_eq!(slots.inspect(Slot::Blue).await.unwrap().ready(), Some(&running));
}

#[tokio::test]
async fn pods_that_do_not_end_are_ended_by_force() {
    let world = World::new().await;
    let slots = world.slots();
    start(&slots, Slot::Blue, &world.release("stubborn")).await.unwrap();
    slots.stop(Slot::Blue, Duration::from_millis(100)).await.unwrap();
    assert!(world.server.store().names("pods").is_empty());
    assert!(world.server.asked().iter().any(|asked| asked.starts_with("DELETE pods/")));
}

#[tokio::test]
async fn what_somebody_else_has_scaled_is_stopped_and_comes_back_as_it_is_meant() {
    let world = World::new().await;
    let slots = world.slots();
    start(&slots, Slot::Blue, &world.release("1.0")).await.unwrap();
    world.server.edit("deployments", "shop-blue", &json!({ "spec": { "replicas": 3 } }));
    slots.stop(Slot::Blue, GRACE).await.unwrap();
    world.server.edit("deployments", "shop-blue", &json!({ "spec": { "paused": true } }));
    start(&slots, Slot::Blue, &world.release("2.0")).await.unwrap();
    let deployment = world.server.get("deployments", "shop-blue").unwrap();
    assert_eq!(deployment["spec"]["replicas"], 1);
    assert_eq!(deployment["spec"]["paused"], false, "a paused one starts no pods of the release");
}
