/**
 * Measures the jobs object with 100 and with 100,000 old jobs: rows and time of each call, the pace of
 * the watchdog, and 500 exports that start at once. Usage: `node bench/many-jobs.ts`. About ten
 * minutes; prints the tables of RESULTS.md.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { findFreePort, startLocalWorker } from "../scripts/local-worker.ts";
import type { JobList } from "../src/api/job-view.ts";
import { isolatePeakBytes } from "./isolate-memory.ts";
import { makeCalls } from "./jobs-calls.ts";

const TOKEN = "bench-token-0123456789";
const REPOSITORY = join(import.meta.dirname, "..");
const FEW = 100;
const MANY = 100_000;
const TABLES = 20;
const FILL_JOBS = 5_000;
const PACE_JOBS = 300;
const STARTS = [100, 500];

/** Calls that change nothing when they are repeated, so that their time can be measured. */
const TIMES = 100;
const ROUNDS = 5;
const isRepeatable = (name: string): boolean => /^(?:GET|list|alarm|POST again)/.test(name);

const CALLS = makeCalls().calls;
const folder = mkdtempSync(join(tmpdir(), "durable-export-many-jobs-"));
const config = join(folder, "wrangler.json");
const classes = { EXPORT_JOBS: "ExportJobs", MEASURED: "MeasuredJobs", DATABASES: "Database" };
writeFileSync(
  config,
  JSON.stringify({
    name: "many-jobs",
    main: join(REPOSITORY, "bench/many-jobs-worker.ts"),
    compatibility_date: "2026-11-01",
    workflows: [{ name: "many-jobs", binding: "EXPORT_WORKFLOW", class_name: "ExportWorkflow" }],
    durable_objects: {
      bindings: Object.entries(classes).map(([name, class_name]) => ({ name, class_name })),
    },
    migrations: [{ tag: "v1", new_sqlite_classes: Object.values(classes) }],
    r2_buckets: [{ binding: "EXPORT_R2_BUCKET", bucket_name: "many-jobs" }],
    vars: {
      ADMIN_AUTHORIZATION_TOKEN: TOKEN,
      EXPORT_SOURCES: { tenants: { type: "durable-object", binding: "DATABASES", names: "any" } },
    },
  }),
);
const inspectorPort = await findFreePort();
const worker = await startLocalWorker({ persistTo: join(folder, "state"), config, inspectorPort });

async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const response = await fetch(`${worker.url}${path}`, { headers, method: "POST", ...init });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json<T>();
}

interface Measured {
  rowsRead: number;
  ms: number | null;
}

/**
 * Returns what each call reads in each object, and how long it takes. The objects take turns, and the
 * shortest of several rounds counts: others use the machine too.
 */
async function measure(objects: readonly string[]): Promise<Measured[][]> {
  const measured: Measured[][] = objects.map(() => []);
  for (const [at, [name]] of CALLS.entries()) {
    for (const [which, object] of objects.entries()) {
      const path = `/measure/call?object=${object}&at=${at}`;
      const { rowsRead } = await call<{ rowsRead: number }>(`${path}&times=1`);
      measured[which]?.push({ rowsRead, ms: null });
    }
    if (!isRepeatable(name)) continue;
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [which, object] of objects.entries()) {
        const startMs = performance.now();
        await call(`/measure/call?object=${object}&at=${at}&times=${TIMES}`);
        const ms = (performance.now() - startMs) / TIMES;
        const best = measured[which]?.[at];
        if (best !== undefined) best.ms = Math.min(best.ms ?? ms, ms);
      }
    }
  }
  for (const object of objects) await call(`/measure/clear?object=${object}`);
  return measured;
}

async function fill(object: string, jobs: number): Promise<void> {
  for (let first = 1; first <= jobs; first += FILL_JOBS) {
    const last = Math.min(first + FILL_JOBS - 1, jobs);
    await call(`/measure/fill?object=${object}&first=${first}&last=${last}&tables=${TABLES}`);
  }
}

async function count(status: string): Promise<number> {
  let jobs = 0;
  let cursor: string | null = "";
  while (cursor !== null) {
    const from: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const path = `/export/jobs?status=${status}&limit=100${from}`;
    const page: JobList = await call(path, { method: "GET" });
    jobs += page.jobs.length;
    ({ cursor } = page);
  }
  return jobs;
}

/** Starts exports of `starts` databases at once, and waits until all have ended. */
async function startAll(starts: number): Promise<void> {
  const completedBefore = await count("completed");
  const start = (n: number): Promise<unknown> =>
    call("/export/dump", {
      body: JSON.stringify({ source: "tenants", name: `tenant ${n} of ${starts}` }),
    });
  const all = Promise.all(Array.from({ length: starts }, (_, n) => start(n)));
  let areAccepted = false;
  void all.then(() => (areAccepted = true));
  let most = 0;
  for (;;) {
    const running = await count("running");
    most = Math.max(most, running);
    if (areAccepted && running + (await count("queued")) === 0) break;
    await sleep(200);
  }
  await all;
  const completed = (await count("completed")) - completedBefore;
  console.log(`${starts} starts: ${completed} completed, at most ${most} ran`);
}

try {
  for (const starts of STARTS) {
    const startedMs = performance.now();
    const peak = await isolatePeakBytes(inspectorPort, () => startAll(starts));
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    console.log(`${seconds} s, isolate at most ${Math.round(peak / 1e6)} MB`);
  }

  await fill("few", FEW);
  await fill("many", MANY);
  const [few = [], many = []] = await measure(["few", "many"]);
  console.log(`\n| call | rows read, ${FEW} | ${MANY} | ms, ${FEW} | ${MANY} |`);
  const show = (ms: number | null | undefined): string => (ms == null ? "" : ms.toFixed(2));
  for (const [at, [name]] of CALLS.entries()) {
    console.log(
      `| ${name} | ${few[at]?.rowsRead} | ${many[at]?.rowsRead} | ${show(few[at]?.ms)} | ${show(many[at]?.ms)} |`,
    );
  }
  for (const pace of ["rescues", "expiries", "discards"]) {
    const startMs = performance.now();
    const { alarms } = await call<{ alarms: number }>(
      `/measure/pace?object=many&of=${pace}&jobs=${PACE_JOBS}`,
    );
    const hourly = Math.round((PACE_JOBS * 3_600_000) / (performance.now() - startMs));
    console.log(`${PACE_JOBS} ${pace}: ${hourly} an hour, ${alarms} alarms`);
  }
} finally {
  await worker.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
