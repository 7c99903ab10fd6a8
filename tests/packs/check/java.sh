#!/bin/sh
# The strict compiler, the documentation, and the rule for blanks.
. "$(dirname "$0")/../common.sh"
need javac javadoc
find "$folder/src/main/java" -name "*.java" >"$work/files"
javac $java_options -encoding UTF-8 --release 17 -Xlint:all -Werror -d "$work/classes" @"$work/files"
leave classes
javadoc $java_options -encoding UTF-8 --release 17 -quiet -Xdoclint:all -Xwerror -d "$work/doc" @"$work/files"
tidy "*.java"
