//! DPL-5: traffic by an `HTTPRoute`.

use std::time::{Duration, Instant};

use evergen_deployment::conformance::check_router;
use evergen_deployment::{Endpoint, RouterError, Slot, Split, TrafficRouter as _};
use evergen_kubernetes::{HttpRouteSettings, HttpRouteTraffic};
use serde_json::json;

use crate::server::{Fault, Trouble};
use crate::support::{World, chain};

fn at(slot: Slot) -> Endpoint {
    Endpoint::http(&format!("shop-{slot}.shop.svc"), 80).unwrap()
}

/// A route whose slots have Services and are pointed to.
async fn pointed() -> (World, HttpRouteTraffic) {
    let world = World::new().await;
    world.route();
    let router = world.router();
    for slot in Slot::BOTH {
        world.service(&format!("shop-{slot}"), 80);
        router.point(slot, &[at(slot)]).await.unwrap();
    }
    (world, router)
}

fn blue_and_green(blue: u64, green: u64) -> Vec<(String, u64)> {
    vec![("shop-blue".to_owned(), blue), ("shop-green".to_owned(), green)]
}

fn tenth() -> Split {
    Split::giving(Slot::Green, 100).unwrap()
}

#[tokio::test]
async fn routers_keep_the_laws() {
    let world = World::new().await;
    world.route();
    for slot in Slot::BOTH {
        world.service(&format!("shop-{slot}"), 80);
    }
    check_router(&world.router(), &at(Slot::Blue), &at(Slot::Green)).await;
}

#[tokio::test]
async fn weights_are_set_in_every_rule_of_ours_and_nothing_else_is_touched() {
    let (world, router) = pointed().await;
    let before = world.server.get("httproutes", "web").unwrap();
    router.set(tenth()).await.unwrap();
    let other = vec![("docs".to_owned(), 3)];
    assert_eq!(world.weights(), [blue_and_green(900, 100), other, blue_and_green(900, 100)]);
    let mut after = world.server.get("httproutes", "web").unwrap();
    let green = &after["spec"]["rules"][0]["backendRefs"][1];
    assert_eq!(green["filters"], json!([{ "type": "RequestHeaderModifier" }]), "as blue's");
    for rule in 0..3 {
        after["spec"]["rules"][rule]["backendRefs"] =
            before["spec"]["rules"][rule]["backendRefs"].clone();
    }
    assert_eq!(after["spec"], before["spec"]);
}

#[tokio::test]
async fn a_slot_that_is_forgotten_is_in_no_rule() {
    let (world, router) = pointed().await;
    router.set(Split::all(Slot::Green)).await.unwrap();
    router.point(Slot::Blue, &[]).await.unwrap();
    assert_eq!(world.weights()[0], [("shop-green".to_owned(), 1000)]);
    let state = router.read().await.unwrap();
    assert!(state.blue.endpoints.is_empty() && state.split == Some(Split::all(Slot::Green)));
}

#[tokio::test]
async fn a_route_as_the_user_wrote_it_serves_nobody() {
    let world = World::new().await;
    world.route();
    let state = world.router().read().await.unwrap();
    assert_eq!(state.split, None, "a weight of a slot that was never pointed is none");
}

#[tokio::test]
async fn changes_of_others_in_between_are_kept() {
    let (world, router) = pointed().await;
    world.server.trouble(Fault::once("patch", "httproutes", Trouble::Race).times(3));
    router.set(tenth()).await.unwrap();
    let route = world.server.get("httproutes", "web").unwrap();
    assert!(!route["metadata"]["annotations"]["touched"].is_null());
    assert_eq!(world.weights()[0], blue_and_green(900, 100));

    world.server.trouble(Fault::once("patch", "httproutes", Trouble::Race).times(99));
    let error = router.set(Split::all(Slot::Blue)).await.unwrap_err();
    assert!(chain(&error).contains("somebody else changes it all the time"), "{error:?}");
}

#[tokio::test]
async fn weights_changed_by_hand_are_read_as_they_are() {
    let (world, router) = pointed().await;
    router.set(tenth()).await.unwrap();
    let mut rules = world.server.get("httproutes", "web").unwrap()["spec"]["rules"].clone();
    rules[0]["backendRefs"][0]["weight"] = json!(100);
    let changed = |rules: &serde_json::Value| json!({ "spec": { "rules": rules } });
    world.server.edit("httproutes", "web", &changed(&rules));
    let error = router.read().await.unwrap_err();
    assert!(error.to_string().contains("its rules share differently"), "{error}");
    rules[2]["backendRefs"][0]["weight"] = json!(100);
    world.server.edit("httproutes", "web", &changed(&rules));
    let state = router.read().await.unwrap();
    assert_eq!(state.split, Split::giving(Slot::Green, 500).ok());
    rules[0]["backendRefs"][1]["name"] = json!("shop-grey");
    world.server.edit("httproutes", "web", &changed(&rules));
    let error = router.read().await.unwrap_err();
    assert!(error.to_string().contains("`shop-grey`"), "{error}");
}

