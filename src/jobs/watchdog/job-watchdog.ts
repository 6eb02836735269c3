import { callWithin } from "../../lib/call-within.ts";
import { deleteJobRows } from "../commands/delete-job-rows.ts";
import { endJobIf } from "../commands/end-job.ts";
import { removeDiscardsNow } from "../commands/remove-discards.ts";
import { scheduleWatchdog, readStallMs } from "../commands/schedule-watchdog.ts";
import { startEnding, startStreamEnding } from "../commands/start-ending.ts";
import type { JobsContext } from "../jobs-context.ts";
import { listDueCopyDiscards } from "../tables/copy-discard-rows.ts";
import { listCopies } from "../tables/copy-rows.ts";
import { listDiscardingJobs } from "../tables/discard-rows.ts";
import { listUnusedFiles } from "../tables/file-rows.ts";
import { getCallbackGraceMs, listOverdueCallbacks } from "../tables/job-callback-columns.ts";
import { listDueCopyings } from "../tables/job-copying-columns.ts";
import {
  listExpiredJobs,
  listForgottenJobs,
  listSilentJobs,
  listUnclosedJobs,
} from "../tables/job-due-columns.ts";
import type { JobRow } from "../tables/job-rows.ts";
import {
  deleteStream,
  listAbandonedStreams,
  listExpiredStreams,
  type StreamRow,
} from "../tables/stream-rows.ts";
import { endDiscards } from "./end-discards.ts";
import { endUnusedFile } from "./end-unused-file.ts";
import { lookAfter } from "./look-after.ts";
import { removeCopyDiscards } from "./remove-copy-discards.ts";
import { startCopying } from "./start-copying.ts";
import { getSuspectMs } from "./verdict.ts";

/** How many tasks of each kind are listed at once, so that an alarm stays short. */
export const SLICE = 10;

/** How long the watchdog waits for one task: an alarm has 15 minutes for all. */
const TASK_MS_MAX = 60_000;

/** After this time an alarm starts no more tasks; the next one, a minute later, continues. */
const ALARM_MS_MAX = 40_000;

/**
 * The watchdog. It looks after silent runs, snapshots and callbacks that nobody ends, streams whose lease has
 * expired, unused uploads, and retention. It starts and ends runs and never does their work. It works for 40
 * seconds at most, and does each task once. Running it early, late or twice is harmless. A task that throws, or
 * does not answer within `taskMs`, does not block the others.
 */
export async function runWatchdog(context: JobsContext, taskMs = TASK_MS_MAX): Promise<void> {
  const nowMs = Date.now();
  const begun = new Set<string>();
  let count: number;
  do {
    count = begun.size;
    // A task that stays due after an attempt must not hide the tasks after it.
    for (const { id, work } of listTasks(context, { nowMs, limit: SLICE + count })) {
      if (begun.has(id)) continue;
      if (Date.now() - nowMs >= ALARM_MS_MAX) break;
      begun.add(id);
      try {
        await callWithin(taskMs, work);
      } catch (cause) {
        // The next alarm finds it again.
        console.warn({ message: "the watchdog will try again", task: id, cause: String(cause) });
      }
    }
  } while (begun.size > count);
  await scheduleWatchdog(context);
}

/** One task of the watchdog. */
interface Task {
  /** The same whenever the same thing is due. */
  id: string;
  work: () => Promise<unknown>;
}

/** Returns what is due at `nowMs`: at most `limit` of each kind, the longest overdue first. */
function listTasks(context: JobsContext, due: { nowMs: number; limit: number }): Task[] {
  const { sql } = context;
  const { nowMs, limit } = due;
  const stallMs = readStallMs(context);
  const overdue = listOverdueCallbacks(sql, { nowMs, graceMs: getCallbackGraceMs(stallMs), limit });
  // One instance does both.
  const unended = new Set([
    ...listUnclosedJobs(sql, due).map((job) => job.job_id),
    ...overdue.map(({ jobId }) => jobId),
  ]);
  return [
    ...listSilentJobs(sql, { nowMs, silentMs: getSuspectMs(stallMs), limit }).map((job) => ({
      id: `look after ${job.job_id}`,
      work: () => lookAfter(context, job, stallMs),
    })),
    ...[...unended].map((jobId) => ({
      id: `end ${jobId}`,
      work: () => startEnding(context, jobId),
    })),
    ...listAbandonedStreams(sql, due).map((stream) => ({
      id: `abandon stream ${stream.stream_id}`,
      work: async () => abandonStream(sql, stream),
    })),
    ...listExpiredStreams(sql, due).map((stream) => ({
      id: `end stream ${stream.stream_id}`,
      work: () => startStreamEnding(context, stream),
    })),
    ...listDiscardingJobs(sql, due).map((jobId) => ({
      id: `remove discards of ${jobId}`,
      work: () => endDiscards(context, { jobId, nowMs }),
    })),
    ...listUnusedFiles(sql, due).map(({ file_id: fileId }) => ({
      id: `end unused file ${fileId}`,
      work: () => endUnusedFile(context, { fileId, nowMs }),
    })),
    ...listDueCopyings(sql, due).map((job) => ({
      id: `copy ${job.job_id}`,
      work: () => startCopying(context, job),
    })),
    ...listDueCopyDiscards(sql, due).map((discards) => ({
      id: `remove the copy of ${discards.jobId} at ${discards.destination}`,
      work: () => removeCopyDiscards(context, discards, nowMs),
    })),
    ...listExpiredJobs(sql, due).map((job) => ({
      id: `expire ${job.job_id}`,
      work: () => expire(context, job),
    })),
    ...listForgottenJobs(sql, due).map((job) => ({
      id: `forget ${job.job_id}`,
      work: async () => deleteJobRows(sql, job.job_id),
    })),
  ];
}

/**
 * Forgets a stream whose snapshot cannot be closed: a later opening in its database removes the
 * rest.
 */
function abandonStream(sql: SqlStorage, stream: StreamRow): void {
  const { stream_id: streamId, endings, request_json: source } = stream;
  console.error({ message: "the snapshot of a stream was not closed", streamId, endings, source });
  deleteStream(sql, streamId);
}

function isBeingCopied(sql: SqlStorage, job: JobRow, nowMs: number): boolean {
  if ((job.copying_due_at_ms ?? 0) <= nowMs) return false;
  return listCopies(sql, job.job_id).some(({ state }) => state === "pending");
}

async function expire(context: JobsContext, job: JobRow): Promise<void> {
  const nowMs = Date.now();
  // An instance is copying its files. It ends within hours, and then they expire.
  if (isBeingCopied(context.sql, job, nowMs)) return;
  if (!endJobIf(context, { jobId: job.job_id, to: "expired", nowMs })) return;
  await removeDiscardsNow(context, job.job_id);
}
