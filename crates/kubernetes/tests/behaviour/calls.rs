//! Calls to an API server that is busy, broken, far away, or does not know us.

use std::time::{Duration, Instant};

use evergen_deployment::{Slot, SlotError, SlotRuntime as _, SlotStatus};
use evergen_kubernetes::{Cluster, ClusterSettings, KubernetesSettings, KubernetesSlots};

use crate::server::{Fault, TOKEN, Trouble};
use crate::support::{World, chain, patient, start};

fn slots(cluster: Cluster) -> KubernetesSlots {
    KubernetesSlots::new(cluster, KubernetesSettings::new("shop", "production")).unwrap()
}

async fn inspected(world: &World) -> Result<SlotStatus, String> {
    world.slots().inspect(Slot::Blue).await.map_err(|error| chain(&error))
}

#[tokio::test]
async fn troubles_that_pass_are_waited_for() {
    for (verb, trouble) in [
        ("get", Trouble::Status(500, None)),
        ("get", Trouble::Status(503, None)),
        ("get", Trouble::Reset),
        ("get", Trouble::Cut),
        ("get", Trouble::Nonsense("<html>")),
        ("get", Trouble::Hang(Duration::from_mins(1))),
        ("patch", Trouble::Status(429, None)),
        ("patch", Trouble::Reset),
        ("patch", Trouble::ResetAfterwards),
        ("patch", Trouble::Cut),
        ("patch", Trouble::Hang(Duration::from_mins(1))),
    ] {
        let world = World::new().await;
        world.server.trouble(Fault::once(verb, "deployments", trouble.clone()));
        let running = start(&world.slots(), Slot::Blue, &world.release("1.0")).await;
        running.unwrap_or_else(|error| panic!("{trouble:?}: {}", chain(&error)));
        let asked = world.server.asked();
        let patches = asked.iter().filter(|asked| *asked == "PATCH deployments/shop-blue").count();
        // One makes the Deployment, one lets it make its pods; and one more where the cluster's own
        // controller has written in between.
        let least = if verb == "patch" { 3 } else { 2 };
        assert!((least..=least + 1).contains(&patches), "{trouble:?}: {asked:?}");
    }
}

