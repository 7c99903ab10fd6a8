//! One HTTP request at a time, bounded in time and size.

use std::io::Read as _;
use std::time::{Duration, Instant};

use ureq::http::{self, Method, Uri};

use crate::SettingError;

/// The largest body that is read.
pub(crate) const LARGEST: u64 = 4 << 20;

/// A request, ready to be sent.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Uri,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) timeout: Duration,
    /// How many redirects are followed; headers of authorization are not sent along.
    pub(crate) redirects: u32,
}

/// What came back.
pub(crate) struct Response {
    pub(crate) status: u16,
    /// At most [`LARGEST`] bytes.
    pub(crate) body: Vec<u8>,
    pub(crate) location: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    /// From the beginning to the last byte.
    pub(crate) took: Duration,
}

/// No answer came. The address is shown without path and query, which may hold a token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("no answer from {to} within {} s", within.as_secs_f64())]
    TimedOut { to: String, within: Duration },
    #[error("no answer from {to}: {why}")]
    NoAnswer { to: String, why: String },
    #[error("`{to}` can't be resolved")]
    Unknown { to: String },
}

impl Request {
    pub(crate) fn get(url: Uri, timeout: Duration) -> Self {
        let (headers, body) = (Vec::new(), Vec::new());
        Self { method: Method::GET, url, headers, body, timeout, redirects: 0 }
    }

    pub(crate) fn post(url: Uri, timeout: Duration, body: Vec<u8>) -> Self {
        Self { method: Method::POST, body, ..Self::get(url, timeout) }
    }

    #[must_use]
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sends it and reads the answer.
    ///
    /// # Cancellation
    /// A thread of the runtime's pool goes on with the request until its timeout.
    pub(crate) async fn send(self) -> Result<Response, HttpError> {
        let to = shown(&self.url);
        let sent = tokio::task::spawn_blocking(move || self.send_now()).await;
        sent.unwrap_or_else(|error| Err(HttpError::NoAnswer { to, why: error.to_string() }))
    }

    fn send_now(self) -> Result<Response, HttpError> {
        let began = Instant::now();
        let (to, within) = (shown(&self.url), self.timeout);
        let failed = |error: ureq::Error| match error {
            ureq::Error::Timeout(_) => HttpError::TimedOut { to: to.clone(), within },
            ureq::Error::HostNotFound => HttpError::Unknown { to: to.clone() },
            other => HttpError::NoAnswer { to: to.clone(), why: other.to_string() },
        };
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(self.timeout))
            .max_redirects(self.redirects)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_idle_connections(0)
            .proxy(None)
            .user_agent(concat!("evergen/", env!("CARGO_PKG_VERSION")));
        #[cfg(feature = "tls")]
        let config = config.tls_config(tls());
        let agent = config.build().new_agent();
        let mut request = http::Request::builder().method(self.method).uri(self.url);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(self.body).map_err(|error| failed(error.into()))?;
        let mut answer = agent.run(request).map_err(failed)?;
        let header = |name: &str| {
            let value = answer.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let status = answer.status().as_u16();
        let location = header("location");
        let retry_after = header("retry-after").and_then(|value| value.parse().ok());
        let mut body = Vec::new();
        let read = answer.body_mut().as_reader().take(LARGEST).read_to_end(&mut body);
        read.map_err(|error| {
            let timed_out = error.kind() == std::io::ErrorKind::TimedOut;
            if timed_out {
                failed(ureq::Error::Timeout(ureq::Timeout::Global))
            } else {
                failed(error.into())
            }
        })?;
        let retry_after = retry_after.map(Duration::from_secs);
        Ok(Response { status, body, location, retry_after, took: began.elapsed() })
    }
}

/// TLS with the certificates that this machine trusts.
#[cfg(feature = "tls")]
fn tls() -> ureq::tls::TlsConfig {
    use ureq::tls::{Certificate, RootCerts};

    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    // One that can't be read is one less to trust.
    let trusted = rustls_native_certs::load_native_certs().certs;
    let trusted: Vec<_> =
        trusted.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect();
    ureq::tls::TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&trusted))
        .unversioned_rustls_crypto_provider(provider)
        .build()
}

/// Scheme, host and port.
pub(crate) fn shown(url: &Uri) -> String {
    let scheme = url.scheme_str().unwrap_or("http");
    let port = url.port_u16().map_or(String::new(), |port| format!(":{port}"));
    format!("{scheme}://{}{port}", url.host().unwrap_or(""))
}

/// Reads an absolute URL of a setting.
pub(crate) fn parse_url(field: &'static str, text: &str) -> Result<Uri, SettingError> {
    let bad = |why: &str| SettingError::new(field, text, why);
    let url: Uri = text.parse().map_err(|error: http::uri::InvalidUri| {
        bad(&format!("it is no URL ({error}); one looks like `http://host:port/path`"))
    })?;
    let known = match url.scheme_str() {
        Some("http") => true,
        Some("https") => cfg!(feature = "tls"),
        Some(_) | None => false,
    };
    if !known {
        let why = if url.scheme_str() == Some("https") {
            "this program was built without TLS; use `http`"
        } else {
            "its scheme is not `http` or `https`"
        };
        return Err(bad(why));
    }
    if url.host().is_none_or(str::is_empty) {
        return Err(bad("it has no host"));
    }
    if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        let why = "a password in a URL is shown by logs; use a token by reference";
        return Err(SettingError::new(field, shown(&url), why));
    }
    Ok(url)
}

/// The beginning of a body, on one line, for messages.
pub(crate) fn beginning(body: &[u8]) -> String {
    const LENGTH: usize = 200;
    let text = String::from_utf8_lossy(&body[..body.len().min(LENGTH * 4)]);
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    let cut: String = line.chars().take(LENGTH).collect();
    if cut.len() < line.len() { format!("{cut}…") } else { cut }
}

/// Percent-encoding, as forms have it.
pub(crate) fn encoded(text: &str) -> String {
    use std::fmt::Write as _;

    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
