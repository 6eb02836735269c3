import { parseArgs } from "node:util";

import { runSnapshot } from "../support/snapshot-run.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "1" }, seed: { type: "string" } },
});

const first = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed);
const endMs = Date.now() + Number(values.minutes) * 60_000;
let runs = 0;
let failed = 0;
for (let seed = first; ; seed += 1) {
  const { problems, statements, pages, writes } = await runSnapshot(seed);
  runs += 1;
  if (problems.length > 0) {
    failed += 1;
    console.log(`seed ${seed}: ${pages} pages, ${writes} writes`);
    for (const problem of problems.slice(0, 3)) console.log(problem);
    if (values.seed !== undefined) console.log(statements.join(";\n"));
    if (failed >= 3) break;
  }
  if (values.seed !== undefined || Date.now() > endMs) break;
}
console.log(`${runs} runs from seed ${first}, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
