#!/bin/sh
# What readers take is valid; what they refuse is not, as far as a schema can tell.
. "$(dirname "$0")/../common.sh"
node_packages ajv
node "$here/json/instances.mjs" "$folder" "$here/../instances.jsonl"
