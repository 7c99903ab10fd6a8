#!/bin/sh
# Tidy, every reference leads somewhere, strict compilation, and a context that can be loaded.
. "$(dirname "$0")/../common.sh"
node_packages ajv jsonld
need python3
python3 "$here/json/tidy.py" "$folder"
mkdir -p "$folder/schemas"
python3 "$here/json/links.py" "$folder"
node --stack-size=8000 "$here/json/compile.mjs" "$folder"
node "$here/json/context-syntax.mjs" "$folder"
