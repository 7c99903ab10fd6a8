"""Every relative $ref of a folder leads to a value that is there."""
import json, pathlib, sys
root = pathlib.Path(sys.argv[1]).resolve()
files = {f: json.loads(f.read_text()) for f in root.rglob("*.json")}
bad = n = 0
def refs(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str): yield value["$ref"]
        if isinstance(value.get("mapping"), dict) and "propertyName" in value: yield from ("%s/openapi.json#/components/schemas/%s" % (root, n) for n in value["mapping"].values())
        for v in value.values(): yield from refs(v)
    elif isinstance(value, list):
        for v in value: yield from refs(v)
for file, content in files.items():
    for ref in refs(content):
        n += 1
        path, _, pointer = ref.partition("#")
        target = (file.parent / path).resolve() if path else file
        value = files.get(target)
        for part in pointer.split("/")[1:]:
            value = value.get(part) if isinstance(value, dict) else None
        if value is None: bad += 1; print("leads nowhere:", file.relative_to(root), ref)
print(n, "references", bad, "bad"); sys.exit(bad > 0)
