//! What cargo and the files say of the workspace.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};
use cargo_metadata::{MetadataCommand, Package};

use crate::shell::Shell;

/// The crates of the workspace, and the page that must name them all.
pub(crate) struct House {
    pub(crate) members: Vec<Member>,
    pub(super) architecture: String,
}

/// One crate of the workspace.
pub(crate) struct Member {
    pub(super) name: String,
    pub(super) description: String,
    /// The first line of `lib.rs`, or of `main.rs` where there is no library.
    pub(super) first_line: String,
    /// The text of `Cargo.toml`.
    pub(super) manifest: String,
    /// Those of our crates that it depends on in any way.
    pub(super) edges: BTreeSet<String>,
    /// What it depends on besides.
    pub(crate) outside: BTreeSet<String>,
}

impl House {
    /// Reads the workspace as it stands.
    pub(crate) fn read(shell: &Shell) -> Result<Self> {
        let metadata = MetadataCommand::new()
            .current_dir(shell.root())
            .no_deps()
            .exec()
            .context("cargo cannot describe the workspace")?;
        let packages = metadata.workspace_packages();
        let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
        let members = packages.iter().map(|package| Member::read(package, &ours));
        let page = shell.root().join("docs/architecture.md");
        Ok(Self {
            members: members.collect::<Result<_>>()?,
            // A page that is not there names no crate.
            architecture: fs::read_to_string(page).unwrap_or_default(),
        })
    }

    pub(super) fn edges(&self) -> usize {
        self.members.iter().map(|member| member.edges.len()).sum()
    }
}

impl Member {
    fn read(package: &Package, ours: &BTreeSet<&str>) -> Result<Self> {
        let root = package
            .targets
            .iter()
            .find(|target| target.is_lib())
            .or_else(|| package.targets.iter().find(|target| target.is_bin()))
            .with_context(|| format!("{} has neither a library nor a program", package.name))?;
        let source = fs::read_to_string(&root.src_path)
            .with_context(|| format!("cannot read {}", root.src_path))?;
        let manifest = fs::read_to_string(&package.manifest_path)
            .with_context(|| format!("cannot read {}", package.manifest_path))?;
        let names = package.dependencies.iter().map(|dependency| dependency.name.clone());
        let (edges, outside) = names.partition(|name| ours.contains(name.as_str()));
        Ok(Self {
            name: package.name.to_string(),
            description: package.description.clone().unwrap_or_default(),
            first_line: source.lines().next().unwrap_or_default().to_owned(),
            manifest,
            edges,
            outside,
        })
    }
}
