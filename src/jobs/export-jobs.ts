import { DurableObject } from "cloudflare:workers";

import type { Failure } from "../api/errors.ts";
import type { JobView } from "../api/job-view.ts";
import type { UploadView } from "../api/upload.ts";
import type { ExportEnv } from "../config/bindings.ts";
import type { ArtifactRecord, LedgerPiece } from "../rpc/artifact-record.ts";
import type { Checkpoint } from "../rpc/checkpoint.ts";
import type { ChunkCommit } from "../rpc/chunk-commit.ts";
import type { NextAction } from "../rpc/next-action.ts";
import type { PlanRecord } from "../rpc/plan-record.ts";
import type {
  OpenObject,
  PartPiece,
  StoredObject,
  StoredPart,
  Upload,
} from "../rpc/stored-object.ts";
import { toCodedError } from "../rpc/coded-error.ts";
import type {
  ChangedView,
  DownloadInfo,
  HttpJobs,
  JobPage,
  JobPageQuery,
  NewJob,
} from "../rpc/http-jobs.ts";
import type { InlineObjects } from "../rpc/inline-objects.ts";
import type { KeptTurn } from "../rpc/kept-turn.ts";
import { type Outcome, outcomeOf } from "../rpc/outcome.ts";
import type {
  ArtifactId,
  CallbackAttempt,
  CallbackDecision,
  JobLedger,
  RunJobs,
  RunningJob,
  SnapshotToClose,
} from "../rpc/run-jobs.ts";
import type { RunId, RunStart } from "../rpc/run-payload.ts";
import type { NewStream, StreamJobs, StreamToClose } from "../rpc/stream-jobs.ts";
import type {
  FileToMake,
  MadeFile,
  NewFile,
  PartAttempt,
  UploadJobs,
  UsableFile,
} from "../rpc/upload-jobs.ts";
import type { InlineContext } from "../storage/inline/inline-context.ts";
import {
  abortUpload,
  completeUpload,
  createUpload,
  deleteObject,
  findObject,
  putObject,
  putPiece,
  readObject,
} from "../storage/inline/inline-objects.ts";
import { beat } from "./commands/beat.ts";
import { decideCallback } from "./commands/begin-post.ts";
import { beginRun } from "./commands/begin-run.ts";
import { beginStream } from "./commands/begin-stream.ts";
import { commitStored, commitUpload, commitVerified } from "./commands/commit-artifact.ts";
import { commitExportedChunk } from "./commands/commit-chunk.ts";
import { commitPlan } from "./commands/commit-plan.ts";
import {
  beginRestoreRun,
  commitRestore,
  completeRestore,
  findRestoreToClose,
} from "./commands/commit-restore.ts";
import { createRestore, findRestoreByKey } from "./commands/create-restore.ts";
import { removeRestore } from "./commands/remove-restore.ts";
import { recordTargetOpen } from "./tables/job-restore-columns.ts";
import { findChangedRestoreView, getRestorePage, getRestoreView } from "./views/restore-view.ts";
import type { RestoreView } from "../api/restore-view.ts";
import type {
  ChangedRestoreView,
  NewRestore,
  RestoreCommit,
  RestoreJobs,
  RunningRestore,
} from "../rpc/restore-jobs.ts";
import { beginCompletion, completeFile, refuseFile } from "./commands/complete-file.ts";
import { completeJob } from "./commands/complete-job.ts";
import { createFile } from "./commands/create-file.ts";
import { createJob } from "./commands/create-job.ts";
import { failJob } from "./commands/fail-job.ts";
import { recordSnapshot } from "./commands/record-snapshot.ts";
import { removeFile } from "./commands/remove-file.ts";
import { removeJob } from "./commands/remove-job.ts";
import { renewStream } from "./commands/renew-stream.ts";
import { scheduleWatchdog } from "./commands/schedule-watchdog.ts";
import { startOver } from "./commands/start-over.ts";
import { beginPart, recordPart } from "./commands/store-part.ts";
import { useFile } from "./commands/use-file.ts";
import { inlineContext } from "./inline-files.ts";
import type { JobsContext } from "./jobs-context.ts";
import { migrate } from "./migrations.ts";
import { findArtifact } from "./tables/artifact-rows.ts";
import { loadTurn } from "./tables/blob-rows.ts";
import { listPieces } from "./tables/chunk-rows.ts";
import { recordFileUpload } from "./tables/file-rows.ts";
import { recordCallback } from "./tables/job-callback-columns.ts";
import { recordClosed } from "./tables/job-plan-columns.ts";
import { getJobOfRun } from "./tables/job-rows.ts";
import { deleteStream } from "./tables/stream-rows.ts";
import { loadCheckpoint } from "./views/checkpoint.ts";
import { getDownloadInfo } from "./views/download-info.ts";
import { getLedger } from "./views/job-ledger.ts";
import { getJobPage } from "./views/job-page.ts";
import { findChangedView, getJobView } from "./views/job-view.ts";
import { findStreamToClose, isSnapshotLeftover, snapshotToClose } from "./views/left-snapshots.ts";
import { toRunningJob } from "./views/running-job.ts";
import { getUploadView } from "./views/upload-view.ts";
import { runWatchdog } from "./watchdog/job-watchdog.ts";

