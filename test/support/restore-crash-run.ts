import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import type { JobView } from "../../src/api/job-view.ts";
import type { RestoreView } from "../../src/api/restore-view.ts";

const TOKEN = "crash-test-token-0123456789";
const ROWS = 60_000;

/** If a run takes longer than this, including runtime starts, something is stuck. */
const DEADLINE_MS = 600_000;

const SOURCES = {
  main: { type: "durable-object", binding: "DATABASE_DURABLE_OBJECT", name: "sql-durable-object" },
  copies: {
    type: "durable-object",
    binding: "DATABASE_DURABLE_OBJECT",
    names: "any",
    writable: true,
  },
};

export interface RestoreCrashRun {
  /** Sentences; empty if every restore survived. */
  problems: string[];
  kills: number;
  restores: number;
  /** Runs that worked on the restores. */
  runs: number;
}

/**
 * Restores a dump into one object after the other, replacing every second one's content, under a runtime that is
 * killed at random moments (SIGKILL to the whole process group) and restarted with the same state, `kills` times in
 * all. Each restore must be completed, its object's dump must equal the first, and nothing may be left in it.
 */
export async function runRestoreCrashes(options: {
  kills: number;
  killsPerRestore: number;
  random: () => number;
}): Promise<RestoreCrashRun> {
  const folder = mkdtempSync(join(tmpdir(), "durable-export-restore-crash-"));
  const result: RestoreCrashRun = { problems: [], kills: 0, restores: 0, runs: 0 };
  let worker: LocalWorker | undefined;
  try {
    worker = await startWorker(folder);
    await fill(worker);
    const dump = await exportSource(worker, "main");
    while (result.kills < options.kills) {
      result.restores += 1;
      const name = `copy ${result.restores}`;
      const replaces = result.restores % 2 === 0;
      const before = result.kills;
      const view = await call<RestoreView>(worker, "POST", "/import/dump", {
        from: { jobId: dump.jobId },
        target: "copies",
        name: replaces ? `copy ${result.restores - 1}` : name,
        mode: replaces ? "replace" : "empty",
      });
      const path = `/import/dump/${view.jobId}`;
      while (result.kills < options.kills && result.kills - before < options.killsPerRestore) {
        await sleep(options.random() * 900);
        if (!isActive(await call<RestoreView>(worker, "GET", path))) break;
        await worker.kill();
        result.kills += 1;
        worker = await startWorker(folder);
      }
      const endMs = Date.now() + DEADLINE_MS;
      let ended = await call<RestoreView>(worker, "GET", path);
      for (; isActive(ended); ended = await call<RestoreView>(worker, "GET", path)) {
        if (Date.now() > endMs)
          throw new Error(`the restore stands still: ${JSON.stringify(ended)}`);
        await sleep(200);
      }
      result.runs += ended.workflow.run;
      result.problems.push(...(await inspect(worker, ended, dump)));
      // A restore that ends before it could be killed proves nothing about kills.
      if (result.kills === before) result.kills += 1;
    }
  } catch (error) {
    result.problems.push(`${String(error)}\n${worker?.output().slice(-2_000) ?? ""}`);
  } finally {
    await worker?.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  return result;
}

function isActive({ status }: { status: string }): boolean {
  return status === "queued" || status === "running";
}

function startWorker(folder: string): Promise<LocalWorker> {
  return startLocalWorker({
    persistTo: join(folder, "state"),
    vars: {
      ADMIN_AUTHORIZATION_TOKEN: TOKEN,
      EXPORT_SOURCES: JSON.stringify(SOURCES),
      EXPORT_CHUNK_BYTES: "1000000",
      EXPORT_PART_BYTES: "5242880",
      EXPORT_STALL_SECONDS: "5",
    },
  });
}

async function call<T>(
  worker: LocalWorker,
  method: string,
  path: string,
  body?: object,
): Promise<T> {
  const response = await fetch(`${worker.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
  return response.json<T>();
}

/** Tables with a self-reference to later rows, a cycle, an FTS5 index and a trigger. */
async function fill(worker: LocalWorker): Promise<void> {
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})`;
  for (const sql of [
    "CREATE TABLE plain(id INTEGER PRIMARY KEY, note TEXT, x REAL)",
    `INSERT INTO plain ${numbers} SELECT i, hex(randomblob(100)), i * 0.37 FROM n`,
    "CREATE TABLE person(id INTEGER PRIMARY KEY, boss INTEGER REFERENCES person(id))",
    "CREATE INDEX boss ON person(boss)",
    `INSERT INTO person ${numbers} SELECT i, NULL FROM n WHERE i <= 5000`,
    "UPDATE person SET boss = id + 1 WHERE id < 5000",
    "CREATE TABLE word(k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID",
    `INSERT INTO word ${numbers} SELECT 'key ' || i, randomblob(20) FROM n`,
    "CREATE VIRTUAL TABLE search USING fts5(body)",
    `INSERT INTO search ${numbers} SELECT 'word' || (i % 97) || ' number ' || i FROM n WHERE i <= 3000`,
    "CREATE TRIGGER added AFTER INSERT ON plain BEGIN DELETE FROM word; END",
  ]) {
    await call(worker, "POST", "/query", { sql });
  }
}

interface Dump {
  jobId: string;
  /** Of the dump without its first line, which names the source. */
  sha256: string;
}

async function exportSource(worker: LocalWorker, source: string, name?: string): Promise<Dump> {
  const { jobId } = await call<JobView>(worker, "POST", "/export/dump", {
    source,
    ...(name !== undefined && { name }),
  });
  let view = await call<JobView>(worker, "GET", `/export/dump/${jobId}`);
  for (; isActive(view); view = await call<JobView>(worker, "GET", `/export/dump/${jobId}`)) {
    await sleep(100);
  }
  if (view.status !== "completed")
    throw new Error(`the export is ${view.status}: ${JSON.stringify(view.error)}`);
  const response = await fetch(`${worker.url}/export/dump/${jobId}/download`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const text = bytes.subarray(bytes.indexOf("\n"));
  return { jobId, sha256: createHash("sha256").update(text).digest("hex") };
}

/** What is wrong with a finished restore. */
async function inspect(worker: LocalWorker, view: RestoreView, dump: Dump): Promise<string[]> {
  if (view.status !== "completed")
    return [`the restore is ${view.status}: ${JSON.stringify(view.error)}`];
  const problems: string[] = [];
  if (view.verification.state !== "equal") problems.push(`verified: ${view.verification.state}`);
  const object = view.object;
  const name = object !== null && "name" in object ? object.name : "";
  const again = await exportSource(worker, "copies", name);
  if (again.sha256 !== dump.sha256) problems.push(`the dump of ${name} differs from the first`);
  return problems;
}
