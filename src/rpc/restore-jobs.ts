import type { ErrorCode } from "../api/error-codes.ts";
import type { RestorePhase, RestoreView } from "../api/restore-view.ts";
import type { RestoreRequest, RestoreVerify } from "../api/restore-request.ts";
import type { JobPosition } from "./http-jobs.ts";
import { LOAD_START, type LoadPlan, type LoadPosition, type ScriptRecord } from "./load-plan.ts";
import type { Outcome } from "./outcome.ts";
import type { RunId, RunStart } from "./run-payload.ts";
import type { JobState } from "../api/job-state.ts";

/** A restore job's request. Fields that the client omitted have the deployment's defaults. */
export type RestoreJobRequest = RestoreRequest & { target: string; retentionHours: number };

/** What a new restore job needs; the caller chooses ids and times. */
export interface NewRestore {
  jobId: string;
  request: RestoreJobRequest;
  /** Identifies the database, whichever source names it, as for exports. */
  databaseKey: string;
  requestDigest: string;
  idempotencyKey: string | null;
  /** A table because of which the target is not empty, though it must be; null if there is none. */
  filledTable: string | null;
  origin: string;
  nowMs: number;
}

/** A failure whose details are plain values. */
export interface RecordedFailure {
  code: ErrorCode;
  message: string;
  details?: Record<string, string | number>;
}

/** What a restore knows after each step: plain data, replaced whole by each commit. */
export interface RestoreState {
  phase: RestorePhase;
  /** Null until the script is scanned. */
  script: ScriptRecord | null;
  plan: LoadPlan | null;
  position: LoadPosition;
  /** How far the move at this position is, as the target keeps it; null if none is under way. */
  move: string | null;
  /** When loading began; 0 before. */
  loadingSinceMs: number;
  /** The job of the safety export; null if there is none. */
  safetyJobId: string | null;
  /** Tables that the target had before the restore and keeps if the restore fails. */
  kept: string[];
  /** True after the target's former content was deleted. */
  isCleared: boolean;
  verification: {
    method: RestoreVerify | null;
    state: RestoreView["verification"]["state"];
    pieces: number;
    piecesTotal: number | null;
    rows: number;
    /** The position at which the comparison resumes, as JSON; null at the start. */
    cursor: string | null;
  };
  /** What to count if the script has no manifest; null if it has one, or nothing can be counted. */
  expectedRows: { name: string; rows: number }[] | null;
  /** Why a step failed, with details that no step's error can carry; null if none has. */
  failure: RecordedFailure | null;
}

/** The state of a restore that has done nothing. */
export const RESTORE_START: RestoreState = {
  phase: "scan",
  script: null,
  plan: null,
  position: LOAD_START,
  move: null,
  loadingSinceMs: 0,
  safetyJobId: null,
  kept: [],
  isCleared: false,
  verification: {
    method: null,
    state: "pending",
    pieces: 0,
    piecesTotal: null,
    rows: 0,
    cursor: null,
  },
  expectedRows: null,
  failure: null,
};

/** An active restore as its run needs it. */
export interface RunningRestore {
  jobId: string;
  request: RestoreJobRequest;
  origin: string;
  createdAtMs: number;
  /** How often the state was committed. */
  checkpoint: number;
  state: RestoreState;
  /** True if the target may contain something of the restore. */
  isTargetOpen: boolean;
  warnings: string[];
}

/** A new state of a restore, committed in one transaction or not at all. */
export interface RestoreCommit extends RunId {
  /** The checkpoint that the step started from; at another one the commit is refused. */
  expectedCheckpoint: number;
  state: RestoreState;
  /** Whether the target contains something of the restore now, or may soon; undefined changes nothing. */
  isTargetOpen?: boolean;
  /** Added to those that the job has. */
  warnings?: string[];
  usage?: { rowsRead: number; rowsWritten: number; r2ClassAOperations: number };
}

/** The jobs object's methods for restores: for HTTP routes, and for their runs. */
export interface RestoreJobs {
  /**
   * Records a restore and starts its first run. A known Idempotency-Key returns its job again. Failures:
   * `export-already-running`, `restore-already-running`, `idempotency-key-reused`.
   */
  createRestore(restore: NewRestore): Promise<Outcome<{ view: RestoreView; replayed: boolean }>>;
  /**
   * Returns the restore that a key has started; null if it has started none. Failures: `idempotency-key-reused` if it
   * was sent with another request.
   */
  findRestoreByKey(key: {
    idempotencyKey: string;
    requestDigest: string;
  }): Promise<Outcome<RestoreView | null>>;
  /** Failures: `job-not-found`. */
  restoreView(jobId: string): Promise<Outcome<RestoreView>>;
  /** Returns the view only if it differs from that of `version`. Failures: `job-not-found`. */
  restoreViewIfChanged(jobId: string, version: string): Promise<Outcome<ChangedRestoreView>>;
  listRestores(query: {
    status: JobState | undefined;
    limit: number;
    after: JobPosition | undefined;
  }): { jobs: RestoreView[]; next: JobPosition | null };
  /**
   * Cancels an active restore and returns its view, or deletes an ended one and returns null. Without `mayDelete`, an
   * ended one is returned. Failures: `job-not-found`.
   */
  removeRestore(
    jobId: string,
    options: { mayDelete: boolean },
  ): Promise<Outcome<RestoreView | null>>;
  /** Moves the restore to `running` and returns it. Failures: `run-superseded`. */
  beginRestoreRun(run: RunStart): Promise<Outcome<RunningRestore>>;
  /** Returns a restore that has ended, to remove what it left in its target; null if nothing is left. */
  restoreToClose(jobId: string): Promise<RunningRestore | null>;
  /** Records that nothing of the restore is left in its target. */
  recordRestoreClosed(jobId: string): Promise<void>;
  /** Commits a state, or nothing. Counts a step. Failures: `run-superseded`, `try-overtaken`. */
  commitRestore(commit: RestoreCommit): Promise<Outcome<RunningRestore>>;
  /** Completes the restore. Repeating it returns the same view. */
  completeRestore(run: RunId): Promise<Outcome<RestoreView>>;
}

export interface ChangedRestoreView {
  version: string;
  status: JobState;
  view: RestoreView | null;
}