/**
 * The one object that holds a deployment's jobs. It binds names to functions, and only it creates
 * or ends a run. The interfaces that it implements describe each method. Expected failures cross as
 * values (`Outcome`).
 */
export class ExportJobs
  extends DurableObject<ExportEnv>
  implements HttpJobs, RestoreJobs, RunJobs, StreamJobs, UploadJobs, InlineObjects
{
  readonly #jobs: JobsContext;
  readonly #files: InlineContext;

  constructor(ctx: DurableObjectState, env: ExportEnv) {
    super(ctx, env);
    try {
      migrate(ctx.storage);
    } catch (error) {
      throw toCodedError(error);
    }
    this.#jobs = { storage: ctx.storage, sql: ctx.storage.sql, env };
    this.#files = inlineContext(this.#jobs);
    // An alarm is gone after all of its attempts fail, and a crash may happen between a row and its
    // alarm.
    void ctx.blockConcurrencyWhile(() => scheduleWatchdog(this.#jobs));
  }

  get #sql(): SqlStorage {
    return this.#jobs.sql;
  }

  override alarm(): Promise<void> {
    return runWatchdog(this.#jobs);
  }

  // HttpJobs

  create(job: NewJob): Promise<Outcome<{ view: JobView; replayed: boolean }>> {
    return outcomeOf(() => createJob(this.#jobs, job));
  }

  remove(jobId: string, options = { mayDelete: true }): Promise<Outcome<JobView | null>> {
    return outcomeOf(() => removeJob(this.#jobs, jobId, options));
  }

  view(jobId: string): Promise<Outcome<JobView>> {
    return outcomeOf(() => getJobView(this.#sql, jobId));
  }

  viewIfChanged(jobId: string, version: string): Promise<Outcome<ChangedView>> {
    return outcomeOf(() => findChangedView(this.#sql, jobId, version));
  }

  list(query: JobPageQuery): JobPage {
    return getJobPage(this.#sql, query);
  }

  download(jobId: string): Promise<Outcome<DownloadInfo>> {
    return outcomeOf(() => getDownloadInfo(this.#sql, jobId));
  }

  databaseBytes(): number {
    return this.#sql.databaseSize;
  }

  // RestoreJobs

  createRestore(restore: NewRestore): Promise<Outcome<{ view: RestoreView; replayed: boolean }>> {
    return outcomeOf(() => createRestore(this.#jobs, restore));
  }

  findRestoreByKey(key: {
    idempotencyKey: string;
    requestDigest: string;
  }): Promise<Outcome<RestoreView | null>> {
    return outcomeOf(() => findRestoreByKey(this.#sql, key));
  }

  restoreView(jobId: string): Promise<Outcome<RestoreView>> {
    return outcomeOf(() => getRestoreView(this.#sql, jobId));
  }

  restoreViewIfChanged(jobId: string, version: string): Promise<Outcome<ChangedRestoreView>> {
    return outcomeOf(() => findChangedRestoreView(this.#sql, jobId, version));
  }

  listRestores(query: JobPageQuery): ReturnType<RestoreJobs["listRestores"]> {
    return getRestorePage(this.#sql, query);
  }

  removeRestore(jobId: string): Promise<Outcome<RestoreView | null>> {
    return outcomeOf(() => removeRestore(this.#jobs, jobId));
  }

  beginRestoreRun(run: RunStart): Promise<Outcome<RunningRestore>> {
    return outcomeOf(() => beginRestoreRun(this.#jobs, run));
  }

  async restoreToClose(jobId: string): Promise<RunningRestore | null> {
    return findRestoreToClose(this.#sql, jobId);
  }

  async recordRestoreClosed(jobId: string): Promise<void> {
    recordTargetOpen(this.#sql, jobId, false);
  }

  commitRestore(commit: RestoreCommit): Promise<Outcome<RunningRestore>> {
    return outcomeOf(() => commitRestore(this.#jobs, commit));
  }

  completeRestore(run: RunId): Promise<Outcome<RestoreView>> {
    return outcomeOf(() => completeRestore(this.#jobs, run));
  }

  // StreamJobs

  beginStream(stream: NewStream): Promise<Outcome<void>> {
    return outcomeOf(() => beginStream(this.#jobs, stream));
  }

  renewStream(streamId: string): Promise<Outcome<void>> {
    return outcomeOf(() => renewStream(this.#sql, streamId));
  }

  endStream(streamId: string): void {
    deleteStream(this.#sql, streamId);
  }

  streamToClose(streamId: string): StreamToClose | null {
    return findStreamToClose(this.#sql, streamId);
  }

  // UploadJobs

  createFile(file: NewFile): Promise<Outcome<null>> {
    return outcomeOf(() => createFile(this.#jobs, file));
  }

  openFile(fileId: string, uploadId: string): Promise<Outcome<UploadView>> {
    return outcomeOf(() => {
      recordFileUpload(this.#sql, fileId, uploadId);
      return getUploadView(this.#sql, fileId);
    });
  }

  fileView(fileId: string): Promise<Outcome<UploadView>> {
    return outcomeOf(() => getUploadView(this.#sql, fileId));
  }

  beginPart(part: {
    fileId: string;
    number: number;
    bytes: number;
  }): Promise<Outcome<PartAttempt>> {
    return outcomeOf(() => beginPart(this.#sql, part));
  }

  recordPart(
    fileId: string,
    stored: { attempt: number; part: StoredPart },
  ): Promise<Outcome<null>> {
    return outcomeOf(() => recordPart(this.#sql, fileId, stored));
  }

  beginCompletion(
    fileId: string,
    completion: { parts: number; sha256: string | null },
  ): Promise<Outcome<FileToMake | { view: UploadView }>> {
    return outcomeOf(() => beginCompletion(this.#sql, fileId, completion));
  }

  refuseFile(fileId: string): Promise<Outcome<UploadView>> {
    return outcomeOf(() => refuseFile(this.#sql, fileId));
  }

  completeFile(fileId: string, made: MadeFile): Promise<Outcome<UploadView>> {
    return outcomeOf(() => completeFile(this.#jobs, fileId, made));
  }

  removeFile(fileId: string): Promise<Outcome<null>> {
    return outcomeOf(() => removeFile(this.#jobs, fileId));
  }

  useFile(fileId: string, jobId: string): Promise<Outcome<UsableFile>> {
    return outcomeOf(() => useFile(this.#sql, fileId, jobId));
  }

  // RunJobs

  beginRun(run: RunStart): Promise<Outcome<RunningJob>> {
    return outcomeOf(() => toRunningJob(beginRun(this.#jobs, run)));
  }

  beat(run: RunId): Promise<Outcome<void>> {
    return outcomeOf(() => beat(this.#sql, run));
  }

  recordSnapshot(
    run: RunId,
    snapshot: { snapshotId: string; isFrozen: boolean },
  ): Promise<Outcome<void>> {
    return outcomeOf(() => recordSnapshot(this.#sql, run, snapshot));
  }

  isSnapshotLeftover(snapshot: { jobId: string; snapshotId: string }): boolean {
    return isSnapshotLeftover(this.#sql, { ...snapshot, nowMs: Date.now() });
  }

  recordClosed(jobId: string, closed: { snapshotId: string; tablesLeft: number }): void {
    recordClosed(this.#sql, jobId, closed);
  }

  snapshotToClose(run: RunId): SnapshotToClose | null {
    return snapshotToClose(this.#sql, run);
  }

  startOver(
    run: RunId,
    failed: { opening: number; reason: Failure },
  ): Promise<Outcome<{ again: boolean }>> {
    return outcomeOf(() => startOver(this.#jobs, run, failed));
  }

  recordPlan(plan: PlanRecord): Promise<Outcome<NextAction>> {
    return outcomeOf(() => commitPlan(this.#jobs, plan));
  }

  keptTurn(run: RunId): Promise<Outcome<KeptTurn | null>> {
    return this.#ofRun(run, () => loadTurn(this.#sql, run.jobId));
  }

  checkpoint(run: RunId): Promise<Outcome<Checkpoint>> {
    return outcomeOf(() => loadCheckpoint(this.#sql, run));
  }

  artifact(run: RunId, ordinal: number): Promise<Outcome<ArtifactRecord | null>> {
    return this.#ofRun(run, () => findArtifact(this.#sql, run.jobId, ordinal) ?? null);
  }

  pieces(run: RunId, ordinal: number): Promise<Outcome<LedgerPiece[]>> {
    return this.#ofRun(run, () => listPieces(this.#sql, { jobId: run.jobId, ordinal }));
  }

  commitChunk(commit: ChunkCommit): Promise<Outcome<NextAction>> {
    return outcomeOf(() => commitExportedChunk(this.#jobs, commit));
  }

  recordUpload(
    run: RunId,
    upload: ArtifactId & { uploadId: string },
    r2ClassAOperations: number,
  ): Promise<Outcome<{ kept: boolean; next: NextAction }>> {
    return outcomeOf(() => commitUpload(this.#jobs, run, upload, r2ClassAOperations));
  }

  recordStored(
    run: RunId,
    artifact: ArtifactId,
    r2ClassAOperations: number,
  ): Promise<Outcome<NextAction>> {
    return outcomeOf(() => commitStored(this.#jobs, run, artifact, r2ClassAOperations));
  }

  recordVerified(
    run: RunId,
    artifacts: readonly (ArtifactId & { sha256: string; crc32: number | null })[],
  ): Promise<Outcome<null>> {
    return outcomeOf(() => commitVerified(this.#jobs, run, artifacts));
  }

  ledger(run: RunId): Promise<Outcome<JobLedger>> {
    return this.#ofRun(run, () => getLedger(this.#sql, run.jobId));
  }

  complete(run: RunId): Promise<Outcome<JobView>> {
    return outcomeOf(() => completeJob(this.#jobs, run));
  }

  fail(run: RunId, failure: Failure): Promise<{ callback: boolean }> {
    return failJob(this.#jobs, run, failure);
  }

  beginPost(jobId: string, attempt: number): CallbackDecision {
    return decideCallback(this.#sql, jobId, attempt);
  }

  recordCallback(attempted: CallbackAttempt): void {
    recordCallback(this.#sql, attempted);
  }

  // InlineObjects

  putObject(key: string, bytes: Uint8Array): Promise<Outcome<StoredObject>> {
    return this.#atOnce(() => putObject(this.#files, key, bytes));
  }

  createUpload(key: string): Promise<Outcome<string>> {
    return outcomeOf(() => createUpload(this.#files, key));
  }

  putPiece(piece: PartPiece): Promise<Outcome<void>> {
    return this.#atOnce(() => putPiece(this.#files, piece));
  }

  completeUpload(upload: Upload, parts: readonly StoredPart[]): Promise<Outcome<StoredObject>> {
    return this.#atOnce(() => completeUpload(this.#files, upload, parts));
  }

  abortUpload(upload: Upload): Promise<Outcome<void>> {
    return this.#atOnce(() => abortUpload(this.#sql, upload));
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
    return this.#atOnce(() => {
      for (const key of keys) deleteObject(this.#sql, key);
    });
  }

  /** Reads what only a job's current run may see. */
  #ofRun<T>(run: RunId, read: () => T): Promise<Outcome<T>> {
    return outcomeOf(() => {
      getJobOfRun(this.#sql, run);
      return read();
    });
  }

  #atOnce<T>(work: () => T): Promise<Outcome<T>> {
    return outcomeOf(() => this.#jobs.storage.transactionSync(work));
  }
}
