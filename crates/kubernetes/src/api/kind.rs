/// The kinds of objects that we read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    ConfigMap,
    Deployment,
    HttpRoute,
    NetworkPolicy,
    Pod,
    PodDisruptionBudget,
    Secret,
    Service,
    ServiceAccount,
}

impl Kind {
    /// Those of which a release may have objects: none of them does anything by itself, but
    /// for the Deployment.
    pub(crate) const OF_RELEASES: [Self; 7] = [
        Self::ConfigMap,
        Self::Deployment,
        Self::NetworkPolicy,
        Self::PodDisruptionBudget,
        Self::Secret,
        Self::Service,
        Self::ServiceAccount,
    ];

    /// Its name in manifests.
    pub(crate) const fn name(self) -> &'static str {
        self.facts().0
    }

    /// Its group and version in manifests, as `apps/v1`.
    pub(crate) const fn api_version(self) -> &'static str {
        self.facts().1
    }

    /// Its name in addresses and roles.
    pub(crate) const fn plural(self) -> &'static str {
        self.facts().2
    }

    /// Its group in roles; empty for the core.
    pub(crate) fn group(self) -> &'static str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// Where its objects of a namespace are.
    pub(crate) fn path(self, namespace: &str) -> String {
        let root = if self.group().is_empty() { "api" } else { "apis" };
        format!("/{root}/{}/namespaces/{namespace}/{}", self.api_version(), self.plural())
    }

    /// The kind of a manifest among those of releases.
    pub(crate) fn of_manifest(api_version: &str, name: &str) -> Option<Self> {
        let is = |kind: &Self| (kind.api_version(), kind.name()) == (api_version, name);
        Self::OF_RELEASES.into_iter().find(is)
    }

    const fn facts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::ConfigMap => ("ConfigMap", "v1", "configmaps"),
            Self::Deployment => ("Deployment", "apps/v1", "deployments"),
            Self::HttpRoute => ("HTTPRoute", "gateway.networking.k8s.io/v1", "httproutes"),
            Self::NetworkPolicy => ("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies"),
            Self::Pod => ("Pod", "v1", "pods"),
            Self::PodDisruptionBudget => {
                ("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets")
            }
            Self::Secret => ("Secret", "v1", "secrets"),
            Self::Service => ("Service", "v1", "services"),
            Self::ServiceAccount => ("ServiceAccount", "v1", "serviceaccounts"),
        }
    }
}
