//! DPL-5: HAProxy by its runtime socket. Without HAProxy these tests say so and pass.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use evergen_deployment::conformance::check_router;
use evergen_deployment::{Endpoint, RouterError, Slot, Split, TrafficRouter as _};
use evergen_traffic::{HaproxyRouter, HaproxySettings};
use hyper::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use crate::support::{Program, Slots, free_port, get, release, service, until};

/// An HAProxy of this test, and the router that tells it what to do.
pub(crate) struct Haproxy {
    pub(crate) address: SocketAddr,
    pub(crate) router: HaproxyRouter,
    folder: PathBuf,
    program: Option<Program>,
}

impl Haproxy {
    /// None, with a word about it, where there is no HAProxy.
    pub(crate) async fn start(folder: &Path, replicas: u16) -> Option<Self> {
        if Command::new("haproxy").arg("-v").output().is_err() {
            println!("skipped: there is no haproxy; apt-get install haproxy");
            return None;
        }
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let socket = folder.join("haproxy.sock");
        let main = format!(
            "global\n    stats socket {} mode 600 level admin\n    maxconn 500\n\
             defaults\n    mode http\n    timeout connect 2s\n    timeout client 30s\n    \
             timeout server 30s\n    timeout tunnel 1h\n\
             frontend in\n    bind {address}\n    default_backend app\n",
            socket.display()
        );
        std::fs::write(folder.join("haproxy.cfg"), main).unwrap();
        let settings = HaproxySettings::new(socket, folder.join("evergen.cfg"), "app");
        let router = HaproxyRouter::new(settings.with_replicas(replicas)).unwrap();
        router.prepare().await.unwrap();
        let folder = folder.to_owned();
        let mut haproxy = Self { address, router, folder, program: None };
        haproxy.run().await;
        Some(haproxy)
    }

    async fn run(&mut self) {
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(self.folder.join("haproxy.cfg"));
        command.arg("-f").arg(self.folder.join("evergen.cfg"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.program = Some(Program::start(&mut command));
        until("HAProxy answers", || async { self.router.read().await.is_ok() }).await;
    }

    fn kill(&mut self) {
        self.program.take().unwrap().kill();
    }

    fn file(&self) -> String {
        std::fs::read_to_string(self.folder.join("evergen.cfg")).unwrap()
    }
}

fn shown(error: &RouterError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[tokio::test]
async fn haproxy_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let Some(haproxy) = Haproxy::start(folder.path(), 2).await else { return };
    let [blue, green] = [1001, 1002].map(|port| Endpoint::http("127.0.0.1", port).unwrap());
    check_router(&haproxy.router, &blue, &green).await;
}

#[tokio::test]
async fn haproxy_shares_requests_and_counts_them() {
    let folder = tempfile::tempdir().unwrap();
    let Some(haproxy) = Haproxy::start(folder.path(), 2).await else { return };
    let slots = Slots::new(service(folder.path()).with_replicas(2));
    let router = &haproxy.router;
    assert_eq!(get(haproxy.address, "/").await.0, StatusCode::SERVICE_UNAVAILABLE);
    for (slot, version) in Slot::BOTH.into_iter().zip(["1.0", "2.0"]) {
        let running = slots.start(slot, &release(folder.path(), version)).await;
        router.point(slot, &running.endpoints()).await.unwrap();
        assert_eq!(router.read().await.unwrap().backend(slot).endpoints, running.endpoints());
    }
    router.set(Split::giving(Slot::Green, 250).unwrap()).await.unwrap();
    let mut green = 0;
    for _ in 0..40 {
        green += u64::from(get(haproxy.address, "/").await.1 == "2.0");
    }
    assert!((8..=12).contains(&green), "{green} of 40 at a quarter");
    assert_eq!(router.counts(Slot::Green).await.unwrap().requests, green);
    router.set(Split::all(Slot::Green)).await.unwrap();
    let mark = router.counts(Slot::Green).await.unwrap();
    for path in ["/status/503", "/status/404", "/"] {
        get(haproxy.address, path).await;
    }
    let since = router.counts(Slot::Green).await.unwrap().since(&mark).unwrap();
    assert_eq!((since.requests, since.errors), (3, 1));
}

#[tokio::test]
async fn a_killed_haproxy_comes_back_with_the_same_split() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut haproxy) = Haproxy::start(folder.path(), 2).await else { return };
    let [blue, green] = [1001, 1002].map(|port| Endpoint::http("127.0.0.1", port).unwrap());
    haproxy.router.point(Slot::Blue, &[blue]).await.unwrap();
    haproxy.router.point(Slot::Green, &[green.clone(), green]).await.unwrap();
    for permille in [1000, 100, 0, 500] {
        let split = Split::giving(Slot::Green, permille).unwrap();
        haproxy.router.set(split).await.unwrap();
        let before = haproxy.router.read().await.unwrap();
        haproxy.kill();
        haproxy.run().await;
        assert_eq!(haproxy.router.read().await.unwrap(), before);
    }
}

