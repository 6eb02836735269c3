import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

import type { Compression } from "../../src/api/export-request.ts";
import type { JobView } from "../../src/api/job-view.ts";
import { inspectParquet, SAMPLE_STATEMENTS } from "./crash-parquet.ts";
import { KilledWorker } from "./killed-worker.ts";

const ACCOUNTS = 250_000;

/** With so few, a step of a proof ends between two kills. Otherwise the watchdog sees five runs without progress. */
const PROVED_ACCOUNTS = 25_000;

/** Three groups of Parquet, next to the three of the samples. */
const PARQUET_ACCOUNTS = 120_000;
const BALANCE = 1_000;

/** If a run takes longer than this, including runtime starts, something is stuck. */
const DEADLINE_MS = 600_000;

export interface CrashRun {
  /** Sentences; empty if the export survived. */
  problems: string[];
  kills: number;
  /** Runs that worked on the job. */
  runs: number;
  transfers: number;
}

/**
 * One export of a bank whose money moves continuously, under a runtime that is killed `kills` times
 * at random moments (SIGKILL to the whole process group) and restarted with the same state. The job
 * must be completed, its dump must show one instant, and nothing may be left in the database.
 */
export async function runCrashes(options: {
  kills: number;
  random: () => number;
  /** A configuration of Wrangler; default: the repository's. */
  config?: string;
  /** True to kill the proof by a restore, after the export itself. */
  proves?: boolean;
  /** How many accounts the bank has; default: enough for several chunks, or for a proof between two kills. */
  accounts?: number;
  /** The compression of the columns, to write Parquet files instead of SQL. */
  parquet?: Compression | undefined;
}): Promise<CrashRun> {
  const folder = mkdtempSync(join(tmpdir(), "durable-export-crash-"));
  const result: CrashRun = { problems: [], kills: 0, runs: 0, transfers: 0 };
  let worker: KilledWorker | undefined;
  const state = join(folder, "state");
  const compression = options.parquet;
  const unproved = compression === undefined ? ACCOUNTS : PARQUET_ACCOUNTS;
  const usual = options.proves === true ? PROVED_ACCOUNTS : unproved;
  const { accounts = usual } = options;
  try {
    // Small chunks, so that many of them are interrupted.
    const vars = { EXPORT_CHUNK_BYTES: "65536" };
    worker = await KilledWorker.start({ state, config: options.config, vars });
    await openBank(worker, accounts);
    for (const sql of compression === undefined ? [] : SAMPLE_STATEMENTS) await query(worker, sql);
    const job = await worker.call<JobView>("POST", "/export/dump", {
      verify: options.proves === true ? "restore" : "checksum",
      ...(compression !== undefined && { format: "parquet", compression }),
    });
    const path = `/export/dump/${job.jobId}`;
    const endMs = Date.now() + DEADLINE_MS;
    let [rows, idleKills] = [0, 0];
    while (result.kills < options.kills) {
      // The first kill happens during the export, however fast the machine is.
      if (options.proves === true)
        result.transfers += await transferUntilProofBegins(worker, accounts, path);
      // A group of Parquet may take longer than kills leave, and the watchdog sees five runs without progress.
      const waits = result.kills === 0 || (compression !== undefined && idleKills === 2);
      if (waits) result.transfers += await transferUntilRowsExceed(worker, accounts, path, rows);
      else result.transfers += await transferFor(worker, accounts, options.random() * 700);
      const view = await worker.call<JobView>("GET", path);
      if (view.status !== "queued" && view.status !== "running") break;
      idleKills = view.progress.rows > rows ? 0 : idleKills + 1;
      ({ rows } = view.progress);
      await worker.kill();
      result.kills += 1;
    }
    let view = await worker.call<JobView>("GET", path);
    while (view.status === "queued" || view.status === "running") {
      if (Date.now() > endMs) throw new Error(`the job stands still: ${JSON.stringify(view)}`);
      result.transfers += await transferFor(worker, accounts, 200);
      view = await worker.call<JobView>("GET", path);
    }
    result.runs = view.workflow.run;
    if (view.status === "completed" && compression !== undefined) {
      const balance = BALANCE;
      result.problems.push(...(await inspectParquet(worker, { view, state, accounts, balance })));
    } else if (view.status === "completed")
      result.problems.push(...(await inspect(worker, accounts, view)));
    else result.problems.push(`the job is ${view.status}: ${JSON.stringify(view.error)}`);
    const left = await query(
      worker,
      "SELECT name FROM sqlite_master WHERE name LIKE 'tmp!_export%' ESCAPE '!'",
    );
    if (left.length > 0) result.problems.push(`left behind: ${JSON.stringify(left.slice(0, 5))}`);
    if (options.proves === true) {
      if (view.proof.state !== "proved") result.problems.push(`the proof is ${view.proof.state}`);
      result.problems.push(...(await findLeftScratch(state)));
    }
  } catch (error) {
    result.problems.push(`${String(error)}\n${worker?.output() ?? ""}`);
  } finally {
    await worker?.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  return result;
}

async function query(worker: KilledWorker, sql: string): Promise<unknown[]> {
  return (await worker.call<{ result: unknown[] }>("POST", "/query", { sql })).result;
}

async function openBank(worker: KilledWorker, accounts: number): Promise<void> {
  for (const sql of [
    "CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL, note TEXT)",
    "CREATE TABLE ledger(n INTEGER PRIMARY KEY, debit INTEGER, credit INTEGER, amount INTEGER)",
    `INSERT INTO accounts WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${accounts})
     SELECT i, ${BALANCE}, hex(randomblob(100)) FROM n`,
  ]) {
    await query(worker, sql);
  }
}

/** Moves money until chunks of more than `rows` are committed; returns the number of transfers. */
async function transferUntilRowsExceed(
  worker: KilledWorker,
  accounts: number,
  path: string,
  rows: number,
): Promise<number> {
  for (let transfers = 0; ; transfers += await transferFor(worker, accounts, 5)) {
    const { status, progress } = await worker.call<JobView>("GET", path);
    if (progress.rows > rows || (status !== "queued" && status !== "running")) return transfers;
  }
}

/** Moves money until the job's proof begins; returns the number of transfers. */
async function transferUntilProofBegins(
  worker: KilledWorker,
  accounts: number,
  path: string,
): Promise<number> {
  for (let transfers = 0; ; transfers += await transferFor(worker, accounts, 20)) {
    const { status, proof } = await worker.call<JobView>("GET", path);
    if (proof.state !== "none" || (status !== "queued" && status !== "running")) return transfers;
  }
}

/** How long the watchdog may take to discard a scratch database: a minute, and time for a slow machine. */
const DISCARD_MS = 180_000;

/** Returns the tables that scratch databases still have after the watchdog's last look. */
async function findLeftScratch(state: string): Promise<string[]> {
  const endMs = Date.now() + DISCARD_MS;
  for (;;) {
    const left = listScratchTables(state);
    if (left.length === 0 || Date.now() > endMs) {
      return left.map((name) => `a scratch database still has the table ${name}`);
    }
    await sleep(1_000);
  }
}

function listScratchTables(state: string): string[] {
  const files = readdirSync(state, { recursive: true, encoding: "utf8" }).filter(
    (path) => path.includes("ScratchDatabase") && /\/[0-9a-f]{64}\.sqlite$/.test(path),
  );
  return files.flatMap((path) => {
    const db = new DatabaseSync(join(state, path), { readOnly: true });
    const rows = db
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 1) <> '_'")
      .all();
    db.close();
    return rows.map(({ name }) => String(name));
  });
}

