#!/bin/sh
# Builds the package with the driver, and runs it on what comes in.
. "$(dirname "$0")/../../common.sh"
need javac java
model="$compiled/classes"
if ! [ -e "$model" ]; then
    find "$folder/src/main/java" -name "*.java" >"$work/files"
    javac $java_options -encoding UTF-8 --release 17 -nowarn -d "$model" @"$work/files" >&2
fi
javac -encoding UTF-8 --release 17 -nowarn -cp "$model" -d "$work/driver" "$here/Driver.java" >&2
java -cp "$work/driver:$model" Driver
