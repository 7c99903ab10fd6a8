//! Tools that are ready to be used, one function each; [`AdapterGate`](crate::AdapterGate)
//! makes gates of them. [`ready_healers`] has what mends their findings.

mod audit;
mod cargo_test;
mod coverage;
mod deny;
mod go;
mod healers;
mod junit;
mod oxlint;
mod packages;
mod projects;
mod python;
mod ready;
mod rust;
mod semgrep;
mod tsc;
mod tsconfig;
mod types;
mod typescript;
mod vet;

pub use self::audit::cargo_audit;
pub use self::cargo_test::cargo_test;
pub use self::coverage::cargo_llvm_cov;
pub use self::deny::cargo_deny;
pub use self::go::gofmt;
pub use self::healers::{FilterRecipe, ToolHealer, filters_for, healers_for, ready_healers};
pub use self::oxlint::oxlint;
pub use self::python::{bandit, black, mypy, pytest, ruff_check, ruff_format};
pub use self::ready::ReadyAdapter;
pub(crate) use self::rust::cargo_tool;
pub use self::rust::{cargo_check, clippy, rustfmt};
pub use self::semgrep::semgrep;
pub use self::tsc::tsc;
pub use self::types::{pyright, ty};
pub use self::typescript::{biome, biome_format, vitest};
pub use self::vet::go_vet;

/// All of them, in the order in which they are cheapest.
pub fn ready_adapters() -> Vec<ReadyAdapter> {
    vec![
        rustfmt(),
        ruff_format(),
        ruff_check(),
        gofmt(),
        biome_format(),
        biome(),
        oxlint(),
        black(),
        bandit(),
        ty(),
        mypy(),
        pyright(),
        tsc(),
        semgrep(),
        go_vet(),
        cargo_deny(),
        cargo_audit(),
        cargo_check(),
        clippy(),
        pytest(),
        vitest(),
        cargo_test(),
        cargo_llvm_cov(),
    ]
}

#[cfg(test)]
mod tests;
