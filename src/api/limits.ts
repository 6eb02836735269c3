export const KIB = 1024;
export const MIB = 1024 * KIB;

/**
 * The longest SQL text D1 and Durable Objects run, in bytes.
 * https://developers.cloudflare.com/d1/platform/limits/ and SQLITE_LIMIT_SQL_LENGTH in workerd.
 */
export const STATEMENT_BYTES_MAX = 100_000;

/**
 * What a page's text aims at, in bytes: large enough for speed, short enough for waiting writers,
 * and so that its hex digits stay below the 2,000,000 bytes of a D1 value.
 */
export const PAGE_BYTES = 768 * KIB;

/** The same for long rows, which takes no longer; a source whose values cannot hold it has less. */
export const LONG_ROWS_PAGE_BYTES = 1_536 * KIB;

/**
 * How long one call of a source may stay without an answer, in milliseconds. D1 ends a query after
 * 30 s; what waits in a queue before it comes on top.
 */
export const SOURCE_CALL_MS_MAX = 90_000;

/** R2's bound: https://developers.cloudflare.com/r2/objects/multipart-objects/#limitations. */
export const PART_BYTES_MIN = 5 * MIB;
export const PART_BYTES_DEFAULT = 8 * MIB;
/**
 * A run holds four parts at a time in 128 MB, and one crosses with its commit to the jobs' object in a
 * value of at most 32 MiB: https://developers.cloudflare.com/workers/runtime-apis/rpc/#limitations.
 */
export const PART_BYTES_MAX = 16 * MIB;
export const PARTS_MAX = 10_000;

export const CHUNK_BYTES_MIN = 64 * KIB;
export const CHUNK_BYTES_DEFAULT = 32 * MIB;
export const CHUNK_BYTES_MAX = 1024 * MIB;

/**
 * Once this many chunks of the configured size are written, a chunk grows with what is done
 * (a 1/128th of it), so that 10 GB takes about 250 steps and no database takes thousands.
 */
export const CHUNK_GROWTH_DIVISOR = 128;

/** What a snapshot may keep of changed rows in the customer's database, which holds 10 GB at most. */
export const UNDO_BYTES_MIN = MIB;
export const UNDO_BYTES_DEFAULT = 512 * MIB;
export const UNDO_BYTES_MAX = 8 * 1024 * MIB;

/**
 * The largest database that Durable Objects and D1 hold on the paid plan: 10 GB, in whole MiB.
 * https://developers.cloudflare.com/durable-objects/platform/limits/
 */
export const DATABASE_BYTES_MAX = 9_536 * MIB;

/**
 * What a snapshot job reads in one turn of its source, in bytes of its values, instead of watching it by
 * triggers. Writers wait for the turn.
 */
export const ONE_TURN_BYTES_DEFAULT = 2 * MIB;
export const ONE_TURN_BYTES_MAX = 4 * MIB;

/** How often a job that has lost its snapshot begins again with a new one. */
export const RESTARTS_MAX = 2;

/** How often a job begins again whose artifact is not what was written. */
export const CORRUPT_RESTARTS_MAX = 1;

/**
 * So many instances are started for what an ended job or stream has left in its source, over five days.
 * Then it is abandoned: a later export of the same database removes what is left, if there ever is one.
 */
export const ENDINGS_MAX = 12;

/** How long a run may be silent before the watchdog looks after it, in seconds. */
export const STALL_SECONDS_MIN = 5;
export const STALL_SECONDS_DEFAULT = 300;
export const STALL_SECONDS_MAX = 86_400;

/** How long a stream's client may take nothing: longer than any one call of a source. */
export const STREAM_STALL_MS = 120_000;

/** How often a stream renews its lease at most. */
export const STREAM_RENEW_MS = 30_000;

/** How long a stream holds its database when nobody renews it any more. */
export const STREAM_LEASE_MS = STREAM_STALL_MS + STREAM_RENEW_MS;

export const RETENTION_HOURS_DEFAULT = 168;
export const RETENTION_HOURS_MAX = 8_760;

/** How long an uploaded script is kept after its last use: a part, its completion, or a restore. */
export const UPLOAD_KEPT_HOURS = 24;

/** Rows of `tmp_export_job_blobs` hold at most this much. */
export const BLOB_BYTES_MAX = MIB;

/**
 * How large the database of `ExportJobs` may get by artifacts, where no bucket is bound. An object has
 * 10 GB, and all jobs share this one: https://developers.cloudflare.com/durable-objects/platform/limits/.
 */
export const INLINE_BYTES_MIN = MIB;
export const INLINE_BYTES_DEFAULT = 1024 * MIB;
export const INLINE_BYTES_MAX = 8 * 1024 * MIB;

/** A request's address with the names and values of its headers, in characters. */
export const HEADERS_LENGTH_MAX = 16 * KIB;

export const BODY_BYTES_MAX = 64 * KIB;
export const QUERY_BODY_BYTES_MAX = MIB;

/** The rows that `POST /query` answers: RPC carries values of at most 32 MiB. */
export const QUERY_RESULT_BYTES_MAX = 24 * MIB;

/** Tables and artifacts shown in a job view, callback or step result; the manifest has them all. */
export const VIEW_ENTRIES_MAX = 500;

/** What is copied of an object's key-value storage in one turn, in bytes; a larger one is not exported. */
export const KEY_VALUES_BYTES_MAX = 16 * MIB;
