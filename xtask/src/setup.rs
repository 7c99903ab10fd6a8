//! Installs what tests and tasks want, and says what it did.
//!
//! Packages of Python and Node go into `target/tools`, which every task has on
//! its search path, so that nothing of the user's own is touched. Only what
//! cannot live there, Debian's packages and cargo's programs, is installed for
//! the machine. What is there already is left alone.
//!
//! Each source is asked once for all that it has to give, and the sources are
//! asked side by side: most of the time of a call goes into its start, and into
//! waiting for the network.

mod install;
mod tools;

use std::panic;
use std::path::Path;
use std::slice;
use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;

use self::install::Debian;
use self::tools::{Group, Source, TOOLS, Tool};
use crate::shell::{self, Shell};

/// What `setup` may be told.
#[derive(Args)]
pub(crate) struct Options {
    /// Install only what CI's checks want, and succeed even where that cannot be had
    #[arg(long)]
    ci: bool,
}

/// What could not be had, and why.
type Lacking = Vec<(&'static Tool, String)>;

/// Installs the tools that are missing.
pub(crate) fn run(shell: &Shell, options: &Options) -> Result<()> {
    let lacking = install_all(shell, |tool| tool.in_ci || !options.ci);
    if lacking > 0 && !options.ci {
        bail!("{lacking} tool(s) could not be installed");
    }
    Ok(())
}

/// Installs what CI's checks want, as far as it can be had, and gives how many tools lack.
pub(crate) fn for_ci(shell: &Shell) -> usize {
    install_all(shell, |tool| tool.in_ci)
}

fn install_all(shell: &Shell, chosen: impl Fn(&Tool) -> bool) -> usize {
    let mut missing = Vec::new();
    for tool in TOOLS.iter().filter(|tool| chosen(tool)) {
        if is_there(shell, tool) {
            println!("setup: {} is there", tool.program);
        } else {
            missing.push(tool);
        }
    }
    let lacking = install_missing(shell, &missing);
    for (tool, reason) in &lacking {
        eprintln!("setup: no {}, wanted for {}: {reason}", tool.program, tool.wanted_for);
    }
    lacking.len()
}

fn install_missing(shell: &Shell, missing: &[&'static Tool]) -> Lacking {
    let [foundation, debian, python, node, rust] =
        [Group::Foundation, Group::Debian, Group::Python, Group::Node, Group::Rust].map(|group| {
            let members = missing.iter().copied().filter(|tool| tool.source.group() == group);
            members.collect::<Vec<_>>()
        });
    let mut packages = Debian::default();
    thread::scope(|scope| {
        let rust = scope.spawn(move || install_programs(shell, &rust));
        // Nothing else of Debian's may be installed meanwhile: it allows one installation at a time.
        let mut lacking = install_group(shell, "Debian, for the others", &foundation, |tools| {
            packages.install(shell, tools)
        });
        let debian = scope.spawn(move || {
            install_group(shell, "Debian", &debian, |tools| packages.install(shell, tools))
        });
        let python = scope.spawn(move || {
            install_group(shell, "Python", &python, |tools| install::python(shell, tools))
        });
        let node = scope.spawn(move || {
            install_group(shell, "Node", &node, |tools| install::node(shell, tools))
        });
        lacking.extend([debian, python, node, rust].into_iter().flat_map(result_of));
        lacking
    })
}

fn result_of<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
}

/// Programs that are compiled share nothing which one call for all would save.
fn install_programs(shell: &Shell, programs: &[&'static Tool]) -> Lacking {
    let install_one = |program| {
        install_group(shell, "Rust", slice::from_ref(program), |tools| {
            tools.iter().try_for_each(|tool| install::program(shell, tool))
        })
    };
    programs.iter().flat_map(install_one).collect()
}

fn install_group(
    shell: &Shell,
    name: &str,
    tools: &[&'static Tool],
    install: impl FnMut(&[&'static Tool]) -> Result<()>,
) -> Lacking {
    if tools.is_empty() {
        return Lacking::new();
    }
    let programs: Vec<&str> = tools.iter().map(|tool| tool.program).collect();
    println!("setup: {name}: installing {}", programs.join(", "));
    let start = Instant::now();
    let lacking = install_together(tools, |tool| is_there(shell, tool), install);
    let installed = tools.len() - lacking.len();
    let seconds = start.elapsed().as_secs_f64();
    println!("setup: {name}: {installed} of {} installed in {seconds:.1} s", tools.len());
    lacking
}

/// Installs all at once, or else one by one, so that what cannot be had keeps nothing else away.
fn install_together<T: Copy>(
    wanted: &[T],
    is_there: impl Fn(T) -> bool,
    mut install: impl FnMut(&[T]) -> Result<()>,
) -> Vec<(T, String)> {
    let at_once = install(wanted);
    let mut lacking = Vec::new();
    for &one in wanted {
        // What failed may have come as far as this one.
        if is_there(one) {
            continue;
        }
        let done = match &at_once {
            Err(_) if wanted.len() > 1 => install(&[one]).map_err(|error| format!("{error:#}")),
            Err(error) => Err(format!("{error:#}")),
            Ok(()) => Ok(()),
        };
        match done {
            Ok(()) if is_there(one) => {}
            Ok(()) => lacking.push((one, "installed, but not found afterwards".to_owned())),
            Err(reason) => lacking.push((one, reason)),
        }
    }
    lacking
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

#[cfg(test)]
mod tests;
