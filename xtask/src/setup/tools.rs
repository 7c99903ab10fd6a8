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

/// Tools that are installed together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// What Debian has to bring before Python's and Node's packages can be installed.
    Foundation,
    Debian,
    Python,
    Node,
    Rust,
}

impl Source {
    pub(super) fn group(&self) -> Group {
        match self {
            Self::Debian("python3-venv" | "nodejs" | "npm") => Group::Foundation,
            Self::Debian(_) => Group::Debian,
            Self::Python { .. } => Group::Python,
            Self::Node { .. } => Group::Node,
            Self::Cargo | Self::Toolchain(_) | Self::Component(_) => Group::Rust,
        }
    }
}

impl Tool {
    /// What is asked for, as its source spells it.
    pub(super) fn wanted(&self) -> String {
        match self.source {
            Source::Python { package, version } => format!("{package}=={version}"),
            Source::Node { package, version } => format!("{package}@{version}"),
            Source::Cargo => self.program.to_owned(),
            Source::Debian(name) | Source::Toolchain(name) | Source::Component(name) => {
                name.to_owned()
            }
        }
    }
}

const fn tool(
    program: &'static str,
    wanted_for: &'static str,
    in_ci: bool,
    source: Source,
) -> Tool {
    Tool { program, wanted_for, in_ci, source }
}

/// A package from npm, known by its own name.
const fn node(package: &'static str, wanted_for: &'static str, version: &'static str) -> Tool {
    tool(package, wanted_for, true, Source::Node { package, version })
}

/// All of them.
pub(super) const TOOLS: &[Tool] = &[
    tool("gcc", "the crash test's shim", true, Source::Debian("gcc")),
    tool("strace", "the crash test", true, Source::Debian("strace")),
    tool("python3", "generated Python", true, Source::Debian("python3-venv")),
    tool("node", "generated TypeScript", true, Source::Debian("nodejs")),
    tool("npm", "generated TypeScript", true, Source::Debian("npm")),
    tool("ninja", "a baseline of the benchmarks", true, Source::Debian("ninja-build")),
    tool("samu", "a baseline of the benchmarks", false, Source::Debian("samurai")),
    tool("haproxy", "switches of traffic", true, Source::Debian("haproxy")),
    tool("setsid", "processes in slots", true, Source::Debian("util-linux")),
    tool(
        "promtool",
        "what is exported for Prometheus, and probes of it",
        true,
        Source::Debian("prometheus"),
    ),
    tool("clang", "fuzzing", false, Source::Debian("clang")),
    tool(
        "tsc",
        "generated TypeScript",
        true,
        Source::Node { package: "typescript", version: "7.0.2" },
    ),
    tool("mypy", "generated Python", true, Source::Python { package: "mypy", version: "2.4.1" }),
    tool("ruff", "generated Python", true, Source::Python { package: "ruff", version: "0.17.5" }),
    tool(
        "black",
        "gates for Python",
        true,
        Source::Python { package: "black", version: "26.10.1" },
    ),
    tool(
        "bandit",
        "gates for Python",
        true,
        Source::Python { package: "bandit", version: "1.9.4" },
    ),
    tool(
        "pytest",
        "gates for Python",
        true,
        Source::Python { package: "pytest", version: "9.2.0" },
    ),
    tool(
        "coverage",
        "gates for Python",
        true,
        Source::Python { package: "pytest-cov", version: "7.1.0" },
    ),
    tool(
        "pyright",
        "gates for Python",
        true,
        Source::Python { package: "pyright", version: "1.1.414" },
    ),
    tool("ty", "gates for Python", true, Source::Python { package: "ty", version: "0.0.108" }),
    tool(
        "prek",
        "a baseline of the benchmarks",
        false,
        Source::Python { package: "prek", version: "0.5.11" },
    ),
    tool("pglast", "broken SQL", true, Source::Python { package: "pglast", version: "8.8" }),
    tool("yaml", "broken YAML", true, Source::Python { package: "pyyaml", version: "6.0.4" }),
    tool(
        "biome",
        "gates for TypeScript",
        true,
        Source::Node { package: "@biomejs/biome", version: "2.6.8" },
    ),
    node("vitest", "gates for TypeScript", "4.1.12"),
    node("oxlint", "gates for TypeScript", "1.94.0"),
    node("yaml", "broken YAML", "2.9.1"),
    node("prettier", "generated TypeScript and GraphQL", "3.10.1"),
    node("ajv", "generated JSON Schema", "8.20.0"),
    node("jsonld", "the generated context of JSON-LD", "9.0.0"),
    node("graphql", "generated GraphQL", "16.15.0"),
    node("@redocly/cli", "generated OpenAPI", "2.77.0"),
    node("@bufbuild/buf", "generated protobuf", "1.75.0"),
    tool(
        "openapi-spec-validator",
        "generated OpenAPI",
        true,
        Source::Python { package: "openapi-spec-validator", version: "0.9.0" },
    ),
    tool(
        "jsonschema",
        "reports in SARIF",
        true,
        Source::Python { package: "jsonschema", version: "4.26.0" },
    ),
    tool("go", "generated Go", true, Source::Debian("golang-go")),
    tool("javac", "generated Java", true, Source::Debian("openjdk-17-jdk-headless")),
    tool("kotlinc", "generated Kotlin", true, Source::Debian("kotlin")),
    tool("mcs", "generated C#", true, Source::Debian("mono-mcs")),
    tool("mono", "generated C#", true, Source::Debian("mono-runtime")),
    tool("protoc", "generated protobuf", true, Source::Debian("protobuf-compiler")),
    tool("any.proto", "generated protobuf", true, Source::Debian("libprotobuf-dev")),
    tool("psql", "generated SQL, backups and migrations", true, Source::Debian("postgresql")),
    tool("cargo-deny", "the rules for dependencies", true, Source::Cargo),
    tool("cargo-nextest", "the test run", false, Source::Cargo),
    tool("cargo-llvm-cov", "coverage", false, Source::Cargo),
    tool("llvm-tools", "coverage", false, Source::Component("llvm-tools")),
    tool("cargo-fuzz", "fuzzing", false, Source::Cargo),
    tool("nightly", "fuzzing", false, Source::Toolchain("nightly")),
];
