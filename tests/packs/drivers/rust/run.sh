#!/bin/sh
# Builds the driver against the package, and runs it on what comes in.
. "$(dirname "$0")/../../common.sh"
need cargo
mkdir "$work/src"
cp "$here/src/main.rs" "$work/src/"
sed "s|@MODEL@|$folder|" "$here/Cargo.toml.in" >"$work/Cargo.toml"
export CARGO_TARGET_DIR="${GENERATED_TARGET:-$work/target}"
cargo build --quiet --offline --manifest-path "$work/Cargo.toml" >&2
"$CARGO_TARGET_DIR/debug/driver"
