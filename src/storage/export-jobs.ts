import { DurableObject } from "cloudflare:workers";

import { type ExportEnv, parseConfig, type RunParams } from "../env.ts";
import type { ArtifactRecord, ChunkCommit, NextAction } from "../model/checkpoint.ts";
import { ExportError, type Failure, type Outcome, outcomeOf } from "../model/error.ts";
import type { JobRequest } from "../model/export-request.ts";
import { isActive, type JobState } from "../model/job-state.ts";
import type { JobView } from "../model/job-view.ts";
import {
  type Checkpoint,
  commitChunk,
  getLedger,
  type LedgerPiece,
  listPieces,
  loadCheckpoint,
  nextAction,
  type PlanRecord,
  recordPlan,
  setArtifact,
  voidPlan,
} from "./chunk-ledger.ts";
import {
  type CallbackTried,
  isCallbackPending,
  listOverdueCallbacks,
  recordCallback,
} from "./callback-rows.ts";
import {
  endingInstanceIdOf,
  deleteJobRows,
  findActiveJob,
  findJob,
  findJobByKey,
  getJob,
  getJobOfRun,
  insertJob,
  instanceIdOf,
  type JobRow,
  listArtifacts,
  listJobs,
  moveJobIf,
  type NewJob,
} from "./job-rows.ts";
import { jobViewOf, viewVersionOf } from "./job-view.ts";
import { RESTARTS_MAX, STALL_SECONDS_DEFAULT } from "../model/limits.ts";
import { judge } from "../model/watchdog.ts";
import {
  listExpiredJobs,
  listForgottenJobs,
  listSilentJobs,
  listUnclosedJobs,
  nextAlarmMs,
} from "./watch-list.ts";
import { migrate } from "./migrations.ts";
import { openArtifactStore } from "./open-artifact-store.ts";

const HOUR_MS = 3_600_000;

/** A job's file as a download needs it. */
export interface DownloadInfo {
  jobId: string;
  state: JobState;
  artifacts: ArtifactRecord[];
  manifestKey: string | null;
  completedAtMs: number | null;
}

/** An ended job's callback that is neither delivered nor given up. */
export interface PendingCallback {
  url: string;
  /** What links in the job's view start with. */
  origin: string;
  /** Tries so far. */
  attempts: number;
  nextAttemptAtMs: number | null;
  endedAtMs: number;
  view: JobView;
}

/**
 * The one object that holds a deployment's jobs: it binds names to functions. Only it creates or
 * ends a run. Expected failures cross as values (`Outcome`).
 */
export class ExportJobs extends DurableObject<ExportEnv> {
  constructor(ctx: DurableObjectState, env: ExportEnv) {
    super(ctx, env);
    migrate(ctx.storage);
  }

