//! The environments of a project: what `evergen.deploy.toml` and the files in `evergen.deploy/`
//! say of them, and the parts that they are made of.

mod automatic;
mod cluster;
mod documents;
mod fitness;
mod gates;
mod parts;
mod settings;
mod snapshot;
mod yaml;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use evergen_deployment::{DeploymentAutomation, DeploymentEnvironment};
use evergen_traffic::HaproxyRouter;

pub(crate) use self::automatic::{AutomaticDeployments, Deployed};
use self::documents::Documents;
use self::parts::Parts;

use self::settings::{MadeOf, RouterSetting, Settings, read};
use crate::failure::Failure;
use crate::project::Chosen;

/// Where a project says to what environments it is deployed.
pub(crate) const FILE: &str = "evergen.deploy.toml";

/// The files that say so for all environments.
pub(crate) fn files() -> impl Iterator<Item = String> {
    let stem = FILE.trim_end_matches(".toml");
    documents::ENDINGS.iter().map(move |ending| format!("{stem}.{ending}"))
}

/// Whether a file in [`FOLDER`] describes an environment, by its name.
pub(crate) fn is_one(path: &Path) -> bool {
    let ending = path.extension().and_then(std::ffi::OsStr::to_str);
    ending.is_some_and(|it| documents::ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(it)))
}

/// Where it says so for each environment by a file of its own.
pub(crate) const FOLDER: &str = "evergen.deploy";

/// The environments of a project, ready to be used.
pub(crate) struct Environments {
    pub(crate) automation: DeploymentAutomation,
    settings: Settings,
    documents: Documents,
    root: PathBuf,
}

/// What shares requests.
pub(crate) enum Router {
    /// Ours: where it listens, and the folder of its state.
    Small {
        /// The address for requests.
        listen: SocketAddr,
        /// The folder.
        folder: PathBuf,
    },
    /// HAProxy, which others start, with our file beside theirs.
    Haproxy {
        /// It.
        haproxy: HaproxyRouter,
        /// The file.
        file: PathBuf,
    },
}

impl Environments {
    /// Reads the environments of a project; none if it has no file for them. Blocks.
    pub(crate) fn find(chosen: &Chosen) -> Result<Option<Self>, Failure> {
        let root = chosen.place.root.as_path();
        let documents = Documents::find(root)?;
        if documents.is_empty() {
            return Ok(None);
        }
        let settings = read(&documents, root)?;
        let parts = Parts::build(&settings, &documents, root)?;
        let automation =
            DeploymentAutomation::with_parts(&settings.config, |environment| parts.of(environment));
        let automation =
            automation.map_err(|error| documents.value(&error, &settings.config.environments))?;
        Ok(Some(Self { automation, settings, documents, root: root.to_owned() }))
    }

    /// Refuses settings by which a deployment from a folder can't work: those of one environment,
    /// or of all that say `auto_deploy`. Verbs that end or undo something do without.
    pub(crate) fn fit(&self, one: Option<&str>, source: Option<&Path>) -> Result<(), Failure> {
        let meant = |it: &&DeploymentEnvironment| match one {
            Some(name) => it.name == name,
            None => it.auto_deploy,
        };
        let environments = self.settings.config.environments.iter();
        environments.filter(meant).try_for_each(|environment| {
            let nothing = MadeOf::default();
            let made_of = self.settings.made_of(&environment.name).unwrap_or(&nothing);
            let unfit = fitness::unfit(environment, made_of, &self.root, source);
            unfit.map_or(Ok(()), |(path, why)| {
                let name = std::iter::once(environment.name.as_str());
                let path: Vec<&str> = name.chain(path).collect();
                Err(self.documents.unusable(&path, why))
            })
        })
    }

    /// The environments of a project that has to have some.
    pub(crate) fn need(chosen: &Chosen) -> Result<Self, Failure> {
        Self::find(chosen)?.ok_or_else(|| {
            Failure::usage(
                format!("there is no `{FILE}`, so there is nothing to deploy to"),
                "begin with one that says `[[environments]]`, `name = \"staging\"` and \
                 `target_dir = \"deploy/staging\"`; YAML and a file for each environment are \
                 read, too: docs/deployment.md",
            )
        })
    }

    /// What shares the requests of an environment, for whoever starts it.
    pub(crate) fn router(&self, name: &str) -> Result<Router, Failure> {
        let known = &self.settings.config.environments;
        let Some(environment) = known.iter().find(|known| known.name == name) else {
            let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
            return Err(Failure::usage(
                format!("there is no environment `{name}`"),
                format!("the environments are {}", names.join(", ")),
            ));
        };
        match self.settings.service(name).map(|service| &service.router) {
            Some(RouterSetting::Small { listen }) => {
                let folder = parts::service_folder(&self.root, environment);
                Ok(Router::Small { listen: *listen, folder })
            }
            Some(RouterSetting::Haproxy { socket, file, backend }) => {
                let haproxy = parts::haproxy(&self.root, environment, (socket, file, backend));
                let haproxy = haproxy.map_err(|error| {
                    self.documents.unusable(&[name, "service", "router"], error)
                })?;
                Ok(Router::Haproxy { haproxy, file: self.root.join(file) })
            }
            None if self.settings.is_in_a_cluster(name) => Err(Failure::usage(
                format!("`{name}` is in a cluster, and needs no router"),
                "its HTTPRoute shares the requests",
            )),
            None => Err(Failure::usage(
                format!("`{name}` is a folder, and needs no router"),
                "a service has `service` among its settings",
            )),
        }
    }
}
