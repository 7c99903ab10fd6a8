//! One request: drawn, sent, answered.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::uri::{PathAndQuery, Uri};
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio::sync::OwnedSemaphorePermit;

use super::body::{Download, Upload};
use super::headers;
use super::pool::{Answered, PoolLimits, SendFailure, SendFault};
use super::settings::RouterSettings;
use super::table::{Table, Ticket, TunnelTicket};
use super::tasks::Tasks;
use super::tunnel;

pub(crate) type Answer = Response<Either<Full<Bytes>, Download>>;

/// A client's place among the connections that may be open at once.
pub(crate) type Place = Arc<OwnedSemaphorePermit>;

/// Whoever asks.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    pub(crate) place: Place,
}

/// What every request needs.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) table: Arc<Table>,
    pub(crate) settings: RouterSettings,
    pub(crate) limits: PoolLimits,
    pub(crate) tasks: Tasks,
}

impl Proxy {
    pub(crate) fn new(settings: RouterSettings, table: Arc<Table>, tasks: Tasks) -> Self {
        let limits = PoolLimits {
            connect: settings.connect_timeout,
            response: settings.response_timeout,
            keep_alive: settings.keep_alive,
            idle: settings.idle_connections,
        };
        Self { table, settings, limits, tasks }
    }

    /// Answers a request. Dropping the future, as when the client goes away, gives it up.
    pub(crate) async fn answer(
        self: Arc<Self>,
        mut request: Request<Incoming>,
        client: Client,
    ) -> Result<Answer, Infallible> {
        if request.method() == Method::CONNECT {
            let why = "this router opens no connection to places of the client's choice";
            return Ok(told(StatusCode::METHOD_NOT_ALLOWED, why));
        }
        if request.headers().get_all(HOST).iter().count() > 1 {
            return Ok(told(StatusCode::BAD_REQUEST, "a request is for one host"));
        }
        let point = self.settings.affinity.point(request.headers(), client.address);
        let Some(mut ticket) = self.table.draw(point) else {
            return Ok(told(StatusCode::SERVICE_UNAVAILABLE, "no release answers here yet"));
        };
        let upgrade = headers::wanted_upgrade(request.headers());
        let waiting = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
        let (mut parts, body) = request.into_parts();
        self.rewrite(&mut parts, client.address, upgrade);
        let request = Request::from_parts(parts, Upload::new(body, self.settings.stall_timeout));
        match self.send(request, &ticket).await {
            Ok(answered) if answered.response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                ticket.answered(false);
                Ok(self.switch(answered, waiting, (ticket.into_tunnel(), client.place)))
            }
            Ok(answered) => {
                ticket.answered(answered.response.status().is_server_error());
                Ok(self.pass(answered, ticket))
            }
            Err(failure) => {
                let (fault, endpoint) = failure;
                tracing::warn!(
                    replica = endpoint,
                    fault = &fault as &dyn std::error::Error,
                    after_ms = ticket.age().as_millis(),
                    "a request failed"
                );
                ticket.fail();
                Ok(told_fault(&fault))
            }
        }
    }

    /// Makes a head fit for the connection to a replica.
    fn rewrite(&self, parts: &mut Parts, client: IpAddr, upgrade: Option<HeaderValue>) {
        // A target with a host in it wins over the header (RFC 9112, 3.2.2).
        if let Some(authority) = parts.uri.authority()
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            parts.headers.insert(HOST, host);
        }
        let whole = || PathAndQuery::from_static("/");
        parts.uri = Uri::from(parts.uri.path_and_query().cloned().unwrap_or_else(whole));
        parts.version = Version::HTTP_11;
        headers::remove_hop_by_hop(&mut parts.headers);
        headers::add_forwarded(&mut parts.headers, client, self.settings.trust_forwarded);
        if !parts.headers.contains_key(HOST) {
            // Only HTTP/1.0 may leave it out; replicas are spoken to in 1.1.
            parts.headers.insert(HOST, HeaderValue::from_static("localhost"));
        }
        if let Some(protocol) = upgrade {
            headers::add_upgrade(&mut parts.headers, protocol);
        }
    }

    /// Tries the replicas of the drawn slot until one takes the request. Only a request of
    /// which no byte was sent is tried again, so no request has its effect twice.
    async fn send(
        &self,
        mut request: Request<Upload>,
        ticket: &Ticket,
    ) -> Result<Answered, (SendFault, String)> {
        let mut last = None;
        for replica in ticket.candidates() {
            let endpoint = || replica.endpoint.authority();
            match replica.send(request, &self.limits, &self.tasks).await {
                Ok(answered) => return Ok(answered),
                Err(SendFailure::Sent(fault)) => return Err((fault, endpoint())),
                Err(SendFailure::NotSent(again, fault)) => {
                    last = Some((fault, endpoint()));
                    request = *again;
                }
            }
        }
        // A slot without replicas gives out no ticket.
        Err(last.unwrap_or_else(|| (SendFault::ConnectTimeout, String::new())))
    }

    fn pass(&self, answered: Answered, ticket: Ticket) -> Answer {
        let Answered { mut response, lease } = answered;
        headers::remove_hop_by_hop(response.headers_mut());
        let stall = self.settings.stall_timeout;
        response.map(|body| Either::Right(Download::new(body, stall, ticket, lease)))
    }

    /// Both sides leave HTTP: bytes are passed on in both directions from here on.
    fn switch(
        &self,
        answered: Answered,
        client: Option<hyper::upgrade::OnUpgrade>,
        held: (TunnelTicket, Place),
    ) -> Answer {
        let Answered { mut response, lease } = answered;
        let protocol = headers::wanted_upgrade(response.headers());
        let (Some(client), Some(protocol)) = (client, protocol) else {
            return told(StatusCode::BAD_GATEWAY, "the service switched protocols unasked");
        };
        let replica = hyper::upgrade::on(&mut response);
        let limit = self.settings.tunnel_timeout;
        self.tasks.spawn(async move {
            let _held = (held, lease);
            match tokio::try_join!(client, replica) {
                Ok((client, replica)) => {
                    tunnel::run(TokioIo::new(client), TokioIo::new(replica), limit).await;
                }
                Err(error) => tracing::debug!(%error, "an upgrade did not come about"),
            }
        });
        headers::remove_hop_by_hop(response.headers_mut());
        headers::add_upgrade(response.headers_mut(), protocol);
        response.map(|_| Either::Left(Full::default()))
    }
}

fn told_fault(fault: &SendFault) -> Answer {
    match fault {
        SendFault::ConnectTimeout | SendFault::ResponseTimeout => {
            told(StatusCode::GATEWAY_TIMEOUT, "the service did not answer in time")
        }
        SendFault::Connect(_) | SendFault::Handshake(_) => {
            told(StatusCode::BAD_GATEWAY, "the service can't be reached")
        }
        SendFault::Broken(_) => told(StatusCode::BAD_GATEWAY, "the service broke off"),
    }
}

/// An answer of the router itself. It says nothing of what is behind the router.
fn told(status: StatusCode, why: &'static str) -> Answer {
    let mut response = Response::new(Either::Left(Full::from(why)));
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}
