// Validates the shared examples: what comes out of readers must be valid, what they refuse must not be.
import fs from "node:fs";
import path from "node:path";
import { load } from "./compile.mjs";
const [folder, examples] = process.argv.slice(2);
const { ajv, files } = load(folder);
const byClass = new Map();
for (const f of files.filter((f) => f.startsWith("schemas/"))) {
  const s = JSON.parse(fs.readFileSync(path.join(folder, f), "utf8"));
  const own = s.$defs?.name;
  const names = own ? [own, ...(own.anyOf ?? [])].map((n) => n.const).filter(Boolean) : [];
  if (names.length) byClass.set(names[0], f);
  else if (own) byClass.set(s.title, f);
}
const show = (errors) => [...new Set(errors.map((e) => `${e.instancePath} ${e.message}`))].slice(0, 4).join("; ");
let counts = { ok: 0, okStrict: 0, refused: 0, pathFits: 0, missed: 0, wrong: 0 };
for (const line of fs.readFileSync(examples, "utf8").split("\n").filter(Boolean)) {
  const { class: name, instance, ok, path: wanted } = JSON.parse(line);
  const validate = ajv.getSchema("file:///" + byClass.get(name));
  if (!validate) { console.log("no schema for", name); counts.wrong++; continue; }
  if (ok !== undefined) {
    if (!validate(ok)) { counts.wrong++; console.log("REFUSES", name, JSON.stringify(ok).slice(0, 300), show(validate.errors)); }
    else counts.ok++;
    if (!validate(instance)) { counts.okStrict++; console.log("stricter than a reader:", JSON.stringify(instance).slice(0, 200), "--", show(validate.errors).slice(0, 120)); }
  } else if (validate(instance)) { counts.missed++; console.log("ACCEPTS", name, JSON.stringify(instance)); }
  else {
    counts.refused++;
    const pointer = wanted === "" ? "" : "/" + wanted.replaceAll("[", "/").replaceAll("]", "").replaceAll(".", "/");
    const fits = validate.errors.some((e) => e.instancePath === pointer || `${e.instancePath}/${e.params.missingProperty}` === pointer);
    if (fits) counts.pathFits++; else console.log("other path", JSON.stringify(instance).slice(0, 200), "wanted", pointer, "--", show(validate.errors));
  }
}
console.log(counts);
// Beyond a schema: upper bounds of decimals (which are text), bounds of dates, one text for each language.
process.exit(counts.wrong || counts.missed > 4 ? 1 : 0);