#[tokio::test]
async fn a_gateway_that_does_not_do_it_is_told() {
    use crate::server::Gateway;
    let (world, router) = pointed().await;
    for (gateway, says) in [
        (Gateway::Refuses, "no listener takes it (NotAllowedByListeners)"),
        (Gateway::IsSilent, "gateway `public` has seen generation"),
    ] {
        world.server.store().gateway = gateway;
        let split = if gateway == Gateway::Refuses { tenth() } else { Split::all(Slot::Green) };
        let error = router.set(split).await.unwrap_err();
        assert!(matches!(error, RouterError::NotInEffect { .. }), "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
    }
    world.server.store().gateway = Gateway::Accepts;
    router.set(Split::all(Slot::Blue)).await.unwrap();
}

#[tokio::test]
async fn a_service_that_is_not_there_does_not_stay_in_the_route() {
    let world = World::new().await;
    world.route();
    world.service("shop-blue", 80);
    let router = world.router();
    router.point(Slot::Blue, &[at(Slot::Blue)]).await.unwrap();
    router.set(Split::all(Slot::Blue)).await.unwrap();
    let error = router.point(Slot::Green, &[at(Slot::Green)]).await.unwrap_err();
    assert!(error.to_string().contains("Service \"shop-green\" not found"), "{error}");
    assert_eq!(world.weights()[0], [("shop-blue".to_owned(), 1000)], "the way back is free");
    router.set(Split::all(Slot::Blue)).await.unwrap();
}

#[tokio::test]
async fn traffic_comes_back_although_the_new_service_is_gone() {
    let (world, router) = pointed().await;
    router.set(tenth()).await.unwrap();
    world.server.store().remove("services", "shop-green", true);
    router.set(Split::all(Slot::Blue)).await.unwrap();
    assert_eq!(world.weights()[0], blue_and_green(1000, 0));
}

#[tokio::test]
async fn what_else_is_broken_in_the_route_is_not_in_the_way() {
    let (world, router) = pointed().await;
    world.server.store().remove("services", "docs", true);
    // It breaks in between, and the way back is free; then it is known, and nothing is held up.
    router.set(Split::all(Slot::Blue)).await.unwrap();
    router.set(tenth()).await.unwrap();
    router.point(Slot::Green, &[at(Slot::Green)]).await.unwrap();
    world.server.store().remove("services", "shop-green", true);
    let error = router.set(Split::giving(Slot::Green, 500).unwrap()).await.unwrap_err();
    assert!(matches!(error, RouterError::NotInEffect { .. }), "{error:?}");
    router.set(Split::all(Slot::Blue)).await.unwrap();
}

#[tokio::test]
async fn what_is_missing_is_told() {
    let world = World::new().await;
    let router = world.router();
    let error = router.read().await.unwrap_err();
    assert!(error.to_string().contains("HTTPRoute `web`: it is not there"), "{error}");
    world.server.store().gateway_api = false;
    let error = router.read().await.unwrap_err();
    assert!(chain(&error).contains("the Gateway API"), "{}", chain(&error));
    world.server.store().gateway_api = true;
    world.route();
    let settings = HttpRouteSettings::new("web", "other");
    let other = HttpRouteTraffic::new(world.cluster.clone(), settings).unwrap();
    let error = other.set(Split::all(Slot::Blue)).await.unwrap_err();
    assert!(error.to_string().contains("names the Service `other-blue`"), "{error}");
    let elsewhere = Endpoint::http("10.0.0.1", 80).unwrap();
    let error = router.point(Slot::Blue, &[elsewhere]).await.unwrap_err();
    assert!(
        error.to_string().contains("`shop-blue.shop.svc`, not to http://10.0.0.1:80"),
        "{error}"
    );
}

#[tokio::test]
async fn a_drain_waits_for_the_gateways_and_never_says_so_when_it_did_not() {
    let (world, _) = pointed().await;
    let settings = HttpRouteSettings::new("web", "shop").with_settle(Duration::from_millis(80));
    let router = HttpRouteTraffic::new(world.cluster.clone(), settings).unwrap();
    router.set(Split::all(Slot::Green)).await.unwrap();
    let begin = Instant::now();
    router.drain(Slot::Blue, Duration::from_secs(5)).await.unwrap();
    assert!((Duration::from_millis(80)..Duration::from_secs(5)).contains(&begin.elapsed()));
    let error = router.drain(Slot::Blue, Duration::from_millis(10)).await.unwrap_err();
    assert!(error.to_string().contains("the drain may take 10ms"), "{error}");
}

#[tokio::test]
async fn a_port_that_somebody_changes_does_not_silence_the_slot_that_serves() {
    let (world, router) = pointed().await;
    router.set(Split::all(Slot::Green)).await.unwrap();
    router.point(Slot::Blue, &[]).await.unwrap();
    let mut rules = world.server.get("httproutes", "web").unwrap()["spec"]["rules"].clone();
    rules[0]["backendRefs"][0]["port"] = json!(8080);
    world.server.edit("httproutes", "web", &json!({ "spec": { "rules": rules } }));
    router.point(Slot::Green, &[at(Slot::Green)]).await.unwrap();
    for rule in [0, 2] {
        assert_eq!(world.weights()[rule], [("shop-green".to_owned(), 1000)]);
    }
}
