#!/bin/sh
# Builds the package with the driver, and runs it on what comes in.
. "$(dirname "$0")/../../common.sh"
need mcs mono
find "$folder" -name "*.cs" | sed "s/.*/\"&\"/" >"$work/files"
mcs -r:System.Numerics.dll -out:"$work/driver.exe" @"$work/files" "$here/Driver.cs" >&2
mono "$work/driver.exe"
