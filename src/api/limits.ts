export const KIB = 1024;
export const MIB = 1024 * KIB;

/**
 * The longest SQL text that D1 and Durable Objects run, in bytes.
 * https://developers.cloudflare.com/d1/platform/limits/ and SQLITE_LIMIT_SQL_LENGTH in workerd.
 */
export const STATEMENT_BYTES_MAX = 100_000;

/**
 * The target size of a page's text, in bytes: large enough for speed, and small enough that writers
 * do not wait long. Its hex digits also stay below the 2,000,000 bytes of a D1 value.
 */
export const PAGE_BYTES = 768 * KIB;

/** The same for long rows, which take no longer. A source whose values are shorter uses less. */
export const LONG_ROWS_PAGE_BYTES = 1_536 * KIB;

/** How many pages an export requests at a time from a database that is far away. */
export const PAGES_AHEAD_MIN = 1;
export const PAGES_AHEAD_DEFAULT = 4;
/** Pages that arrive early are held: 16 long ones are 24 MiB, in addition to four parts. */
export const PAGES_AHEAD_MAX = 16;

/**
 * The least size of a group of rows in a Parquet file, in bytes of its values, unless it is a table's last. A run holds
 * one group in addition to its pages and parts, and a database of 10 GB has at most a few thousand groups.
 */
export const PARQUET_GROUP_BYTES = 8 * MIB;

/**
 * How long one call of a source may go unanswered, in milliseconds. D1 ends a query after 30 s; the
 * time that queries wait in the queue adds to that.
 */
export const SOURCE_CALL_MS_MAX = 90_000;

/** R2's bound: https://developers.cloudflare.com/r2/objects/multipart-objects/#limitations. */
export const PART_BYTES_MIN = 5 * MIB;
export const PART_BYTES_DEFAULT = 8 * MIB;
/**
 * A run holds four parts at a time in 128 MB. One part and its commit cross to the jobs object in a
 * value of at most 32 MiB: https://developers.cloudflare.com/workers/runtime-apis/rpc/#limitations.
 */
export const PART_BYTES_MAX = 16 * MIB;
export const PARTS_MAX = 10_000;

export const CHUNK_BYTES_MIN = 64 * KIB;
export const CHUNK_BYTES_DEFAULT = 32 * MIB;
export const CHUNK_BYTES_MAX = 1024 * MIB;

/**
 * After this many chunks of the configured size, each new chunk is 1/128th of the work done so far.
 * So 10 GB takes about 250 steps, and no database takes thousands.
 */
export const CHUNK_GROWTH_DIVISOR = 128;

/**
 * The size of the changed rows that a snapshot may keep in the customer's database, which holds at
 * most 10 GB.
 */
export const UNDO_BYTES_MIN = MIB;
export const UNDO_BYTES_DEFAULT = 512 * MIB;
export const UNDO_BYTES_MAX = 8 * 1024 * MIB;

/**
 * The largest database that Durable Objects and D1 hold on the paid plan: 10 GB, in whole MiB.
 * https://developers.cloudflare.com/durable-objects/platform/limits/
 */
export const DATABASE_BYTES_MAX = 9_536 * MIB;

/**
 * A snapshot job reads a database up to this size, in bytes of its values, in one turn of its
 * source, instead of watching it with triggers. Writers wait for the turn.
 */
export const ONE_TURN_BYTES_DEFAULT = 2 * MIB;
export const ONE_TURN_BYTES_MAX = 4 * MIB;

/** How often a job that lost its snapshot restarts with a new one. */
export const RESTARTS_MAX = 2;

/** How often a job restarts because an artifact differs from what was written. */
export const CORRUPT_RESTARTS_MAX = 1;

/**
 * How many instances are started, over five days, to close what an ended job or stream left in its
 * source. After that, the cleanup is abandoned: only a later export of the same database removes
 * the leftovers.
 */
export const ENDINGS_MAX = 12;

/** How long a run may be silent before the watchdog checks it, in seconds. */
export const STALL_SECONDS_MIN = 5;
export const STALL_SECONDS_DEFAULT = 300;
export const STALL_SECONDS_MAX = 86_400;

/** How many jobs may run at once; the others are queued. A running job's calls share one object. */
export const JOBS_RUNNING_MIN = 1;
export const JOBS_RUNNING_DEFAULT = 20;
export const JOBS_RUNNING_MAX = 1_000;

/** How long a stream's client may read nothing. It is longer than any single call of a source. */
export const STREAM_STALL_MS = 120_000;

/** How long a stream waits, at least, between two renewals of its lease. */
export const STREAM_RENEW_MS = 30_000;

/** How long a stream holds its database after the last renewal. */
export const STREAM_LEASE_MS = STREAM_STALL_MS + STREAM_RENEW_MS;

/** How long retention does not delete the files of a job after a download of them has started. */
export const READING_MS = 6 * 3_600_000;

export const RETENTION_HOURS_DEFAULT = 168;
export const RETENTION_HOURS_MAX = 8_760;

/** The most exports of a series that one rule keeps. All of a series are read when its next export completes. */
export const SERIES_KEPT_MAX = 1_000;

/**
 * How many rows, index entries included, the proof of one job may write. They are billed: 50 million cost 50 dollars
 * (https://developers.cloudflare.com/durable-objects/platform/pricing/, November 2026).
 */
export const PROOF_ROWS_MIN = 1;
export const PROOF_ROWS_DEFAULT = 50_000_000;
export const PROOF_ROWS_MAX = 10_000_000_000;

/** The most runs of a schedule's entry between two proofs. */
export const PROVE_EVERY_MAX = 1_000;

/** How long an uploaded script is kept after its last use: a part, its completion, or a restore. */
export const UPLOAD_KEPT_HOURS = 24;

/** Rows of `tmp_export_job_blobs` hold at most this much. */
export const BLOB_BYTES_MAX = MIB;

/**
 * How large artifacts may make the database of `ExportJobs` if no bucket is bound. An object holds
 * 10 GB, and all jobs share this one:
 * https://developers.cloudflare.com/durable-objects/platform/limits/.
 */
export const INLINE_BYTES_MIN = MIB;
export const INLINE_BYTES_DEFAULT = 1024 * MIB;
export const INLINE_BYTES_MAX = 8 * 1024 * MIB;

/** The most characters in a request's URL plus the names and values of its headers. */
export const HEADERS_LENGTH_MAX = 16 * KIB;

export const BODY_BYTES_MAX = 64 * KIB;
export const QUERY_BODY_BYTES_MAX = MIB;

/** The most bytes of rows that `POST /query` returns: RPC carries values of at most 32 MiB. */
export const QUERY_RESULT_BYTES_MAX = 24 * MIB;

/**
 * The most tables and artifacts in a job view, callback or step result; the manifest lists all of
 * them.
 */
export const VIEW_ENTRIES_MAX = 500;

/**
 * The most bytes of an object's key-value storage that are copied in one turn; a larger storage is
 * not exported.
 */
export const KEY_VALUES_BYTES_MAX = 16 * MIB;
