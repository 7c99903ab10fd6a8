"""Reads instances of the generated package, one a line, and writes them again."""

import json
import sys

from model._runtime import ValidationError, class_named

for line in sys.stdin:
    if not line.strip():
        continue
    task = json.loads(line)
    found = class_named(task["class"])
    if found is None:
        raise SystemExit(f"no class {task['class']!r}")
    try:
        instance = found.from_json_text(json.dumps(task["instance"]))
        instance.validate()
        answer: dict[str, object] = {"ok": json.loads(instance.to_json_text())}
        repr(instance)
    except ValidationError as error:
        first = error.problems[0]
        answer = {"error": {"path": first.path, "message": first.message}}
    print(json.dumps(answer), flush=True)
