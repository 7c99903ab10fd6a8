use std::path::PathBuf;
use std::time::Duration;

use evergen_resilience::{RetryPolicy, SettingsError};

/// Where the cluster is, and how patient we are with it.
///
/// Without a file and a context, kube's own inference decides: `KUBECONFIG`, the file in the home
/// folder, or the service account of the pod that we run in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClusterSettings {
    /// The kubeconfig; the usual one if none is named.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; the current one if none is named.
    pub context: Option<String>,
    /// The namespace; the context's own if none is named.
    pub namespace: Option<String>,
    /// How long one answer of the API server may take.
    pub patience: Duration,
    /// How a call is tried again when the server is busy, broken or not reached.
    pub retry: RetryPolicy,
}

impl Default for ClusterSettings {
    /// The usual kubeconfig, ten seconds for an answer, and four tries within forty.
    fn default() -> Self {
        let retry = RetryPolicy::exponential(Duration::from_millis(250))
            .with_max_delay(Duration::from_secs(5))
            .with_max_tries(4)
            .with_total(Duration::from_secs(40));
        Self {
            kubeconfig: None,
            context: None,
            namespace: None,
            patience: Duration::from_secs(10),
            retry,
        }
    }
}

impl ClusterSettings {
    /// Names the kubeconfig.
    #[must_use]
    pub fn with_kubeconfig(mut self, path: impl Into<PathBuf>) -> Self {
        self.kubeconfig = Some(path.into());
        self
    }

    /// Names the context.
    #[must_use]
    pub fn with_context(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into());
        self
    }

    /// Names the namespace.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Sets how long one answer may take.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets how calls are tried again.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Refuses settings that nobody can have meant.
    ///
    /// # Errors
    /// The first field that is out of range, with what is allowed.
    pub fn validate(&self) -> Result<(), SettingsError> {
        if let Some(namespace) = &self.namespace
            && !is_label(namespace, 63)
        {
            let allowed = "1 to 63 small letters, digits and `-`";
            return Err(SettingsError::new("namespace", namespace, allowed));
        }
        if !(Duration::from_millis(1)..=Duration::from_mins(5)).contains(&self.patience) {
            let value = format_args!("{:?}", self.patience);
            return Err(SettingsError::new("patience", value, "1ms to 5m"));
        }
        self.retry.validate()
    }
}

/// Whether a text is the name of a namespace, a Service or the like.
pub(crate) fn is_label(text: &str, longest: usize) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=longest).contains(&text.len())
        && text.bytes().all(fits)
        && !text.starts_with('-')
        && !text.ends_with('-')
}
