//! DPL-4: releases in slots of a cluster.

use std::time::{Duration, Instant};

use evergen_deployment::conformance::check_slots;
use evergen_deployment::{Slot, SlotError, SlotRuntime as _, SlotStatus, StagedRelease};
use evergen_kubernetes::{KubernetesSettings, KubernetesSlots};
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
    world.server.trouble(Fault::once("patch", "deployments", hang).after(1));
    let slots = world.slots();
    let starting = tokio::spawn({
        let release = release.clone();
        async move { start(&slots, Slot::Blue, &release).await }
    });
    let replicas = || world.server.get("deployments", "shop-blue")?["spec"]["replicas"].as_u64();
    until("a Deployment with pods", || replicas() == Some(1)).await;
    starting.abort();
    let _ = starting.await;
    let slots = world.slots();
    let running = start(&slots, Slot::Blue, &release).await.unwrap();
    let generation =
        world.server.get("deployments", "shop-blue").unwrap()["metadata"]["generation"].clone();
    assert_eq!(generation, 2, "what is there is not started again");
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
    let container = json!([{ "name": "shop", "image": "registry.example/shop:1.1" }]);
    let patch = json!({ "spec": { "template": { "spec": { "containers": container } } } });
    world.server.edit("deployments", "shop-blue", &patch);
    let status = ready(&slots).await;
    let ready = status.ready().unwrap();
    assert_eq!(ready.release, running.release);
    assert_ne!(ready, &running);

    let gone = json!({ "metadata": { "annotations": null } });
    world.server.edit("deployments", "shop-blue", &gone);
    let error = slots.inspect(Slot::Blue).await.unwrap_err();
    assert!(chain(&error).contains("does not say its release"), "{error}");
}

