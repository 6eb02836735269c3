import { DurableObject } from "cloudflare:workers";

import type { ExportEnv, RunParams } from "../config/env.ts";
import type { ArtifactRecord, ChunkCommit, NextAction, StoredPart } from "../rpc/checkpoint.ts";
import { codedError } from "../rpc/coded-error.ts";
import { ExportError, type Failure, type Outcome, outcomeOf } from "../api/errors.ts";
import type { ExportFormat, JobRequest } from "../api/export-request.ts";
import type { JobState } from "../api/job-state.ts";
import type { JobView } from "../api/job-view.ts";
import { manifestKeyOf } from "../rpc/object-key.ts";
import type { StoredObject, Upload } from "../storage/artifact-store.ts";
import { beginStream } from "./commands/begin-stream.ts";
import {
  beginPost,
  type CallbackTried,
  type CallbackTurn,
  findPendingCallback,
  type PendingCallback,
  recordCallback,
} from "./tables/callback-rows.ts";
import {
  type Checkpoint,
  commitChunk,
  getLedger,
  type LedgerPiece,
  listPieces,
  loadCheckpoint,
  moveArtifactIf,
  nextAction,
  type PlanRecord,
  recordPlan,
} from "./tables/chunk-ledger.ts";
import { createJob } from "./commands/create-job.ts";
import {
  abortUpload,
  completeUpload,
  createUpload,
  deleteObject,
  findObject,
  type OpenObject,
  type PartPiece,
  putObject,
  putPiece,
  readObject,
} from "../storage/inline/inline-objects.ts";
import { type JobPageQuery, jobPageOf } from "./views/job-page.ts";
import {
  findJob,
  getJob,
  getJobOfRun,
  type JobRow,
  listArtifacts,
  type NewJob,
  stateAt,
} from "./tables/job-rows.ts";
import { jobViewOf, viewVersionOf } from "./views/job-view.ts";
import { runWatchdog, scheduleWatchdog } from "./watchdog/job-watchdog.ts";
import type { JobsContext } from "./jobs-context.ts";
import { type KeptTurn, loadTurn } from "./tables/kept-turn.ts";
import { migrate } from "./migrations.ts";
import { removeJob } from "./commands/remove-job.ts";
import { requireRoom } from "./require-space.ts";
import {
  beat,
  beginRun,
  completeJob,
  countStep,
  failJob,
  isSnapshotLeftover,
  recordClosed,
  recordSnapshot,
  type SnapshotToClose,
  snapshotToClose,
  startOver,
} from "./commands/run-record.ts";
import { deleteStream, findStream, type NewStream, renewStreamIf } from "./tables/stream-rows.ts";

/** A job's files as a download needs them. */
export interface DownloadInfo {
  jobId: string;
  state: JobState;
  source: string;
  format: ExportFormat;
  artifacts: ArtifactRecord[];
  manifestKey: string | null;
  completedAtMs: number | null;
}

/** An artifact of one plan alone. */
type ArtifactId = Pick<ArtifactRecord, "ordinal" | "objectKey">;

/** A job's view with a callback that is neither delivered nor given up. */
export type PendingCallbackView = PendingCallback & { view: JobView };

/** A sender's turn, with what it is to post. */
export type CallbackTurnView =
  | Exclude<CallbackTurn, { do: "post" }>
  | { do: "post"; callback: PendingCallbackView };

/** What is left of a stream; no snapshot where it read rows as they are. */
type StreamToClose = Pick<NewStream, "request" | "snapshotId">;

/**
 * The one object that holds a deployment's jobs: it binds names to functions. Only it creates or
 * ends a run. Expected failures cross as values (`Outcome`).
 */
export class ExportJobs extends DurableObject<ExportEnv> {
  readonly #jobs: JobsContext;

