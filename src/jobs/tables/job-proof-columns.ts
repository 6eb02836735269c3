import type { ProveEvery } from "../../rpc/http-jobs.ts";
import type { ProofState } from "../../rpc/proof-jobs.ts";
import type { JobRow } from "./job-rows.ts";

/*
 * The column of `tmp_export_jobs` that only proved exports have: `proof_json`.
 */

/** Returns the state of a job's proof; null before it begins. */
export function parseProof({ proof_json }: Pick<JobRow, "proof_json">): ProofState | null {
  return proof_json === null ? null : (JSON.parse(proof_json) as ProofState);
}

/**
 * True if none of the newest `runs - 1` jobs of a schedule's entry asked for a proof. Deleted jobs do not count, so a
 * proof is due rather too early than too late.
 */
export function isProofDue(sql: SqlStorage, { runs, keyPrefix }: ProveEvery): boolean {
  // The character after the space: the keys are a range of their index.
  const end = `${keyPrefix.slice(0, -1)}!`;
  const asked = sql.exec(
    `SELECT 1 FROM (
       SELECT request_json FROM tmp_export_jobs WHERE idempotency_key > ? AND idempotency_key < ?
       ORDER BY idempotency_key DESC LIMIT ?
     ) WHERE json_extract(request_json, '$.verify') = 'restore' LIMIT 1`,
    keyPrefix,
    end,
    runs - 1,
  );
  return asked.toArray().length === 0;
}

/** Replaces the state of a job's proof. */
export function recordProof(sql: SqlStorage, jobId: string, state: ProofState): void {
  sql.exec(
    "UPDATE tmp_export_jobs SET proof_json = ? WHERE job_id = ?",
    JSON.stringify(state),
    jobId,
  );
}

/** Adds what a step of a proof has cost. */
export function addProofUsage(
  sql: SqlStorage,
  jobId: string,
  usage: { rowsRead: number; rowsWritten: number },
): void {
  sql.exec(
    `UPDATE tmp_export_jobs SET usage_rows_read = usage_rows_read + ?,
       usage_rows_written = usage_rows_written + ? WHERE job_id = ?`,
    usage.rowsRead,
    usage.rowsWritten,
    jobId,
  );
}
