// What writers write fits the components of the OpenAPI document. usage: FOLDER EXAMPLES
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";
const require = createRequire(process.env.NODE_PACKAGES + "/");
const { default: Ajv } = await import(require.resolve("ajv/dist/2020.js"));
const [folder, examples] = process.argv.slice(2);
const warnings = new Set();
const log = (...m) => warnings.add(m.join(" "));
const ajv = new Ajv.default({ ownProperties: true, strict: true, strictTypes: true, allErrors: true, logger: { log, warn: log, error: log } });
ajv.addKeyword({ keyword: "discriminator", schemaType: "object" });
const read = (f) => JSON.parse(fs.readFileSync(path.join(folder, f), "utf8"));
ajv.addSchema(read("common.json"), "file:///common.json");
const byIri = new Map();
for (const f of fs.readdirSync(path.join(folder, "schemas"))) { const s = read("schemas/" + f); byIri.set(s.$comment, f); ajv.addSchema(s, "file:///schemas/" + f); }
const context = read("context.jsonld")["@context"];
let c = { ok: 0, wrong: 0, refused: 0, missed: 0 };
for (const line of fs.readFileSync(examples, "utf8").split("\n").filter(Boolean)) {
  const { class: name, instance, ok } = JSON.parse(line);
  const iri = context[name]?.["@id"] ?? context[name];
  const validate = ajv.getSchema("file:///schemas/" + byIri.get(iri));
  if (ok !== undefined) { if (validate(ok)) c.ok++; else { c.wrong++; console.log("REFUSES", name, JSON.stringify(ok).slice(0, 200), validate.errors.slice(0, 3).map((e) => e.instancePath + " " + e.message).join("; ")); } }
  else if (validate({ "@type": name, ...instance })) { c.missed++; console.log("accepts", name, JSON.stringify(instance).slice(0, 140)); } else c.refused++;
}
console.log(c, [...warnings]);
process.exit(c.wrong ? 1 : 0);
