const DAY_MS = 86_400_000;

/** The id of old job number `n`. */
const ID = "printf('%08x-0000-4000-8000-%012x', n, n)";

/** Returns the id of old job number `n`. */
export function toOldJobId(n: number): string {
  const hex = n.toString(16);
  return `${hex.padStart(8, "0")}-0000-4000-8000-${hex.padStart(12, "0")}`;
}

/**
 * How the 20 jobs of a group have ended: 12 are kept for a year, 3 have expired, 2 have failed, 1 was
 * cancelled, and 2 are restores. Nothing of them is due.
 */
const STATE = `CASE WHEN n % 20 < 12 THEN 'completed' WHEN n % 20 < 15 THEN 'expired'
  WHEN n % 20 < 17 THEN 'failed' WHEN n % 20 < 18 THEN 'cancelled' ELSE 'completed' END`;

/** The numbers from ?1 to ?2. */
const NUMBERS =
  "WITH RECURSIVE numbers(n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?2)";

/**
 * Inserts ended jobs with the numbers `first` to `last` as earlier nights would have left them, with
 * a row for each of `tables` tables, an artifact and a chunk. They are older than any job of now.
 */
export function insertOldJobs(
  sql: SqlStorage,
  { first, last, tables, nowMs }: { first: number; last: number; tables: number; nowMs: number },
): void {
  sql.exec(
    `${NUMBERS} INSERT INTO tmp_export_jobs (job_id, kind, source, database_key, state, request_json,
       request_digest, idempotency_key, origin, run, created_at_ms, started_at_ms, completed_at_ms,
       expires_at_ms, heartbeat_at_ms, snapshot_id, cursor_json, next_table, callback_status,
       restore_json, failure_json)
     SELECT ${ID}, iif(n % 20 < 18, 'export', 'restore'), 'main', 'old ' || n, ${STATE}, ?3, '',
       'old key ' || n, 'https://export.example.com', 1, ?4 + n, ?4 + n, ?4 + n,
       iif(n % 20 < 12, ?4 + ${365 * DAY_MS} + n, NULL), ?4 + n, ${ID}, '{}', '', 'delivered', NULL,
       iif(n % 20 IN (15, 16), '{"code":"snapshot-lost","message":"it was lost"}', NULL)
     FROM numbers`,
    first,
    last,
    JSON.stringify({
      source: "main",
      format: "sql",
      compression: "gzip",
      consistency: "snapshot",
      content: "all",
      retentionHours: 8_760,
      restore: { target: "main", from: { jobId: "old" }, mode: "empty", retentionHours: 168 },
    }),
    nowMs - DAY_MS,
  );
  sql.exec(
    `${NUMBERS} INSERT INTO tmp_export_job_tables (job_id, ordinal, name, status, rows, bytes, percent)
     SELECT ${ID}, value, 'table_' || value, 'done', 1000, 100000, 100
     FROM numbers, json_each(?3)`,
    first,
    last,
    JSON.stringify(Array.from({ length: tables }, (_, ordinal) => ordinal)),
  );
  sql.exec(
    `${NUMBERS} INSERT INTO tmp_export_job_artifacts (job_id, ordinal, name, content_type, object_key,
       state, bytes, part_count, sha256)
     SELECT ${ID}, 0, 'dump.sql.gz', 'application/sql', 'exports/' || ${ID} || '/s/dump.sql.gz',
       'verified', 2000000, 1, hex(zeroblob(32)) FROM numbers`,
    first,
    last,
  );
  sql.exec(
    `${NUMBERS} INSERT INTO tmp_export_job_chunks (job_id, artifact_ordinal, number, table_name,
       first_cursor_json, last_cursor_json, rows, bytes, parts_json, sha256, run, started_at_ms,
       committed_at_ms)
     SELECT ${ID}, 0, 1, 'table_0', '{}', '{}', 20000, 2000000, '[]', hex(zeroblob(32)), 1, 1, 2
     FROM numbers`,
    first,
    last,
  );
}

/** An SQL storage that counts: `rowsRead` and `rowsWritten` of all statements so far. */
export function countingSql(real: SqlStorage): {
  sql: SqlStorage;
  count: () => { rowsRead: number; rowsWritten: number };
} {
  const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
  const exec: SqlStorage["exec"] = (query, ...values) => {
    const cursor = real.exec(query, ...values);
    cursors.push(cursor);
    return cursor as never;
  };
  const sql = {
    exec,
    get databaseSize() {
      return real.databaseSize;
    },
  } as unknown as SqlStorage;
  const count = () => ({
    rowsRead: cursors.reduce((sum, { rowsRead }) => sum + rowsRead, 0),
    rowsWritten: cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0),
  });
  return { sql, count };
}
