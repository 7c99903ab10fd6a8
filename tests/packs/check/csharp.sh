#!/bin/sh
# The strict compiler with its documentation, and the rule for blanks.
. "$(dirname "$0")/../common.sh"
need mcs
find "$folder" -name "*.cs" | sort | sed "s/.*/\"&\"/" >"$work/files"
mcs -target:library -warnaserror -warn:4 -doc:"$work/Model.xml" -r:System.Numerics.dll -out:"$work/Model.dll" @"$work/files"
tidy "*.cs"
