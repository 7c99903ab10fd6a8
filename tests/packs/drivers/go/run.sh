#!/bin/sh
# Builds the driver against the package, and runs it on what comes in.
. "$(dirname "$0")/../../common.sh"
need go
export GOCACHE="${GOCACHE:-$work/cache}" GOFLAGS=-mod=mod GOTOOLCHAIN=local
cp "$here/main.go.txt" "$work/main.go"
printf "module driver\n\ngo 1.19\n\nrequire model v0.0.0\n\nreplace model => %s\n" "$folder" >"$work/go.mod"
(cd "$work" && go build -o driver . >&2)
"$work/driver"
