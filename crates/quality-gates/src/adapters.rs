//! Tools that are ready to be used, one function each; [`AdapterGate`](crate::AdapterGate) makes gates of them.

mod go;
mod junit;
mod python;
mod ready;
mod rust;
mod typescript;

pub use self::go::{go_vet, gofmt};
pub use self::python::{bandit, black, mypy, pytest, ruff_check, ruff_format};
pub use self::ready::ReadyAdapter;
pub use self::rust::{cargo_check, cargo_deny, cargo_test, clippy, rustfmt};
pub use self::typescript::{biome, tsc, vitest};

/// All of them, in the order in which they are cheapest.
pub fn ready_adapters() -> Vec<ReadyAdapter> {
    vec![
        rustfmt(),
        ruff_format(),
        ruff_check(),
        gofmt(),
        biome(),
        black(),
        bandit(),
        mypy(),
        tsc(),
        go_vet(),
        cargo_deny(),
        cargo_check(),
        clippy(),
        pytest(),
        vitest(),
        cargo_test(),
    ]
}
