import type { CallbackMove } from "./callback-move.ts";
import type { Failure } from "../api/errors.ts";
import type { JobRequest } from "../api/export-request.ts";
import type { JobView } from "../api/job-view.ts";
import type { RestoreView } from "../api/restore-view.ts";
import type { ArtifactRecord, LedgerPiece } from "./artifact-record.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { ChunkCommit } from "./chunk-commit.ts";
import type { NextAction } from "./next-action.ts";
import type { DumpWriter, PlanRecord } from "./plan-record.ts";
import type { KeptTurn } from "./kept-turn.ts";
import type { Outcome } from "./outcome.ts";
import type { RunId, RunStart } from "./run-payload.ts";
import type { SnapshotRecord } from "./snapshot-record.ts";

/**
 * The jobs object's methods for runs: the Workflow instances that do a job's work. Each outcome may fail
 * with `run-superseded`: a newer run has taken over, or the job has ended. The run then changes nothing.
 */
export interface RunJobs {
  /**
   * Moves the job to `running` and returns it. A run that the watchdog made to replace the one before it
   * takes the job over first, unless it has it already.
   */
  beginRun(run: RunStart): Promise<Outcome<RunningJob>>;
  /** Shows the watchdog that the run works. */
  beat(run: RunId): Promise<Outcome<void>>;
  /** Records the id of a snapshot before it is opened. Failures: `try-overtaken`. */
  recordSnapshot(
    run: RunId,
    snapshot: { snapshotId: string; isFrozen: boolean },
  ): Promise<Outcome<void>>;
  /** Reports whether nobody needs a snapshot any more. `jobId` may be a stream's id. */
  isSnapshotLeftover(snapshot: { jobId: string; snapshotId: string }): boolean;
  /** Records that a snapshot is closed, except for `tablesLeft` empty tables. */
  recordClosed(jobId: string, closed: { snapshotId: string; tablesLeft: number }): void;
  /** Returns the snapshot that the run may close; null if there is none, or a newer run reads it. */
  snapshotToClose(run: RunId): SnapshotToClose | null;
  /** Voids the job's plan so that it restarts with a new snapshot; `again` is false if it may not. */
  startOver(
    run: RunId,
    failed: { opening: number; reason: Failure },
  ): Promise<Outcome<{ again: boolean }>>;
  /** Records the plan in place of any earlier one. Failures: `try-overtaken`, `inline-storage-full`. */
  recordPlan(plan: PlanRecord): Promise<Outcome<NextAction>>;
  /** Returns what the job has read in one turn; null if it reads a snapshot, or rows as they are. */
  keptTurn(run: RunId): Promise<Outcome<KeptTurn | null>>;
  checkpoint(run: RunId): Promise<Outcome<Checkpoint>>;
  /** Returns one artifact of the job; null after the last. */
  artifact(run: RunId, ordinal: number): Promise<Outcome<ArtifactRecord | null>>;
  /** Returns the ledger's pieces of an artifact, end to end. */
  pieces(run: RunId, ordinal: number): Promise<Outcome<LedgerPiece[]>>;
  /** Commits a chunk, or nothing. Failures: `try-overtaken`, `inline-storage-full`. */
  commitChunk(commit: ChunkCommit): Promise<Outcome<NextAction>>;
  /** Records the upload of an artifact that needs one; `kept` is false if it has one. Counts the step. */
  recordUpload(
    run: RunId,
    upload: ArtifactId & { uploadId: string },
    r2ClassAOperations: number,
  ): Promise<Outcome<{ kept: boolean; next: NextAction }>>;
  /** Records that an artifact's upload is an object. Counts the step. */
  recordStored(
    run: RunId,
    artifact: ArtifactId,
    r2ClassAOperations: number,
  ): Promise<Outcome<NextAction>>;
  /** Records the hashes of artifacts that a step has read back. Counts the step. */
  recordVerified(
    run: RunId,
    artifacts: readonly (ArtifactId & { sha256: string; crc32: number | null })[],
  ): Promise<Outcome<null>>;
  /** Returns everything that the ledger has of the job. */
  ledger(run: RunId): Promise<Outcome<JobLedger>>;
  /** Ends the job well. Repeating it returns the same view. */
  complete(run: RunId): Promise<Outcome<JobView>>;
  /** Ends the job with a failure; `callback` reports whether the caller must send its callback. */
  fail(run: RunId, failure: Failure): Promise<{ callback: boolean }>;
  /** Counts attempt number `attempt` of an ended job's callback as begun, and returns what to do. */
  beginPost(jobId: string, attempt: number): CallbackDecision;
  /** Records how an attempt of a callback ended; nothing if the job is gone. */
  recordCallback(attempted: CallbackAttempt): void;
}

/** An artifact of one plan only: a late attempt changes nothing of a later plan's. */
export type ArtifactId = Pick<ArtifactRecord, "ordinal" | "objectKey">;

/** An active job as its run needs it. */
export interface RunningJob {
  jobId: string;
  request: JobRequest;
  createdAtMs: number;
  /** The size of the job's parts, in bytes: no deployment changes it while the job runs. */
  partBytes: number;
  /** Why the watchdog gave the job to this run; null for the first. */
  rescuedFor: string | null;
  /** True if the job has reached its source before. */
  hasReachedSource: boolean;
  /** The job's own warnings so far. */
  warnings: string[];
  /** Null until it is recorded. */
  plan: RecordedPlan | null;
}

/** What is recorded of a plan. */
export interface RecordedPlan {
  snapshotId: string;
  snapshotAtMs: number;
  /** Null if rows are read as they are. */
  snapshot: SnapshotRecord | null;
  catalogDigest: string;
  /** Null if an earlier version has made the plan. */
  planDigest: string | null;
  /** Null if an earlier version has made the plan. */
  writer: DumpWriter | null;
}

/** What the manifest is made of. */
export interface JobLedger {
  /** Its plan is recorded: there is nothing to publish before. */
  job: RunningJob & { plan: RecordedPlan };
  tables: { name: string; rows: number; bytes: number }[];
  warnings: string[];
  artifacts: (ArtifactRecord & { pieces: LedgerPiece[] })[];
}

/** A snapshot that a run may close. */
export interface SnapshotToClose {
  request: JobRequest;
  snapshotId: string;
}

/** How one attempt of a callback ended. */
export interface CallbackAttempt {
  jobId: string;
  /** From 1. */
  attempt: number;
  move: CallbackMove;
  /** Why it was not delivered; without secrets. */
  error: string | null;
  nowMs: number;
}

/** What the sender of a callback must do now. */
export type CallbackDecision =
  /** Post attempt number `attempt`. */
  | { do: "post"; callback: PendingCallback }
  /** Return in `delayMs`, and ask for attempt number `attempt`. */
  | { do: "wait"; attempt: number; delayMs: number }
  /** No callback remains to be sent. */
  | { do: "end" };

/** An ended job's callback that is neither delivered nor abandoned. */
export interface PendingCallback {
  url: string;
  /** Scheme and host of the links in the job's view. */
  origin: string;
  endedAtMs: number;
  view: JobView | RestoreView;
}
