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
const PACE_JOBS = 1_000;
const STARTS = 500;

/** Calls that change nothing when they are repeated, so that their time can be measured. */
const TIMES = 200;
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
  return response.json() as Promise<T>;
}

interface Measured {
  rowsRead: number;
  rowsWritten: number;
  ms: number | null;
}

async function measure(object: string): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const [at, [name]] of CALLS.entries()) {
    const at1 = `/measure/call?object=${object}&at=${at}&times=`;
    const rows = await call<{ rowsRead: number; rowsWritten: number }>(`${at1}1`);
    if (!isRepeatable(name)) {
      measured.push({ ...rows, ms: null });
      continue;
    }
    const startMs = performance.now();
    await call(`${at1}${TIMES}`);
    measured.push({ ...rows, ms: (performance.now() - startMs) / TIMES });
  }
  await call(`/measure/clear?object=${object}`);
  return measured;
}

async function fill(object: string, jobs: number): Promise<void> {
  for (let first = 1; first <= jobs; first += FILL_JOBS) {
    const last = Math.min(first + FILL_JOBS - 1, jobs);
    await call(`/measure/fill?object=${object}&first=${first}&last=${last}&tables=${TABLES}`);
  }
}

/** Starts exports of as many databases at once, and waits until all have ended. */
async function startAll(): Promise<void> {
  const start = (n: number): Promise<unknown> =>
    call("/export/dump", { body: JSON.stringify({ source: "tenants", name: `tenant ${n}` }) });
  await Promise.all(Array.from({ length: STARTS }, (_, n) => start(n)));
  const count = async (status: string): Promise<number> => {
    let jobs = 0;
    let cursor: string | null = "";
    while (cursor !== null) {
      const from: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const page: JobList = await call(`/export/jobs?status=${status}&limit=100${from}`, {
        method: "GET",
      });
      jobs += page.jobs.length;
      ({ cursor } = page);
    }
    return jobs;
  };
  let most = 0;
  for (;;) {
    most = Math.max(most, await count("running"));
    if ((await count("queued")) + (await count("running")) === 0) break;
    await sleep(500);
  }
  console.log(`${STARTS} starts: ${await count("completed")} completed, at most ${most} ran`);
}

try {
  const startedMs = performance.now();
  const peak = await isolatePeakBytes(inspectorPort, startAll);
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  console.log(`${seconds} s, isolate at most ${Math.round(peak / 1e6)} MB`);

  await fill("few", FEW);
  await fill("many", MANY);
  const [few, many] = [await measure("few"), await measure("many")];
  console.log(`\n| call | rows read, ${FEW} | ${MANY} | ms, ${FEW} | ${MANY} |`);
  const show = (ms: number | null | undefined): string => (ms == null ? "" : ms.toFixed(2));
  for (const [at, [name]] of CALLS.entries()) {
    console.log(
      `| ${name} | ${few[at]?.rowsRead} | ${many[at]?.rowsRead} | ${show(few[at]?.ms)} | ${show(many[at]?.ms)} |`,
    );
  }
  for (const pace of ["expiries", "discards", "rescues"]) {
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
