#!/bin/sh
# run.sh GENERATED_FOLDER: tries the crate of torture.ttl as its users would.
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=/tmp/packs/out/rust/extra
mkdir -p $work/src
cp $here/src/main.rs $work/src/
sed "s|@MODEL@|$1|" $here/Cargo.toml.in > $work/Cargo.toml
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-/tmp/packs/out/rust/target}" CARGO_NET_OFFLINE=true
nice -n 5 flock /tmp/packs/compile.lock cargo build --quiet --manifest-path $work/Cargo.toml >&2
exec $CARGO_TARGET_DIR/debug/extra
