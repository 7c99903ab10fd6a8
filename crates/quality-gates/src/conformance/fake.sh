#!/bin/sh
# Stands in a tool's place: runs the real one, and breaks what passes through.
real=@REAL@
here=@HERE@
if [ "$*" = @VERSION@ ] || [ "$*" = --version ]; then exec "$real" "$@"; fi

# Runs the real tool and keeps what it writes.
record() {
    "$real" "$@" >"$here/stdout" 2>"$here/stderr"
    code=$?
}

# Writes half of a file in its place.
halve() {
    size=$(wc -c <"$1")
    head -c $((size / 2)) "$1" >"$1.half" && mv "$1.half" "$1"
}

# Writes what nobody can read in a file's place.
spoil() {
    printf '\377\376 {"<\000 no format that anybody promised\n' >"$1"
}

# Does something with each report file, and gives what was written to whoever reads it.
give() {
    eval "set -- $1 $EVERGEN_OUTPUTS"
    act=$1
    shift
    for file in "$here/stdout" "$here/stderr" "$@"; do
        if [ -e "$file" ]; then "$act" "$file"; fi
    done
    cat "$here/stdout"
    cat "$here/stderr" >&2
}

case "$EVERGEN_FAULT" in
"crash by signal") record "$@"; cat "$here/stdout"; kill -s SEGV $$ ;;
"hang") trap '' TERM HUP INT; sleep 1000 & echo $! >>"$here/orphan"; wait; wait ;;
"output flood") yes "flood" ;;
"non-zero exit with no findings") record "$@"; give :; exit "$EVERGEN_FOUND" ;;
"zero exit with findings") record "$@"; give :; exit "$EVERGEN_CLEAN" ;;
"unreadable output") record "$@"; give spoil; exit "$code" ;;
"half output") record "$@"; give halve; exit "$code" ;;
"disk full") "$real" "$@" >/dev/full 2>/dev/full ;;
"killed child with orphans")
    setsid sleep 1000 >/dev/null 2>&1 & echo $! >>"$here/orphan"
    sleep 1000 >/dev/null 2>&1 & echo $! >>"$here/orphan"
    kill -s KILL $$ ;;
*) exec "$real" "$@" ;;
esac