#[tokio::test]
async fn a_busy_server_says_when_to_come_again() {
    let world = World::new().await;
    world.server.trouble(Fault::once("get", "deployments", Trouble::Status(429, Some(1))));
    let begin = Instant::now();
    assert_eq!(inspected(&world).await.unwrap(), SlotStatus::Empty);
    assert!(begin.elapsed() >= Duration::from_secs(1), "{:?}", begin.elapsed());

    // Nobody waits for an hour: all tries together have an end.
    world.server.trouble(Fault::once("get", "deployments", Trouble::Status(429, Some(3600))));
    let begin = Instant::now();
    let error = inspected(&world).await.unwrap_err();
    assert!(error.contains("answers 429: etcdserver"), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn troubles_that_last_are_told() {
    for (trouble, says) in [
        (Trouble::Status(500, None), "the API server answers 500: etcdserver: too much to do"),
        (Trouble::Reset, "the API server can't be reached"),
        (Trouble::Hang(Duration::from_mins(1)), "did not answer within 0.5 s"),
        (Trouble::Nonsense("<html>"), "it is no JSON, at line 1"),
        (Trouble::Nonsense("{\"metadata\": 7}"), "it is no such object"),
        (Trouble::Cut, "can't be reached"),
    ] {
        let world = World::new().await;
        world.service("shop-blue", 80);
        world.server.edit("services", "shop-blue", &serde_json::json!({ "spec": {} }));
        world.server.trouble(Fault::once("get", "services", trouble.clone()).times(9));
        let error = inspected(&world).await.unwrap_err();
        assert!(error.contains(says), "{trouble:?}: {error}");
        assert!(error.contains("get services `shop-blue`"), "{trouble:?}: {error}");
    }
}

#[tokio::test]
async fn nobody_at_the_address_is_told() {
    let world = World::new().await;
    let nobody = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let path = world.server.kubeconfig(world.folder.path());
    let text = std::fs::read_to_string(&path).unwrap();
    let other = text.replace(&world.server.address.to_string(), &nobody.to_string());
    std::fs::write(&path, other).unwrap();
    let error = slots(Cluster::new(patient(&path)).unwrap()).inspect(Slot::Blue).await.unwrap_err();
    assert!(matches!(error, SlotError::Unavailable { .. }), "{error:?}");
    assert!(chain(&error).contains("the API server can't be reached"), "{}", chain(&error));
}

#[tokio::test]
async fn what_a_role_must_allow_is_told() {
    for (verb, plural, says) in [
        ("get", "deployments", "the verb `get` on `deployments` of the API group `apps`"),
        ("list", "pods", "the verb `list` on `pods` of the API group ``"),
        ("patch", "services", "the verb `patch` on `services`"),
        ("patch", "deployments", "the verb `patch` on `deployments`"),
    ] {
        let world = World::new().await;
        world.server.store().forbid(verb, plural);
        let begin = Instant::now();
        let error = start(&world.slots(), Slot::Blue, &world.release("1.0")).await.unwrap_err();
        assert!(matches!(error, SlotError::Setup { .. }), "{error:?}");
        let error = chain(&error);
        assert!(error.contains(says) && error.contains("namespace `shop`"), "{error}");
        assert!(begin.elapsed() < Duration::from_secs(4), "it is not tried again");
    }
}

#[tokio::test]
async fn what_no_role_helps_with_is_not_told_as_one() {
    let world = World::new().await;
    world.server.store().not_admitted = Some("exceeded quota: small, limited: count/services=1");
    let error = start(&world.slots(), Slot::Blue, &world.release("1.0")).await.unwrap_err();
    assert!(matches!(error, SlotError::Setup { .. }), "{error:?}");
    let error = chain(&error);
    assert!(error.contains("403") && error.contains("exceeded quota: small"), "{error}");
    assert!(!error.contains("role"), "{error}");
}

#[tokio::test]
async fn a_token_that_is_not_known_is_told_and_not_shown() {
    let world = World::new().await;
    let path = world.server.kubeconfig_with(world.folder.path(), "an-0ld-token");
    let error = slots(Cluster::new(patient(&path)).unwrap()).inspect(Slot::Blue).await.unwrap_err();
    let shown = format!("{} {error:?}", chain(&error));
    assert!(shown.contains("does not know who asks (401)"), "{shown}");
    assert!(!shown.contains("an-0ld-token"), "{shown}");
    let cluster = format!("{:?}", world.cluster);
    assert!(!cluster.contains(TOKEN), "{cluster}");
}

#[tokio::test]
async fn a_kubeconfig_that_can_not_be_used_is_told_and_not_shown() {
    let world = World::new().await;
    let path = world.server.kubeconfig(world.folder.path());
    let good = std::fs::read_to_string(&path).unwrap();
    let exec = "exec: { apiVersion: client.authentication.k8s.io/v1, command: sh, interactiveMode: \
                Never, args: [\"-c\", \"echo s3cret >&2; echo s3cret; exit 3\"] }";
    for (text, says) in [
        (good.replace("token: ", "token: {["), "the kubeconfig is not as it should be"),
        (good.replace("current-context: tests", "current-context: other"), "no context `other`"),
        (good.replace("cluster: here", "cluster: there"), "no cluster `there`"),
        (good.replace("server: http", "server: [] #"), "the kubeconfig is not as it should be"),
        (good.replace(&format!("token: {TOKEN}"), exec), "ended with exit status: 3"),
        (
            good.replace(&format!("token: {TOKEN}"), "tokenFile: /no/such"),
            "`/no/such` can't be read",
        ),
    ] {
        std::fs::write(&path, &text).unwrap();
        let cluster = Cluster::new(patient(&path)).unwrap();
        let error = slots(cluster).inspect(Slot::Blue).await.unwrap_err();
        let shown = format!("{} {error:?}", chain(&error));
        assert!(shown.contains(says), "{text}\n{shown}");
        assert!(!shown.contains(TOKEN) && !shown.contains("s3cret"), "{shown}");
    }
    let missing = Cluster::new(patient(&world.folder.path().join("none"))).unwrap();
    let error = slots(missing).inspect(Slot::Blue).await.unwrap_err();
    assert!(chain(&error).contains("none` can't be read"), "{}", chain(&error));
}

#[tokio::test]
async fn another_context_and_namespace_can_be_named() {
    let world = World::new().await;
    let path = world.server.kubeconfig(world.folder.path());
    let settings = patient(&path).with_context("tests").with_namespace("elsewhere");
    let slots = slots(Cluster::new(settings).unwrap());
    let error = start(&slots, Slot::Blue, &world.release("1.0")).await.unwrap_err();
    assert!(chain(&error).contains("namespaces \"elsewhere\" not found"), "{}", chain(&error));
}

#[test]
fn settings_that_nobody_can_mean_are_refused() {
    for namespace in ["", "Shop", "-a", "a_b"] {
        let settings = ClusterSettings::default().with_namespace(namespace);
        assert!(Cluster::new(settings).is_err(), "{namespace}");
    }
    let settings = ClusterSettings::default().with_patience(Duration::ZERO);
    let error = Cluster::new(settings).unwrap_err();
    assert!(error.to_string().contains("`patience`"), "{error}");
    let refused = |settings: KubernetesSettings| {
        let cluster = Cluster::new(ClusterSettings::default()).unwrap();
        KubernetesSlots::new(cluster, settings).unwrap_err().field
    };
    assert_eq!(refused(KubernetesSettings::new("Shop", "production")), "service");
    assert_eq!(refused(KubernetesSettings::new("shop", "a/b")), "environment");
    let usual = KubernetesSettings::new("shop", "production");
    assert_eq!(refused(usual.clone().with_manifests("../x")), "manifests");
    assert_eq!(refused(usual.clone().with_manifests("/x")), "manifests");
    assert_eq!(refused(usual.with_replicas(0)), "replicas");
}
