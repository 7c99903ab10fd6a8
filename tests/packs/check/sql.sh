#!/bin/sh
# All statements are taken in one go by an empty database: no error, no notice.
. "$(dirname "$0")/../common.sh"
. "$here/postgres.sh"
cd "$folder"
said=$(PGOPTIONS="-c client_min_messages=notice" psql -q -v ON_ERROR_STOP=1 -1 -d model -f all.sql 2>&1) || { echo "$said"; exit 1; }
[ -z "$said" ] || { echo "$said"; exit 1; }
if grep -rnE "[[:space:]]+$" --include="*.sql" .; then exit 1; fi
