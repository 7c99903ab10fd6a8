#!/bin/sh
# Builds the package with the driver, and runs it on what comes in.
. "$(dirname "$0")/../../common.sh"
need kotlinc java
export JAVA_OPTS="-Xmx3g -Xss64m"
kotlinc -jvm-target 1.8 -include-runtime -d "$work/driver.jar" "$folder/src/main/kotlin" "$here/Driver.kt" </dev/null >&2
java -Dfile.encoding=UTF-8 -cp "$work/driver.jar" DriverKt
