//! Installs what tests and tasks want, and says what it did.
//!
//! Packages of Python and Node go into `target/tools`, which every task has on
//! its search path, so that nothing of the user's own is touched. Only what
//! cannot live there, Debian's packages and cargo's programs, is installed for
//! the machine. What is there already is left alone.

mod tools;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use self::tools::{Source, TOOLS, Tool};
use crate::shell::{self, Shell};

/// What `setup` may be told.
#[derive(Args)]
pub(crate) struct Options {
    /// Install only what CI's checks want, and succeed even where that cannot be had
    #[arg(long)]
    ci: bool,
}

/// Installs the tools that are missing.
pub(crate) fn run(shell: &Shell, options: &Options) -> Result<()> {
    let mut debian = Debian { updated: false };
    let mut lacking = Vec::new();
    for tool in TOOLS.iter().filter(|tool| tool.in_ci || !options.ci) {
        if is_there(shell, tool) {
            println!("setup: {} is there", tool.program);
            continue;
        }
        println!("setup: installing {} (for {})", tool.program, tool.wanted_for);
        let done = install(shell, &mut debian, tool);
        match done {
            Ok(()) if is_there(shell, tool) => println!("setup: {} installed", tool.program),
            Ok(()) => lacking.push((tool, "installed, but not found afterwards".to_owned())),
            Err(error) => lacking.push((tool, format!("{error:#}"))),
        }
    }
    for (tool, reason) in &lacking {
        eprintln!("setup: no {}, wanted for {}: {reason}", tool.program, tool.wanted_for);
    }
    if !lacking.is_empty() && !options.ci {
        bail!("{} tool(s) could not be installed", lacking.len());
    }
    Ok(())
}

fn is_there(shell: &Shell, tool: &Tool) -> bool {
    match tool.source {
        // A package need not bring a program.
        Source::Node { package, version } => {
            let manifest = shell.tools().join("node_modules").join(package).join("package.json");
            let holds = |file: std::path::PathBuf, wanted: &str| {
                std::fs::read_to_string(file).is_ok_and(|text| text.contains(wanted))
            };
            // What the folder's own manifest does not name goes when another one comes.
            holds(shell.tools().join("package.json"), &format!("\"{package}\""))
                && holds(manifest, &format!("\"version\": \"{version}\""))
        }
        // A package need not bring a program, and programs say their versions in many ways.
        Source::Python { package, version } => {
            let name = format!("{}-{version}.dist-info", package.replace('-', "_"));
            let libraries =
                std::fs::read_dir(shell.tools().join("python/lib")).into_iter().flatten();
            let mut pythons = libraries.flatten().map(|python| python.path().join("site-packages"));
            pythons.any(|packages| packages.join(&name).is_dir())
        }
        // Debian splits the virtual environments off from Python itself.
        Source::Debian("python3-venv") => {
            shell::capture(&mut shell.command("python3", &["-c", "import ensurepip"])).is_ok()
        }
        // It has no program, only the types that protoc brings everywhere else.
        Source::Debian("libprotobuf-dev") => {
            Path::new("/usr/include/google/protobuf/any.proto").is_file()
        }
        Source::Debian(_) | Source::Cargo => shell.has(tool.program),
        Source::Toolchain(name) => listed(shell, &["toolchain", "list"], name),
        Source::Component(name) => listed(shell, &["component", "list", "--installed"], name),
    }
}

fn listed(shell: &Shell, arguments: &[&str], name: &str) -> bool {
    shell::capture(&mut shell.command("rustup", arguments))
        .is_ok_and(|list| list.lines().any(|line| line.starts_with(name)))
}

fn install(shell: &Shell, debian: &mut Debian, tool: &Tool) -> Result<()> {
    match tool.source {
        Source::Debian(package) => debian.install(shell, package),
        Source::Python { package, version } => install_python(shell, package, version),
        Source::Node { package, version } => {
            let place = shell.tools();
            let place = place.to_str().context("the folder for tools is not text")?;
            let wanted = format!("{package}@{version}");
            let arguments =
                ["install", "--prefix", place, "--save-exact", "--no-audit", "--no-fund"];
            let mut command = shell.command("npm", &arguments);
            command.args(["--fetch-retries", "1", "--fetch-timeout", "30000", &wanted]);
            std::fs::create_dir_all(place)?;
            shell::run(&mut command)
        }
        Source::Cargo => {
            let mut command = shell.cargo(&["install", "--locked", tool.program]);
            shell::run(patient(&mut command))
        }
        Source::Toolchain(name) => {
            let arguments = ["toolchain", "install", name, "--profile", "minimal"];
            shell::run(&mut shell.command("rustup", &arguments))
        }
        Source::Component(name) => {
            shell::run(&mut shell.command("rustup", &["component", "add", name]))
        }
    }
}

fn install_python(shell: &Shell, package: &str, version: &str) -> Result<()> {
    let place = shell.tools().join("python");
    let place = place.to_str().context("the folder for tools is not text")?;
    let python = format!("{place}/bin/python");
    if !Path::new(&python).exists() {
        shell::run(&mut shell.command("python3", &["-m", "venv", place]))?;
    }
    let wanted = format!("{package}=={version}");
    let arguments = ["-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "30"];
    shell::run(Command::new(python).current_dir(shell.root()).args(arguments).arg(wanted))
}

/// The workspace's target folder and wrappers are not for programs of cargo.
fn patient(command: &mut Command) -> &mut Command {
    command.env("CARGO_NET_RETRY", "1").env_remove("CARGO_TARGET_DIR")
}

/// Debian's package manager, whose lists are brought up to date once.
struct Debian {
    updated: bool,
}

impl Debian {
    fn install(&mut self, shell: &Shell, package: &str) -> Result<()> {
        if !shell.has("apt-get") {
            bail!("no apt-get here; install the equivalent of Debian's {package}");
        }
        let user = shell::capture(&mut shell.command("id", &["-u"]))?;
        if user.trim() != "0" {
            bail!("needs root: sudo apt-get install {package}");
        }
        if !self.updated {
            self.updated = true;
            // Old lists may do; the installation itself will tell.
            if let Err(error) = shell::run(&mut Self::command(shell, &["update", "-qq"])) {
                println!("setup: {error:#}");
            }
        }
        let arguments = ["install", "-y", "-qq", "--no-install-recommends", package];
        shell::run(&mut Self::command(shell, &arguments))
    }

    fn command(shell: &Shell, arguments: &[&str]) -> Command {
        let limits = ["-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"];
        let mut command = shell.command("apt-get", &limits);
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        command
    }
}
