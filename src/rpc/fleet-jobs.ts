import type { ManifestCopy } from "../api/copies.ts";
import type { ErrorCode } from "../api/error-codes.ts";
import type { FleetNames } from "../api/fleet-names.ts";
import type { FleetRequest } from "../api/fleet-request.ts";
import type { FleetView } from "../api/fleet-view.ts";
import type { JobState } from "../api/job-state.ts";
import type { JobPageQuery, JobPosition, NewJob } from "./http-jobs.ts";
import type { Outcome } from "./outcome.ts";
import type { CopyPlan } from "./run-jobs.ts";
import type { RunId, RunStart } from "./run-payload.ts";

/** A fleet's request. Fields that the client omitted have the source's and the deployment's defaults. */
export type FleetJobRequest = FleetRequest & {
  source: string;
  names: FleetNames;
  consistency: "snapshot" | "live";
  retentionHours: number;
};

/** What a new fleet needs; the caller chooses ids and times. */
export interface NewFleet {
  jobId: string;
  request: FleetJobRequest;
  /** The copies to make. */
  copies: readonly ManifestCopy[];
  requestDigest: string;
  idempotencyKey: string | null;
  origin: string;
  nowMs: number;
}

/** The stored list of a fleet's members. */
export interface MemberListRecord {
  key: string;
  namedBy: "name" | "id";
  total: number;
}

/** What a fleet knows after each step: plain data. Its packs, failures and exports have their own rows. */
export interface FleetState {
  /** Names the keys of every list that an attempt may have stored. */
  listAttempts: string[];
  /** Null until the list is stored. */
  list: MemberListRecord | null;
  /** How many batches are committed. */
  batches: number;
  /** The number of the first member that no committed batch contains. */
  next: number;
  packed: number;
  empty: number;
  failed: number;
  /** Large members whose export is completed. */
  exported: number;
  /** The ids of exports that had not made a copy when they ended: the first ones, since each is a warning. */
  uncopied: string[];
  /** Of all packs and exports. */
  rows: number;
  bytes: number;
}

/** The state of a fleet that has done nothing. */
export const FLEET_START: FleetState = {
  listAttempts: [],
  list: null,
  batches: 0,
  next: 0,
  packed: 0,
  empty: 0,
  failed: 0,
  exported: 0,
  uncopied: [],
  rows: 0,
  bytes: 0,
};

/** A fleet as its run needs it. */
export interface RunningFleet {
  jobId: string;
  request: FleetJobRequest;
  origin: string;
  createdAtMs: number;
  startedAtMs: number;
  /** What the keys of its files start with. It ends with `/`. */
  folder: string;
  /** The size of a pack's parts, in bytes. */
  partBytes: number;
  state: FleetState;
  /** The copies to make. */
  copies: ManifestCopy[];
}

/** One attempt of a batch: `attempt` is random, and part of the keys of its files. */
export interface BatchAttempt {
  /** From 1. */
  number: number;
  attempt: string;
}

/** What a batch must know about restores: a database that is being loaded shows no instant. */
export interface BegunBatch {
  /** The keys of databases that are being restored, or were until recently. */
  restoring: string[];
  /** Restores that began at this time or later are in the list, or began after the batch. */
  sinceMs: number;
}

/** A pack that is stored and read back. */
export interface PackRecord {
  number: number;
  key: string;
  indexKey: string;
  members: number;
  rows: number;
  bytes: number;
  sha256: string;
  indexBytes: number;
  indexSha256: string;
  first: string;
  last: string;
}

/** A member that could not be backed up. */
export interface FailedMember {
  member: string;
  code: ErrorCode;
  message: string;
}

/** What a batch did, committed in one transaction or not at all. */
export interface BatchCommit extends BatchAttempt {
  /** The number of the first member after the batch. */
  next: number;
  /** Null if the batch had nothing to pack. */
  pack: (Omit<PackRecord, "number" | "key" | "indexKey"> & { r2ClassAOperations: number }) | null;
  empty: number;
  /** Members that need an export job. */
  large: string[];
  failures: FailedMember[];
  warnings: string[];
  rowsRead: number;
}

/** How the exports of large members are: how many run, and which wait, at most as many as may start. */
export interface FleetExports {
  running: number;
  waiting: string[];
  /** What must be copied, once no export runs or waits. */
  copies: CopyPlan;
}

/** A member that is exported by a job of its own. */
export interface MemberExport {
  member: string;
  jobId: string;
}

/** The data that a fleet's manifest is built from. */
export interface FleetLedger {
  fleet: RunningFleet;
  packs: PackRecord[];
  exports: (MemberExport & { copies: ManifestCopy[] })[];
  failures: FailedMember[];
  warnings: string[];
}

