import { readSettings } from "../../config/settings.ts";
import { callWithin } from "../../lib/call-within.ts";
import type { Failure } from "../../api/errors.ts";
import { STALL_SECONDS_DEFAULT } from "../../api/limits.ts";
import { type InstanceCondition, judge, suspectMsOf, type WatchedJob } from "./verdict.ts";
import { callbackGraceMs, listOverdueCallbacks } from "../tables/job-callback-columns.ts";
import { endDiscards, listDiscardingJobs, removeDiscardsNow } from "../tables/discard-rows.ts";
import { endJobIf } from "../commands/end-job.ts";
import {
  deleteJobRows,
  findJob,
  getJob,
  instanceIdOf,
  type JobRow,
  type Rescue,
  parseRescues,
} from "../tables/job-rows.ts";
import { countRunsAtPlace, placeOf, RESCUES_KEPT } from "../commands/hand-over.ts";
import {
  createRun,
  runStatus,
  startEnding,
  startStreamEnding,
  terminateRun,
} from "../commands/start-run.ts";
import type { JobsContext } from "../jobs-context.ts";
import { abandonStream } from "../tables/stream-rows.ts";
import {
  listAbandonedStreams,
  listExpiredJobs,
  listExpiredStreams,
  listForgottenJobs,
  listSilentJobs,
  listUnclosedJobs,
  nextAlarmMs,
  SLICE,
} from "../tables/job-due-columns.ts";

/** How long the watchdog waits for one task: an alarm has 15 minutes for all. */
const TASK_MS_MAX = 60_000;

/** After so long one alarm begins no task any more; the next one, a minute later, continues. */
const ALARM_MS_MAX = 40_000;

/** Sets the object's alarm to when something is to be looked after next. */
export async function scheduleWatchdog(context: JobsContext): Promise<void> {
  const { storage, sql } = context;
  const atMs = nextAlarmMs(sql, { nowMs: Date.now(), stallMs: stallMsOf(context) });
  const current = await storage.getAlarm();
  if (atMs !== null && (current === null || atMs < current)) await storage.setAlarm(atMs);
}

/**
 * The watchdog: looks after silent runs, snapshots and callbacks that nobody ends, streams whose lease
 * has run out, and retention. It starts and ends runs and never does their work. It works for 40 seconds
 * at most, and does each task once. Running it early, late or twice is harmless. A task that throws, or
 * does not answer within `taskMs`, keeps no other from being done.
 */
