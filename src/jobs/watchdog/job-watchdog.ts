import { callWithin } from "../../lib/call-within.ts";
import { forEachAtOnce } from "../../lib/for-each-at-once.ts";
import { yieldTurn } from "../../lib/yield-turn.ts";
import { deleteJobRows } from "../commands/delete-job-rows.ts";
import { endJobIf } from "../commands/end-job.ts";
import { removeDiscardsNow } from "../commands/remove-discards.ts";
import { scheduleWatchdog, readStallMs } from "../commands/schedule-watchdog.ts";
import { startEnding, startStreamEnding } from "../commands/start-ending.ts";
import { startNextJobs } from "../commands/start-next-jobs.ts";
import type { JobsContext } from "../jobs-context.ts";
import { listDueCopyDiscards } from "../tables/copy-discard-rows.ts";
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
import { isInUse } from "../views/job-use.ts";
import { endDiscards } from "./end-discards.ts";
import { endUnusedFile } from "./end-unused-file.ts";
import { lookAfter } from "./look-after.ts";
import { removeCopyDiscards } from "./remove-copy-discards.ts";
import { startCopying } from "./start-copying.ts";
import { getSuspectMs } from "./verdict.ts";

/** How many tasks of a kind are listed at once: their rows are in memory. */
export const SLICE = 100;

/**
 * How many tasks are under way at once. They wait for R2 and Workflows, and a Worker has at most six
 * open connections: https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections
 */
const TASKS_AT_ONCE = 6;

/** How long the watchdog waits for one task: an alarm has 15 minutes for all. */
const TASK_MS_MAX = 60_000;

/** After this time an alarm starts no more tasks, and the next one continues. */
const ALARM_MS_MAX = 40_000;

/** How soon the next alarm continues: other calls of the object come between. */
const CONTINUE_MS = 1_000;

/**
 * The watchdog. It starts queued jobs, and looks after silent runs, snapshots and callbacks that nobody ends, streams
 * whose lease has expired, unused uploads, and retention. It starts and ends runs and never does their work. It works
 * for `alarmMs` at most, and does each task once. If tasks are left then, the next alarm follows at once. Running it
 * early, late or twice is harmless. A task that throws, or does not answer within `taskMs`, does not block the others.
 */
export async function runWatchdog(
  context: JobsContext,
  { taskMs = TASK_MS_MAX, alarmMs = ALARM_MS_MAX } = {},
): Promise<void> {
  const nowMs = Date.now();
  const endMs = nowMs + alarmMs;
  const begun = new Set<string>();
  await startNextJobs(context);
  for (;;) {
    const tasks = TASK_KINDS.flatMap((list) =>
      listNewTasks((due) => list(context, due), begun, nowMs),
    );
    if (tasks.length === 0) break;
    await forEachAtOnce(TASKS_AT_ONCE, tasks, async ({ id, work }) => {
      if (begun.has(id) || Date.now() >= endMs) return;
      begun.add(id);
      try {
        await callWithin(taskMs, work);
      } catch (cause) {
        // The next alarm finds it again.
        console.warn({ message: "the watchdog will try again", task: id, cause: String(cause) });
      }
    });
    // Tasks without input or output do not move the clock, and nobody else gets a turn.
    await yieldTurn();
    if (Date.now() >= endMs) {
      await context.storage.setAlarm(Date.now() + CONTINUE_MS);
      return;
    }
  }
  await scheduleWatchdog(context);
}

/** One task of the watchdog. */
interface Task {
  /** The same whenever the same thing is due. */
  id: string;
  work: () => Promise<unknown>;
}

/** What is due at `nowMs`: at most `limit` tasks, the longest overdue first. */
interface Due {
  nowMs: number;
  limit: number;
}

/**
 * Returns due tasks that were not begun. Tasks usually stop being due when they are done. One that
 * stays due must not hide the tasks after it, so the list gets longer until it has new ones.
 */
function listNewTasks(
  list: (due: Due) => Task[],
  begun: ReadonlySet<string>,
  nowMs: number,
): Task[] {
  for (let limit = SLICE; ; limit *= 2) {
    const tasks = list({ nowMs, limit });
    const found = tasks.filter(({ id }) => !begun.has(id));
    if (found.length > 0 || tasks.length < limit) return found;
  }
}

/** The kinds of tasks. Each list is one search of an index, however many jobs there are. */
const TASK_KINDS: readonly ((context: JobsContext, due: Due) => Task[])[] = [
  (context, due) => {
    const stallMs = readStallMs(context);
    const silent = listSilentJobs(context.sql, { ...due, silentMs: getSuspectMs(stallMs) });
    return silent.map((job) => ({
      id: `look after ${job.job_id}`,
      work: () => lookAfter(context, job, stallMs),
    }));
  },
  (context, due) => listUnclosedJobs(context.sql, due).map((job) => endTask(context, job.job_id)),
  (context, due) => {
    const graceMs = getCallbackGraceMs(readStallMs(context));
    const overdue = listOverdueCallbacks(context.sql, { ...due, graceMs });
    return overdue.map(({ jobId }) => endTask(context, jobId));
  },
  ({ sql }, due) =>
    listAbandonedStreams(sql, due).map((stream) => ({
      id: `abandon stream ${stream.stream_id}`,
      work: async () => abandonStream(sql, stream),
    })),
  (context, due) =>
    listExpiredStreams(context.sql, due).map((stream) => ({
      id: `end stream ${stream.stream_id}`,
      work: () => startStreamEnding(context, stream),
    })),
  (context, due) =>
    listDiscardingJobs(context.sql, due).map((jobId) => ({
      id: `remove discards of ${jobId}`,
      work: () => endDiscards(context, { jobId, nowMs: due.nowMs }),
    })),
  (context, due) =>
    listUnusedFiles(context.sql, due).map(({ file_id: fileId }) => ({
      id: `end unused file ${fileId}`,
      work: () => endUnusedFile(context, { fileId, nowMs: due.nowMs }),
    })),
  (context, due) =>
    listDueCopyings(context.sql, due).map((job) => ({
      id: `copy ${job.job_id}`,
      work: () => startCopying(context, job),
    })),
  (context, due) =>
    listDueCopyDiscards(context.sql, due).map((discards) => ({
      id: `remove the copy of ${discards.jobId} at ${discards.destination}`,
      work: () => removeCopyDiscards(context, discards, due.nowMs),
    })),
  (context, due) =>
    listExpiredJobs(context.sql, due).map((job) => ({
      id: `expire ${job.job_id}`,
      work: () => expire(context, job),
    })),
  ({ sql }, due) =>
    listForgottenJobs(sql, due).map((job) => ({
      id: `forget ${job.job_id}`,
      work: async () => deleteJobRows(sql, job.job_id),
    })),
];

/** An open snapshot and a late callback are one task, since one instance does both. */
function endTask(context: JobsContext, jobId: string): Task {
  return { id: `end ${jobId}`, work: () => startEnding(context, jobId) };
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

async function expire(context: JobsContext, job: JobRow): Promise<void> {
  const nowMs = Date.now();
  // A copy, a restore or a download ends within hours, and then the files expire.
  if (isInUse(context.sql, job, nowMs)) return;
  if (!endJobIf(context, { jobId: job.job_id, to: "expired", nowMs })) return;
  await removeDiscardsNow(context, job.job_id);
}
