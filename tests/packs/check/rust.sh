#!/bin/sh
# The formatter and the pedantic linter.
. "$(dirname "$0")/../common.sh"
need cargo rustfmt
cd "$folder"
rustfmt --edition 2024 --check src/lib.rs
CARGO_TARGET_DIR=${GENERATED_TARGET:-$work/target} cargo clippy --quiet --offline --all-targets -- -D warnings -W clippy::pedantic
