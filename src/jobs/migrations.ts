/**
 * The job tables' migrations, in order. Append only: a deployed object has run the earlier ones.
 * docs/storage-layout.md describes every column.
 *
 * Expand first: a migration adds, and the previous version keeps working after a rollback. A
 * migration that renames or removes anything raises `CODE_MIN`, in a release after the last one
 * that used the old form.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE tmp_export_jobs (
     job_id TEXT NOT NULL PRIMARY KEY,
     source TEXT NOT NULL,
     state TEXT NOT NULL,
     request_json TEXT NOT NULL,
     request_digest TEXT NOT NULL,
     idempotency_key TEXT UNIQUE,
     origin TEXT NOT NULL,
     run INTEGER NOT NULL,
     created_at_ms INTEGER NOT NULL,
     started_at_ms INTEGER,
     completed_at_ms INTEGER,
     expires_at_ms INTEGER,
     heartbeat_at_ms INTEGER NOT NULL,
     snapshot_id TEXT,
     snapshot_at_ms INTEGER,
     snapshot_json TEXT,
     catalog_digest TEXT,
     checkpoint INTEGER NOT NULL DEFAULT 0,
     cursor_json TEXT,
     next_table TEXT,
     usage_rows_read INTEGER NOT NULL DEFAULT 0,
     usage_rows_written INTEGER NOT NULL DEFAULT 0,
     usage_steps INTEGER NOT NULL DEFAULT 0,
     usage_r2_class_a INTEGER NOT NULL DEFAULT 0,
     warnings_json TEXT NOT NULL DEFAULT '[]',
     failure_json TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE UNIQUE INDEX tmp_export_jobs_active ON tmp_export_jobs(source) WHERE state IN ('queued', 'running');
   CREATE INDEX tmp_export_jobs_newest ON tmp_export_jobs(created_at_ms DESC, job_id DESC);

   CREATE TABLE tmp_export_job_tables (
     job_id TEXT NOT NULL,
     ordinal INTEGER NOT NULL,
     name TEXT NOT NULL,
     status TEXT NOT NULL DEFAULT 'pending',
     rows INTEGER NOT NULL DEFAULT 0,
     bytes INTEGER NOT NULL DEFAULT 0,
     percent REAL,
     PRIMARY KEY (job_id, ordinal),
     UNIQUE (job_id, name)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE tmp_export_job_artifacts (
     job_id TEXT NOT NULL,
     ordinal INTEGER NOT NULL,
     name TEXT NOT NULL,
     content_type TEXT NOT NULL,
     object_key TEXT NOT NULL,
     state TEXT NOT NULL DEFAULT 'pending',
     upload_id TEXT,
     bytes INTEGER NOT NULL DEFAULT 0,
     part_count INTEGER NOT NULL DEFAULT 0,
     sha256 TEXT,
     PRIMARY KEY (job_id, ordinal)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE tmp_export_job_chunks (
     job_id TEXT NOT NULL,
     artifact_ordinal INTEGER NOT NULL,
     number INTEGER NOT NULL,
     table_name TEXT NOT NULL,
     first_cursor_json TEXT NOT NULL,
     last_cursor_json TEXT NOT NULL,
     rows INTEGER NOT NULL,
     bytes INTEGER NOT NULL,
     parts_json TEXT NOT NULL,
     sha256 TEXT NOT NULL,
     run INTEGER NOT NULL,
     started_at_ms INTEGER NOT NULL,
     committed_at_ms INTEGER NOT NULL,
     PRIMARY KEY (job_id, artifact_ordinal, number)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE tmp_export_job_blobs (
     job_id TEXT NOT NULL,
     kind TEXT NOT NULL,
     object_key TEXT NOT NULL,
     number INTEGER NOT NULL,
     bytes BLOB NOT NULL,
     PRIMARY KEY (job_id, kind, object_key, number)
   ) STRICT, WITHOUT ROWID;`,

  `ALTER TABLE tmp_export_jobs ADD COLUMN callback_url TEXT;
   ALTER TABLE tmp_export_jobs ADD COLUMN callback_status TEXT NOT NULL DEFAULT 'none';
   ALTER TABLE tmp_export_jobs ADD COLUMN callback_attempts INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE tmp_export_jobs ADD COLUMN callback_last_error TEXT;
   ALTER TABLE tmp_export_jobs ADD COLUMN callback_next_attempt_at_ms INTEGER;`,

  `ALTER TABLE tmp_export_jobs ADD COLUMN database_key TEXT NOT NULL DEFAULT '';
   UPDATE tmp_export_jobs SET database_key = 'source ' || source;
   DROP INDEX tmp_export_jobs_active;
   CREATE UNIQUE INDEX tmp_export_jobs_active ON tmp_export_jobs(database_key)
     WHERE state IN ('queued', 'running');`,

  `ALTER TABLE tmp_export_jobs ADD COLUMN restarts INTEGER NOT NULL DEFAULT 0;`,

  `ALTER TABLE tmp_export_jobs ADD COLUMN woken_at_ms INTEGER;
   ALTER TABLE tmp_export_jobs ADD COLUMN snapshot_open INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE tmp_export_jobs ADD COLUMN endings INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE tmp_export_jobs ADD COLUMN ending_at_ms INTEGER;`,

  "ALTER TABLE tmp_export_job_tables ADD COLUMN replacements INTEGER NOT NULL DEFAULT 0",

  `ALTER TABLE tmp_export_job_tables ADD COLUMN key_first REAL;
   ALTER TABLE tmp_export_job_tables ADD COLUMN key_last REAL;
   ALTER TABLE tmp_export_job_tables ADD COLUMN rows_guess REAL;`,

  `ALTER TABLE tmp_export_jobs ADD COLUMN corrupt_restarts INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE tmp_export_jobs ADD COLUMN files_left INTEGER NOT NULL DEFAULT 0;`,

  `ALTER TABLE tmp_export_jobs ADD COLUMN started_over INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE tmp_export_jobs ADD COLUMN rescues_json TEXT NOT NULL DEFAULT '[]';
   CREATE TABLE tmp_export_job_discards (
     job_id TEXT NOT NULL,
     object_key TEXT NOT NULL,
     upload_id TEXT NOT NULL,
     discarded_at_ms INTEGER NOT NULL,
     PRIMARY KEY (job_id, object_key, upload_id)
   ) STRICT, WITHOUT ROWID;`,

  `ALTER TABLE tmp_export_job_blobs RENAME COLUMN object_key TO upload_id;
   CREATE TABLE tmp_export_job_uploads (
     job_id TEXT NOT NULL,
     object_key TEXT NOT NULL,
     upload_id TEXT NOT NULL,
     is_complete INTEGER NOT NULL DEFAULT 0,
     part_bytes INTEGER NOT NULL DEFAULT 0,
     bytes INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (job_id, object_key, upload_id)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE tmp_export_job_parts (
     job_id TEXT NOT NULL,
     upload_id TEXT NOT NULL,
     number INTEGER NOT NULL,
     etag TEXT NOT NULL,
     bytes INTEGER NOT NULL,
     PRIMARY KEY (job_id, upload_id, number)
   ) STRICT, WITHOUT ROWID;`,

  `CREATE TABLE tmp_export_streams (
     stream_id TEXT NOT NULL PRIMARY KEY,
     database_key TEXT NOT NULL,
     request_json TEXT NOT NULL,
     snapshot_id TEXT,
     started_at_ms INTEGER NOT NULL,
     lease_until_ms INTEGER NOT NULL,
     endings INTEGER NOT NULL DEFAULT 0,
     ending_at_ms INTEGER
   ) STRICT, WITHOUT ROWID;`,

  "ALTER TABLE tmp_export_job_artifacts ADD COLUMN crc32 INTEGER",

  `INSERT OR IGNORE INTO tmp_export_job_discards (job_id, object_key, upload_id, discarded_at_ms)
     SELECT job_id, object_key, iif(state IN ('uploading', 'written'), coalesce(upload_id, ''), ''), 0
     FROM tmp_export_job_artifacts
     WHERE job_id IN (SELECT job_id FROM tmp_export_jobs WHERE files_left = 1);
   ALTER TABLE tmp_export_jobs DROP COLUMN files_left;`,

  "ALTER TABLE tmp_export_jobs ADD COLUMN plan_digest TEXT",
  `ALTER TABLE tmp_export_jobs ADD COLUMN waited_at_ms INTEGER;
   ALTER TABLE tmp_export_jobs ADD COLUMN waiting_as TEXT;
   ALTER TABLE tmp_export_jobs ADD COLUMN part_bytes INTEGER;
   ALTER TABLE tmp_export_jobs ADD COLUMN callback_posts INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE tmp_export_jobs ADD COLUMN callback_posted_at_ms INTEGER;
   UPDATE tmp_export_jobs SET callback_posts = callback_attempts;
   ALTER TABLE tmp_export_job_migrations ADD COLUMN code_min INTEGER NOT NULL DEFAULT 0;`,

  `ALTER TABLE tmp_export_jobs ADD COLUMN kind TEXT NOT NULL DEFAULT 'export';
   ALTER TABLE tmp_export_jobs ADD COLUMN restore_json TEXT;`,

  `CREATE TABLE tmp_export_files (
     file_id TEXT NOT NULL PRIMARY KEY,
     name TEXT NOT NULL,
     object_key TEXT NOT NULL,
     upload_id TEXT,
     part_bytes INTEGER NOT NULL,
     announced_bytes INTEGER,
     announced_sha256 TEXT,
     part_count INTEGER,
     bytes INTEGER,
     sha256 TEXT,
     etag TEXT,
     created_at_ms INTEGER NOT NULL,
     completed_at_ms INTEGER,
     used_at_ms INTEGER NOT NULL,
     used_by_json TEXT NOT NULL DEFAULT '[]'
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE tmp_export_file_parts (
     file_id TEXT NOT NULL,
     number INTEGER NOT NULL,
     attempts INTEGER NOT NULL,
     etag TEXT,
     bytes INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (file_id, number)
   ) STRICT, WITHOUT ROWID;`,

  `ALTER TABLE tmp_export_job_chunks ADD COLUMN text_bytes INTEGER;
   ALTER TABLE tmp_export_job_chunks ADD COLUMN text_sha256 TEXT;
   ALTER TABLE tmp_export_jobs ADD COLUMN writer_json TEXT;`,

  `ALTER TABLE tmp_export_jobs ADD COLUMN proof_json TEXT;
   ALTER TABLE tmp_export_job_discards ADD COLUMN is_scratch INTEGER NOT NULL DEFAULT 0;`,

  `ALTER TABLE tmp_export_jobs ADD COLUMN queue_number INTEGER;
   ALTER TABLE tmp_export_jobs ADD COLUMN totals_json TEXT;
   CREATE INDEX tmp_export_jobs_kind_newest
     ON tmp_export_jobs(kind, created_at_ms DESC, job_id DESC);
   CREATE INDEX tmp_export_jobs_state_newest
     ON tmp_export_jobs(kind, state, created_at_ms DESC, job_id DESC);
   CREATE INDEX tmp_export_jobs_started ON tmp_export_jobs(job_id)
     WHERE state IN ('queued', 'running') AND (state IN ('running') OR queue_number IS NULL);
   CREATE INDEX tmp_export_jobs_unstarted ON tmp_export_jobs(queue_number)
     WHERE state IN ('queued') AND queue_number IS NOT NULL;
   CREATE INDEX tmp_export_jobs_expiring ON tmp_export_jobs(expires_at_ms)
     WHERE state IN ('completed');
   CREATE INDEX tmp_export_jobs_forgettable ON tmp_export_jobs(completed_at_ms)
     WHERE (state IN ('failed', 'cancelled', 'expired')
         OR (kind = 'restore' AND state IN ('completed', 'failed', 'cancelled', 'expired')))
       AND callback_status <> 'pending' AND (snapshot_open = 0 OR endings >= 12);
   CREATE INDEX tmp_export_jobs_unclosed ON tmp_export_jobs(
       max(completed_at_ms + 60000, coalesce(ending_at_ms, 0) + (180000 << min(endings, 9))))
     WHERE state IN ('completed', 'failed', 'cancelled', 'expired')
       AND snapshot_open <> 0 AND endings < 12;
   CREATE INDEX tmp_export_jobs_restore_unclosed ON tmp_export_jobs(database_key)
     WHERE kind = 'restore' AND state IN ('completed', 'failed', 'cancelled', 'expired')
       AND snapshot_open <> 0;
   CREATE INDEX tmp_export_jobs_callback ON tmp_export_jobs(
       max(coalesce(callback_next_attempt_at_ms, completed_at_ms), coalesce(ending_at_ms, 0),
         coalesce(callback_posted_at_ms, 0)))
     WHERE callback_status = 'pending' AND state IN ('completed', 'failed', 'cancelled', 'expired');
   CREATE INDEX tmp_export_job_discards_due ON tmp_export_job_discards(discarded_at_ms, job_id);
   CREATE INDEX tmp_export_streams_database ON tmp_export_streams(database_key);
   CREATE INDEX tmp_export_streams_due ON tmp_export_streams(
       max(lease_until_ms, coalesce(ending_at_ms, 0) + (180000 << min(endings, 9))));
   CREATE INDEX tmp_export_files_used ON tmp_export_files(used_at_ms);`,

  `ALTER TABLE tmp_export_jobs ADD COLUMN is_signed INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE tmp_export_jobs ADD COLUMN manifest_stored INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE tmp_export_jobs ADD COLUMN copyings INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE tmp_export_jobs ADD COLUMN copying_due_at_ms INTEGER;
   CREATE INDEX tmp_export_jobs_copying ON tmp_export_jobs(copying_due_at_ms)
     WHERE copying_due_at_ms IS NOT NULL;
   CREATE TABLE tmp_export_job_copies (
     job_id TEXT NOT NULL,
     destination TEXT NOT NULL,
     state TEXT NOT NULL,
     folder TEXT NOT NULL,
     is_sealed INTEGER NOT NULL,
     steps INTEGER NOT NULL DEFAULT 0,
     files_done INTEGER NOT NULL DEFAULT 0,
     bytes INTEGER NOT NULL DEFAULT 0,
     upload_json TEXT,
     restarts INTEGER NOT NULL DEFAULT 0,
     failures INTEGER NOT NULL DEFAULT 0,
     failure_json TEXT,
     copied_at_ms INTEGER,
     PRIMARY KEY (job_id, destination)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE tmp_export_job_copy_parts (
     job_id TEXT NOT NULL,
     destination TEXT NOT NULL,
     step INTEGER NOT NULL,
     parts_json TEXT NOT NULL,
     PRIMARY KEY (job_id, destination, step)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE tmp_export_job_copy_discards (
     job_id TEXT NOT NULL,
     destination TEXT NOT NULL,
     object_key TEXT NOT NULL,
     upload_id TEXT NOT NULL,
     origin TEXT NOT NULL,
     attempts INTEGER NOT NULL,
     due_at_ms INTEGER NOT NULL,
     PRIMARY KEY (job_id, destination, object_key, upload_id)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX tmp_export_job_copy_discards_due
     ON tmp_export_job_copy_discards(due_at_ms, job_id, destination);`,

  `ALTER TABLE tmp_export_jobs ADD COLUMN series_key TEXT;
   ALTER TABLE tmp_export_jobs ADD COLUMN kept_by_json TEXT;
   ALTER TABLE tmp_export_jobs ADD COLUMN read_until_ms INTEGER;
   CREATE INDEX tmp_export_jobs_series ON tmp_export_jobs(series_key)
     WHERE series_key IS NOT NULL AND state IN ('completed') AND expires_at_ms IS NULL;`,

  `ALTER TABLE tmp_export_job_artifacts ADD COLUMN sealing_json TEXT;
   ALTER TABLE tmp_export_job_artifacts ADD COLUMN plain_json TEXT;`,

  `ALTER TABLE tmp_export_jobs ADD COLUMN fleet_json TEXT;
   CREATE TABLE tmp_export_fleet_packs (
     job_id TEXT NOT NULL,
     number INTEGER NOT NULL,
     attempt TEXT NOT NULL,
     upload_id TEXT NOT NULL DEFAULT '',
     first_member TEXT,
     last_member TEXT,
     members INTEGER NOT NULL DEFAULT 0,
     rows INTEGER NOT NULL DEFAULT 0,
     bytes INTEGER NOT NULL DEFAULT 0,
     sha256 TEXT,
     index_bytes INTEGER NOT NULL DEFAULT 0,
     index_sha256 TEXT,
     PRIMARY KEY (job_id, number, attempt)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX tmp_export_fleet_packs_last ON tmp_export_fleet_packs(job_id, last_member)
     WHERE last_member IS NOT NULL;
   CREATE TABLE tmp_export_fleet_failures (
     job_id TEXT NOT NULL,
     member TEXT NOT NULL,
     code TEXT NOT NULL,
     message TEXT NOT NULL,
     PRIMARY KEY (job_id, member)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE tmp_export_fleet_exports (
     job_id TEXT NOT NULL,
     member TEXT NOT NULL,
     state TEXT NOT NULL,
     export_id TEXT,
     attempts INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (job_id, member)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX tmp_export_fleet_exports_state
     ON tmp_export_fleet_exports(job_id, state, attempts, member);`,

  "ALTER TABLE tmp_export_jobs ADD COLUMN folder TEXT",

  "ALTER TABLE tmp_export_job_chunks ADD COLUMN notes_json TEXT",
];

/** How many migrations a version must know to work with tables that have run all of these. */
export const CODE_MIN = 13;