  constructor(ctx: DurableObjectState, env: ExportEnv) {
    super(ctx, env);
    try {
      migrate(ctx.storage);
    } catch (error) {
      throw codedError(error);
    }
    this.#jobs = { storage: ctx.storage, sql: ctx.storage.sql, env };
    // An alarm whose tries have all failed is gone, and a crash may come between a row and its alarm.
    void ctx.blockConcurrencyWhile(() => scheduleWatchdog(this.#jobs));
  }

  get #sql(): SqlStorage {
    return this.#jobs.sql;
  }

  /** Failures: `export-already-running`, `idempotency-key-reused`, `inline-storage-full`. */
  create(job: NewJob): Promise<Outcome<{ view: JobView; replayed: boolean }>> {
    return outcomeOf(() => createJob(this.#jobs, job));
  }

  /**
   * Cancels an active job, and gives its view; removes an ended one, and gives null. Failures:
   * `storage-unavailable`.
   */
  remove(jobId: string, options = { mayDelete: true }): Promise<Outcome<JobView | null>> {
    return outcomeOf(() => removeJob(this.#jobs, jobId, options));
  }

  override alarm(): Promise<void> {
    return runWatchdog(this.#jobs);
  }

  /** Failures: `job-not-found`. */
  view(jobId: string): Promise<Outcome<JobView>> {
    return outcomeOf(() => jobViewOf(this.#sql, getJob(this.#sql, jobId)));
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
      return { version: current, status: stateAt(job, Date.now()), view };
    });
  }

  list(query: JobPageQuery): ReturnType<typeof jobPageOf> {
    return jobPageOf(this.#sql, query);
  }

  /** What a download needs to know. Failures: `job-not-found`. */
  download(jobId: string): Promise<Outcome<DownloadInfo>> {
    return outcomeOf(() => {
      const job = getJob(this.#sql, jobId);
      return {
        jobId,
        state: stateAt(job, Date.now()),
        source: job.source,
        format: (JSON.parse(job.request_json) as JobRequest).format,
        artifacts: listArtifacts(this.#sql, jobId),
        manifestKey:
          job.snapshot_id === null ? null : manifestKeyOf({ jobId, snapshotId: job.snapshot_id }),
        completedAtMs: job.completed_at_ms,
      };
    });
  }

  /** How large the jobs' database is, files that are kept in it included. */
  databaseBytes(): number {
    return this.#sql.databaseSize;
  }

  /**
   * What a sender of an ended job's callback is to do for its attempt number `attempt`; a post counts as
   * begun from then on.
   */
  beginPost(jobId: string, attempt: number): CallbackTurnView {
    const job = findJob(this.#sql, jobId);
    const pending = job === undefined ? undefined : findPendingCallback(job);
    if (job === undefined || pending === undefined) return { do: "end" };
    const turn = beginPost(this.#sql, job, { attempt, nowMs: Date.now() });
    if (turn.do !== "post") return turn;
    return { do: "post", callback: { ...pending, view: jobViewOf(this.#sql, job) } };
  }

  /** Keeps how a try of a callback ended; nothing where the job is gone. */
  recordCallback(tried: CallbackTried): void {
    recordCallback(this.#sql, tried);
  }

  /** `jobId` may be a stream's id too. */
  isSnapshotLeftover(snapshot: { jobId: string; snapshotId: string }): boolean {
    return isSnapshotLeftover(this.#sql, { ...snapshot, nowMs: Date.now() });
  }

  /** Takes a database's lock for a stream. Failures: `export-already-running`. */
  beginStream(stream: NewStream): Promise<Outcome<void>> {
    return outcomeOf(() => beginStream(this.#jobs, stream));
  }

  /** A stream shows that its client takes what is sent. Failures: `stream-expired`. */
  renewStream(streamId: string): Promise<Outcome<void>> {
    return outcomeOf(() => {
      if (renewStreamIf(this.#sql, { streamId, nowMs: Date.now() })) return;
      throw new ExportError("stream-expired", `the lease of stream ${streamId} has run out`);
    });
  }

  /** To be called once nothing of a stream is in its source any more: frees the lock. */
  endStream(streamId: string): void {
    deleteStream(this.#sql, streamId);
  }

  /** What an expired stream has left to be closed; null where it is not expired, or has ended. */
  streamToClose(streamId: string): StreamToClose | null {
    const stream = findStream(this.#sql, streamId);
    if (stream === undefined || stream.lease_until_ms > Date.now()) return null;
    return {
      request: JSON.parse(stream.request_json) as NewStream["request"],
      snapshotId: stream.snapshot_id,
    };
  }

  // What follows is called by runs alone. Failures of what gives an outcome: `run-superseded`.

  beginRun(of: RunParams): Promise<Outcome<JobRow>> {
    return outcomeOf(() => beginRun(this.#jobs, of));
  }

  beat(of: RunParams): Promise<Outcome<void>> {
    return outcomeOf(() => beat(this.#sql, of));
  }

  recordSnapshot(
    of: RunParams,
    snapshot: { snapshotId: string; isFrozen: boolean },
  ): Promise<Outcome<void>> {
    return outcomeOf(() => recordSnapshot(this.#sql, of, snapshot));
  }

  recordClosed(jobId: string, closed: { snapshotId: string; tablesLeft: number }): void {
    recordClosed(this.#sql, jobId, closed);
  }

  snapshotToClose(of: RunParams): SnapshotToClose | null {
    return snapshotToClose(this.#sql, of);
  }

  startOver(
    of: RunParams,
    failed: { opening: number; reason: Failure },
  ): Promise<Outcome<{ again: boolean }>> {
    return outcomeOf(() => startOver(this.#jobs, of, failed));
  }

  recordPlan(plan: PlanRecord): Promise<Outcome<NextAction>> {
    return outcomeOf(() =>
      this.#jobs.storage.transactionSync(() => {
        recordPlan(this.#sql, plan, Date.now());
        // What was read in one turn is kept here too.
        if (this.#jobs.env.EXPORT_R2_BUCKET === undefined) requireRoom(this.#jobs, 0);
        countStep(this.#sql, plan.jobId);
        return nextAction(this.#sql, getJob(this.#sql, plan.jobId));
      }),
    );
  }

  /** What the job has read in one turn; null if it reads a snapshot, or rows as they are. */
  keptTurn(of: RunParams): Promise<Outcome<KeptTurn | null>> {
    return outcomeOf(() => {
      getJobOfRun(this.#sql, of);
      return loadTurn(this.#sql, of.jobId);
    });
  }

  checkpoint(of: RunParams): Promise<Outcome<Checkpoint>> {
    return outcomeOf(() => loadCheckpoint(this.#sql, of));
  }

  /** One artifact of a job; null behind the last. */
  artifact(of: RunParams, ordinal: number): Promise<Outcome<ArtifactRecord | null>> {
    return outcomeOf(() => {
      getJobOfRun(this.#sql, of);
      return listArtifacts(this.#sql, of.jobId, { ordinal })[0] ?? null;
    });
  }

  /** The ledger's pieces of an artifact, end to end. */
  pieces(of: RunParams, ordinal: number): Promise<Outcome<LedgerPiece[]>> {
    return outcomeOf(() => {
      getJobOfRun(this.#sql, of);
      return listPieces(this.#sql, { jobId: of.jobId, ordinal });
    });
  }

  commitChunk(commit: ChunkCommit): Promise<Outcome<NextAction>> {
    return outcomeOf(() =>
      this.#jobs.storage.transactionSync(() => {
        commitChunk(this.#sql, commit, Date.now());
        // What is carried will be kept here too.
        if (this.#jobs.env.EXPORT_R2_BUCKET === undefined) requireRoom(this.#jobs, 0);
        return nextAction(this.#sql, getJob(this.#sql, commit.jobId));
      }),
    );
  }

  /** Records the upload of an artifact that wants one, and counts the step. `kept` is false where it has one. */
  recordUpload(
    of: RunParams,
    upload: ArtifactId & { uploadId: string },
    r2ClassAOperations: number,
  ): Promise<Outcome<{ kept: boolean; next: NextAction }>> {
    return outcomeOf(() =>
      this.#jobs.storage.transactionSync(() => {
        const job = getJobOfRun(this.#sql, of);
        const move = { jobId: of.jobId, ...upload, from: "wants-upload", to: "uploading" } as const;
        const kept = moveArtifactIf(this.#sql, move);
        countStep(this.#sql, of.jobId, r2ClassAOperations);
        return { kept, next: nextAction(this.#sql, job) };
      }),
    );
  }

  /** Records that an artifact's upload is an object; counts the step. */
  recordStored(
    of: RunParams,
    artifact: ArtifactId,
    r2ClassAOperations: number,
  ): Promise<Outcome<NextAction>> {
    return outcomeOf(() =>
      this.#jobs.storage.transactionSync(() => {
        const job = getJobOfRun(this.#sql, of);
        moveArtifactIf(this.#sql, {
          jobId: of.jobId,
          ...artifact,
          from: "written",
          to: "stored",
        });
        countStep(this.#sql, of.jobId, r2ClassAOperations);
        return nextAction(this.#sql, job);
      }),
    );
  }

  /** Records the hashes of artifacts that a step has read back; counts the step. */
  recordVerified(
    of: RunParams,
    artifacts: readonly (ArtifactId & { sha256: string; crc32: number | null })[],
  ): Promise<Outcome<null>> {
    return outcomeOf(() =>
      this.#jobs.storage.transactionSync(() => {
        getJobOfRun(this.#sql, of);
        for (const artifact of artifacts) {
          const { jobId } = of;
          moveArtifactIf(this.#sql, { jobId, ...artifact, from: "stored", to: "verified" });
        }
        countStep(this.#sql, of.jobId);
        return null;
      }),
    );
  }

  /** Everything the ledger has of a job. */
  ledger(of: RunParams): Promise<Outcome<ReturnType<typeof getLedger>>> {
    return outcomeOf(() => {
      getJobOfRun(this.#sql, of);
      return getLedger(this.#sql, of.jobId);
    });
  }

  complete(of: RunParams): Promise<Outcome<JobView>> {
    return outcomeOf(() => completeJob(this.#jobs, of));
  }

  fail(of: RunParams, failure: Failure): Promise<{ callback: boolean }> {
    return failJob(this.#jobs, of, failure);
  }

  // What follows is called by `inlineArtifactStore` alone, which says what each promises.

  putObject(key: string, bytes: Uint8Array): Promise<Outcome<StoredObject>> {
    return outcomeOf(() => this.#atOnce(() => putObject(this.#jobs, key, bytes)));
  }

  createUpload(key: string): Promise<Outcome<string>> {
    return outcomeOf(() => createUpload(this.#jobs, key));
  }

  putPiece(piece: PartPiece): Promise<Outcome<void>> {
    return outcomeOf(() => this.#atOnce(() => putPiece(this.#jobs, piece)));
  }

  completeUpload(upload: Upload, parts: readonly StoredPart[]): Promise<Outcome<StoredObject>> {
    return outcomeOf(() => this.#atOnce(() => completeUpload(this.#jobs, upload, parts)));
  }

  abortUpload(upload: Upload): Promise<Outcome<void>> {
    return outcomeOf(() => this.#atOnce(() => abortUpload(this.#sql, upload)));
  }

  findObject(key: string): Promise<Outcome<StoredObject | null>> {
    return outcomeOf(() => findObject(this.#sql, key) ?? null);
  }

  readObject(
    object: OpenObject,
    range: { offset: number; bytesMax: number },
  ): Promise<Outcome<Uint8Array<ArrayBuffer>>> {
    return outcomeOf(() => readObject(this.#sql, object, range));
  }

  deleteObjects(keys: readonly string[]): Promise<Outcome<void>> {
    return outcomeOf(() =>
      this.#atOnce(() => {
        for (const key of keys) deleteObject(this.#sql, key);
      }),
    );
  }

  #atOnce<T>(work: () => T): T {
    return this.#jobs.storage.transactionSync(work);
  }
}
