use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How an endpoint is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// HTTP without TLS.
    Http,
    /// HTTP over TLS.
    Https,
    /// Bytes over TCP, of which nothing is known.
    Tcp,
}

impl Scheme {
    const ALL: [Self; 3] = [Self::Http, Self::Https, Self::Tcp];

    /// Its name as it stands in a URL.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Tcp => "tcp",
        }
    }
}

/// Where a running release answers. Written as `http://127.0.0.1:8080`; an IPv6 address
/// stands in brackets. There is no path: what is asked there is the asker's business.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Endpoint {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// A name or an address, without brackets.
    pub host: String,
    /// Its port, never 0.
    pub port: u16,
}

impl Endpoint {
    /// HTTP at a port of a host.
    ///
    /// # Errors
    /// The host is empty or has a character that no host has, or the port is 0.
    pub fn http(host: &str, port: u16) -> Result<Self, EndpointError> {
        Self::new(Scheme::Http, host, port)
    }

    /// An endpoint of its three parts.
    ///
    /// # Errors
    /// The host is empty or has a character that no host has, or the port is 0.
    pub fn new(scheme: Scheme, host: &str, port: u16) -> Result<Self, EndpointError> {
        let bad = |fault| EndpointError { text: format!("{host}:{port}"), fault };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:%".contains(&byte);
        if host.is_empty() || !host.bytes().all(fits) {
            return Err(bad("its host is empty or has a character that hosts don't have"));
        }
        if port == 0 {
            return Err(bad("port 0 is no port; ports are 1 to 65535"));
        }
        Ok(Self { scheme, host: host.to_owned(), port })
    }

    /// Host and port, as a socket address is written.
    pub fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.scheme.name(), self.authority())
    }
}

/// A text that is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no endpoint: {fault}")]
pub struct EndpointError {
    text: String,
    fault: &'static str,
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let bad = |fault| EndpointError { text: text.to_owned(), fault };
        let (scheme, rest) =
            text.split_once("://").ok_or_else(|| bad("it has no scheme, as `http://`"))?;
        let known = Scheme::ALL.into_iter().find(|known| known.name() == scheme);
        let scheme = known.ok_or_else(|| bad("its scheme is not http, https or tcp"))?;
        let (host, port) = rest.rsplit_once(':').ok_or_else(|| bad("it has no port"))?;
        let port = port.parse().map_err(|_| bad("its port is no number up to 65535"))?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        Self::new(scheme, host, port)
            .map_err(|error| EndpointError { text: text.to_owned(), ..error })
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
