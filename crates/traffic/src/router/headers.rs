//! What is changed in heads on their way through.

use std::net::IpAddr;

use hyper::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What belongs to one connection and never goes further (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// What a head asks to go on with after HTTP, as `websocket`.
pub(crate) fn wanted_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asked = connection_options(headers).any(|option| option.eq_ignore_ascii_case("upgrade"));
    if asked { headers.get(UPGRADE).cloned() } else { None }
}

/// Removes what belongs to the connection a head came by.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    // With both, the length is a lie for whoever believes it (RFC 9112, 6.3).
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    let named = connection_options(headers).filter_map(|name| name.parse::<HeaderName>().ok());
    // `Connection: host` would take away what the next server needs to tell requests apart.
    let named: Vec<_> = named.filter(|name| *name != HOST).collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Adds that the connection is to be upgraded.
pub(crate) fn add_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol);
}

/// Says who asks. What the client says of itself is believed only where it is trusted.
pub(crate) fn add_forwarded(headers: &mut HeaderMap, client: IpAddr, trust: bool) {
    let client = client.to_canonical().to_string();
    let chain = if trust { forwarded_chain(headers, &client) } else { client };
    if !trust {
        headers.remove(FORWARDED);
    }
    // An address and a list of texts that were headers are a header.
    if let Ok(value) = HeaderValue::from_str(&chain) {
        headers.insert(X_FORWARDED_FOR, value);
    }
    if !trust || !headers.contains_key(X_FORWARDED_PROTO) {
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("http"));
    }
    if (!trust || !headers.contains_key(X_FORWARDED_HOST))
        && let Some(host) = headers.get(HOST).cloned()
    {
        headers.insert(X_FORWARDED_HOST, host);
    }
    // The client was told to continue by us.
    headers.remove(EXPECT);
}

fn forwarded_chain(headers: &HeaderMap, client: &str) -> String {
    let known = headers.get_all(X_FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    known.chain([client]).collect::<Vec<_>>().join(", ")
}

fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(lines: &str) -> HeaderMap {
        let pairs = lines.lines().filter_map(|line| line.split_once(": "));
        let parsed = pairs.map(|(name, value)| {
            (name.trim().parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
        });
        let mut headers = HeaderMap::new();
        parsed.for_each(|(name, value)| {
            headers.append(name, value);
        });
        headers
    }

    fn shown(headers: &HeaderMap) -> String {
        let mut lines: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        lines.join("\n")
    }

    #[test]
    fn what_belongs_to_a_connection_stays_there() {
        let mut headers = head(
            "connection: close, X-Private, host\nconnection: te\nhost: a.example\nkeep-alive: 5\n\
             te: trailers\nx-private: 1\ncontent-length: 5\ntransfer-encoding: chunked\nupgrade: h2c\naccept: */*",
        );
        assert_eq!(wanted_upgrade(&headers), None);
        remove_hop_by_hop(&mut headers);
        assert_eq!(shown(&headers), "accept: */*\nhost: a.example");
    }

    #[test]
    fn a_client_is_not_believed_who_it_is_unless_it_is_a_proxy_of_ours() {
        let sent = "forwarded: for=1.1.1.1\nhost: a.example\nx-forwarded-for: 1.1.1.1\n\
                    x-forwarded-host: evil\nx-forwarded-proto: https\nexpect: 100-continue";
        let told = |trust| {
            let mut headers = head(sent);
            add_forwarded(&mut headers, [10, 0, 0, 9].into(), trust);
            shown(&headers)
        };
        insta::assert_snapshot!(told(false), @r"
        host: a.example
        x-forwarded-for: 10.0.0.9
        x-forwarded-host: a.example
        x-forwarded-proto: http
        ");
        insta::assert_snapshot!(told(true), @r"
        forwarded: for=1.1.1.1
        host: a.example
        x-forwarded-for: 1.1.1.1, 10.0.0.9
        x-forwarded-host: evil
        x-forwarded-proto: https
        ");
    }
}
