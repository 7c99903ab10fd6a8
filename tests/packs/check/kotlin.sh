#!/bin/sh
# The strict compiler, and the rule for blanks.
. "$(dirname "$0")/../common.sh"
need kotlinc
export JAVA_OPTS="-Xmx3g -Xss64m"
kotlinc -Werror -jvm-target 1.8 -d "$work/model.jar" "$folder/src/main/kotlin"
tidy "*.kt"
