// Compiles every schema of a generated package with Ajv's strictest settings; any complaint fails.
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";
const require = createRequire(process.env.NODE_PACKAGES + "/");
const { default: Ajv } = await import(require.resolve("ajv/dist/2020.js"));
export function load(folder, options = {}) {
  const warnings = [];
  const log = (...m) => warnings.push(m.join(" "));
  const ajv = new Ajv.default({ ownProperties: true, strict: true, strictTypes: true, strictTuples: true, strictRequired: false, allErrors: true, validateFormats: true, addUsedSchema: false, logger: { log, warn: log, error: log }, ...options });
  const files = [];
  for (const name of ["common.json", "index.json"]) if (fs.existsSync(path.join(folder, name))) files.push(name);
  for (const name of fs.readdirSync(path.join(folder, "schemas"))) files.push("schemas/" + name);
  for (const name of files) ajv.addSchema(JSON.parse(fs.readFileSync(path.join(folder, name), "utf8")), "file:///" + name);
  return { ajv, files, warnings };
}
if (process.argv[1].endsWith("compile.mjs")) {
  const { ajv, files, warnings } = load(process.argv[2]);
  let bad = 0;
  for (const name of files) {
    try { ajv.getSchema("file:///" + name); } catch (e) { bad++; console.log(name, e.message); }
  }
  for (const w of new Set(warnings)) console.log("warning:", w);
  console.log(files.length, "schemas", bad, "bad", warnings.length, "warnings");
  process.exit(bad || warnings.length ? 1 : 0);
}