#[tokio::test]
async fn a_drained_slot_is_in_maintenance_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let Some(haproxy) = Haproxy::start(folder.path(), 1).await else { return };
    let slots = Slots::new(service(folder.path()));
    let router = &haproxy.router;
    for (slot, version) in Slot::BOTH.into_iter().zip(["1.0", "2.0"]) {
        let running = slots.start(slot, &release(folder.path(), version)).await;
        router.point(slot, &running.endpoints()).await.unwrap();
    }
    router.set(Split::all(Slot::Blue)).await.unwrap();
    let slow = tokio::spawn(get(haproxy.address, "/slow"));
    until("it is on its way", || async { router.read().await.unwrap().blue.active == 1 }).await;
    router.set(Split::all(Slot::Green)).await.unwrap();
    assert_eq!(router.drain(Slot::Blue, Duration::from_millis(30)).await.unwrap().left, 1);
    assert!(router.drain(Slot::Blue, Duration::from_secs(8)).await.unwrap().is_idle());
    assert_eq!(slow.await.unwrap().0, StatusCode::OK);
    router.set(Split::all(Slot::Blue)).await.unwrap();
    assert_eq!(get(haproxy.address, "/").await.1, "1.0");
}

#[tokio::test]
async fn what_haproxy_cannot_do_is_refused_and_nothing_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let Some(haproxy) = Haproxy::start(folder.path(), 1).await else { return };
    let router = &haproxy.router;
    let here = Endpoint::http("127.0.0.1", 1001).unwrap();
    let named = Endpoint::http("app.example", 80).unwrap();
    for slot in Slot::BOTH {
        router.point(slot, std::slice::from_ref(&here)).await.unwrap();
    }
    router.set(Split::all(Slot::Blue)).await.unwrap();
    let before = (router.read().await.unwrap(), haproxy.file());
    let errors = [
        router.set(Split::giving(Slot::Green, 1).unwrap()).await.unwrap_err(),
        router.point(Slot::Green, &[here.clone(), here]).await.unwrap_err(),
        router.point(Slot::Green, &[named]).await.unwrap_err(),
    ];
    insta::assert_snapshot!(errors.map(|error| shown(&error)).join("\n"), @r"
    the traffic can't be shared like this: a share of 1 thousandths for 1 against 1 servers can't be had of weights up to 256; take 4 to 996, or all
    the traffic can't be shared like this: 2 endpoints don't fit into the 1 servers of slot green; set `replicas` higher and start HAProxy anew
    the traffic can't be shared like this: `http://app.example:80` is not at an address; HAProxy looks up no names while it runs
    ");
    assert_eq!((router.read().await.unwrap(), haproxy.file()), before);
}

#[tokio::test]
async fn a_proxy_that_is_gone_hangs_or_talks_nonsense_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let file = folder.path().join("evergen.cfg");
    let settings = HaproxySettings::new(&socket, &file, "app");
    let router = HaproxyRouter::new(settings.with_patience(Duration::from_millis(200))).unwrap();
    router.prepare().await.unwrap();
    let before = std::fs::read_to_string(&file).unwrap();
    let all = Split::all(Slot::Green);
    let mut errors = vec![router.set(all).await.unwrap_err()];
    let listener = UnixListener::bind(&socket).unwrap();
    for answer in ["Permission denied\n", "", "1\nblue1 X"] {
        let serving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 100];
            let _ = stream.read(&mut asked).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        let (set, ()) = tokio::join!(router.set(all), serving);
        errors.push(set.unwrap_err());
    }
    let (set, held) = tokio::join!(router.set(all), listener.accept());
    errors.push(set.unwrap_err());
    drop(held);
    let text = errors
        .iter()
        .map(|error| shown(error).replace('\n', " / ").trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n");
    insta::assert_snapshot!(text.replace(&socket.display().to_string(), "SOCKET"), @r"
    can't set the split of HAProxy: HAProxy does not listen at `SOCKET`; start it, and see `stats socket` in its configuration: No such file or directory (os error 2)
    the router's answer to set the split of HAProxy makes no sense: Permission denied
    the router's answer to set the split of HAProxy makes no sense:
    the router's answer to set the split of HAProxy makes no sense: 1 / blue1 X
    can't set the split of HAProxy: HAProxy did not answer at `SOCKET` within 200ms; see whether it hangs
    ");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
}

/// Says what HAProxy would, but for one server whose weight never changes.
#[tokio::test]
async fn a_weight_that_is_taken_but_not_in_effect_is_found_by_reading_back() {
    let folder = tempfile::tempdir().unwrap();
    let Some(haproxy) = Haproxy::start(folder.path(), 1).await else { return };
    let front = folder.path().join("front.sock");
    let behind = folder.path().join("haproxy.sock");
    let listener = UnixListener::bind(&front).unwrap();
    let standing_between = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let length = stream.read(&mut asked).await.unwrap();
            let asked = String::from_utf8_lossy(&asked[..length]).into_owned();
            // As HAProxy takes `weight 10%` of a weight that is 0.
            if asked.starts_with("set server app/green1 weight") {
                stream.write_all(b"\n").await.unwrap();
                continue;
            }
            let mut real = tokio::net::UnixStream::connect(&behind).await.unwrap();
            real.write_all(asked.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            real.read_to_end(&mut answer).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    });
    let settings = HaproxySettings::new(&front, folder.path().join("evergen.cfg"), "app");
    let router = HaproxyRouter::new(settings).unwrap();
    for (slot, port) in Slot::BOTH.into_iter().zip([1001, 1002]) {
        router.point(slot, &[Endpoint::http("127.0.0.1", port).unwrap()]).await.unwrap();
    }
    router.set(Split::all(Slot::Blue)).await.unwrap();
    let before = haproxy.file();
    let error = router.set(Split::giving(Slot::Green, 100).unwrap()).await.unwrap_err();
    assert!(matches!(error, RouterError::NotInEffect { .. }), "{error}");
    assert_eq!(haproxy.file(), before, "what HAProxy starts with is what it did");
    assert_eq!(router.read().await.unwrap().split, Some(Split::all(Slot::Blue)));
    standing_between.abort();
}
