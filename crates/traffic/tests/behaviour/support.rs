//! What the tests stand on: programs, releases, requests.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use evergen_artifact::Digest;
use evergen_deployment::{
    Endpoint, Provenance, ReleaseId, Running, Slot, SlotRuntime as _, StagedRelease, StepContext,
    Version,
};
use evergen_traffic::{
    ProcessSettings, ProcessSlots, Readiness, Router, RouterClient, RouterEnd, RouterSettings,
};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// One of the programs in `examples/`, which are built with the tests.
pub(crate) fn program(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    let path = path.join("examples").join(name);
    assert!(path.is_file(), "`{}` is missing: build the examples, too", path.display());
    path
}

/// A folder as small as any release.
pub(crate) fn release(folder: &Path, version: &str) -> StagedRelease {
    let root = folder.join("releases").join(version);
    std::fs::create_dir_all(&root).unwrap();
    let provenance = Provenance::new(jiff::Timestamp::UNIX_EPOCH, "a test");
    let id = ReleaseId::new(Digest::of(version.as_bytes()));
    StagedRelease::new(id, Version::parse(version).unwrap(), root, provenance)
}

/// The service of the examples, which says the version it was started as.
pub(crate) fn service(folder: &Path) -> ProcessSettings {
    let program = program("answering-service");
    ProcessSettings::new(folder.join("slots"), [program.to_str().unwrap()])
        .with_variable("VERSION", "{version}")
        .with_readiness(Readiness::Http { path: "/health".to_owned() })
}

/// Processes that end with the test, whatever becomes of it.
pub(crate) struct Slots(pub(crate) ProcessSlots);

impl Slots {
    pub(crate) fn new(settings: ProcessSettings) -> Self {
        Self(ProcessSlots::new(settings).unwrap())
    }

    pub(crate) async fn start(&self, slot: Slot, release: &StagedRelease) -> Running {
        let context = StepContext::new("test", 1, slot, release.clone());
        let started = self.0.start(slot, release, &context).await;
        started.unwrap_or_else(|error| panic!("{error}: {error:?}"))
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        let slots = self.0.clone();
        // The test's own runtime may be of one thread, and at work on the panic.
        let stopping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            for slot in Slot::BOTH {
                let stopped = runtime.block_on(slots.stop(slot, Duration::ZERO));
                stopped.map_err(std::io::Error::other)?;
            }
            Ok::<_, std::io::Error>(())
        });
        let stopped = stopping.join();
        if !std::thread::panicking() {
            stopped.unwrap().unwrap();
        }
    }
}

/// A router in this process.
pub(crate) struct InProcess {
    pub(crate) address: SocketAddr,
    pub(crate) client: RouterClient,
    end: Option<oneshot::Sender<()>>,
    running: JoinHandle<RouterEnd>,
}

impl InProcess {
    pub(crate) fn settings(folder: &Path) -> RouterSettings {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        RouterSettings::new(listen, folder.join("router.sock"), folder.join("router.json"))
    }

    pub(crate) async fn start(settings: RouterSettings) -> Self {
        let client = RouterClient::new(&settings.control);
        let router = Router::bind(settings).await.unwrap();
        let address = router.address().unwrap();
        let (end, ended) = oneshot::channel();
        let running = tokio::spawn(router.run(async {
            let _ = ended.await;
        }));
        Self { address, client, end: Some(end), running }
    }

    pub(crate) async fn end(mut self) -> RouterEnd {
        drop(self.end.take());
        self.running.await.unwrap()
    }
}

/// A program that ends with the test.
pub(crate) struct Program(pub(crate) Child);

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until something holds, and says what did not.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds().await {
        assert!(Instant::now() < deadline, "in ten seconds not: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) type Client = SendRequest<Full<Bytes>>;

/// A connection that stays open.
pub(crate) async fn connect(
    address: SocketAddr,
) -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (client, driver) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(driver);
    Ok(client)
}

pub(crate) fn request(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).header("host", "a.example").body(Full::default()).unwrap()
}

/// One request over a connection of its own.
pub(crate) async fn get(address: SocketAddr, path: &str) -> (StatusCode, String) {
    let answer = send(address, request(path)).await;
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

pub(crate) async fn send(
    address: SocketAddr,
    request: Request<Full<Bytes>>,
) -> Response<hyper::body::Incoming> {
    let mut client = connect(address).await.unwrap();
    client.send_request(request).await.unwrap()
}

pub(crate) fn address(endpoint: &Endpoint) -> SocketAddr {
    endpoint.authority().parse().unwrap()
}

/// A port that is free at this moment.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
