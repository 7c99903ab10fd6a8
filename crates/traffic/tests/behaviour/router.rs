//! DPL-5: the small router.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use evergen_deployment::conformance::check_router;
use evergen_deployment::{Endpoint, RouterError, Slot, Split, TrafficRouter as _};
use evergen_traffic::{Affinity, BindError, Router, RouterClient, RouterSettings};
use futures::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    InProcess, Program, Slots, connect, free_port, get, program, release, request, send, service,
    until,
};

/// A router before a blue slot that runs.
struct Served {
    router: InProcess,
    _slots: Slots,
}

async fn served(folder: &Path, settings: RouterSettings) -> Served {
    let slots = Slots::new(service(folder));
    let running = slots.start(Slot::Blue, &release(folder, "1.0")).await;
    let router = InProcess::start(settings).await;
    router.client.point(Slot::Blue, &running.endpoints()).await.unwrap();
    router.client.set(Split::all(Slot::Blue)).await.unwrap();
    Served { router, _slots: slots }
}

/// A router before a place where this test itself answers.
async fn before_me(folder: &Path, settings: RouterSettings) -> (InProcess, TcpListener) {
    let _ = folder;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let router = InProcess::start(settings).await;
    let here = Endpoint::http("127.0.0.1", listener.local_addr().unwrap().port()).unwrap();
    router.client.point(Slot::Blue, &[here]).await.unwrap();
    router.client.set(Split::all(Slot::Blue)).await.unwrap();
    (router, listener)
}

/// Reads the head of a request.
async fn head(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn the_small_router_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let router = InProcess::start(InProcess::settings(folder.path())).await;
    let [blue, green] = [1001, 1002].map(|port| Endpoint::http("127.0.0.1", port).unwrap());
    check_router(&router.client, &blue, &green).await;
    assert_eq!(router.end().await.cut_off, 0);
    assert!(!folder.path().join("router.sock").exists());
}

#[tokio::test]
async fn requests_come_through_with_body_head_and_who_asked() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), InProcess::settings(folder.path())).await;
    let to = served.router.address;
    assert_eq!(get(to, "/").await, (StatusCode::OK, "1.0".to_owned()));
    let large = Bytes::from(vec![b'x'; 3_000_000]);
    let echo = Request::post("/echo").header("host", "a").body(Full::new(large.clone())).unwrap();
    let answer = send(to, echo).await.into_body().collect().await.unwrap().to_bytes();
    assert!(answer == large);
    let asked = Request::get("http://b.example/head?q=1")
        .header("host", "a.example")
        .header("connection", "x-mine, keep-alive")
        .header("x-mine", "1")
        .header("x-forwarded-for", "1.1.1.1")
        .body(Full::default())
        .unwrap();
    let answer = send(to, asked).await.into_body().collect().await.unwrap().to_bytes();
    insta::assert_snapshot!(String::from_utf8_lossy(&answer), @r"
    GET /head?q=1 HTTP/1.1
    host: b.example
    x-forwarded-for: 127.0.0.1
    x-forwarded-host: b.example
    x-forwarded-proto: http
    ");
    let connect = Request::builder().method(Method::CONNECT).uri("a.example:80");
    let connect = connect.body(Full::default()).unwrap();
    assert_eq!(send(to, connect).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    served.router.end().await;
}

#[tokio::test]
async fn what_two_servers_could_read_differently_is_refused_or_made_plain() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), InProcess::settings(folder.path())).await;
    let ask = async |text: &str| {
        let mut stream = TcpStream::connect(served.router.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let two = ask("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n").await;
    assert!(two.starts_with("HTTP/1.1 400 "), "{two}");
    let both = ask("POST /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 4\r\n\
                    transfer-encoding: chunked\r\n\r\n7\r\nGET /ab\r\n0\r\n\r\n")
    .await;
    let whole = both.starts_with("HTTP/1.1 200 ") && both.contains("GET /ab");
    assert!(whole || both.starts_with("HTTP/1.1 400 "), "{both}");
    let expects =
        ask("POST /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 2\r\n\
                       expect: 100-continue\r\n\r\nok")
        .await;
    assert!(expects.starts_with("HTTP/1.1 100 "), "{expects}");
    assert!(expects.contains("HTTP/1.1 200 OK") && expects.ends_with("ok"), "{expects}");
    served.router.end().await;
}

#[tokio::test]
async fn a_web_socket_comes_through_and_counts_until_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), InProcess::settings(folder.path())).await;
    let client = &served.router.client;
    let stream = TcpStream::connect(served.router.address).await.unwrap();
    let url = "ws://a.example/socket";
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    for number in 0..100 {
        let message = Message::text(format!("message {number}"));
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    let stats = client.stats().await.unwrap().blue;
    assert_eq!((stats.active, stats.tunnels, stats.counts.errors), (1, 1, 0));
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}
    drop(socket);
    until("the socket is counted out", || async { client.stats().await.unwrap().blue.active == 0 })
        .await;
    served.router.end().await;
}

