import { parseConfig } from "../env.ts";
import { callWithin } from "../lib/call-within.ts";
import type { Failure } from "../model/error.ts";
import { STALL_SECONDS_DEFAULT } from "../model/limits.ts";
import { judge, suspectMsOf, type WatchedJob } from "../model/watchdog.ts";
import { listOverdueCallbacks } from "./callback-rows.ts";
import { endDiscards, listDiscardingJobs, removeDiscardsNow } from "./discards.ts";
import { endJobIf } from "./end-job.ts";
import {
  deleteJobRows,
  findJob,
  getJob,
  instanceIdOf,
  type JobRow,
  type Rescue,
} from "./job-rows.ts";
import { createRun, runStatus, startEnding, startStreamEnding, terminateRun } from "./job-runs.ts";
import type { JobsContext } from "./jobs-context.ts";
import { abandonStream } from "./stream-rows.ts";
import {
  listAbandonedStreams,
  listExpiredJobs,
  listExpiredStreams,
  listForgottenJobs,
  listSilentJobs,
  listUnclosedJobs,
  nextAlarmMs,
  SLICE,
} from "./watch-list.ts";

/** How long the watchdog waits for one task: an alarm has 15 minutes for all. */
const TASK_MS_MAX = 60_000;

/** Sets the object's alarm to when something is to be looked after next. */
export async function scheduleWatchdog(context: JobsContext): Promise<void> {
  const { storage, sql } = context;
  const atMs = nextAlarmMs(sql, { nowMs: Date.now(), stallMs: stallMsOf(context) });
  const current = await storage.getAlarm();
  if (atMs !== null && (current === null || atMs < current)) await storage.setAlarm(atMs);
}

/**
 * The watchdog: looks after silent runs, snapshots and callbacks that nobody ends, streams whose lease
 * has run out, and retention, a few of each at a time. It starts and ends runs and never does their work.
 * Running it early, late or twice is harmless; what one task throws, and one that does not answer within
 * `taskMs`, keeps no other from being done.
 */
export async function runWatchdog(context: JobsContext, taskMs = TASK_MS_MAX): Promise<void> {
  const { sql } = context;
  const nowMs = Date.now();
  const stallMs = stallMsOf(context);
  const overdue = listOverdueCallbacks(sql, { nowMs, graceMs: stallMs, limit: SLICE });
  // One instance does both.
  const unended = new Set([
    ...listUnclosedJobs(sql, nowMs).map((job) => job.job_id),
    ...overdue.map(({ jobId }) => jobId),
  ]);
  const tasks: (() => Promise<unknown>)[] = [
    ...listSilentJobs(sql, { nowMs, silentMs: suspectMsOf(stallMs) }).map(
      (job) => () => lookAfter(context, job, { nowMs, stallMs }),
    ),
    ...[...unended].map((jobId) => () => startEnding(context, jobId)),
    ...listAbandonedStreams(sql, nowMs).map((stream) => async () => abandonStream(sql, stream)),
    ...listExpiredStreams(sql, nowMs).map((stream) => () => startStreamEnding(context, stream)),
    ...listDiscardingJobs(sql, { nowMs, limit: SLICE }).map(
      (jobId) => () => endDiscards(context, { jobId, nowMs }),
    ),
    ...listExpiredJobs(sql, nowMs).map((job) => () => expire(context, job, nowMs)),
    ...listForgottenJobs(sql, nowMs).map((job) => async () => deleteJobRows(sql, job.job_id)),
  ];
  for (const task of tasks) {
    try {
      await callWithin(taskMs, task);
    } catch (cause) {
      // The next alarm finds it again.
      console.warn({ message: "the watchdog will try again", cause: String(cause) });
    }
  }
  await scheduleWatchdog(context);
}

function stallMsOf({ env }: JobsContext): number {
  try {
    return parseConfig(env).stallMs;
  } catch {
    // Jobs that run are looked after, whatever a later deployment's vars say.
    return STALL_SECONDS_DEFAULT * 1_000;
  }
}

async function lookAfter(
  context: JobsContext,
  job: JobRow,
  { nowMs, stallMs }: { nowMs: number; stallMs: number },
): Promise<void> {
  const instance = await runStatus(context, job);
  const current = findJob(context.sql, job.job_id);
  // While Workflows was asked the run may have worked, or ended its job.
  if (current?.heartbeat_at_ms !== job.heartbeat_at_ms) return;
  const isWoken = job.woken_at_ms !== null && job.woken_at_ms > job.heartbeat_at_ms;
  const silentMs = nowMs - job.heartbeat_at_ms;
  const wokenAgoMs = isWoken ? nowMs - (job.woken_at_ms ?? 0) : null;
  switch (judge({ run: job.run, silentMs, wokenAgoMs, instance }, stallMs)) {
    case "wake":
      return wake(context, job, nowMs);
    case "rescue":
      return rescue(context, job, { nowMs, instance });
    case "fail":
      return fail(context, job, nowMs);
    case "leave":
      return;
  }
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
  { nowMs, instance }: { nowMs: number; instance: WatchedJob["instance"] },
): Promise<void> {
  const { sql } = context;
  const silent = `it was silent for ${Math.round((nowMs - job.heartbeat_at_ms) / 1_000)} s`;
  const rescued: Rescue = {
    run: job.run,
    atMs: nowMs,
    reason: instance === "ended" ? `${silent}, and its instance has ended` : silent,
  };
  const moved = sql.exec(
    `UPDATE tmp_export_jobs SET run = run + 1, woken_at_ms = NULL, heartbeat_at_ms = ?,
       started_over = 0, rescues_json = json_insert(rescues_json, '$[#]', json(?))
     WHERE job_id = ? AND run = ? AND state IN ('queued', 'running')`,
    nowMs,
    JSON.stringify(rescued),
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
      `UPDATE tmp_export_jobs SET run = ?, woken_at_ms = ?, heartbeat_at_ms = ?, started_over = ?,
         rescues_json = ?
       WHERE job_id = ? AND run = ? AND heartbeat_at_ms = ? AND state IN ('queued', 'running')`,
      job.run,
      job.woken_at_ms,
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

async function fail(context: JobsContext, job: JobRow, nowMs: number): Promise<void> {
  const message = `${job.run} runs went silent, one after the other`;
  const failure: Failure = { code: "export-stalled", message };
  if (!endJobIf(context, { jobId: job.job_id, to: "failed", nowMs, failure })) return;
  await terminateRun(context, job);
  await startEnding(context, job.job_id);
  await removeDiscardsNow(context, job.job_id);
}

async function expire(context: JobsContext, job: JobRow, nowMs: number): Promise<void> {
  if (!endJobIf(context, { jobId: job.job_id, to: "expired", nowMs })) return;
  await removeDiscardsNow(context, job.job_id);
}
