#!/bin/sh
# Builds the package with the driver, and runs it on what comes in.
. "$(dirname "$0")/../../common.sh"
need javac java
find "$folder/src/main/java" -name "*.java" >"$work/files"
javac -encoding UTF-8 --release 17 -nowarn -d "$work/classes" @"$work/files" "$here/Driver.java" >&2
java -cp "$work/classes" Driver
