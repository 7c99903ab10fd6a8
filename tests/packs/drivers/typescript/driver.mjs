// Reads lines {"class", "instance"} and prints what the generated package makes of each.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { runtime } = await import(pathToFileURL(`${process.argv[2]}/index.js`).href);

for (const line of readFileSync(0, "utf8").split("\n")) {
  if (line.trim() === "") {
    continue;
  }
  const asked = JSON.parse(line);
  console.log(JSON.stringify(answer(asked.class, asked.instance)));
}

function answer(name, instance) {
  const found = runtime.allClasses().get(name);
  if (!found) {
    return { error: { path: "", message: `no class ${name}` } };
  }
  try {
    const value = found.read(instance);
    const problems = found.check(value);
    if (problems.length > 0) {
      return { error: { path: "?", message: `check: ${JSON.stringify(problems)}` } };
    }
    return { ok: found.write(value) };
  } catch (error) {
    if (error instanceof runtime.ValidationError) {
      return { error: { path: error.path, message: error.message } };
    }
    throw error;
  }
}