/// What runs in the blue slot, once it is ready.
async fn ready(slots: &KubernetesSlots) -> SlotStatus {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let status = slots.inspect(Slot::Blue).await.unwrap();
        if status.ready().is_some() || Instant::now() > deadline {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn more_pods_notes_of_others_and_a_restart_are_no_change() {
    let world = World::new().await;
    let slots = world.slots();
    let running = start(&slots, Slot::Blue, &world.release("1.0")).await.unwrap();
    let restarted = json!({ "metadata": { "annotations": { "restartedAt": "now" } } });
    for change in [
        json!({ "metadata": { "annotations": { "note": "by somebody" } } }),
        json!({ "spec": { "replicas": 2 } }),
        json!({ "spec": { "template": restarted } }),
    ] {
        world.server.edit("deployments", "shop-blue", &change);
        assert_eq!(ready(&slots).await.ready(), Some(&running), "{change}");
    }
}

#[tokio::test]
async fn one_of_many_pods_that_is_not_there_for_a_moment_is_borne() {
    let world = World::new().await;
    let settings = KubernetesSettings::new("shop", "production").with_replicas(3);
    let slots = world.slots_with(settings);
    let running = start(&slots, Slot::Blue, &world.release("1.0")).await.unwrap();
    let available = || {
        world.server.get("deployments", "shop-blue").unwrap()["status"]["availableReplicas"].clone()
    };
    let pods = world.server.store().names("pods");
    world.server.store().remove("pods", &pods[0], true);
    until("two pods", || available() == 2).await;
    assert_eq!(slots.inspect(Slot::Blue).await.unwrap().ready(), Some(&running));
    until("three pods", || available() == 3).await;
    let pods = world.server.store().names("pods");
    for pod in pods {
        world.server.store().remove("pods", &pod, true);
    }
    until("no pod", || available() == 0).await;
    assert_eq!(slots.inspect(Slot::Blue).await.unwrap().ready(), None);
}

/// Kills whoever does something in its next change but `skipped` of these objects, which is carried
/// out all the same, a while later.
async fn killed_before(
    world: &World,
    plural: &'static str,
    skipped: u32,
    doing: impl Future<Output = ()> + Send + 'static,
) {
    let late = Trouble::Late(Duration::from_millis(300));
    world.server.trouble(Fault::once("patch", plural, late).after(skipped));
    let killed = tokio::spawn(doing);
    until("the call that is late", || world.server.store().hanging == 1).await;
    killed.abort();
    let _ = killed.await;
}

/// Waits for what comes late, which is refused.
async fn late_and_refused(world: &World) {
    until("what is late", || !world.server.store().late.is_empty()).await;
    assert_eq!(world.server.store().late, [409]);
}

/// Starts a release in the blue slot, whatever comes of it.
async fn tries_to_start(slots: KubernetesSlots, release: StagedRelease) {
    let _ = start(&slots, Slot::Blue, &release).await;
}

/// A release with a `ConfigMap` that says a word.
fn with_word(world: &World, version: &str, said: &str) -> StagedRelease {
    let map = format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: \"{{name}}-words\"\ndata: {{ word: {said} \
         }}\n"
    );
    world.release_with(version, &format!("{MANIFESTS}{map}"))
}

#[tokio::test]
async fn what_arrives_too_late_does_nothing() {
    // The blue slot is emptied, or is given to another release, before it arrives: a start's first
    // word of a Deployment that is there, its last word, and a stop.
    for (skipped, stops, another) in
        [(0, false, true), (1, false, false), (1, false, true), (0, true, true)]
    {
        let world = World::new().await;
        let slots = world.slots();
        start(&slots, Slot::Blue, &world.release("0.9")).await.unwrap();
        if stops {
            let stopping = slots.clone();
            let doing = async move { drop(stopping.stop(Slot::Blue, GRACE).await) };
            killed_before(&world, "deployments", skipped, doing).await;
        } else {
            slots.stop(Slot::Blue, GRACE).await.unwrap();
            let doing = tries_to_start(slots.clone(), world.release("1.0"));
            killed_before(&world, "deployments", skipped, doing).await;
        }
        slots.stop(Slot::Blue, GRACE).await.unwrap();
        if another {
            start(&slots, Slot::Blue, &world.release("2.0")).await.unwrap();
        }
        late_and_refused(&world).await;
        let case = format!("{skipped} {stops} {another}");
        let deployment = world.server.get("deployments", "shop-blue").unwrap();
        assert_eq!(deployment["spec"]["replicas"], u64::from(another), "{case}");
        let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
        assert!(!another || image == "registry.example/shop:2.0", "{case}: {image}");
    }
}

#[tokio::test]
async fn what_is_gone_does_not_come_back_late() {
    let world = World::new().await;
    let slots = world.slots();
    let with = with_word(&world, "1.0", "a");
    start(&slots, Slot::Blue, &with).await.unwrap();
    slots.stop(Slot::Blue, GRACE).await.unwrap();
    killed_before(&world, "configmaps", 0, tries_to_start(slots.clone(), with)).await;
    start(&slots, Slot::Blue, &world.release("2.0")).await.unwrap();
    assert!(world.server.get("configmaps", "shop-blue-words").is_none());
    late_and_refused(&world).await;
    assert!(world.server.get("configmaps", "shop-blue-words").is_none());
}

#[tokio::test]
async fn what_was_written_again_as_it_was_is_not_written_late() {
    let world = World::new().await;
    let slots = world.slots();
    let (one, two) = (with_word(&world, "1.0", "a"), with_word(&world, "2.0", "b"));
    start(&slots, Slot::Blue, &one).await.unwrap();
    slots.stop(Slot::Blue, GRACE).await.unwrap();
    killed_before(&world, "configmaps", 0, tries_to_start(slots.clone(), two)).await;
    start(&slots, Slot::Blue, &one).await.unwrap();
    late_and_refused(&world).await;
    assert_eq!(world.server.get("configmaps", "shop-blue-words").unwrap()["data"]["word"], "a");
}

#[tokio::test]
async fn what_can_not_be_changed_is_made_anew() {
    let world = World::new().await;
    let slots = world.slots();
    let with = |data: &str, chosen: &str| {
        let map = format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: \"{{name}}-words\"\n\
             immutable: true\ndata: {{ word: {data} }}\n"
        );
        let chosen = format!(
            "matchLabels: {{ app: shop }}\n    matchExpressions:\n      - {{ key: app, operator: \
             In, values: [{chosen}] }}"
        );
        MANIFESTS.replacen("matchLabels: { app: shop }", &chosen, 1) + &map
    };
    for (version, data, chosen) in [("1.0", "a", "shop"), ("2.0", "b", "\"shop\", other")] {
        let release = world.release_with(version, &with(data, chosen));
        start(&slots, Slot::Blue, &release)
            .await
            .unwrap_or_else(|error| panic!("{}", chain(&error)));
        let map = world.server.get("configmaps", "shop-blue-words").unwrap();
        assert_eq!(map["data"]["word"], data);
        slots.stop(Slot::Blue, GRACE).await.unwrap();
    }
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