#[tokio::test]
async fn a_drain_waits_for_what_runs_and_says_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), InProcess::settings(folder.path())).await;
    let (client, to) = (&served.router.client, served.router.address);
    let green = Endpoint::http("127.0.0.1", free_port()).unwrap();
    client.point(Slot::Green, &[green]).await.unwrap();
    let slow = tokio::spawn(get(to, "/slow"));
    until("the request is on its way", || async { client.read().await.unwrap().blue.active == 1 })
        .await;
    client.set(Split::all(Slot::Green)).await.unwrap();
    let early = client.drain(Slot::Blue, Duration::from_millis(50)).await.unwrap();
    assert_eq!(early.left, 1);
    let idle = client.drain(Slot::Blue, Duration::from_secs(8)).await.unwrap();
    assert!(idle.is_idle());
    assert_eq!(slow.await.unwrap(), (StatusCode::OK, "slow".to_owned()));
    served.router.end().await;
}

#[tokio::test]
async fn a_replica_that_is_gone_is_passed_over_and_a_slot_that_is_gone_is_an_error_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), InProcess::settings(folder.path())).await;
    let (client, to) = (&served.router.client, served.router.address);
    let gone = Endpoint::http("127.0.0.1", free_port()).unwrap();
    let mut endpoints = client.read().await.unwrap().blue.endpoints;
    endpoints.push(gone.clone());
    client.point(Slot::Blue, &endpoints).await.unwrap();
    for _ in 0..20 {
        assert_eq!(get(to, "/").await.0, StatusCode::OK);
    }
    client.point(Slot::Green, &[gone]).await.unwrap();
    client.set(Split::all(Slot::Green)).await.unwrap();
    assert_eq!(get(to, "/").await.0, StatusCode::BAD_GATEWAY);
    let stats = client.stats().await.unwrap();
    assert_eq!((stats.blue.counts.requests, stats.blue.counts.errors), (20, 0));
    assert_eq!((stats.green.counts.requests, stats.green.counts.errors), (1, 1));
    assert_eq!(stats.blue.counts.latencies.iter().sum::<u64>(), 20);
    served.router.end().await;
}

#[tokio::test]
async fn failures_of_the_service_are_counted_at_its_slot() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), InProcess::settings(folder.path())).await;
    let (client, to) = (&served.router.client, served.router.address);
    assert_eq!(get(to, "/status/503").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(to, "/status/404").await.0, StatusCode::NOT_FOUND);
    let broken = send(to, request("/broken")).await;
    assert!(broken.into_body().collect().await.is_err(), "a body that broke off is no body");
    let counts = client.counts(Slot::Blue).await.unwrap();
    assert_eq!((counts.requests, counts.errors), (3, 2));
    served.router.end().await;
}

