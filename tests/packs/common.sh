# What all checks and drivers share: sourced, with the generated folder as the first argument.
# Each ends with 77 where a tool that it needs is not installed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Where a check leaves what it has compiled, and the driver of the language finds it.
compiled=${EVERGEN_COMPILED:-$work}
mkdir -p "$compiled"

# Leaves what was compiled without a complaint, in the place of what was left before.
leave() {
    if [ "$compiled" != "$work" ]; then
        rm -rf "$compiled/$1"
        mv "$work/$1" "$compiled/$1"
    fi
}

need() {
    for tool in "$@"; do
        command -v "$tool" >/dev/null || { echo "$tool is not installed" >&2; exit 77; }
    done
}

# Where node finds packages: beside the programs that came with them. The check needs those named.
node_packages() {
    need node tsc
    NODE_PACKAGES=$(dirname "$(dirname "$(dirname "$(command -v tsc)")")")
    export NODE_PACKAGES
    for package in "$@"; do
        [ -d "$NODE_PACKAGES/node_modules/$package" ] || { echo "the package $package is not installed" >&2; exit 77; }
    done
}

# Compilers that run on Java run for too short a time to be worth optimising.
java_options=-J-XX:TieredStopAtLevel=1
kotlin_options() {
    export JAVA_OPTS="-Xmx3g -Xss64m -XX:TieredStopAtLevel=1"
}

# Python with the packages that `cargo xtask setup` put beside one of its programs.
python_of() {
    need "$1"
    python="$(dirname "$(command -v "$1")")/python3"
}

# The fixed rule for languages without a formatter: no tabs, no loose or doubled blanks.
tidy() {
    find "$folder" -name "$1" -print0 | xargs -0 awk '
        /\t/ { print FILENAME ":" FNR ": tab"; bad = 1 }
        / $/ { print FILENAME ":" FNR ": trailing space"; bad = 1 }
        FNR > 1 && $0 == "" && last == "" { print FILENAME ":" FNR ": two blank lines"; bad = 1 }
        $0 == "" && last ~ /\{$/ { print FILENAME ":" FNR ": blank line behind a brace"; bad = 1 }
        $0 ~ /^ *}$/ && last == "" { print FILENAME ":" FNR ": blank line before a brace"; bad = 1 }
        { last = $0 }
        END { exit bad }'
}
