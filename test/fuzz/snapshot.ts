import { parseArgs } from "node:util";

import { runSnapshot } from "../support/snapshot-run.ts";
import { runWriters } from "../support/writers-run.ts";

/** Runs without a read between the writes are quick: so many for each run with pages. */
const WRITERS_RUNS = 2;

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "1" }, seed: { type: "string" } },
});

const first = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed);
const endMs = Date.now() + Number(values.minutes) * 60_000;
let runs = 0;
let failed = 0;
let compared = 0;
const documented = new Map<string, number>();
for (let seed = first; failed < 3; seed += 1) {
  const read = await runSnapshot(seed);
  report(`seed ${seed}: ${read.pages} pages, ${read.writes} writes`, read);
  for (let n = 0; n < WRITERS_RUNS; n += 1) {
    const written = await runWriters(seed * WRITERS_RUNS + n);
    compared += written.writes;
    for (const [rule, count] of written.documented) {
      documented.set(rule, (documented.get(rule) ?? 0) + count);
    }
    report(`seed ${seed}, writers ${n}: ${written.writes} writes`, written);
  }
  runs += 1;
  if (values.seed !== undefined || Date.now() > endMs) break;
}
console.log(`${runs} runs from seed ${first}, ${failed} failed`);
console.log(
  `${compared} writes compared with a database without a snapshot; documented differences:`,
);
for (const [rule, count] of documented) console.log(`  ${count} ${rule}`);
process.exitCode = failed === 0 ? 0 : 1;

function report(title: string, run: { problems: string[]; statements: string[] }): void {
  if (run.problems.length === 0) return;
  failed += 1;
  console.log(title);
  for (const problem of run.problems.slice(0, 3)) console.log(problem);
  if (values.seed !== undefined) console.log(run.statements.join(";\n"));
}
