// The context as a whole, and each scoped context in it, is one that a processor takes.
import { createRequire } from "node:module";
import fs from "node:fs";
const require = createRequire(process.env.NODE_PACKAGES + "/");
const jsonld = require("jsonld");
const { "@context": context } = JSON.parse(fs.readFileSync(process.argv[2] + "/context.jsonld", "utf8"));
const { "@context": _, ...rest } = { "@context": context };
const typed = Object.entries(context).filter(([, v]) => v["@context"]);
for (const [k, v] of typed) await jsonld.expand({ "@context": context, ...(v["@type"] ? { [k]: "x" } : { "@type": k }), "@id": "urn:x" });
const [got] = await jsonld.expand({ "@context": context, "@id": "urn:x", "@type": Object.keys(context).filter((k) => typeof context[k] === "string") });
console.log(Object.keys(context).length, "terms", typed.length, "with a context of their own", got?.["@type"]?.length ?? 0, "types");
