use std::time::Duration;

use kube::Client;
use kube::client::AuthError;
use kube::config::{Config, KubeConfigOptions, Kubeconfig, KubeconfigError};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::error::ClusterError;
use super::settings::ClusterSettings;

/// How long it may take to read a kubeconfig, and to get credentials from a helper program.
const LONGEST: Duration = Duration::from_secs(30);

/// A client, and the namespace that it works in.
pub(super) struct Connected {
    pub(super) client: Client,
    pub(super) namespace: String,
}

/// Makes a client. No request is sent; files are read, and a helper program may run.
pub(super) async fn connect(settings: &ClusterSettings) -> Result<Connected, ClusterError> {
    let (settings, handle) = (settings.clone(), Handle::current());
    let made = spawn_blocking(move || {
        let mut config = handle.block_on(config(&settings)).map_err(|error| no_access(&error))?;
        config.connect_timeout = Some(settings.patience);
        config.read_timeout = None;
        // Calls are tried again by us, who know more statuses and an end.
        config.default_retry = false;
        let namespace = settings.namespace.unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|error| no_client(&error))?;
        Ok(Connected { client, namespace })
    });
    match timeout(LONGEST, made).await {
        Ok(Ok(made)) => made,
        Ok(Err(_)) => Err(denied("the kubeconfig could not be read to its end")),
        Err(_) => Err(denied(
            "no credentials came within 30 s; look at the helper program that the kubeconfig names",
        )),
    }
}

async fn config(settings: &ClusterSettings) -> Result<Config, KubeconfigError> {
    let options =
        KubeConfigOptions { context: settings.context.clone(), ..KubeConfigOptions::default() };
    if let Some(path) = &settings.kubeconfig {
        return Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &options).await;
    }
    match Config::from_kubeconfig(&options).await {
        Err(error) if settings.context.is_none() => Config::incluster().map_err(|_| error),
        config => config,
    }
}

fn denied(why: impl Into<String>) -> ClusterError {
    ClusterError::NoAccess { why: why.into() }
}

/// What is wrong with a kubeconfig. Its text is not shown, since it has tokens in it.
fn no_access(error: &KubeconfigError) -> ClusterError {
    match error {
        KubeconfigError::Parse(error) => {
            let place = error.location();
            let place = place.map(|place| format!(", at line {}", place.line()));
            denied(format!("the kubeconfig is not as it should be{}", place.unwrap_or_default()))
        }
        KubeconfigError::ReadConfig(error, path) => {
            denied(format!("the kubeconfig `{}` can't be read: {error}", path.display()))
        }
        KubeconfigError::FindPath | KubeconfigError::CurrentContextNotSet => denied(
            "there is no kubeconfig with a current context, and this is no pod of a cluster; set \
             `KUBECONFIG`, or name `kubeconfig` and `context`",
        ),
        KubeconfigError::LoadContext(context) => {
            denied(format!("the kubeconfig has no context `{context}`"))
        }
        KubeconfigError::LoadClusterOfContext(cluster) => {
            denied(format!("the kubeconfig has no cluster `{cluster}`"))
        }
        KubeconfigError::MissingClusterUrl => denied("the kubeconfig's cluster has no `server`"),
        KubeconfigError::ParseClusterUrl(error) => {
            denied(format!("the kubeconfig's `server` is no address: {error}"))
        }
        KubeconfigError::ParseProxyUrl(_) => denied("the address of the proxy is none"),
        KubeconfigError::LoadCertificateAuthority(_) | KubeconfigError::ParseCertificates(_) => {
            denied("the kubeconfig's certificate authority can't be read")
        }
        KubeconfigError::LoadClientCertificate(_) | KubeconfigError::LoadClientKey(_) => {
            denied("the kubeconfig's client certificate or its key can't be read")
        }
        _ => denied("the kubeconfig can't be used"),
    }
}

/// Why there is no client. What helper programs print is not shown: it may be a token.
fn no_client(error: &kube::Error) -> ClusterError {
    match error {
        kube::Error::Auth(error) => denied(no_credentials(error)),
        kube::Error::RustlsTls(_) => denied("its certificates can't be used"),
        kube::Error::InferKubeconfig(error) => no_access(error),
        kube::Error::ProxyProtocolUnsupported { .. }
        | kube::Error::ProxyProtocolDisabled { .. } => denied("its proxy is none for HTTP"),
        _ => denied("the kubeconfig can't be used"),
    }
}

/// Why we don't know who we are, without what a helper program printed.
pub(super) fn no_credentials(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(error) => {
            format!("the helper program for credentials can't be started: {error}")
        }
        AuthError::AuthExecRun { out, .. } => {
            format!("the helper program for credentials ended with {}", out.status)
        }
        AuthError::ReadTokenFile(error, path) => {
            format!("the token in `{}` can't be read: {error}", path.display())
        }
        AuthError::InvalidBearerToken(_) | AuthError::InvalidBasicAuth(_) => {
            "its token can't be sent".to_owned()
        }
        _ => "its credentials can't be had".to_owned(),
    }
}
