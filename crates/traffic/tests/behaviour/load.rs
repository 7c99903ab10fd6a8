//! Switches under load: every request that is lost is counted.
//!
//! `EVERGEN_TRAFFIC_SWITCHES` sets how many switches there are (20); with more than 20, every
//! one of them stops the drained slot and starts a new release in it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use evergen_deployment::{Slot, SlotRuntime as _, Split, TrafficRouter};
use futures::{SinkExt as _, StreamExt as _};
use http_body_util::BodyExt as _;
use hyper::StatusCode;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::haproxy::Haproxy;
use crate::support::{Client, InProcess, Slots, connect, release, request, service};

/// What became of the load.
#[derive(Default)]
struct Tally {
    over: AtomicBool,
    answered: AtomicU64,
    slow: AtomicU64,
    sockets: AtomicU64,
    /// Each request that got no good answer, with what it got.
    lost: Mutex<Vec<String>>,
    /// When the last request arrived at each version, in microseconds of the clock.
    arrived: Mutex<HashMap<String, u64>>,
}

impl Tally {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    fn lose(&self, what: impl std::fmt::Display) {
        self.lost.lock().unwrap().push(what.to_string());
    }
}

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap()
}

/// Asks one request after another over a connection that is kept.
async fn ask(to: SocketAddr, path: &'static str, tally: Arc<Tally>) {
    let mut client: Option<Client> = None;
    while tally.goes_on() {
        let mut open = match client.take() {
            Some(client) => client,
            None => match connect(to).await {
                Ok(client) => client,
                Err(error) => {
                    tally.lose(format_args!("no connection: {error}"));
                    continue;
                }
            },
        };
        // A kept connection may be closed between two requests; that loses none.
        if open.ready().await.is_err() {
            continue;
        }
        match open.try_send_request(request(path)).await {
            Ok(answer) => {
                let status = answer.status();
                let arrived = answer.headers().get("x-arrived").and_then(|text| text.to_str().ok());
                let arrived = arrived.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
                match answer.into_body().collect().await {
                    Ok(body) if status == StatusCode::OK => {
                        let version = String::from_utf8_lossy(&body.to_bytes()).into_owned();
                        let count = if version == "slow" { &tally.slow } else { &tally.answered };
                        count.fetch_add(1, Ordering::Relaxed);
                        let mut all = tally.arrived.lock().unwrap();
                        let last = all.entry(version).or_default();
                        *last = arrived.max(*last);
                    }
                    Ok(_) => tally.lose(status),
                    Err(error) => tally.lose(format_args!("half an answer: {error}")),
                }
                client = Some(open);
            }
            Err(error) if error.message().is_some() => {}
            Err(error) => tally.lose(format_args!("no answer: {:?}", error.into_error())),
        }
    }
}

