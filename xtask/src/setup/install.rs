//! The calls that install, each for all the tools that it is given.
//!
//! Calls run beside each other, so none shows what it prints unless it fails.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::tools::{Source, Tool};
use crate::shell::{self, Shell};

/// Debian's package manager, whose lists are brought up to date once.
#[derive(Default)]
pub(super) struct Debian {
    updated: bool,
}

impl Debian {
    /// Installs packages for the machine.
    pub(super) fn install(&mut self, shell: &Shell, tools: &[&Tool]) -> Result<()> {
        let packages: Vec<String> = tools.iter().map(|tool| tool.wanted()).collect();
        if !shell.has("apt-get") {
            bail!("no apt-get here; install the equivalent of Debian's {}", packages.join(" "));
        }
        let user = shell::capture(&mut shell.command("id", &["-u"]))?;
        if user.trim() != "0" {
            bail!("needs root: sudo apt-get install {}", packages.join(" "));
        }
        if !self.updated {
            self.updated = true;
            // Old lists may do; the installation itself will tell.
            if let Err(error) = shell::run_unseen(&mut Self::command(shell, &["update", "-qq"])) {
                println!("setup: {error:#}");
            }
        }
        let arguments = ["install", "-y", "-qq", "--no-install-recommends"];
        shell::run_unseen(Self::command(shell, &arguments).args(packages))
    }

    fn command(shell: &Shell, arguments: &[&str]) -> Command {
        let limits = ["-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"];
        let mut command = shell.command("apt-get", &limits);
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        command
    }
}

/// Installs packages of Python into the workspace's virtual environment, which it makes first.
pub(super) fn python(shell: &Shell, tools: &[&Tool]) -> Result<()> {
    let place = shell.tools().join("python");
    let place = place.to_str().context("the folder for tools is not text")?;
    // Where pip cannot be had, Python leaves an environment without it.
    if !Path::new(place).join("bin/pip").exists() {
        shell::run_unseen(&mut shell.command("python3", &["-m", "venv", place]))?;
    }
    let arguments = ["-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "30"];
    let mut command = shell.command(&format!("{place}/bin/python"), &arguments);
    shell::run_unseen(command.args(tools.iter().map(|tool| tool.wanted())))
}

/// Installs packages from npm into the workspace's folder for them.
pub(super) fn node(shell: &Shell, tools: &[&Tool]) -> Result<()> {
    let place = shell.tools();
    fs::create_dir_all(&place)?;
    let place = place.to_str().context("the folder for tools is not text")?;
    let arguments = ["install", "--prefix", place, "--save-exact", "--no-audit", "--no-fund"];
    let mut command = shell.command("npm", &arguments);
    command.args(["--fetch-retries", "1", "--fetch-timeout", "30000"]);
    shell::run_unseen(command.args(tools.iter().map(|tool| tool.wanted())))
}

/// Installs one program of cargo, or one part of Rust's own.
pub(super) fn program(shell: &Shell, tool: &Tool) -> Result<()> {
    let name = tool.wanted();
    let mut command = match tool.source {
        Source::Component(_) => shell.command("rustup", &["component", "add", &name]),
        Source::Toolchain(_) => {
            shell.command("rustup", &["toolchain", "install", &name, "--profile", "minimal"])
        }
        _ => shell.cargo(&["install", "--locked", &name]),
    };
    // The workspace's target folder is not for programs of cargo.
    command.env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET_DIR");
    command.env("CARGO_NET_RETRY", "1");
    // As cargo-deny asks for fat LTO in its release: minutes of compiling for seconds of running.
    command
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    shell::run_unseen(&mut command)
}
