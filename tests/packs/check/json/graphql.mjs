// Builds a schema of all files in a folder, and validates it.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createRequire } from "node:module";
const require = createRequire(process.env.NODE_PACKAGES + "/");
const { buildSchema, validateSchema, graphqlSync } = require("graphql");
const files = [];
const walk = (folder) => {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) walk(path);
    else if (path.endsWith(".graphql")) files.push(readFileSync(path, "utf8"));
  }
};
walk(process.argv[2]);
const schema = buildSchema(files.join("\n"));
const errors = validateSchema(schema);
for (const error of errors.slice(0, 20)) console.error(error.message);
const answer = graphqlSync({ schema, source: "{ __schema { types { name kind } } }" });
if (answer.errors) console.error(answer.errors.join("\n"));
console.log(`${files.length} files, ${answer.data?.__schema.types.length} types, ${errors.length} errors`);
process.exit(errors.length || answer.errors ? 1 : 0);
