#!/bin/sh
# The compiler, vet and gofmt.
. "$(dirname "$0")/../common.sh"
need go gofmt
export GOCACHE="${GOCACHE:-$work/cache}" GOFLAGS=-mod=mod GOTOOLCHAIN=local
cd "$folder"
go build ./...
go vet ./...
loose=$(gofmt -l .)
[ -z "$loose" ] || { echo "not formatted: $loose"; exit 1; }
