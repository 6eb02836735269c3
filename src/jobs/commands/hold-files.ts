import { READING_MS } from "../../api/limits.ts";
import { findJob, getStateAt } from "../tables/job-rows.ts";
import { recordReading } from "../tables/job-series-columns.ts";

/** A download that starts this soon after another one does not write again. */
const RENEWED_MS = READING_MS / 6;

/** Keeps the files of a completed export or fleet from being deleted by its retention while a download may read them. */
export function holdFiles(sql: SqlStorage, jobId: string, nowMs: number): void {
  const job = findJob(sql, jobId);
  if (job === undefined || getStateAt(job, nowMs) !== "completed") return;
  const untilMs = nowMs + READING_MS;
  if ((job.read_until_ms ?? 0) <= untilMs - RENEWED_MS) recordReading(sql, jobId, untilMs);
}
