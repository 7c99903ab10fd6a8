#!/bin/sh
# The compiler with warnings as errors, and the lint rules and format of buf.
. "$(dirname "$0")/../common.sh"
need protoc buf
cd "$folder"
find model -name "*.proto" | xargs protoc --fatal_warnings -I. --descriptor_set_out="$work/descriptors" --include_imports
buf lint
buf format -d --exit-code
