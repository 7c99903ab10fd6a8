//! The environments of a project: what `evergen.deploy.toml` and the files in `evergen.deploy/`
//! say of them, and the parts that they are made of.

mod automatic;
mod cluster;
mod documents;
mod fitness;
mod gates;
mod parts;
mod settings;
mod yaml;

use std::path::PathBuf;

use evergen_deployment::DeploymentAutomation;

pub(crate) use self::automatic::{AutomaticDeployments, Commits, Deployed};
use self::documents::Documents;
use self::parts::Parts;

use self::settings::{RouterSetting, Settings, read};
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
pub(crate) fn is_one(path: &std::path::Path) -> bool {
    let ending = path.extension().and_then(std::ffi::OsStr::to_str);
    ending.is_some_and(|it| documents::ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(it)))
}

/// Where it says so for each environment by a file of its own.
pub(crate) const FOLDER: &str = "evergen.deploy";

/// The environments of a project, ready to be used.
pub(crate) struct Environments {
    pub(crate) automation: DeploymentAutomation,
    settings: Settings,
    root: PathBuf,
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
        fitness::check(&settings, &documents, (root, &chosen.output()))?;
        let parts = Parts::build(&settings, &documents, root)?;
        let automation =
            DeploymentAutomation::with_parts(&settings.config, |environment| parts.of(environment));
        let automation =
            automation.map_err(|error| documents.value(&error, &settings.config.environments))?;
        Ok(Some(Self { automation, settings, root: root.to_owned() }))
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

    /// The small router of an environment: where it listens, and the folder of its state.
    pub(crate) fn router(&self, name: &str) -> Result<(std::net::SocketAddr, PathBuf), Failure> {
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
                Ok((*listen, parts::service_folder(&self.root, environment)))
            }
            Some(RouterSetting::Haproxy { .. }) => Err(Failure::usage(
                format!("`{name}` has HAProxy as its router"),
                "start HAProxy; it needs no router of ours",
            )),
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
