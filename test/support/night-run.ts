import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import type { JobView } from "../../src/api/job-view.ts";

const TOKEN = "night-test-token-0123456789";
const REPOSITORY = join(import.meta.dirname, "..", "..");

/** Each database has rows of about 100 bytes, a few chunks of 64 KiB in total. */
const ROWS = 2_000;

/** If a run takes longer than this, including runtime starts, something is stuck. */
const DEADLINE_MS = 1_800_000;

/** Waits between two lines of progress. */
const REPORT_WAITS = 20;

export interface NightRun {
  /** Sentences; none if no job was lost. */
  problems: string[];
  jobs: number;
  kills: number;
  /** Runs that were replaced. */
  rescues: number;
}

/**
 * Nights of scheduled exports: `ticks` ticks of a cron trigger, each of which starts a job for each of
 * `databases` databases, under a Workflow that runs only `concurrency` instances at a time and a runtime
 * that is killed `kills` times at random moments. Every tick is delivered again after each kill. Each job
 * must be completed with its database's rows, and nothing may be left in any database.
 */
export async function runNight(options: {
  databases: number;
  ticks: number;
  kills: number;
  concurrency: number;
  random: () => number;
  /** Receives a line about the night's progress every few seconds. */
  report?: (line: string) => void;
}): Promise<NightRun> {
  const folder = mkdtempSync(join(tmpdir(), "durable-export-night-"));
  const result: NightRun = { problems: [], jobs: 0, kills: 0, rescues: 0 };
  const names = Array.from({ length: options.databases }, (_, n) => `tenant-${n}`);
  const config = writeConfig(folder, names, options.concurrency);
  const endMs = Date.now() + DEADLINE_MS;
  let worker: LocalWorker | undefined;
  const start = (): Promise<LocalWorker> =>
    startLocalWorker({ persistTo: join(folder, "state"), config });
  try {
    worker = await start();
    for (const name of names) await fill(worker, name);
    for (let tick = 1; tick <= options.ticks; tick += 1) {
      const killsLeft = Math.floor((options.kills * tick) / options.ticks) - result.kills;
      await deliver(worker, tick);
      for (let kill = 0; kill < killsLeft; kill += 1) {
        await sleep(options.random() * 4_000);
        await worker.kill();
        result.kills += 1;
        worker = await start();
        await deliver(worker, tick);
      }
      for (let waits = 0; ; waits += 1) {
        const jobs = await listJobs(worker);
        const active = jobs.filter(isActive).length;
        if (waits % REPORT_WAITS === 0 || active === 0) {
          options.report?.(
            `tick ${tick}: ${jobs.length} jobs, ${active} active, ${result.kills} kills`,
          );
        }
        if (active === 0) break;
        if (Date.now() > endMs) throw new Error(await describeStuck(worker));
        await sleep(500);
      }
    }
    const jobs = await listJobs(worker);
    result.jobs = jobs.length;
    const expected = options.databases * options.ticks;
    if (jobs.length !== expected) result.problems.push(`${jobs.length} jobs, not ${expected}`);
    for (const job of jobs) {
      result.rescues += job.workflow.rescues.length;
      result.problems.push(...(await inspect(worker, job)));
    }
    for (const name of names) {
      const left = await runSql(
        worker,
        name,
        "SELECT name FROM sqlite_master WHERE name LIKE 'tmp!_export%' ESCAPE '!'",
      );
      if (left.length > 0) result.problems.push(`left in ${name}: ${JSON.stringify(left[0])}`);
    }
  } catch (error) {
    result.problems.push(`${String(error)}\n${worker?.output().slice(-2_000) ?? ""}`);
  } finally {
    await worker?.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  return result;
}

/**
 * The repository's configuration with the night's Worker, databases and schedule; returns its path.
 */
function writeConfig(folder: string, names: string[], concurrency: number): string {
  const path = join(folder, "wrangler.json");
  const className = "Database";
  const workflow = { binding: "EXPORT_WORKFLOW", class_name: "ExportWorkflow" };
  const config = {
    name: "night",
    main: join(REPOSITORY, "test/support/night-worker.ts"),
    compatibility_date: "2026-11-01",
    workflows: [{ name: "night", ...workflow, concurrency: { limit: concurrency } }],
    durable_objects: {
      bindings: [
        { name: "EXPORT_JOBS", class_name: "ExportJobs" },
        { name: "EXPORT_SCRATCH", class_name: "ScratchDatabase" },
        { name: "DATABASES", class_name: className },
      ],
    },
    migrations: [{ tag: "v1", new_sqlite_classes: ["ExportJobs", "ScratchDatabase", className] }],
    r2_buckets: [{ binding: "EXPORT_R2_BUCKET", bucket_name: "night" }],
    vars: {
      ADMIN_AUTHORIZATION_TOKEN: TOKEN,
      CONCURRENCY_LIMIT: String(concurrency),
      EXPORT_CHUNK_BYTES: "65536",
      EXPORT_STALL_SECONDS: "5",
      EXPORT_SOURCES: { tenants: { type: "durable-object", binding: "DATABASES", names: "any" } },
      EXPORT_SCHEDULE: names.map((name) => ({ source: "tenants", name })),
    },
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

async function call(worker: LocalWorker, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const response = await fetch(`${worker.url}${path}`, { headers, ...init });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response;
}

async function runSql(worker: LocalWorker, name: string, sql: string): Promise<unknown[]> {
  return (await call(worker, `/sql/${name}`, { method: "POST", body: sql })).json<unknown[]>();
}

async function fill(worker: LocalWorker, name: string): Promise<void> {
  await runSql(
    worker,
    name,
    `CREATE TABLE t(id INTEGER PRIMARY KEY, note TEXT);
     INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
     SELECT i, '${name} ' || i || hex(zeroblob(40)) FROM n`,
  );
}

/** Delivers a tick; a repeated delivery starts only what the first one did not. */
async function deliver(worker: LocalWorker, tick: number): Promise<void> {
  const query = `cron=${encodeURIComponent("0 3 * * *")}&time=${1_790_000_000_000 + tick}`;
  await call(worker, `/cdn-cgi/handler/scheduled?${query}`);
}

async function listJobs(worker: LocalWorker): Promise<JobView[]> {
  const jobs: JobView[] = [];
  let cursor: string | null = null;
  do {
    const from: string = cursor === null ? "" : `&cursor=${cursor}`;
    const response = await call(worker, `/export/jobs?limit=100${from}`);
    const page = await response.json<{ jobs: JobView[]; cursor: string | null }>();
    jobs.push(...page.jobs);
    ({ cursor } = page);
  } while (cursor !== null);
  return jobs;
}

function isActive({ status }: JobView): boolean {
  return status === "queued" || status === "running";
}

async function describeStuck(worker: LocalWorker): Promise<string> {
  const stuck = (await listJobs(worker)).filter(isActive);
  return `${stuck.length} jobs stand still: ${JSON.stringify(stuck[0])}`;
}

/** What is wrong with a job of a night. */
async function inspect(worker: LocalWorker, job: JobView): Promise<string[]> {
  const name = job.object !== null && "name" in job.object ? job.object.name : "";
  if (job.status !== "completed") {
    return [`the job of ${name} is ${job.status}: ${JSON.stringify(job.error)}`];
  }
  const response = await call(worker, `/export/dump/${job.jobId}/download`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const db = new DatabaseSync(":memory:");
  db.exec(`BEGIN; ${bytes.toString("utf8")}; COMMIT`);
  const right = db
    .prepare(`SELECT count(*) AS n FROM t WHERE note = ? || ' ' || id || hex(zeroblob(40))`)
    .get(name);
  db.close();
  return [
    ...(sha256 === job.artifacts[0]?.sha256 ? [] : [`the dump of ${name} has another SHA-256`]),
    ...(Number(right?.["n"]) === ROWS ? [] : [`${name} has ${String(right?.["n"])} right rows`]),
  ];
}