#[tokio::test]
async fn a_request_that_was_sent_is_never_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let (router, listener) = before_me(folder.path(), InProcess::settings(folder.path())).await;
    let asking = tokio::spawn(get(router.address, "/"));
    let (mut stream, _) = listener.accept().await.unwrap();
    head(&mut stream).await;
    drop(stream);
    assert_eq!(asking.await.unwrap().0, StatusCode::BAD_GATEWAY);
    let again = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
    assert!(again.is_err(), "the request had its effect already");
    router.end().await;
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_costs_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let (router, listener) = before_me(folder.path(), InProcess::settings(folder.path())).await;
    for _ in 0..20 {
        let asking = tokio::spawn(get(router.address, "/"));
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        assert_eq!(asking.await.unwrap(), (StatusCode::OK, "ok".to_owned()));
    }
    router.end().await;
}

#[tokio::test]
async fn who_does_not_answer_in_time_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let short = Duration::from_millis(200);
    let settings = InProcess::settings(folder.path())
        .with_response_timeout(short)
        .with_stall_timeout(short)
        .with_header_timeout(short);
    let (router, listener) = before_me(folder.path(), settings).await;
    let asking = tokio::spawn(get(router.address, "/"));
    let (mut silent, _) = listener.accept().await.unwrap();
    head(&mut silent).await;
    assert_eq!(asking.await.unwrap().0, StatusCode::GATEWAY_TIMEOUT);
    let asking = tokio::spawn(async move { send(router.address, request("/")).await });
    let (mut stalls, _) = listener.accept().await.unwrap();
    head(&mut stalls).await;
    stalls.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no").await.unwrap();
    assert!(asking.await.unwrap().into_body().collect().await.is_err());
    let mut slow = TcpStream::connect(router.address).await.unwrap();
    slow.write_all(b"GET / HT").await.unwrap();
    let began = Instant::now();
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest).await;
    assert!(began.elapsed() < Duration::from_secs(5), "half a head is not waited for");
    until("all are counted out", || async { router.client.read().await.unwrap().blue.active == 0 })
        .await;
    router.end().await;
}

#[tokio::test]
async fn hostile_bytes_are_refused_and_harm_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), InProcess::settings(folder.path())).await;
    let to = served.router.address;
    let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(200_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(5_000));
    let mut hostile: Vec<Vec<u8>> = [
        "\0\0\0\0",
        "GET / HTTP/9.9\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
        "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "GET http://[::1 HTTP/1.1\r\nhost: a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade, close\r\nupgrade: \x7f\r\n\r\n",
        &long,
        &many,
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    let mut random = fastrand::Rng::with_seed(7);
    hostile.extend((0..200).map(|_| (0..random.usize(1..200)).map(|_| random.u8(..)).collect()));
    for bytes in hostile {
        let mut stream = TcpStream::connect(to).await.unwrap();
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        tokio::time::timeout(Duration::from_secs(5), reading).await.unwrap().ok();
    }
    assert_eq!(get(to, "/").await, (StatusCode::OK, "1.0".to_owned()));
    served.router.end().await;
}

