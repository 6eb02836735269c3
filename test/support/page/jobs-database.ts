import { randomUUID } from "node:crypto";
import { globSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

type Row = Record<string, string | number | bigint | null | Uint8Array>;

/** The tables of a job that a copy of it needs to be shown. */
const SHOWN_TABLES = ["tmp_export_job_tables", "tmp_export_job_artifacts"];

/** Runs `work` in the jobs database of a stopped local Worker. */
export function inJobsDatabase(persistTo: string, work: (db: DatabaseSync) => void): void {
  const folder = join(persistTo, "v3/do/durable-export-ExportJobs");
  const file = globSync("*.sqlite", { cwd: folder }).find((name) => name !== "metadata.sqlite");
  if (file === undefined) throw new Error(`no jobs database in ${folder}`);
  const db = new DatabaseSync(join(folder, file));
  try {
    work(db);
  } finally {
    db.close();
  }
}

/** Moves a job to another time: all its times by the same amount. */
export function moveJob(db: DatabaseSync, jobId: string, createdAtMs: number): void {
  const moved = ["created", "started", "completed", "expires", "heartbeat", "snapshot"]
    .map((name) => `${name}_at_ms = ${name}_at_ms + by_ms`)
    .join(", ");
  moveProof(db, jobId, createdAtMs);
  db.prepare(
    `UPDATE tmp_export_jobs SET ${moved}
     FROM (SELECT ? - created_at_ms AS by_ms FROM tmp_export_jobs WHERE job_id = ?) WHERE job_id = ?`,
  ).run(createdAtMs, jobId, jobId);
}

/** A proof's end is part of its state, which is JSON. */
function moveProof(db: DatabaseSync, jobId: string, createdAtMs: number): void {
  db.prepare(
    `UPDATE tmp_export_jobs
     SET proof_json = json_set(proof_json, '$.endedAtMs', proof_json ->> '$.endedAtMs' + ? - created_at_ms)
     WHERE job_id = ? AND proof_json ->> '$.endedAtMs' IS NOT NULL`,
  ).run(createdAtMs, jobId);
}

/** Adds copies of a completed job, with new ids, one at each time. They share its files. */
export function copyJob(db: DatabaseSync, jobId: string, timesMs: readonly number[]): void {
  const job = readRow(db, "tmp_export_jobs", jobId);
  db.exec("BEGIN");
  for (const atMs of timesMs) {
    const copy = randomUUID();
    writeRow(db, "tmp_export_jobs", { ...job, job_id: copy, idempotency_key: null });
    moveJob(db, copy, atMs);
    for (const table of SHOWN_TABLES) {
      for (const row of db.prepare(`SELECT * FROM ${table} WHERE job_id = ?`).all(jobId)) {
        writeRow(db, table, { ...(row as Row), job_id: copy });
      }
    }
  }
  db.exec("COMMIT");
}

function readRow(db: DatabaseSync, table: string, jobId: string): Row {
  return db.prepare(`SELECT * FROM ${table} WHERE job_id = ?`).get(jobId) as Row;
}

function writeRow(db: DatabaseSync, table: string, row: Row): void {
  const names = Object.keys(row);
  const marks = names.map(() => "?").join(", ");
  db.prepare(`INSERT INTO ${table} (${names.join(", ")}) VALUES (${marks})`).run(
    ...Object.values(row),
  );
}