/** What a route needs to find the members of a fleet. */
export interface FleetInfo {
  fleetId: string;
  status: JobState;
  list: MemberListRecord | null;
  /** As in `FleetState`. */
  next: number;
  compression: FleetRequest["compression"];
  content: FleetRequest["content"];
  source: string;
  createdAtMs: number;
  completedAtMs: number | null;
  manifestKey: string;
  /** Null if the manifest is not signed. */
  signatureKey: string | null;
}

/** The records of those members in a range of names that have one. */
export interface MemberRecords {
  packs: PackRecord[];
  failures: FailedMember[];
  exports: (MemberExport & { state: ExportState })[];
}

/** `waiting`: its job is not started; `done`: its job is completed. */
export type ExportState = "waiting" | "started" | "done";

/** The jobs object's methods for fleets: for HTTP routes, and for their runs. */
export interface FleetJobs {
  /**
   * Records a fleet and starts its first run. A known Idempotency-Key returns its fleet again. Failures:
   * `export-already-running` if another fleet of the source runs, `idempotency-key-reused`, `inline-storage-full`.
   */
  createFleet(fleet: NewFleet): Promise<Outcome<{ view: FleetView; replayed: boolean }>>;
  /** Failures: `job-not-found`, as in each method with an id. */
  fleetView(fleetId: string): Promise<Outcome<FleetView>>;
  /** Returns the view only if it differs from that of `version`. */
  fleetViewIfChanged(fleetId: string, version: string): Promise<Outcome<ChangedFleetView>>;
  listFleets(query: JobPageQuery): { fleets: FleetView[]; next: JobPosition | null };
  /**
   * Cancels an active fleet and the exports of its members, and returns its view; or deletes an ended one with its
   * files and returns null. An unknown id counts as deleted. Failures: `forbidden` without `mayDelete`, unless the
   * fleet is active; `file-in-use` while a restore reads it; `storage-unavailable`.
   */
  removeFleet(fleetId: string, options: { mayDelete: boolean }): Promise<Outcome<FleetView | null>>;
  /** With `reads`, the files of a completed fleet are not deleted by its retention for the next `READING_MS`. */
  fleetInfo(fleetId: string, options?: { reads: boolean }): Promise<Outcome<FleetInfo>>;
  /**
   * Returns the packs, failures and exports of the members from `first` to `last`, at most `limit` failures and
   * exports each.
   */
  memberRecords(
    fleetId: string,
    range: { first: string; last: string; limit: number },
  ): Promise<Outcome<MemberRecords>>;

  /** Moves the fleet to `running` and returns it. Failures: `run-superseded`, as in each method with a run. */
  beginFleetRun(run: RunStart): Promise<Outcome<RunningFleet>>;
  /** Records an attempt to store the list, before it is stored. */
  beginList(run: RunId, attempt: string): Promise<Outcome<null>>;
  /** Records the list, unless one is recorded, and discards the lists of other attempts. */
  commitList(
    run: RunId,
    list: MemberListRecord & { warnings: string[]; r2ClassAOperations: number },
  ): Promise<Outcome<RunningFleet>>;
  /**
   * Records an attempt of a batch before anything is stored, and discards what earlier attempts stored. Returns
   * which databases are being restored. Failures: `try-overtaken` if it is not the next batch.
   */
  beginBatch(run: RunId, batch: BatchAttempt): Promise<Outcome<BegunBatch>>;
  /** Records the upload of a batch's pack. Failures: `try-overtaken`. */
  recordPackUpload(run: RunId, batch: BatchAttempt, uploadId: string): Promise<Outcome<null>>;
  /** Returns the keys of the databases whose restore was started at `sinceMs` or later. */
  restoredSince(sinceMs: number): string[];
  /** Commits a batch, or nothing. Failures: `try-overtaken` if another attempt has begun. */
  commitBatch(run: RunId, batch: BatchCommit): Promise<Outcome<RunningFleet>>;
  /**
   * Records which exports of members have ended. Returns how many run, and the next `limit` that wait. Failures:
   * `fleet-members-failed` if none is left, and too many members have failed.
   */
  settleExports(run: RunId, limit: number): Promise<Outcome<FleetExports>>;
  /**
   * Starts the export of a large member, unless it is started. A locked database stays waiting, and fails after many
   * attempts.
   */
  startMemberExport(run: RunId, member: string, job: NewJob): Promise<Outcome<null>>;
  /** Records that a member's export cannot be started. */
  failMemberExport(run: RunId, failed: FailedMember): Promise<Outcome<null>>;
  fleetLedger(run: RunId): Promise<Outcome<FleetLedger>>;
  /**
   * Completes the fleet, whose manifest is stored, and applies the policy of its series: the exports of its members are
   * kept as long as its packs. Repeating it returns the same view.
   */
  completeFleet(run: RunId): Promise<Outcome<FleetView>>;
}

export interface ChangedFleetView {
  version: string;
  status: JobState;
  view: FleetView | null;
}