/// Opens one WebSocket after another, and talks over each for half a second.
async fn talk(to: SocketAddr, tally: Arc<Tally>) {
    while tally.goes_on() {
        match conversation(to).await {
            Ok(()) => {
                tally.sockets.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => tally.lose(format_args!("a socket: {error}")),
        }
    }
}

async fn conversation(to: SocketAddr) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(to).await?;
    let (mut socket, _) = tokio_tungstenite::client_async("ws://a.example/socket", stream).await?;
    for number in 0..20 {
        let message = Message::text(format!("message {number}"));
        socket.send(message.clone()).await?;
        let answer = socket.next().await.ok_or("it ended")??;
        if answer != message {
            return Err(format!("{answer} came for {message}").into());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    socket.close(None).await?;
    while socket.next().await.is_some() {}
    Ok(())
}

/// Switches to and fro under load; every second switch finds the new release bad and goes back.
async fn switch_under_load(
    name: &str,
    to: SocketAddr,
    router: &dyn TrafficRouter,
    slots: &Slots,
    folder: &std::path::Path,
) {
    let wanted = std::env::var("EVERGEN_TRAFFIC_SWITCHES").ok();
    let switches: u64 = wanted.and_then(|text| text.parse().ok()).unwrap_or(20);
    let mut versions = HashMap::new();
    for slot in Slot::BOTH {
        let version = format!("{slot}-first");
        let running = slots.start(slot, &release(folder, &version)).await;
        router.point(slot, &running.endpoints()).await.unwrap();
        versions.insert(slot, version);
    }
    router.set(Split::all(Slot::Blue)).await.unwrap();
    let tally = Arc::new(Tally::default());
    let mut load: Vec<_> = (0..8).map(|_| tokio::spawn(ask(to, "/", tally.clone()))).collect();
    load.push(tokio::spawn(ask(to, "/slow", tally.clone())));
    load.extend((0..2).map(|_| tokio::spawn(talk(to, tally.clone()))));
    let mut live = Slot::Blue;
    let (mut verdicts, mut sets) = (Vec::new(), Vec::new());
    let began = Instant::now();
    for number in 0..switches {
        let other = live.other();
        if switches > 20 || number % 7 == 3 {
            // What is stopped was drained before: this is where requests would be lost.
            let drained = router.drain(other, Duration::from_secs(20)).await.unwrap();
            assert!(drained.is_idle(), "{drained:?}");
            slots.0.stop(other, Duration::from_secs(2)).await.unwrap();
            let version = format!("{number}");
            let running = slots.start(other, &release(folder, &version)).await;
            router.point(other, &running.endpoints()).await.unwrap();
            versions.insert(other, version);
        }
        for permille in [100, 500] {
            let told = Instant::now();
            router.set(Split::giving(other, permille).unwrap()).await.unwrap();
            sets.push(told.elapsed());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let verdict = now();
        let (good, left) = if number % 2 == 0 { (other, live) } else { (live, other) };
        router.set(Split::all(good)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(40)).await;
        let last = tally.arrived.lock().unwrap().get(&versions[&left]).copied().unwrap_or(0);
        verdicts.push(last.saturating_sub(verdict));
        live = good;
    }
    let took = began.elapsed();
    tally.over.store(true, Ordering::Relaxed);
    for task in load {
        task.await.unwrap();
    }
    verdicts.sort_unstable();
    sets.sort_unstable();
    let p99 = verdicts[(verdicts.len() * 99).div_ceil(100) - 1];
    let [answered, slow, sockets] =
        [&tally.answered, &tally.slow, &tally.sockets].map(|count| count.load(Ordering::Relaxed));
    let lost = tally.lost.lock().unwrap();
    println!(
        "{name}: {switches} switches in {took:?}, {answered} requests, {slow} of two seconds, {sockets} \
         sockets, {} lost; from verdict to last request p50 {} us, p99 {p99} us; set p50 {:?}, \
         p99 {:?}",
        lost.len(),
        verdicts[verdicts.len() / 2],
        sets[sets.len() / 2],
        sets[sets.len() * 99 / 100],
    );
    assert!(lost.is_empty(), "{} lost: {:?}", lost.len(), &lost[..lost.len().min(10)]);
    assert!(answered > switches * 50 && slow > 0 && sockets > 0, "there was load");
    // Of a few switches the worst one tells of the machine, so that it counts at full size only.
    let judged = if switches < 100 { verdicts[verdicts.len() / 2] } else { p99 };
    assert!(judged <= 250_000, "{judged} us from verdict to the last request");
    assert_eq!(verdicts.len() as u64, switches);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_through_the_small_router() {
    let folder = tempfile::tempdir().unwrap();
    let slots = Slots::new(service(folder.path()).with_replicas(2));
    let router = InProcess::start(InProcess::settings(folder.path())).await;
    switch_under_load("small router", router.address, &router.client, &slots, folder.path()).await;
    router.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_through_haproxy() {
    let folder = tempfile::tempdir().unwrap();
    let Some(haproxy) = Haproxy::start(folder.path(), 2).await else { return };
    let slots = Slots::new(service(folder.path()).with_replicas(2));
    switch_under_load("HAProxy", haproxy.address, &haproxy.router, &slots, folder.path()).await;
}
