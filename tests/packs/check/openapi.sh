#!/bin/sh
# Tidy, every reference leads somewhere, and both validators have nothing to say.
. "$(dirname "$0")/../common.sh"
need redocly
node_packages jsonld
python_of openapi-spec-validator
"$python" "$here/json/tidy.py" "$folder"
"$python" "$here/json/links.py" "$folder"
node "$here/json/context-syntax.mjs" "$folder"
cd "$folder"
openapi-spec-validator openapi.json
redocly lint --format=stylish >"$work/lint" 2>&1 || { cat "$work/lint"; exit 1; }
if grep -q "You have [0-9]* warning" "$work/lint"; then cat "$work/lint"; exit 1; fi
