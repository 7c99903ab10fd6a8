//! An API server that speaks as one of a cluster does, as far as it is asked here: objects with
//! versions, generations and uids, server-side apply with field managers, merge patches,
//! preconditions, Status objects; with controllers for Deployments and `HTTPRoutes`, and faults.

mod apply;

mod controllers;

mod faults;

mod protocol;

mod store;

mod validation;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use faults::{Fault, Trouble};
pub(crate) use store::{Gateway, Store};

/// Whoever has it may do all that is not forbidden.
pub(crate) const TOKEN: &str = "t0ken-that-must-not-be-shown";

/// The namespace that there is.
pub(crate) const NAMESPACE: &str = "shop";

/// A server of one test. It ends with it.
pub(crate) struct ApiServer {
    pub(crate) address: SocketAddr,
    store: Arc<Mutex<Store>>,
    end: CancellationToken,
}

impl ApiServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (store, end) = (Arc::new(Mutex::new(Store::new())), CancellationToken::new());
        let serving = serve(listener, Arc::clone(&store), end.clone());
        tokio::spawn(end.clone().run_until_cancelled_owned(serving));
        let controlled = Arc::clone(&store);
        tokio::spawn(end.clone().run_until_cancelled_owned(async move {
            loop {
                controllers::tick(&mut locked(&controlled));
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        }));
        Self { address, store, end }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        locked(&self.store)
    }

    /// From now on calls have this trouble.
    pub(crate) fn trouble(&self, fault: Fault) {
        self.store().faults.push(fault);
    }

    /// What was asked so far, as `PATCH deployments/shop-blue`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.store().asked.clone()
    }

    pub(crate) fn get(&self, plural: &str, name: &str) -> Option<Value> {
        self.store().get(plural, name).cloned()
    }

    /// Somebody else changes an object by a merge patch.
    pub(crate) fn edit(&self, plural: &str, name: &str, patch: &Value) {
        let key = store::Key {
            namespace: NAMESPACE.to_owned(),
            plural: plural.to_owned(),
            name: name.to_owned(),
        };
        apply::merge(&mut self.store(), &key, patch, "kubectl").unwrap();
    }

    /// A kubeconfig that leads here.
    pub(crate) fn kubeconfig(&self, folder: &Path) -> PathBuf {
        self.kubeconfig_with(folder, TOKEN)
    }

    pub(crate) fn kubeconfig_with(&self, folder: &Path, token: &str) -> PathBuf {
        let path = folder.join("kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: tests\n\
             clusters:\n- name: here\n  cluster:\n    server: http://{}\n\
             users:\n- name: tester\n  user:\n    token: {token}\n\
             contexts:\n- name: tests\n  context:\n    cluster: here\n    user: tester\n    \
             namespace: {NAMESPACE}\n",
            self.address
        );
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

fn locked(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

async fn serve(listener: TcpListener, store: Arc<Mutex<Store>>, end: CancellationToken) {
    let connections = TaskTracker::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let store = Arc::clone(&store);
        let service = service_fn(move |request| protocol::answer(Arc::clone(&store), request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        connections.spawn(end.clone().run_until_cancelled_owned(async move {
            // A connection that breaks is what some tests want.
            let _ = connection.await;
        }));
    }
}