#[tokio::test]
async fn the_control_socket_is_its_owners_and_answers_anything() {
    let folder = tempfile::tempdir().unwrap();
    let router = InProcess::start(InProcess::settings(folder.path())).await;
    let socket = folder.path().join("router.sock");
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(folder.path().join("router.json.lock").metadata().unwrap().len(), 0);
    let mut random = fastrand::Rng::with_seed(11);
    let mut lines: Vec<Vec<u8>> =
        vec![vec![b'['; 70_000], b"{\"do\":\"set\",\"green\":5000}".into()];
    lines.extend((0..100).map(|_| (0..random.usize(0..300)).map(|_| random.u8(..)).collect()));
    for mut line in lines {
        line.push(b'\n');
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        let _ = stream.write_all(&line).await;
        let _ = stream.shutdown().await;
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        let refused = answer.lines().all(|line| line.starts_with(r#"{"answer":"refused","#));
        assert!(refused && !answer.is_empty(), "{answer}");
    }
    assert_eq!(router.client.read().await.unwrap().split, None);
    router.end().await;
}

#[tokio::test]
async fn a_router_that_is_gone_or_talks_nonsense_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let client = RouterClient::new(&path).with_patience(Duration::from_millis(200));
    let shown = |error: RouterError| {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        text.replace(&path.display().to_string(), "SOCKET")
    };
    let mut errors = vec![shown(client.read().await.unwrap_err())];
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    for answer in ["", "hello\n", "{\"answer\":\"done\"}\n"] {
        let serving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 100];
            let _ = stream.read(&mut asked).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        let (read, ()) = tokio::join!(client.read(), serving);
        errors.push(shown(read.unwrap_err()));
    }
    let (read, held) = tokio::join!(client.read(), listener.accept());
    errors.push(shown(read.unwrap_err()));
    drop(held);
    insta::assert_snapshot!(errors.join("\n"), @r"
    can't read the router's state: no router listens at `SOCKET`; start it: No such file or directory (os error 2)
    can't read the router's state: the router at `SOCKET` broke off: unexpected end of file
    the router's answer to read the router's state makes no sense: hello
    the router's answer to read the router's state makes no sense: Done
    can't read the router's state: the router at `SOCKET` did not answer within 200ms
    ");
}

#[tokio::test]
async fn two_routers_do_not_share_a_state_and_a_damaged_one_is_not_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let settings = InProcess::settings(folder.path());
    let router = InProcess::start(settings.clone()).await;
    let second = Router::bind(settings.clone()).await.unwrap_err();
    assert!(matches!(second, BindError::Taken { .. }), "{second}");
    router.end().await;
    for text in [
        "{",
        "{\"format\":\"evergen-router-2\"}",
        r#"{"format":"evergen-router-1","split":5,"blue":[],"green":[]}"#,
    ] {
        std::fs::write(&settings.state, text).unwrap();
        let error = Router::bind(settings.clone()).await.unwrap_err();
        assert!(matches!(error, BindError::Kept(_)), "{error}");
        assert!(error.to_string().contains("move it away"), "{error}");
    }
    std::fs::remove_file(&settings.state).unwrap();
    std::fs::write(&settings.control, "not a socket").unwrap();
    let error = Router::bind(settings).await.unwrap_err();
    assert!(matches!(error, BindError::Control { .. }), "{error}");
}

#[tokio::test]
async fn sessions_stay_while_the_split_stays_and_move_one_way() {
    let folder = tempfile::tempdir().unwrap();
    let slots = Slots::new(service(folder.path()));
    let affinity = Affinity::Cookie("session".to_owned());
    let router = InProcess::start(InProcess::settings(folder.path()).with_affinity(affinity)).await;
    for (slot, version) in Slot::BOTH.into_iter().zip(["1.0", "2.0"]) {
        let running = slots.start(slot, &release(folder.path(), version)).await;
        router.client.point(slot, &running.endpoints()).await.unwrap();
    }
    let mut client = connect(router.address).await.unwrap();
    let mut on_green: Vec<usize> = Vec::new();
    for permille in [0, 100, 500, 1000] {
        router.client.set(Split::giving(Slot::Green, permille).unwrap()).await.unwrap();
        let mut now = Vec::new();
        for session in 0..40 {
            let mut asked = request("/");
            let cookie = format!("a=b; session=s{session}").parse().unwrap();
            asked.headers_mut().insert("cookie", cookie);
            client.ready().await.unwrap();
            let answer = client.send_request(asked).await.unwrap();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            if body == "2.0" {
                now.push(session);
            }
        }
        assert!(on_green.iter().all(|session| now.contains(session)), "{on_green:?} then {now:?}");
        on_green = now;
    }
    assert_eq!(on_green.len(), 40);
    drop(client);
    router.end().await;
}

