#!/bin/sh
# The strict compiler and the formatter.
. "$(dirname "$0")/../common.sh"
need tsc prettier
cd "$folder"
tsc -p . --noEmit
prettier --check --log-level warn .
