//! How does a release run in a cluster?
//!
//! Kubernetes can roll a Deployment out and roll it back, but one pod after the other and within
//! itself: there is no moment at which the new release is complete, checked and without traffic,
//! and no record of what was decided. This crate lets `evergen-deployment` do its work in a
//! cluster. It has the two parts of the world that it asks for by its ports
//! [`SlotRuntime`](evergen_deployment::SlotRuntime) and
//! [`TrafficRouter`](evergen_deployment::TrafficRouter).
//!
//! # Slots
//!
//! [`KubernetesSlots`] runs each of the two slots as a Deployment and a Service, `shop-blue` and
//! `shop-green`. What they are made of stands in manifests *in the release*, so that they go back
//! with it. They are YAML as `kubectl` takes it; in their texts `{name}`, `{service}`, `{slot}`,
//! `{version}`, `{release}`, `{environment}` and `{namespace}` stand for what they say. Beside one
//! Deployment and one Service there may be objects that do nothing by themselves, as a `ConfigMap`.
//! Whatever would be shared by both slots is refused: the slots must not touch each other.
//!
//! Objects are written by server-side apply as the manager `evergen`. Labels say whose they are,
//! annotations which release they are of; nothing is known from memory, so that the next deployer
//! finds what a killed one has left. What has a name of ours and not our labels is not touched.
//! A Deployment is written without pods, and gets them when all that they need is there. It has
//! come up when its controller says so of all of them; after that, one that takes requests is
//! enough. Where it does not come to that, the error says why its pods don't run.
//!
//! A request may be carried out long after whoever sent it has given up or was killed. So each one
//! that changes what is there names the version that it was made for, and the server refuses it
//! after any other change: what is late starts, stops and overwrites nothing. Only the very first
//! write of an object can't say that there must be none yet.
//!
//! # Traffic
//!
//! [`HttpRouteTraffic`] sets the weights of the two Services in the rules of an `HTTPRoute` of the
//! Gateway API, and waits until the gateways have accepted it. The route is the user's; nothing
//! else in it is changed, and a change that somebody else made in between is never overwritten.
//!
//! # Calls
//!
//! A [`Cluster`] is a namespace, found by kube's own inference or by a kubeconfig and a context.
//! Every call has an end, and is tried again a few times where the server is busy (as it asks for
//! by `Retry-After`), broken or not reached. Errors say what a person has to do: which verb on
//! which resource a role must allow, that the Gateway API is not installed, which field the server
//! refuses. Tokens, and what is in a Secret, are in no error and no log.
//!
//! # What it does not do
//!
//! It decides nothing; that is `evergen-deployment`'s. It installs no gateway and makes no
//! namespace, role or `HTTPRoute`. An `HTTPRoute` does not say what a gateway answers or has in
//! flight, so releases are not compared here by their errors, and a drain is a wait. It was tested
//! against an API server that the tests bring along, not yet against a real cluster.
//!
//! ```
//! use evergen_kubernetes::{
//!     Cluster, ClusterSettings, HttpRouteSettings, HttpRouteTraffic, KubernetesSettings,
//!     KubernetesSlots,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = ClusterSettings::default().with_context("production").with_namespace("shop");
//! let cluster = Cluster::new(settings)?;
//! let settings = KubernetesSettings::new("shop", "production").with_replicas(3);
//! let slots = KubernetesSlots::new(cluster.clone(), settings)?;
//! let router = HttpRouteTraffic::new(cluster, HttpRouteSettings::new("shop", "shop"))?;
//! # let _ = (slots, router);
//! # Ok(())
//! # }
//! ```

mod api;

mod manifests;

mod slots;

mod route;

pub use crate::api::{Cluster, ClusterError, ClusterSettings};
pub use crate::route::{HttpRouteSettings, HttpRouteTraffic};
pub use crate::slots::{KubernetesSettings, KubernetesSlots};