export async function runWatchdog(context: JobsContext, taskMs = TASK_MS_MAX): Promise<void> {
  const nowMs = Date.now();
  const begun = new Set<string>();
  let count: number;
  do {
    count = begun.size;
    // What stays due although it was taken up must not hide what stands after it.
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

/** One thing for the watchdog to do. */
interface Task {
  /** The same whenever the same thing is due. */
  id: string;
  work: () => Promise<unknown>;
}

/** What is due at `nowMs`: of each kind at most `limit`, the longest due first. */
function listTasks(context: JobsContext, of: { nowMs: number; limit: number }): Task[] {
  const { sql } = context;
  const { nowMs, limit } = of;
  const stallMs = stallMsOf(context);
  const overdue = listOverdueCallbacks(sql, { nowMs, graceMs: callbackGraceMs(stallMs), limit });
  // One instance does both.
  const unended = new Set([
    ...listUnclosedJobs(sql, nowMs).map((job) => job.job_id),
    ...overdue.map(({ jobId }) => jobId),
  ]);
  return [
    ...listSilentJobs(sql, { nowMs, silentMs: suspectMsOf(stallMs), limit }).map((job) => ({
      id: `look after ${job.job_id}`,
      work: () => lookAfter(context, job, stallMs),
    })),
    ...[...unended].map((jobId) => ({
      id: `end ${jobId}`,
      work: () => startEnding(context, jobId),
    })),
    ...listAbandonedStreams(sql, nowMs).map((stream) => ({
      id: `abandon stream ${stream.stream_id}`,
      work: async () => abandonStream(sql, stream),
    })),
    ...listExpiredStreams(sql, nowMs).map((stream) => ({
      id: `end stream ${stream.stream_id}`,
      work: () => startStreamEnding(context, stream),
    })),
    ...listDiscardingJobs(sql, { nowMs, limit }).map((jobId) => ({
      id: `remove discards of ${jobId}`,
      work: () => endDiscards(context, { jobId, nowMs }),
    })),
    ...listExpiredJobs(sql, { nowMs, limit }).map((job) => ({
      id: `expire ${job.job_id}`,
      work: () => expire(context, job),
    })),
    ...listForgottenJobs(sql, { nowMs, limit }).map((job) => ({
      id: `forget ${job.job_id}`,
      work: async () => deleteJobRows(sql, job.job_id),
    })),
  ];
}

function stallMsOf({ env }: JobsContext): number {
  try {
    return readSettings(env).stallMs;
  } catch {
    // Jobs that run are looked after, whatever a later deployment's vars say.
    return STALL_SECONDS_DEFAULT * 1_000;
  }
}

async function lookAfter(context: JobsContext, job: JobRow, stallMs: number): Promise<void> {
  const { sql } = context;
  const instance = await runStatus(context, job);
  const current = findJob(sql, job.job_id);
  // While Workflows was asked the run may have worked, or ended its job.
  if (current?.heartbeat_at_ms !== job.heartbeat_at_ms) return;
  // Not the alarm's own time: other tasks may have taken minutes.
  const nowMs = Date.now();
  const isWoken = job.woken_at_ms !== null && job.woken_at_ms > job.heartbeat_at_ms;
  const watched: WatchedJob = {
    runsAtPlace: countRunsAtPlace(sql, job),
    silentMs: nowMs - Math.max(job.heartbeat_at_ms, job.waited_at_ms ?? 0),
    idleMs: nowMs - job.heartbeat_at_ms,
    wokenAgoMs: isWoken ? nowMs - (job.woken_at_ms ?? 0) : null,
    instance,
  };
  switch (judge(watched, stallMs)) {
    case "wait":
      return recordWaiting(sql, job, { nowMs, as: instance });
    case "wake":
      return wake(context, job, nowMs);
    case "rescue":
      return rescue(context, job, { nowMs, instance });
    case "fail":
      return fail(context, job, {
        code: "export-stalled",
        message: `${watched.runsAtPlace} runs went silent, one after the other, at the same place`,
      });
    case "end":
      return fail(context, job, waitedTooLong(watched));
    case "leave":
      return;
  }
}

function waitedTooLong({ instance, idleMs }: WatchedJob): Failure {
  const days = `${Math.floor(idleMs / 86_400_000)} days`;
  return instance === "queued" || instance === "paused"
    ? { code: "export-stalled", message: `its instance was ${instance} for ${days}` }
    : { code: "workflow-not-started", message: `Workflows could not be reached for ${days}` };
}

/** Keeps that a run's instance was seen to wait: its silence counts from then on. */
function recordWaiting(
  sql: SqlStorage,
  job: JobRow,
  { nowMs, as }: { nowMs: number; as: InstanceCondition },
): void {
  sql.exec(
    "UPDATE tmp_export_jobs SET waited_at_ms = ?, waiting_as = ? WHERE job_id = ? AND run = ?",
    nowMs,
    as,
    job.job_id,
    job.run,
  );
}

/** An event of any type makes an instance that was forgotten go on with its interrupted step. */
async function wake({ sql, env }: JobsContext, job: JobRow, nowMs: number): Promise<void> {
  sql.exec(
    "UPDATE tmp_export_jobs SET woken_at_ms = ? WHERE job_id = ? AND run = ?",
    nowMs,
    job.job_id,
    job.run,
  );
  const instance = await env.EXPORT_WORKFLOW.get(instanceIdOf(job));
  await instance.sendEvent({ type: "wake", payload: {} });
}

/** Ends the run that does not answer, and gives the job to the next one. */
async function rescue(
  context: JobsContext,
  job: JobRow,
  { nowMs, instance }: { nowMs: number; instance: InstanceCondition },
): Promise<void> {
  const { sql } = context;
  const silent = `it was silent for ${Math.round((nowMs - job.heartbeat_at_ms) / 1_000)} s`;
  const rescued: Rescue = {
    run: job.run,
    atMs: nowMs,
    reason: instance === "ended" ? `${silent}, and its instance has ended` : silent,
    place: placeOf(sql, job),
  };
  const rescues = [...parseRescues(job), rescued].slice(-RESCUES_KEPT);
  const moved = sql.exec(
    `UPDATE tmp_export_jobs SET run = run + 1, woken_at_ms = NULL, waited_at_ms = NULL,
       heartbeat_at_ms = ?, started_over = 0, rescues_json = ?
     WHERE job_id = ? AND run = ? AND state IN ('queued', 'running')`,
    nowMs,
    JSON.stringify(rescues),
    job.job_id,
    job.run,
  );
  if (moved.rowsWritten === 0) return;
  if (instance !== "ended") await terminateRun(context, job);
  try {
    await createRun(context, getJob(sql, job.job_id));
  } catch (cause) {
    // Workflows is out of reach, which must not use up the job's few runs.
    sql.exec(
      `UPDATE tmp_export_jobs SET run = ?, woken_at_ms = ?, waited_at_ms = ?, heartbeat_at_ms = ?,
         started_over = ?, rescues_json = ?
       WHERE job_id = ? AND run = ? AND heartbeat_at_ms = ? AND state IN ('queued', 'running')`,
      job.run,
      job.woken_at_ms,
      job.waited_at_ms,
      job.heartbeat_at_ms,
      job.started_over,
      job.rescues_json,
      job.job_id,
      job.run + 1,
      nowMs,
    );
    throw cause;
  }
}

async function fail(context: JobsContext, job: JobRow, failure: Failure): Promise<void> {
  const nowMs = Date.now();
  if (!endJobIf(context, { jobId: job.job_id, to: "failed", nowMs, failure })) return;
  await terminateRun(context, job);
  await startEnding(context, job.job_id);
  await removeDiscardsNow(context, job.job_id);
}

async function expire(context: JobsContext, job: JobRow): Promise<void> {
  const nowMs = Date.now();
  if (!endJobIf(context, { jobId: job.job_id, to: "expired", nowMs })) return;
  await removeDiscardsNow(context, job.job_id);
}
