import { assert } from "../../lib/assert.ts";
import type {
  ArtifactProgress,
  ArtifactRecord,
  ArtifactState,
  PlainFile,
} from "../../rpc/artifact-record.ts";
import type { ChunkPiece } from "../../rpc/chunk-commit.ts";

/** A row of `tmp_export_job_artifacts` without its job; docs/storage-layout.md describes the columns. */
type ArtifactRow = {
  ordinal: number;
  name: string;
  content_type: string;
  object_key: string;
  state: ArtifactState;
  upload_id: string | null;
  bytes: number;
  part_count: number;
  sha256: string | null;
  crc32: number | null;
  /** Set once the artifact is sealed; `artifact-sealing-columns.ts` writes it. */
  plain_json: string | null;
};

/** Inserts the artifacts of a job's plan, in order. */
export function insertArtifacts(
  sql: SqlStorage,
  jobId: string,
  artifacts: readonly { name: string; contentType: string; objectKey: string }[],
): void {
  for (const [ordinal, artifact] of artifacts.entries()) {
    sql.exec(
      `INSERT INTO tmp_export_job_artifacts (job_id, ordinal, name, content_type, object_key)
       VALUES (?, ?, ?, ?, ?)`,
      jobId,
      ordinal,
      artifact.name,
      artifact.contentType,
      artifact.objectKey,
    );
  }
}

/** Returns a job's artifacts in order, or those in one state, or those that are not sealed. */
export function listArtifacts(
  sql: SqlStorage,
  jobId: string,
  filter: { limit?: number; state?: ArtifactState; ordinal?: number; isPlain?: boolean } = {},
): ArtifactRecord[] {
  return sql
    .exec<ArtifactRow>(
      `SELECT ordinal, name, content_type, object_key, state, upload_id, bytes, part_count, sha256, crc32, plain_json
       FROM tmp_export_job_artifacts
       WHERE job_id = ? AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR ordinal = ?3)
         AND (?5 = 0 OR plain_json IS NULL)
       ORDER BY ordinal LIMIT ?4`,
      jobId,
      filter.state ?? null,
      filter.ordinal ?? null,
      filter.limit ?? -1,
      filter.isPlain === true ? 1 : 0,
    )
    .toArray()
    .map((row) => ({
      ordinal: row.ordinal,
      name: row.name,
      contentType: row.content_type,
      objectKey: row.object_key,
      bytes: row.bytes,
      partCount: row.part_count,
      plain: row.plain_json === null ? null : (JSON.parse(row.plain_json) as PlainFile),
      ...toProgress(row),
    }));
}

function toProgress({ state, upload_id: uploadId, sha256, crc32 }: ArtifactRow): ArtifactProgress {
  switch (state) {
    case "pending":
    case "wants-upload":
      return { state, uploadId: null, sha256: null, crc32: null };
    case "uploading":
    case "written":
      assert(uploadId !== null, "parts go into an upload");
      return { state, uploadId, sha256: null, crc32: null };
    case "stored":
      return { state, uploadId, sha256: null, crc32: null };
    case "verified":
      assert(sha256 !== null, "an artifact that was read back has a hash");
      return { state, uploadId, sha256, crc32 };
    default:
      return state satisfies never;
  }
}

/** Returns one artifact of a job; undefined after the last. */
export function findArtifact(
  sql: SqlStorage,
  jobId: string,
  ordinal: number,
): ArtifactRecord | undefined {
  return listArtifacts(sql, jobId, { ordinal })[0];
}

/** Returns how many of a job's artifacts are in one state. */
export function countArtifacts(sql: SqlStorage, jobId: string, state: ArtifactState): number {
  return sql
    .exec<{ n: number }>(
      "SELECT count(*) AS n FROM tmp_export_job_artifacts WHERE job_id = ? AND state = ?",
      jobId,
      state,
    )
    .one().n;
}

/** Returns the bytes of all artifacts of a job so far. */
export function sumArtifactBytes(sql: SqlStorage, jobId: string): number {
  return sql
    .exec<{ bytes: number }>(
      "SELECT coalesce(sum(bytes), 0) AS bytes FROM tmp_export_job_artifacts WHERE job_id = ?",
      jobId,
    )
    .one().bytes;
}

/** Adds what a chunk wrote to its artifact. */
export function addPiece(sql: SqlStorage, jobId: string, piece: ChunkPiece): void {
  sql.exec(
    `UPDATE tmp_export_job_artifacts SET state = ?, bytes = bytes + ?, part_count = part_count + ?
     WHERE job_id = ? AND ordinal = ?`,
    piece.state,
    piece.bytes,
    piece.parts.length,
    jobId,
    piece.artifactOrdinal,
  );
}

/**
 * Moves an artifact to `to` if it is in state `from`, and reports whether it did. An artifact's key
 * belongs to one plan only, so a late attempt cannot change a later plan.
 */
export function moveArtifactIf(
  sql: SqlStorage,
  move: { jobId: string; ordinal: number; objectKey: string; from: ArtifactState } & {
    to: ArtifactState;
    uploadId?: string;
    sha256?: string;
    crc32?: number | null;
  },
): boolean {
  const moved = sql.exec(
    `UPDATE tmp_export_job_artifacts SET state = ?, upload_id = coalesce(?, upload_id),
       sha256 = coalesce(?, sha256), crc32 = coalesce(?, crc32)
     WHERE job_id = ? AND ordinal = ? AND object_key = ? AND state = ?`,
    move.to,
    move.uploadId ?? null,
    move.sha256 ?? null,
    move.crc32 ?? null,
    move.jobId,
    move.ordinal,
    move.objectKey,
    move.from,
  );
  return moved.rowsWritten > 0;
}

export function deleteArtifacts(sql: SqlStorage, jobId: string): void {
  sql.exec("DELETE FROM tmp_export_job_artifacts WHERE job_id = ?", jobId);
}
