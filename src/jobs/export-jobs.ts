import type { Failure } from "../api/errors.ts";
import type { JobView } from "../api/job-view.ts";
import type { ExportEnv } from "../config/bindings.ts";
import type { ArtifactRecord, LedgerPiece } from "../rpc/artifact-record.ts";
import type { Checkpoint } from "../rpc/checkpoint.ts";
import type { ChunkCommit } from "../rpc/chunk-commit.ts";
import type {
  ChangedView,
  DownloadInfo,
  HttpJobs,
  JobPage,
  JobPageQuery,
  NewJob,
} from "../rpc/http-jobs.ts";
import type { KeptTurn } from "../rpc/kept-turn.ts";
import type { NextAction } from "../rpc/next-action.ts";
import { type Outcome, outcomeOf } from "../rpc/outcome.ts";
import type { PlanRecord } from "../rpc/plan-record.ts";
import type {
  ArtifactId,
  CallbackAttempt,
  CallbackDecision,
  CopyPlan,
  JobLedger,
  RunJobs,
  RunningJob,
  SnapshotToClose,
} from "../rpc/run-jobs.ts";
import type { RunId, RunStart } from "../rpc/run-payload.ts";
import type { NewStream, StreamJobs, StreamToClose } from "../rpc/stream-jobs.ts";
import { beat } from "./commands/beat.ts";
import { decideCallback } from "./commands/begin-post.ts";
import { beginRun } from "./commands/begin-run.ts";
import { beginStream } from "./commands/begin-stream.ts";
import { commitStored, commitUpload, commitVerified } from "./commands/commit-artifact.ts";
import { commitExportedChunk } from "./commands/commit-chunk.ts";
import { commitPlan } from "./commands/commit-plan.ts";
import { completeJob } from "./commands/complete-job.ts";
import { createJob } from "./commands/create-job.ts";
import { failJob } from "./commands/fail-job.ts";
import { holdFiles } from "./commands/hold-files.ts";
import { recordSnapshot } from "./commands/record-snapshot.ts";
import { removeJob } from "./commands/remove-job.ts";
import { renewStream } from "./commands/renew-stream.ts";
import { scheduleWatchdog } from "./commands/schedule-watchdog.ts";
import { startOver } from "./commands/start-over.ts";
import { findArtifact } from "./tables/artifact-rows.ts";
import { loadTurn } from "./tables/blob-rows.ts";
import { listNotes, listPieces } from "./tables/chunk-rows.ts";
import { recordCallback } from "./tables/job-callback-columns.ts";
import { recordSigned } from "./tables/job-copying-columns.ts";
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
import { runWatchdog } from "./watchdog/job-watchdog.ts";
import { JobsFleets } from "./object/jobs-fleets.ts";

/**
 * The one object that holds a deployment's jobs. It binds names to functions, and only it creates
 * or ends a run. The interfaces that it implements describe each method. Expected failures cross as
 * values (`Outcome`).
 */
export class ExportJobs extends JobsFleets implements HttpJobs, RunJobs, StreamJobs {
  constructor(ctx: DurableObjectState, env: ExportEnv) {
    super(ctx, env);
    // An alarm is gone after all of its attempts fail, and a crash may happen between a row and its
    // alarm.
    void ctx.blockConcurrencyWhile(() => scheduleWatchdog(this.jobs));
  }

  override alarm(): Promise<void> {
    return runWatchdog(this.jobs);
  }

  // HttpJobs

  create(job: NewJob): Promise<Outcome<{ view: JobView; replayed: boolean }>> {
    return outcomeOf(() => createJob(this.jobs, job));
  }

  remove(jobId: string, options = { mayDelete: true }): Promise<Outcome<JobView | null>> {
    return outcomeOf(() => removeJob(this.jobs, jobId, options));
  }

  view(jobId: string): Promise<Outcome<JobView>> {
    return outcomeOf(() => getJobView(this.jobs.sql, jobId));
  }

  viewIfChanged(jobId: string, version: string): Promise<Outcome<ChangedView>> {
    return outcomeOf(() => findChangedView(this.jobs.sql, jobId, version));
  }

  list(query: JobPageQuery): JobPage {
    return getJobPage(this.jobs.sql, query);
  }

  download(jobId: string, { reads } = { reads: false }): Promise<Outcome<DownloadInfo>> {
    return outcomeOf(() => {
      if (reads) holdFiles(this.jobs.sql, jobId, Date.now());
      return getDownloadInfo(this.jobs.sql, jobId);
    });
  }

  databaseBytes(): number {
    return this.jobs.sql.databaseSize;
  }

  // StreamJobs

  beginStream(stream: NewStream): Promise<Outcome<void>> {
    return outcomeOf(() => beginStream(this.jobs, stream));
  }

  renewStream(streamId: string): Promise<Outcome<void>> {
    return outcomeOf(() => renewStream(this.jobs.sql, streamId));
  }

