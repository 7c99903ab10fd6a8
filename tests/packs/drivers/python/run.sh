#!/bin/sh
# Runs the driver with the package on what comes in.
. "$(dirname "$0")/../../common.sh"
need python3
PYTHONPATH="$folder" PYTHONDONTWRITEBYTECODE=1 python3 -W error "$here/driver.py"