#[tokio::test]
async fn more_connections_than_are_allowed_wait() {
    let folder = tempfile::tempdir().unwrap();
    let settings = InProcess::settings(folder.path()).with_max_connections(2);
    let served = served(folder.path(), settings).await;
    let to = served.router.address;
    let mut first = connect(to).await.unwrap();
    let mut second = connect(to).await.unwrap();
    for client in [&mut first, &mut second] {
        client.send_request(request("/")).await.unwrap();
    }
    let mut third = tokio::spawn(get(to, "/"));
    let waits = tokio::time::timeout(Duration::from_millis(100), &mut third).await;
    assert!(waits.is_err(), "the third waits");
    drop(first);
    assert_eq!(third.await.unwrap().0, StatusCode::OK);
    drop(second);
    served.router.end().await;
}

#[tokio::test]
async fn a_router_that_is_asked_to_end_finishes_what_runs() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), InProcess::settings(folder.path())).await;
    let slow = tokio::spawn(get(served.router.address, "/slow"));
    until("the request is on its way", || async {
        served.router.client.read().await.unwrap().blue.active == 1
    })
    .await;
    assert_eq!(served.router.end().await.cut_off, 0);
    assert_eq!(slow.await.unwrap(), (StatusCode::OK, "slow".to_owned()));
}

#[tokio::test]
async fn a_killed_router_comes_back_with_the_same_split() {
    let folder = tempfile::tempdir().unwrap();
    let slots = Slots::new(service(folder.path()));
    let to = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let socket = folder.path().join("router.sock");
    let client = RouterClient::new(&socket);
    let start = || {
        let mut command = Command::new(program("small-router"));
        command.arg(to.to_string()).arg(&socket).arg(folder.path().join("router.json"));
        Program::start(command.stdout(std::process::Stdio::null()))
    };
    let mut router = start();
    until("the router answers", || async { client.read().await.is_ok() }).await;
    for (slot, version) in Slot::BOTH.into_iter().zip(["1.0", "2.0"]) {
        let running = slots.start(slot, &release(folder.path(), version)).await;
        client.point(slot, &running.endpoints()).await.unwrap();
    }
    for permille in [1000, 100, 0, 500] {
        client.set(Split::giving(Slot::Green, permille).unwrap()).await.unwrap();
        let before = client.read().await.unwrap();
        let mark = client.stats().await.unwrap();
        router.kill();
        router = start();
        until("the router answers again", || async { client.read().await.is_ok() }).await;
        let after = client.read().await.unwrap();
        assert_eq!((after.split, &after.blue.endpoints), (before.split, &before.blue.endpoints));
        assert_ne!(client.stats().await.unwrap().started, mark.started);
        let mut green = 0;
        for _ in 0..20 {
            green += u16::from(get(to, "/").await.1 == "2.0");
        }
        assert!(green.abs_diff(permille / 50) <= 1, "{green} of 20 at {permille}");
    }
    // A kill in the middle of changes: one of the two, whole.
    for round in 0..5_u64 {
        let changing = async {
            for number in 0..200_u16 {
                let split = Split::giving(Slot::Green, 1 + (number * 7) % 998).unwrap();
                if client.set(split).await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(Duration::from_millis(20 + round * 7), changing).await;
        router.kill();
        router = start();
        until("the router answers again", || async { client.read().await.is_ok() }).await;
        assert_eq!(client.read().await.unwrap().blue.endpoints.len(), 1);
        assert_eq!(get(to, "/").await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_change_that_cannot_be_kept_is_not_in_effect() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path(), InProcess::settings(folder.path())).await;
    let client = &served.router.client;
    let before = client.read().await.unwrap();
    // The new state can't be written: a folder has its name.
    let aside = folder.path().join("router.json.new");
    std::fs::create_dir(&aside).unwrap();
    let green = [Endpoint::http("127.0.0.1", 1).unwrap()];
    let error = client.point(Slot::Green, &green).await.unwrap_err();
    assert!(matches!(error, RouterError::Unavailable { .. }), "{error}");
    assert_eq!(client.read().await.unwrap(), before);
    std::fs::remove_dir(aside).unwrap();
    client.point(Slot::Green, &green).await.unwrap();
    served.router.end().await;
}
