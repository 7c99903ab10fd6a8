"""Every JSON file is written as `json.dumps(indent=2)` writes it, but for escapes of what does not show."""
import json,sys,pathlib,re
bad=0; n=0
def dup(pairs):
    keys=[k for k,_ in pairs]
    assert len(keys)==len(set(keys)), "a key twice: %s"%keys
    return dict(pairs)
for f in sorted(pathlib.Path(sys.argv[1]).rglob("*.json*")):
    t=f.read_text(encoding="utf-8"); n+=1
    try: v=json.loads(t,object_pairs_hook=dup,parse_float=lambda x:float(x))
    except Exception as e: print("BAD",f,e); bad+=1; continue
    if f.suffix==".jsonld": continue
    u=json.dumps(v,indent=2,ensure_ascii=False)+"\n"
    norm=lambda s: re.sub(r"\\u([0-9a-f]{4})",lambda m: chr(int(m[1],16)),s,flags=re.I)
    if norm(t).encode("utf-16","surrogatepass")!=norm(u).encode("utf-16","surrogatepass"):
        import difflib; print("UNTIDY",f); print("\n".join(list(difflib.unified_diff(u.split("\n"),t.split("\n"),lineterm=""))[:12])); bad+=1
print(n,"files",bad,"bad"); sys.exit(bad>0)
