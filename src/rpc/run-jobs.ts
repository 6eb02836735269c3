import type { CallbackMove } from "./callback-move.ts";
import type { Failure } from "../api/errors.ts";
import type { JobRequest } from "../api/export-request.ts";
import type { ManifestCopy } from "../api/copies.ts";
import type { FleetView } from "../api/fleet-view.ts";
import type { JobView } from "../api/job-view.ts";
import type { Proof } from "../api/proof.ts";
import type { RestoreView } from "../api/restore-view.ts";
import type { ArtifactRecord, LedgerPiece } from "./artifact-record.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { ChunkCommit } from "./chunk-commit.ts";
import type { NextAction } from "./next-action.ts";
import type { CopyTask } from "./copy-jobs.ts";
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
   * Moves the job to `running` and returns it. A run that the watchdog started as a replacement
   * first takes over the job, unless it already has it.
   */
  beginRun(run: RunStart): Promise<Outcome<RunningJob>>;
  /** Reports to the watchdog that the run is working. */
  beat(run: RunId): Promise<Outcome<void>>;
  /** Records the id of a snapshot before it is opened. Failures: `try-overtaken`. */
  recordSnapshot(
    run: RunId,
    snapshot: { snapshotId: string; isFrozen: boolean },
  ): Promise<Outcome<void>>;
  /** Reports whether a snapshot is no longer needed. `jobId` may be a stream's id. */
  isSnapshotLeftover(snapshot: { jobId: string; snapshotId: string }): boolean;
  /** Records that a snapshot is closed, except for `tablesLeft` empty tables. */
  recordClosed(jobId: string, closed: { snapshotId: string; tablesLeft: number }): void;
  /**
   * Returns the snapshot that the run may close; null if there is none, or if a newer run reads it.
   */
  snapshotToClose(run: RunId): SnapshotToClose | null;
  /**
   * Voids the job's plan so that it restarts with a new snapshot; `again` is false if it may not
   * restart.
   */
  startOver(
    run: RunId,
    failed: { opening: number; reason: Failure },
  ): Promise<Outcome<{ again: boolean }>>;
  /** Records the plan in place of any earlier one. Failures: `try-overtaken`, `inline-storage-full`. */
  recordPlan(plan: PlanRecord): Promise<Outcome<NextAction>>;
  /** Returns what the job read in one turn; null if it reads a snapshot, or rows as they are. */
  keptTurn(run: RunId): Promise<Outcome<KeptTurn | null>>;
  checkpoint(run: RunId): Promise<Outcome<Checkpoint>>;
  /** Returns one artifact of the job; null after the last. */
  artifact(run: RunId, ordinal: number): Promise<Outcome<ArtifactRecord | null>>;
  /** Returns the ledger's pieces of an artifact, in order and without gaps. */
  pieces(run: RunId, ordinal: number): Promise<Outcome<LedgerPiece[]>>;
  /** Returns the notes of an artifact's pieces, in order. */
  notes(run: RunId, ordinal: number): Promise<Outcome<string[]>>;
  /** Commits a whole chunk or nothing. Failures: `try-overtaken`, `inline-storage-full`. */
  commitChunk(commit: ChunkCommit): Promise<Outcome<NextAction>>;
  /**
   * Records the upload of an artifact that needs one; `kept` is false if it already has one. Counts
   * the step.
   */
  recordUpload(
    run: RunId,
    upload: ArtifactId & { uploadId: string },
    r2ClassAOperations: number,
  ): Promise<Outcome<{ kept: boolean; next: NextAction }>>;
  /** Records that an artifact's upload became an object. Counts the step. */
  recordStored(
    run: RunId,
    artifact: ArtifactId,
    r2ClassAOperations: number,
  ): Promise<Outcome<NextAction>>;
  /**
   * Records the hashes of artifacts that a step has read back. Counts the step. Returns whether the
   * job has copies, and the first step of copying that can be done now.
   */
  recordVerified(
    run: RunId,
    artifacts: readonly (ArtifactId & { sha256: string; crc32: number | null })[],
  ): Promise<Outcome<CopyPlan>>;
  /** Returns everything that the ledger records about the job. */
  ledger(run: RunId): Promise<Outcome<JobLedger>>;
  /** Records that the manifest is about to be signed: the signature goes with the job's files. */
  beginSigning(run: RunId): Promise<Outcome<null>>;
  /** Completes the job. A repeated call returns the same view. */
  complete(run: RunId): Promise<Outcome<JobView>>;
  /** Fails the job; `callback` reports whether the caller must send its callback. */
  fail(run: RunId, failure: Failure): Promise<{ callback: boolean }>;
  /**
   * Counts attempt number `attempt` of an ended job's callback as started, and returns what to do.
   */
  beginPost(jobId: string, attempt: number): CallbackDecision;
  /** Records how a callback attempt ended; does nothing if the job is gone. */
  recordCallback(attempted: CallbackAttempt): void;
}

/** An artifact of one plan only: a late attempt cannot change a later plan. */
export type ArtifactId = Pick<ArtifactRecord, "ordinal" | "objectKey">;

/** What a run knows about its job's copies: null if the job has none. */
export type CopyPlan = { next: CopyTask | null } | null;

/** An active job with the fields that its run needs. */
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
  /** How far the job's proof is. */
  proof: Proof;
  /** Null until it is recorded. */
  plan: RecordedPlan | null;
}

/** What is recorded about a plan. */
export interface RecordedPlan {
  snapshotId: string;
  /** What the keys of the job's files start with. It ends with `/`. */
  folder: string;
  snapshotAtMs: number;
  /** Null if rows are read as they are. */
  snapshot: SnapshotRecord | null;
  catalogDigest: string;
  /** Null if an earlier version made the plan. */
  planDigest: string | null;
  /** Null if an earlier version has made the plan. */
  writer: DumpWriter | null;
}

/** The data that the manifest is built from. */
export interface JobLedger {
  /** Its plan is recorded: nothing can be published before. */
  job: RunningJob & { plan: RecordedPlan };
  tables: { name: string; rows: number; bytes: number }[];
  warnings: string[];
  copies: ManifestCopy[];
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
  /** Why it was not delivered; contains no secrets. */
  error: string | null;
  nowMs: number;
}

/** What the sender of a callback must do now. */
export type CallbackDecision =
  /** Post attempt number `attempt`. */
  | { do: "post"; callback: PendingCallback }
  /** Wait for `delayMs`, then ask for attempt number `attempt`. */
  | { do: "wait"; attempt: number; delayMs: number }
  /** No callback remains to be sent. */
  | { do: "end" };

/** An ended job's callback that is neither delivered nor abandoned. */
export interface PendingCallback {
  url: string;
  /** Scheme and host of the links in the job's view. */
  origin: string;
  endedAtMs: number;
  view: JobView | RestoreView | FleetView;
}
