#!/bin/sh
# The schema is built and validated, and formatted as prettier does.
. "$(dirname "$0")/../common.sh"
need prettier
node_packages graphql
node "$here/json/graphql.mjs" "$folder"
prettier --log-level warn --check "$folder/**/*.graphql"
