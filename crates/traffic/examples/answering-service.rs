//! A service to be deployed: what the tests start in slots.
//!
//! It listens at `PORT` of the loopback address and says `VERSION`. `/slow` takes two seconds,
//! `/status/503` fails, `/echo` gives a body back, `/head` the head of the request, `/stream`
//! never-ending pieces, and `/socket` is a WebSocket that echoes. `DELAY_MS` lets it wait
//! before it listens. In a folder with a file `fails`, as many in a hundred requests fail as it
//! says. Everything else is answered at once, with the time of arrival.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

type Answer = Response<BoxBody<Bytes, hyper::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    println!("password: {}", std::env::var("PASSWORD").unwrap_or_default());
    tokio::time::sleep(Duration::from_millis(number("DELAY_MS").unwrap_or(0))).await;
    let port = number("PORT").ok_or("PORT says where to listen")?;
    let listener = TcpListener::bind(("127.0.0.1", u16::try_from(port)?)).await?;
    println!("listening at {port}");
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let connection = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .with_upgrades();
            let _ = connection.await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Answer, Infallible> {
    let path = request.uri().path().to_owned();
    Ok(match path.as_str() {
        "/slow" => {
            tokio::time::sleep(Duration::from_secs(2)).await;
            told(StatusCode::OK, "slow")
        }
        "/echo" => Response::new(request.into_body().boxed()),
        "/head" => told(StatusCode::OK, &head(&request)),
        "/stream" => Response::new(stream()),
        "/socket" => socket(request),
        "/broken" => {
            // The client is promised more than it gets.
            let mut answer = told(StatusCode::OK, "short");
            answer.headers_mut().insert("content-length", HeaderValue::from_static("5"));
            let first = futures::stream::once(async { Ok(Frame::data(Bytes::from("sh"))) });
            let end = futures::stream::once(async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                std::process::abort()
            });
            *answer.body_mut() = BodyExt::boxed(StreamBody::new(first.chain(end)));
            answer
        }
        "/health" => told(StatusCode::OK, "well"),
        _ if fails() => told(StatusCode::INTERNAL_SERVER_ERROR, "a fault"),
        _ => match path.strip_prefix("/status/").map(str::parse::<StatusCode>) {
            Some(Ok(status)) => told(status, "as you wish"),
            _ => told(StatusCode::OK, &std::env::var("VERSION").unwrap_or_default()),
        },
    })
}

/// Whether it is this request's turn to fail.
fn fails() -> bool {
    static SERVED: AtomicU64 = AtomicU64::new(0);
    let Ok(text) = std::fs::read_to_string("fails") else { return false };
    let percent: u64 = text.trim().parse().unwrap_or(0);
    // Faults are spread evenly over a hundred requests.
    (SERVED.fetch_add(1, Ordering::Relaxed) * 37) % 100 < percent
}

fn told(status: StatusCode, text: &str) -> Answer {
    let body = Full::new(Bytes::from(text.to_owned())).map_err(|never| match never {});
    let mut answer = Response::new(body.boxed());
    *answer.status_mut() = status;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    if let Ok(arrived) = HeaderValue::from_str(&now.to_string()) {
        answer.headers_mut().insert("x-arrived", arrived);
    }
    answer
}

fn head(request: &Request<Incoming>) -> String {
    let lines = request.headers().iter();
    let mut lines: Vec<_> = lines
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    lines.sort();
    format!("{} {} {:?}\n{}", request.method(), request.uri(), request.version(), lines.join("\n"))
}

fn stream() -> BoxBody<Bytes, hyper::Error> {
    let pieces = futures::stream::unfold(0_u64, |number| async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Some((Ok(Frame::data(Bytes::from(format!("piece {number}\n")))), number + 1))
    });
    BodyExt::boxed(StreamBody::new(pieces))
}

fn socket(mut request: Request<Incoming>) -> Answer {
    let Some(key) = request.headers().get("sec-websocket-key") else {
        return told(StatusCode::BAD_REQUEST, "no key");
    };
    let accept = derive_accept_key(key.as_bytes());
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(stream) = upgrade.await else { return };
        let stream = TokioIo::new(stream);
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            if message.is_text() && socket.send(message).await.is_err() {
                return;
            }
        }
    });
    let mut answer = told(StatusCode::SWITCHING_PROTOCOLS, "");
    let headers = answer.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    answer
}
