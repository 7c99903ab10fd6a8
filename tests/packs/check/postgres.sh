# Starts a private PostgreSQL for the script that sources this, with an empty database `model`,
# reachable by a socket in the work folder alone, and stops it in the end.
binaries=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
[ -x "${binaries:-none}/initdb" ] || { echo "PostgreSQL is not installed" >&2; exit 77; }
need psql createdb
export PGHOST="$work/postgres" PGUSER=postgres
mkdir "$PGHOST"
# The server refuses to run as root.
if [ "$(id -u)" = 0 ]; then
    chmod a+rx "$work"
    for parent in "$(dirname "$work")" "$(dirname "$(dirname "$work")")" "$(dirname "$(dirname "$(dirname "$work")")")"; do chmod a+x "$parent" 2>/dev/null || :; done
    chown postgres "$PGHOST"
    as() { su -s /bin/sh postgres -c "$1"; }
else
    as() { sh -c "$1"; }
fi
as "'$binaries/initdb' -D '$PGHOST/data' -U postgres -A trust -E UTF8 --locale=C.UTF-8 >/dev/null"
trap 'as "'"'$binaries/pg_ctl' -D '$PGHOST/data' -m immediate -w stop >/dev/null"'"; rm -rf "$work"' EXIT
as "'$binaries/pg_ctl' -D '$PGHOST/data' -w -t 60 -l '$PGHOST/log' -o '-k $PGHOST -c listen_addresses= -c fsync=off' start >/dev/null"
createdb model
