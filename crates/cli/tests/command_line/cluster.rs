//! Deployments into a cluster from the command line, by a kubeconfig and an API server of the test.

use serde_json::json;

use crate::server::{ApiServer, Gateway};
use crate::support::Folder;

const SHOP: &str = "
[[environments]]
name = \"shop\"
target_dir = \"deploy/shop\"
traffic_steps = [50, 100]

[environments.kubernetes]
service = \"shop\"
route = \"web\"
kubeconfig = \"kubeconfig\"
gateway_seconds = 2
settle_seconds = 0
";

const MANIFESTS: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: { name: "{name}" }
spec:
  selector: { matchLabels: { app: shop } }
  template:
    metadata: { labels: { app: shop } }
    spec: { containers: [{ name: shop, image: "registry.example/shop:{version}" }] }
---
apiVersion: v1
kind: Service
metadata: { name: "{name}" }
spec: { ports: [{ name: http, port: 80 }] }
"#;

/// A project that is deployed to a cluster. The server runs as long as the runtime.
fn shop() -> (Folder, ApiServer, tokio::runtime::Runtime) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(ApiServer::start());
    let folder = Folder::new();
    server.kubeconfig(folder.path());
    folder.file("evergen.deploy.toml", SHOP).file("good/kubernetes/shop.yaml", MANIFESTS);
    let rules = json!([{ "backendRefs": [{ "name": "shop-blue", "port": 80 }] }]);
    let spec = json!({ "parentRefs": [{ "name": "public" }], "rules": rules });
    server.store().put("httproutes", "web", json!({ "metadata": {}, "spec": spec }));
    (folder, server, runtime)
}

#[test]
fn a_release_comes_into_a_cluster_and_goes_back() {
    let (folder, server, _runtime) = shop();
    folder.done("deploy shop --version 1.0.0 --from good");
    folder.file("good/new", "1");
    let moved = folder.done("deploy shop --version 1.1.0 --from good");
    let route = server.get("httproutes", "web").unwrap();
    let reference = &route["spec"]["rules"][0]["backendRefs"];
    assert_eq!(
        *reference,
        json!([{ "name": "shop-green", "port": 80, "weight": 1000 }]),
        "{moved}"
    );
    folder.done("drift shop");
    folder.done("rollback shop");
    let blue = server.get("deployments", "shop-blue").unwrap();
    let container = &blue["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "registry.example/shop:1.0.0");

    let rules = json!([{ "backendRefs": [
        { "name": "shop-blue", "port": 80, "weight": 1 },
        { "name": "shop-green", "port": 80, "weight": 1 },
    ] }]);
    server.edit("httproutes", "web", &json!({ "spec": { "rules": rules } }));
    let drift = folder.say("drift shop");
    assert_eq!(drift.code, Some(1), "{drift}");
    assert!(drift.out.contains("blue 50 % / green 50 %"), "{drift}");
    server.store().forbid("get", "httproutes");
    let drift = folder.say("drift shop");
    assert!(drift.out.contains("the verb `get` on `httproutes`"), "{drift}");
}

#[test]
fn a_release_that_does_not_come_up_is_taken_back_with_the_reason() {
    let (folder, server, _runtime) = shop();
    folder.done("deploy shop --version 1.0.0 --from good");
    let hasty = MANIFESTS.replace("  selector:", "  progressDeadlineSeconds: 1\n  selector:");
    folder.file("good/kubernetes/shop.yaml", hasty);
    let bad = folder.say("deploy shop --version missing --from good");
    assert_eq!(bad.code, Some(1), "{bad}");
    assert!(bad.out.contains("ImagePullBackOff"), "{bad}");
    server.store().gateway = Gateway::Refuses;
    let refused = folder.say("drift shop");
    assert!(refused.out.contains("no listener takes it"), "{refused}");
    let router = folder.say("router shop");
    assert!(router.err.contains("is in a cluster, and needs no router"), "{router}");
}

#[test]
fn settings_of_a_cluster_that_can_not_be_meant_are_told_with_their_place() {
    let folder = Folder::new();
    for (from, to, says) in [
        ("service = \"shop\"", "service = \"Shop\"", "`service` is Shop"),
        ("route = \"web\"", "rout = \"web\"", "unknown field `rout`"),
        ("settle_seconds = 0", "settle_seconds = 999999", "`settle`"),
        ("settle_seconds = 0", "namespace = \"a b\"", "`namespace` is a b"),
        (
            "settle_seconds = 0",
            "[environments.service]\ncommand = [\"a\"]\nrouter = { kind = \"small\", listen = \"127.0.0.1:0\" }",
            "a release runs as processes or in a cluster",
        ),
    ] {
        assert!(SHOP.contains(from), "{from}");
        folder.file("evergen.deploy.toml", SHOP.replace(from, to));
        let said = folder.say("status");
        assert_eq!(said.code, Some(2), "{to}: {said}");
        assert!(said.err.contains(says), "{to}: {said}");
        assert!(said.err.contains("evergen.deploy.toml:"), "{to}: {said}");
    }
}