  get #sql(): SqlStorage {
    return this.ctx.storage.sql;
  }

  /**
   * Records a job and starts its first run. A known Idempotency-Key gives its job again. Failures:
   * `export-already-running`, `idempotency-key-reused`, `workflow-not-started`.
   */
  create(job: NewJob): Promise<Outcome<{ view: JobView; replayed: boolean }>> {
    return outcomeOf(async () => {
      const replayed = this.#insert(job);
      if (replayed !== undefined) return { view: jobViewOf(this.#sql, replayed), replayed: true };
      await this.#schedule();
      await this.#startRun(getJob(this.#sql, job.jobId));
      return { view: this.#view(job.jobId), replayed: false };
    });
  }

  /** Inserts a job, or finds the one that its key already made. */
  #insert(job: NewJob): JobRow | undefined {
    return this.ctx.storage.transactionSync(() => {
      const known =
        job.idempotencyKey === null ? undefined : findJobByKey(this.#sql, job.idempotencyKey);
      if (known !== undefined) {
        if (known.request_digest === job.requestDigest) return known;
        throw new ExportError(
          "idempotency-key-reused",
          "this Idempotency-Key was sent with another body",
          { details: { jobId: known.job_id } },
        );
      }
      const active = findActiveJob(this.#sql, job.databaseKey);
      if (active !== undefined) {
        throw new ExportError(
          "export-already-running",
          `source ${JSON.stringify(job.request.source)} is being exported by job ${active.job_id}`,
          { details: { jobId: active.job_id } },
        );
      }
      insertJob(this.#sql, job);
      return undefined;
    });
  }

  /** The row comes first and the instance second: its id is made from the row, so a repeat is harmless. */
  async #startRun(job: JobRow): Promise<void> {
    try {
      await this.#createRun(job);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      const failure: Failure = { code: "workflow-not-started", message };
      moveJobIf(this.#sql, { jobId: job.job_id, to: "failed", nowMs: Date.now(), failure });
      throw new ExportError("workflow-not-started", message, { cause });
    }
  }

  async #createRun(job: JobRow): Promise<void> {
    const params: RunParams = { jobId: job.job_id, run: job.run };
    try {
      await this.env.EXPORT_WORKFLOW.create({ id: instanceIdOf(job), params });
    } catch (cause) {
      if (!(cause instanceof Error && cause.message.includes("already_exists"))) throw cause;
    }
  }

  /**
   * Starts an instance that closes an ended job's snapshot and sends its callback, where either is still
   * to be done and no run is left to do it. Where it fails the alarm tries again.
   */
  async #startEnding(jobId: string): Promise<void> {
    this.#sql.exec(
      "UPDATE tmp_export_jobs SET endings = endings + 1, ending_at_ms = ? WHERE job_id = ?",
      Date.now(),
      jobId,
    );
    const job = findJob(this.#sql, jobId);
    if (job === undefined || !(isCallbackPending(job) || job.snapshot_open === 1)) return;
    const params: RunParams = { jobId, run: job.run, callbackFrom: job.callback_attempts + 1 };
    try {
      await this.env.EXPORT_WORKFLOW.create({ id: endingInstanceIdOf(job), params });
    } catch (cause) {
      console.warn({ message: "ending not started", jobId, cause: String(cause) });
    }
  }

  get #stallMs(): number {
    try {
      return parseConfig(this.env).stallMs;
    } catch {
      // Jobs that run are looked after, whatever a later deployment's vars say.
      return STALL_SECONDS_DEFAULT * 1_000;
    }
  }

  /** Sets the alarm to when something is to be looked after next. */
  async #schedule(): Promise<void> {
    const atMs = nextAlarmMs(this.#sql, { nowMs: Date.now(), stallMs: this.#stallMs });
    const current = await this.ctx.storage.getAlarm();
    if (atMs !== null && (current === null || atMs < current)) {
      await this.ctx.storage.setAlarm(atMs);
    }
  }

  /**
   * The watchdog: looks after silent runs, snapshots and callbacks that nobody ends, and retention, a few
   * of each at a time. It starts and ends runs and never does their work. Running it early, late or
   * twice is harmless.
   */
  override async alarm(): Promise<void> {
    const nowMs = Date.now();
    const sql = this.#sql;
    const stallMs = this.#stallMs;
    const tasks: (() => Promise<unknown>)[] = [
      ...listSilentJobs(sql, { nowMs, stallMs }).map(
        (job) => () => this.#judge(job, nowMs, stallMs),
      ),
      ...listUnclosedJobs(sql, nowMs).map((job) => () => this.#startEnding(job.job_id)),
      ...listOverdueCallbacks(sql, { nowMs, graceMs: stallMs, limit: 10 }).map(
        ({ jobId }) =>
          () =>
            this.#startEnding(jobId),
      ),
      ...listExpiredJobs(sql, nowMs).map((job) => () => this.#expire(job)),
      ...listForgottenJobs(sql, nowMs).map((job) => async () => deleteJobRows(sql, job.job_id)),
    ];
    for (const task of tasks) {
      try {
        await task();
      } catch (cause) {
        // The next alarm finds it again.
        console.warn({ message: "the watchdog will try again", cause: String(cause) });
      }
    }
    await this.#schedule();
  }

  async #judge(job: JobRow, nowMs: number, stallMs: number): Promise<void> {
    const isWoken = job.woken_at_ms !== null && job.woken_at_ms > job.heartbeat_at_ms;
    const silentMs = nowMs - job.heartbeat_at_ms;
    const wokenAgoMs = isWoken ? nowMs - (job.woken_at_ms ?? 0) : null;
    const verdict = judge({ run: job.run, silentMs, wokenAgoMs }, stallMs);
    if (verdict === "wake") await this.#wake(job, nowMs);
    if (verdict === "rescue") await this.#rescue(job, nowMs);
    if (verdict === "fail") await this.#giveUp(job, nowMs);
  }

  /** An event of any type makes an instance that was forgotten go on with its interrupted step. */
  async #wake(job: JobRow, nowMs: number): Promise<void> {
    const woken = "UPDATE tmp_export_jobs SET woken_at_ms = ? WHERE job_id = ? AND run = ?";
    this.#sql.exec(woken, nowMs, job.job_id, job.run);
    const instance = await this.env.EXPORT_WORKFLOW.get(instanceIdOf(job));
    await instance.sendEvent({ type: "wake", payload: {} });
  }

  /** Ends the run that does not answer, and gives the job to the next one. */
  async #rescue(job: JobRow, nowMs: number): Promise<void> {
    const silent = Math.round((nowMs - job.heartbeat_at_ms) / 1_000);
    const reason = `run ${job.run} was silent for ${silent} s; run ${job.run + 1} goes on from its checkpoint`;
    const moved = this.#sql.exec(
      `UPDATE tmp_export_jobs SET run = run + 1, woken_at_ms = NULL, heartbeat_at_ms = ?,
         warnings_json = json_insert(warnings_json, '$[#]', ?)
       WHERE job_id = ? AND run = ? AND state IN ('queued', 'running')`,
      nowMs,
      reason,
      job.job_id,
      job.run,
    );
    if (moved.rowsWritten === 0) return;
    await this.#terminate(job);
    await this.#createRun(getJob(this.#sql, job.job_id));
  }

  async #giveUp(job: JobRow, nowMs: number): Promise<void> {
    const message = `${job.run} runs went silent, one after the other`;
    const failure: Failure = { code: "export-stalled", message };
    if (!moveJobIf(this.#sql, { jobId: job.job_id, to: "failed", nowMs, failure })) return;
    await this.#terminate(job);
    await this.#startEnding(job.job_id);
    await this.#abortUploads(job.job_id);
    this.#sql.exec("DELETE FROM tmp_export_job_blobs WHERE job_id = ?", job.job_id);
  }

  /** Files first: a job whose files could not be deleted is found again. */
  async #expire(job: JobRow): Promise<void> {
    await this.#deleteFiles(job);
    const { job_id: jobId } = job;
    this.ctx.storage.transactionSync(() => {
      this.#sql.exec(
        "UPDATE tmp_export_jobs SET state = 'expired' WHERE job_id = ? AND state = 'completed'",
        jobId,
      );
      this.#sql.exec("DELETE FROM tmp_export_job_chunks WHERE job_id = ?", jobId);
    });
  }

  async #deleteFiles(job: JobRow): Promise<void> {
    const keys = listArtifacts(this.#sql, job.job_id).map((artifact) => artifact.objectKey);
    if (job.snapshot_id !== null) keys.push(manifestKeyOf(job));
    await openArtifactStore(this.env).delete(keys);
  }

  #view(jobId: string): JobView {
    return jobViewOf(this.#sql, getJob(this.#sql, jobId));
  }

  /** Failures: `job-not-found`. */
  view(jobId: string): Promise<Outcome<JobView>> {
    return outcomeOf(() => this.#view(jobId));
  }

  /** The view where it is another than that of `version`: for those who look often. Failures: `job-not-found`. */
  viewIfChanged(
    jobId: string,
    version: string,
  ): Promise<Outcome<{ version: string; status: JobState; view: JobView | null }>> {
    return outcomeOf(() => {
      const job = getJob(this.#sql, jobId);
      const current = viewVersionOf(job);
      const view = current === version ? null : jobViewOf(this.#sql, job);
      return { version: current, status: job.state, view };
    });
  }

  /** One page of jobs, newest first. */
  list(page: {
    status: JobState | undefined;
    limit: number;
    after: { createdAtMs: number; jobId: string } | undefined;
  }): { jobs: JobView[]; next: { createdAtMs: number; jobId: string } | null } {
    const rows = listJobs(this.#sql, { ...page, limit: page.limit + 1 });
    const shown = rows.slice(0, page.limit);
    const last = shown.at(-1);
    return {
      jobs: shown.map((row) => jobViewOf(this.#sql, row)),
      next:
        rows.length > page.limit && last !== undefined
          ? { createdAtMs: last.created_at_ms, jobId: last.job_id }
          : null,
    };
  }

  /** What a download needs to know. Failures: `job-not-found`. */
  download(jobId: string): Promise<Outcome<DownloadInfo>> {
    return outcomeOf(() => {
      const job = getJob(this.#sql, jobId);
      return {
        jobId,
        state: job.state,
        artifacts: listArtifacts(this.#sql, jobId),
        manifestKey: job.snapshot_id === null ? null : manifestKeyOf(job),
        completedAtMs: job.completed_at_ms,
      };
    });
  }

  /**
   * Cancels an active job, and gives its view; removes an ended one with its files, and gives null.
   * A cancelled job stays, so that repeating the call changes nothing; nor does it for an unknown one.
   */
  async remove(jobId: string): Promise<JobView | null> {
    const job = findJob(this.#sql, jobId);
    if (job === undefined) return null;
    if (moveJobIf(this.#sql, { jobId, to: "cancelled", nowMs: Date.now() })) {
      await this.#terminate(job);
      await this.#startEnding(jobId);
      await this.#schedule();
      await this.#abortUploads(jobId);
      this.#sql.exec("DELETE FROM tmp_export_job_blobs WHERE job_id = ?", jobId);
      return this.#view(jobId);
    }
    if (job.state === "cancelled") return this.#view(jobId);
    // A run that waits for its next try ends.
    if (isCallbackPending(job)) await this.#terminate(job);
    // Should a file resist, the alarm goes on with it.
    const now =
      "UPDATE tmp_export_jobs SET expires_at_ms = 0 WHERE job_id = ? AND state = 'completed'";
    this.#sql.exec(now, jobId);
    await this.#schedule();
    await this.#abortUploads(jobId);
    await this.#deleteFiles(job);
    deleteJobRows(this.#sql, jobId);
    return null;
  }

  async #terminate(job: JobRow): Promise<void> {
    try {
      const instance = await this.env.EXPORT_WORKFLOW.get(instanceIdOf(job));
      await instance.terminate();
    } catch (cause) {
      // An instance that has ended cannot be terminated; its commits are refused in any case.
      console.warn({
        message: "terminate failed",
        instance: instanceIdOf(job),
        cause: String(cause),
      });
    }
  }

  async #abortUploads(jobId: string): Promise<void> {
    const store = openArtifactStore(this.env);
    for (const artifact of listArtifacts(this.#sql, jobId)) {
      const { uploadId, objectKey, state } = artifact;
      if (uploadId !== null && (state === "uploading" || state === "written")) {
        await store.abortUpload({ key: objectKey, uploadId });
      }
    }
  }

  // What follows is called by runs alone.

  /** The job a run works on, moved to `running`. Failures: `run-superseded`. */
  beginRun(of: RunParams): Promise<Outcome<JobRow>> {
    return outcomeOf(() => {
      getJobOfRun(this.#sql, of);
      moveJobIf(this.#sql, { jobId: of.jobId, to: "running", nowMs: Date.now() });
      return getJobOfRun(this.#sql, of);
    });
  }

  /**
   * Keeps the id of a snapshot that is about to be opened, so that it can be found whatever becomes of
   * the opening. Failures: `run-superseded`.
   */
  recordSnapshot(
    of: RunParams,
    { snapshotId, isFrozen }: { snapshotId: string; isFrozen: boolean },
  ): Promise<Outcome<null>> {
    return outcomeOf(() => {
      getJobOfRun(this.#sql, of);
      const update =
        "UPDATE tmp_export_jobs SET snapshot_id = ?, snapshot_open = ? WHERE job_id = ?";
      this.#sql.exec(update, snapshotId, isFrozen ? 1 : 0, of.jobId);
      return null;
    });
  }

  /** Nothing of a snapshot is in its source any more. */
  recordClosed(jobId: string, snapshotId: string): void {
    const update =
      "UPDATE tmp_export_jobs SET snapshot_open = 0 WHERE job_id = ? AND snapshot_id = ?";
    this.#sql.exec(update, jobId, snapshotId);
  }

  /** A run shows that it works. Failures: `run-superseded`. */
  beat(of: RunParams): Promise<Outcome<null>> {
    return outcomeOf(() => {
      getJobOfRun(this.#sql, of);
      const update = "UPDATE tmp_export_jobs SET heartbeat_at_ms = ? WHERE job_id = ?";
      this.#sql.exec(update, Date.now(), of.jobId);
      return null;
    });
  }

  /** State of a job; null for one that this deployment does not know. */
  stateOf(jobId: string): JobState | null {
    return findJob(this.#sql, jobId)?.state ?? null;
  }

  /** The snapshot that a run may close: null where there is none, or a newer run reads it. */
  snapshotToClose(of: RunParams): { request: JobRequest; snapshotId: string } | null {
    const job = findJob(this.#sql, of.jobId);
    if (job === undefined || job.snapshot_id === null || job.snapshot_open === 0) return null;
    if (job.run !== of.run && isActive(job.state)) return null;
    return { request: JSON.parse(job.request_json) as JobRequest, snapshotId: job.snapshot_id };
  }

  /**
   * Takes a job back to its beginning, where it may begin again with a new snapshot: says whether it
   * may. What was uploaded is given up. Failures: `run-superseded`.
   */
  startOver(of: RunParams, reason: Failure): Promise<Outcome<{ again: boolean }>> {
    return outcomeOf(async () => {
      const job = getJobOfRun(this.#sql, of);
      if (job.cursor_json === null) return { again: true };
      if (job.restarts >= RESTARTS_MAX) return { again: false };
      await this.#abortUploads(of.jobId);
      this.ctx.storage.transactionSync(() => {
        getJobOfRun(this.#sql, of);
        voidPlan(this.#sql, of.jobId, `begun again with a new snapshot: ${reason.message}`);
        this.#countStep(of.jobId);
      });
      return { again: true };
    });
  }

  recordPlan(plan: PlanRecord): Promise<Outcome<NextAction>> {
    return outcomeOf(() =>
      this.ctx.storage.transactionSync(() => {
        recordPlan(this.#sql, plan, Date.now());
        this.#countStep(plan.jobId);
        return nextAction(this.#sql, getJob(this.#sql, plan.jobId));
      }),
    );
  }

  checkpoint(of: RunParams): Promise<Outcome<Checkpoint>> {
    return outcomeOf(() => loadCheckpoint(this.#sql, of));
  }

  /** One artifact of a job; null behind the last. Failures: `run-superseded`. */
  artifact(of: RunParams, ordinal: number): Promise<Outcome<ArtifactRecord | null>> {
    return outcomeOf(() => {
      getJobOfRun(this.#sql, of);
      return listArtifacts(this.#sql, of.jobId, { ordinal })[0] ?? null;
    });
  }

  /** The ledger's pieces of an artifact, end to end. Failures: `run-superseded`. */
  pieces(of: RunParams, ordinal: number): Promise<Outcome<LedgerPiece[]>> {
    return outcomeOf(() => {
      getJobOfRun(this.#sql, of);
      return listPieces(this.#sql, { jobId: of.jobId, ordinal });
    });
  }

  /** Commits a chunk. Failures: `run-superseded`. */
  commitChunk(commit: ChunkCommit): Promise<Outcome<NextAction>> {
    return outcomeOf(() =>
      this.ctx.storage.transactionSync(() => {
        commitChunk(this.#sql, commit, Date.now());
        return nextAction(this.#sql, getJob(this.#sql, commit.jobId));
      }),
    );
  }

  /** Records what a step did to an artifact; counts the step. Failures: `run-superseded`. */
  setArtifact(
    of: RunParams,
    artifact: { ordinal: number } & Partial<Pick<ArtifactRecord, "state" | "uploadId" | "sha256">>,
    r2ClassAOperations = 0,
  ): Promise<Outcome<NextAction>> {
    return outcomeOf(() =>
      this.ctx.storage.transactionSync(() => {
        const job = getJobOfRun(this.#sql, of);
        setArtifact(this.#sql, { jobId: of.jobId, ...artifact });
        this.#countStep(of.jobId, r2ClassAOperations);
        return nextAction(this.#sql, job);
      }),
    );
  }

  /** Everything the ledger has of a job. Failures: `run-superseded`, `job-not-found`. */
  ledger(of: RunParams): Promise<Outcome<ReturnType<typeof getLedger>>> {
    return outcomeOf(() => {
      getJobOfRun(this.#sql, of);
      return getLedger(this.#sql, of.jobId);
    });
  }

  /** Ends a job well. Failures: `run-superseded`, unless it has ended so before. */
  complete(of: RunParams): Promise<Outcome<JobView>> {
    return outcomeOf(() => {
      const job = getJob(this.#sql, of.jobId);
      if (job.state === "completed" && job.run === of.run) return this.#view(of.jobId);
      getJobOfRun(this.#sql, of);
      const nowMs = Date.now();
      const request = JSON.parse(job.request_json) as { retentionHours: number };
      this.ctx.storage.transactionSync(() => {
        moveJobIf(this.#sql, { jobId: of.jobId, to: "completed", nowMs });
        this.#sql.exec(
          "UPDATE tmp_export_jobs SET expires_at_ms = ? WHERE job_id = ?",
          nowMs + request.retentionHours * HOUR_MS,
          of.jobId,
        );
        this.#sql.exec("DELETE FROM tmp_export_job_blobs WHERE job_id = ?", of.jobId);
        this.#countStep(of.jobId, 1);
      });
      return this.#view(of.jobId);
    });
  }

  /** Ends a job that cannot go on: uploads are given up, the failure is kept. Says whether its
   *  callback is to be sent by the caller. */
  async fail(of: RunParams, failure: Failure): Promise<{ callback: boolean }> {
    const job = findJob(this.#sql, of.jobId);
    if (job === undefined || job.run !== of.run) return { callback: false };
    const callback = job.callback_status === "pending";
    if (!isActive(job.state)) return { callback: callback && job.state === "failed" };
    moveJobIf(this.#sql, { jobId: of.jobId, to: "failed", nowMs: Date.now(), failure });
    await this.#abortUploads(of.jobId);
    this.#sql.exec("DELETE FROM tmp_export_job_blobs WHERE job_id = ?", of.jobId);
    return { callback };
  }

  /** What a sender of an ended job's callback needs; null where nothing is to be sent any more. */
  callback(jobId: string): PendingCallback | null {
    const job = findJob(this.#sql, jobId);
    if (job === undefined || job.callback_url === null || !isCallbackPending(job)) return null;
    return {
      url: job.callback_url,
      origin: job.origin,
      attempts: job.callback_attempts,
      nextAttemptAtMs: job.callback_next_attempt_at_ms,
      endedAtMs: job.completed_at_ms ?? 0,
      view: this.#view(jobId),
    };
  }

  /** Keeps how a try of a callback ended; nothing where the job is gone. */
  recordCallback(tried: CallbackTried): void {
    recordCallback(this.#sql, tried);
  }

  #countStep(jobId: string, r2ClassAOperations = 0): void {
    this.#sql.exec(
      `UPDATE tmp_export_jobs SET usage_steps = usage_steps + 1,
         usage_r2_class_a = usage_r2_class_a + ?, heartbeat_at_ms = ? WHERE job_id = ?`,
      r2ClassAOperations,
      Date.now(),
      jobId,
    );
  }
}

/** Where a job's manifest is stored: beside its artifacts. */
export function manifestKeyOf(job: { job_id: string; snapshot_id: string | null }): string {
  return `exports/${job.job_id}/${job.snapshot_id}/manifest.json`;
}
