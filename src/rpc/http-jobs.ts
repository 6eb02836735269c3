import type { DumpContent, ExportFormat, JobRequest } from "../api/export-request.ts";
import type { ManifestCopy } from "../api/copies.ts";
import type { JobState } from "../api/job-state.ts";
import type { JobView } from "../api/job-view.ts";
import type { ArtifactRecord } from "./artifact-record.ts";
import type { NamedJob } from "./readable-key.ts";
import type { Outcome } from "./outcome.ts";

/** The jobs object's methods for HTTP routes and cron triggers. */
export interface HttpJobs {
  /**
   * Records a job, and starts its first run unless it must queue. For a known Idempotency-Key, returns the existing job.
   * Failures: `export-already-running`, `idempotency-key-reused`, `inline-storage-full`.
   */
  create(job: NewJob): Promise<Outcome<{ view: JobView; replayed: boolean }>>;
  /**
   * Cancels an active job and returns its view, or removes an ended job and returns null. Failures:
   * `storage-unavailable`; `forbidden` without `mayDelete`, unless the job is active.
   */
  remove(jobId: string, options?: { mayDelete: boolean }): Promise<Outcome<JobView | null>>;
  /** Failures: `job-not-found`. */
  view(jobId: string): Promise<Outcome<JobView>>;
  /**
   * Returns the view only if it differs from that of `version`, which makes polling cheap.
   * Failures: `job-not-found`.
   */
  viewIfChanged(jobId: string, version: string): Promise<Outcome<ChangedView>>;
  list(query: JobPageQuery): JobPage;
  /**
   * Returns what a download needs. With `reads`, the files of a completed job are not deleted by
   * its retention for the next `READING_MS`. Failures: `job-not-found`.
   */
  download(jobId: string, options?: { reads: boolean }): Promise<Outcome<DownloadInfo>>;
  /** Returns the size of the jobs database in bytes, including files stored in it. */
  databaseBytes(): number;
}

/** What a new job needs; the caller chooses ids and times. */
export interface NewJob {
  jobId: string;
  request: JobRequest;
  /**
   * Identifies the database, regardless of the source that names it. One database has at most one
   * running job.
   */
  databaseKey: string;
  /** SHA-256 of the request: distinguishes a repeated Idempotency-Key from a reused one. */
  requestDigest: string;
  idempotencyKey: string | null;
  /** Scheme and host of the links in the job's view. */
  origin: string;
  /** The copies to make; none if it is missing. */
  copies?: readonly ManifestCopy[];
  nowMs: number;
  /**
   * True if a running job waits for this one: it starts even if EXPORT_JOBS_RUNNING_MAX jobs run.
   * Otherwise both might wait for each other. Default: false.
   */
  startsAtOnce?: boolean;
  /** For a scheduled job that asks for a proof, if only some of its entry's jobs are proved; else it is always proved. */
  proveEvery?: ProveEvery;
}

/** Which jobs of a schedule's entry are proved: those with no proof requested by the `runs - 1` jobs before them. */
export interface ProveEvery {
  runs: number;
  /** The beginning of the Idempotency-Keys of the entry's jobs, which sort by time after it. It ends with a space. */
  keyPrefix: string;
}

/** A job's view; `view` is null if `version` is still the current one. */
export interface ChangedView {
  version: string;
  status: JobState;
  view: JobView | null;
}

/** The last job of a page: the next page starts after it. */
export interface JobPosition {
  createdAtMs: number;
  jobId: string;
}

/** A page of jobs to list: at most `limit`, and fewer if the jobs have many tables. */
export interface JobPageQuery {
  status: JobState | undefined;
  limit: number;
  after: JobPosition | undefined;
}

/** One page of jobs, newest first, and where the next starts; null after the last. */
export interface JobPage {
  jobs: JobView[];
  next: JobPosition | null;
}

/** A job's files as a download needs them. */
export interface DownloadInfo {
  jobId: string;
  state: JobState;
  source: string;
  format: ExportFormat;
  content: DumpContent;
  artifacts: ArtifactRecord[];
  manifestKey: string | null;
  /** Null if the manifest is not signed. */
  signatureKey: string | null;
  /** What names its downloads. */
  named: NamedJob;
  completedAtMs: number | null;
}
