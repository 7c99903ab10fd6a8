use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::settings::{TcpProbeSettings, check_timeout};
use crate::{Endpoint, HealthProbe, ProbeTarget, Scheme, SettingError, Verdict};

/// Asks whether a connection is taken.
#[derive(Clone, Debug)]
pub struct TcpProbe {
    name: String,
    address: Option<String>,
    timeout: Duration,
}

impl TcpProbe {
    /// A probe with these settings.
    ///
    /// # Errors
    /// Names the field, its value and what is wrong with it.
    pub fn new(name: impl Into<String>, settings: &TcpProbeSettings) -> Result<Self, SettingError> {
        check_timeout("timeout", settings.timeout)?;
        let parse = |text: &String| {
            let endpoint: Endpoint = format!("{}://{text}", Scheme::Tcp.name())
                .parse()
                .map_err(|_| SettingError::new("address", text, "it is no `host:port`"))?;
            Ok(endpoint.authority())
        };
        let address = settings.address.as_ref().map(parse).transpose()?;
        Ok(Self { name: name.into(), address, timeout: settings.timeout })
    }
}

impl HealthProbe for TcpProbe {
    fn name(&self) -> &str {
        &self.name
    }

    fn probe<'a>(&'a self, target: &'a ProbeTarget) -> BoxFuture<'a, Verdict> {
        async move {
            let addresses = match &self.address {
                Some(address) => vec![address.clone()],
                None => target.endpoints.iter().map(Endpoint::authority).collect(),
            };
            if addresses.is_empty() {
                return Verdict::no_data("the slot has no endpoint");
            }
            let time = self.timeout.min(target.context.deadline);
            for address in addresses {
                match timeout(time, TcpStream::connect(&address)).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => {
                        return Verdict::fail(format!("no connection to {address}: {error}"));
                    }
                    Err(_) => {
                        let time = time.as_secs_f64();
                        return Verdict::fail(format!(
                            "no connection to {address} within {time} s"
                        ));
                    }
                }
            }
            Verdict::Pass
        }
        .boxed()
    }
}
