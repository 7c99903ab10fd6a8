#!/bin/sh
# The formatter, the linter and the strict type checker; and every module can be imported.
. "$(dirname "$0")/../common.sh"
need ruff
python_of mypy
cd "$folder"
ruff format --no-cache --check --quiet .
ruff check --no-cache --quiet .
mypy --strict --no-error-summary --cache-dir="$work/mypy" model
PYTHONDONTWRITEBYTECODE=1 "$python" -W error -c "
import importlib, pkgutil, model
for module in pkgutil.iter_modules(model.__path__):
    importlib.import_module(\"model.\" + module.name)
for name in dir(model):
    getattr(model, name)
"
