import type { RunId } from "../../rpc/run-payload.ts";
import type { JobRow } from "./job-rows.ts";
import { STARTED, UNSTARTED } from "./state-sql.ts";

/*
 * The column of `tmp_export_jobs` that orders the jobs that wait for others to end: `queue_number`.
 * A number is larger than all others in the queue. A started job has none.
 */

/** Puts a job that was just inserted at the end of the queue. */
export function enqueueJob(sql: SqlStorage, jobId: string): void {
  sql.exec(
    `UPDATE tmp_export_jobs SET queue_number = 1 + coalesce(
       (SELECT max(queue_number) FROM tmp_export_jobs WHERE ${UNSTARTED} AND queue_number > 0), 0)
     WHERE job_id = ?`,
    jobId,
  );
}

/** Returns how many active jobs are started. */
export function countStartedJobs(sql: SqlStorage): number {
  return sql.exec<{ n: number }>(`SELECT count(*) AS n FROM tmp_export_jobs WHERE ${STARTED}`).one()
    .n;
}

/** Reports whether any job waits in the queue. */
export function hasUnstartedJob(sql: SqlStorage): boolean {
  return findFirstNumber(sql) !== undefined;
}

/**
 * Takes the first job out of the queue and returns its run, whose time starts at `nowMs`. Undefined
 * if the queue is empty. The caller must create the run's instance.
 */
export function takeFirstJob(sql: SqlStorage, nowMs: number): RunId | undefined {
  return sql
    .exec<{ jobId: string; run: number }>(
      `UPDATE tmp_export_jobs SET queue_number = NULL, heartbeat_at_ms = ?
       WHERE job_id = (SELECT job_id FROM tmp_export_jobs WHERE ${UNSTARTED} AND queue_number > 0
         ORDER BY queue_number LIMIT 1)
       RETURNING job_id AS jobId, run`,
      nowMs,
    )
    .toArray()[0];
}

/** Reports whether a job waits in the queue. */
export function isInQueue({ state, queue_number }: JobRow): boolean {
  return state === "queued" && queue_number !== null;
}

/**
 * Returns a job's position in the queue, from 1; null if it is not in the queue. It reads one row.
 * So it may be too high: a job that is cancelled counts until the jobs before it are started.
 */
export function findQueuePosition(sql: SqlStorage, job: JobRow): number | null {
  const { queue_number: number } = job;
  if (number === null || !isInQueue(job)) return null;
  return 1 + number - (findFirstNumber(sql) ?? number);
}

function findFirstNumber(sql: SqlStorage): number | undefined {
  return sql
    .exec<{ number: number }>(
      `SELECT queue_number AS number FROM tmp_export_jobs WHERE ${UNSTARTED} AND queue_number > 0
       ORDER BY queue_number LIMIT 1`,
    )
    .toArray()[0]?.number;
}