/** Moves money for `ms`; returns the number of transfers. */
async function transferFor(worker: KilledWorker, accounts: number, ms: number): Promise<number> {
  const endMs = Date.now() + ms;
  let transfers = 0;
  while (Date.now() < endMs) {
    const [debit, credit] = [1, 2].map(() => 1 + Math.floor(Math.random() * accounts));
    await worker.call("POST", "/query", {
      transaction: [
        { sql: `UPDATE accounts SET balance = balance - 1 WHERE id = ${debit}` },
        { sql: `UPDATE accounts SET balance = balance + 1 WHERE id = ${credit}` },
        { sql: `INSERT INTO ledger(debit, credit, amount) VALUES (${debit}, ${credit}, 1)` },
      ],
    });
    transfers += 1;
    await sleep(2);
  }
  return transfers;
}

/** What is wrong with a finished dump. */
async function inspect(worker: KilledWorker, expected: number, view: JobView): Promise<string[]> {
  const bytes = await worker.download(`/export/dump/${view.jobId}/download`);
  const problems: string[] = [];
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (sha256 !== view.artifacts[0]?.sha256) problems.push("the download has another SHA-256");
  const db = new DatabaseSync(":memory:");
  db.exec(`BEGIN; ${bytes.toString("utf8")}; COMMIT`);
  const count = (sql: string): number => Number(db.prepare(sql).get()?.["n"]);
  const accounts = count("SELECT count(*) AS n FROM accounts");
  if (accounts !== expected) problems.push(`there are ${accounts} accounts`);
  const total = count("SELECT sum(balance) AS n FROM accounts");
  if (total !== expected * BALANCE) problems.push(`the accounts hold ${total}`);
  db.exec("CREATE INDEX d ON ledger(debit); CREATE INDEX c ON ledger(credit)");
  const wrong = count(`SELECT count(*) AS n FROM accounts WHERE balance <> ${BALANCE}
    + (SELECT count(*) FROM ledger WHERE credit = id) - (SELECT count(*) FROM ledger WHERE debit = id)`);
  if (wrong > 0) problems.push(`${wrong} accounts disagree with the ledger of the same dump`);
  db.close();
  return problems;
}
