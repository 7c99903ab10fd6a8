//! The tools that tasks want, as data.

/// A program from outside, and where it comes from.
pub(super) struct Tool {
    /// What it is called on the search path.
    pub(super) program: &'static str,
    pub(super) wanted_for: &'static str,
    /// Whether a test or a check goes unrun without it.
    pub(super) in_ci: bool,
    pub(super) source: Source,
}

/// Who provides a tool.
pub(super) enum Source {
    /// A package of Debian, of the machine.
    Debian(&'static str),
    /// A package of Python, in a virtual environment of the workspace.
    Python { package: &'static str, version: &'static str },
    /// A package from npm, in a folder of the workspace.
    Node { package: &'static str, version: &'static str },
    /// A package from crates.io, among cargo's own programs.
    Cargo,
    /// A toolchain of rustup.
    Toolchain(&'static str),
    /// A component of the toolchain that the workspace pins.
    Component(&'static str),
}

const fn tool(
    program: &'static str,
    wanted_for: &'static str,
    in_ci: bool,
    source: Source,
) -> Tool {
    Tool { program, wanted_for, in_ci, source }
}

/// All of them. What installs others stands before what it installs.
pub(super) const TOOLS: &[Tool] = &[
    tool("gcc", "the crash test's shim", true, Source::Debian("gcc")),
    tool("strace", "the crash test", true, Source::Debian("strace")),
    tool("python3", "generated Python", true, Source::Debian("python3-venv")),
    tool("node", "generated TypeScript", true, Source::Debian("nodejs")),
    tool("npm", "generated TypeScript", true, Source::Debian("npm")),
    tool("ninja", "a baseline of the benchmarks", true, Source::Debian("ninja-build")),
    tool("samu", "a baseline of the benchmarks", false, Source::Debian("samurai")),
    tool("promtool", "what is exported for Prometheus", true, Source::Debian("prometheus")),
    tool("clang", "fuzzing", false, Source::Debian("clang")),
    tool(
        "tsc",
        "generated TypeScript",
        true,
        Source::Node { package: "typescript", version: "7.0.2" },
    ),
    tool("mypy", "generated Python", true, Source::Python { package: "mypy", version: "2.4.1" }),
    tool("ruff", "generated Python", true, Source::Python { package: "ruff", version: "0.17.5" }),
    tool("cargo-deny", "the rules for dependencies", true, Source::Cargo),
    tool("cargo-nextest", "the test run", false, Source::Cargo),
    tool("cargo-llvm-cov", "coverage", false, Source::Cargo),
    tool("llvm-tools", "coverage", false, Source::Component("llvm-tools")),
    tool("cargo-fuzz", "fuzzing", false, Source::Cargo),
    tool("nightly", "fuzzing", false, Source::Toolchain("nightly")),
];