  endStream(streamId: string): void {
    deleteStream(this.jobs.sql, streamId);
  }

  streamToClose(streamId: string): StreamToClose | null {
    return findStreamToClose(this.jobs.sql, streamId);
  }

  // RunJobs

  beginRun(run: RunStart): Promise<Outcome<RunningJob>> {
    return outcomeOf(() => toRunningJob(beginRun(this.jobs, run)));
  }

  beat(run: RunId): Promise<Outcome<void>> {
    return outcomeOf(() => beat(this.jobs.sql, run));
  }

  recordSnapshot(
    run: RunId,
    snapshot: { snapshotId: string; isFrozen: boolean },
  ): Promise<Outcome<void>> {
    return outcomeOf(() => recordSnapshot(this.jobs.sql, run, snapshot));
  }

  isSnapshotLeftover(snapshot: { jobId: string; snapshotId: string }): boolean {
    return isSnapshotLeftover(this.jobs.sql, { ...snapshot, nowMs: Date.now() });
  }

  recordClosed(jobId: string, closed: { snapshotId: string; tablesLeft: number }): void {
    recordClosed(this.jobs.sql, jobId, closed);
  }

  snapshotToClose(run: RunId): SnapshotToClose | null {
    return snapshotToClose(this.jobs.sql, run);
  }

  startOver(
    run: RunId,
    failed: { opening: number; reason: Failure },
  ): Promise<Outcome<{ again: boolean }>> {
    return outcomeOf(() => startOver(this.jobs, run, failed));
  }

  recordPlan(plan: PlanRecord): Promise<Outcome<NextAction>> {
    return outcomeOf(() => commitPlan(this.jobs, plan));
  }

  keptTurn(run: RunId): Promise<Outcome<KeptTurn | null>> {
    return this.#ofRun(run, () => loadTurn(this.jobs.sql, run.jobId));
  }

  checkpoint(run: RunId): Promise<Outcome<Checkpoint>> {
    return outcomeOf(() => loadCheckpoint(this.jobs.sql, run));
  }

  artifact(run: RunId, ordinal: number): Promise<Outcome<ArtifactRecord | null>> {
    return this.#ofRun(run, () => findArtifact(this.jobs.sql, run.jobId, ordinal) ?? null);
  }

  pieces(run: RunId, ordinal: number): Promise<Outcome<LedgerPiece[]>> {
    return this.#ofRun(run, () => listPieces(this.jobs.sql, { jobId: run.jobId, ordinal }));
  }

  notes(run: RunId, ordinal: number): Promise<Outcome<string[]>> {
    return this.#ofRun(run, () => listNotes(this.jobs.sql, { jobId: run.jobId, ordinal }));
  }

  commitChunk(commit: ChunkCommit): Promise<Outcome<NextAction>> {
    return outcomeOf(() => commitExportedChunk(this.jobs, commit));
  }

  recordUpload(
    run: RunId,
    upload: ArtifactId & { uploadId: string },
    r2ClassAOperations: number,
  ): Promise<Outcome<{ kept: boolean; next: NextAction }>> {
    return outcomeOf(() => commitUpload(this.jobs, run, upload, r2ClassAOperations));
  }

  recordStored(
    run: RunId,
    artifact: ArtifactId,
    r2ClassAOperations: number,
  ): Promise<Outcome<NextAction>> {
    return outcomeOf(() => commitStored(this.jobs, run, artifact, r2ClassAOperations));
  }

  recordVerified(
    run: RunId,
    artifacts: readonly (ArtifactId & { sha256: string; crc32: number | null })[],
  ): Promise<Outcome<CopyPlan>> {
    return outcomeOf(() => commitVerified(this.jobs, run, artifacts));
  }

  ledger(run: RunId): Promise<Outcome<JobLedger>> {
    return this.#ofRun(run, () => getLedger(this.jobs.sql, run.jobId));
  }

  beginSigning(run: RunId): Promise<Outcome<null>> {
    return this.#ofRun(run, () => {
      recordSigned(this.jobs.sql, run.jobId);
      return null;
    });
  }

  complete(run: RunId): Promise<Outcome<JobView>> {
    return outcomeOf(() => completeJob(this.jobs, run));
  }

  fail(run: RunId, failure: Failure): Promise<{ callback: boolean }> {
    return failJob(this.jobs, run, failure);
  }

  beginPost(jobId: string, attempt: number): CallbackDecision {
    return decideCallback(this.jobs.sql, jobId, attempt);
  }

  recordCallback(attempted: CallbackAttempt): void {
    recordCallback(this.jobs.sql, attempted);
  }

  /** Reads what only a job's current run may see. */
  #ofRun<T>(run: RunId, read: () => T): Promise<Outcome<T>> {
    return outcomeOf(() => {
      getJobOfRun(this.jobs.sql, run);
      return read();
    });
  }
}
