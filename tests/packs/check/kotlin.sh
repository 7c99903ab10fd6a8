#!/bin/sh
# The strict compiler, and the rule for blanks.
. "$(dirname "$0")/../common.sh"
need kotlinc
kotlin_options
kotlinc -Werror -jvm-target 1.8 -d "$work/model.jar" "$folder/src/main/kotlin"
leave model.jar
tidy "*.kt"
