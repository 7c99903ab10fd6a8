#!/bin/sh
# Builds the package with the driver, and runs it on what comes in.
. "$(dirname "$0")/../../common.sh"
need kotlinc java
kotlin_options
model="$compiled/model.jar"
[ -e "$model" ] || kotlinc -jvm-target 1.8 -d "$model" "$folder/src/main/kotlin" </dev/null >&2
kotlinc -jvm-target 1.8 -include-runtime -cp "$model" -d "$work/driver.jar" "$here/Driver.kt" </dev/null >&2
java -Dfile.encoding=UTF-8 -cp "$work/driver.jar:$model" DriverKt
