#!/bin/sh
# Compiles the package, and runs the driver with it on what comes in.
. "$(dirname "$0")/../../common.sh"
need tsc node
tsc -p "$folder" --outDir "$work/out" >&2
printf "{\"type\":\"module\"}" >"$work/out/package.json"
node "$here/driver.mjs" "$work/out"
