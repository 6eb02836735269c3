import type { PlainFile } from "../../rpc/artifact-record.ts";
import type { SealedFile, Sealing, SealWork } from "../../rpc/seal-jobs.ts";
import { listArtifacts } from "./artifact-rows.ts";

/*
 * The columns of `tmp_export_job_artifacts` for artifacts that are sealed in the deployment's own
 * store: `sealing_json` while that happens, and `plain_json` after it.
 */

/** What follows the name of a sealed file. */
export const SEALED_SUFFIX = ".age";

/** Returns the first verified artifact of a job that is still plain; undefined if all are sealed. */
export function findSealWork(sql: SqlStorage, jobId: string): SealWork | undefined {
  const artifact = listArtifacts(sql, jobId, { state: "verified", isPlain: true, limit: 1 })[0];
  return artifact && { artifact, sealing: findSealing(sql, jobId, artifact.ordinal) };
}

/** Returns how far the sealing of an artifact is; null if it has none. */
export function findSealing(sql: SqlStorage, jobId: string, ordinal: number): Sealing | null {
  const [row] = sql
    .exec<{ sealing_json: string | null }>(
      "SELECT sealing_json FROM tmp_export_job_artifacts WHERE job_id = ? AND ordinal = ?",
      jobId,
      ordinal,
    )
    .toArray();
  return row?.sealing_json ? (JSON.parse(row.sealing_json) as Sealing) : null;
}

/** Records how far the sealing of an artifact is. */
export function recordSealing(
  sql: SqlStorage,
  jobId: string,
  { ordinal, sealing }: { ordinal: number; sealing: Sealing },
): void {
  sql.exec(
    "UPDATE tmp_export_job_artifacts SET sealing_json = ? WHERE job_id = ? AND ordinal = ?",
    JSON.stringify(sealing),
    jobId,
    ordinal,
  );
}

/** Replaces a plain artifact by its sealed file. */
export function replaceBySealed(
  sql: SqlStorage,
  jobId: string,
  { plain, sealed, partCount }: { plain: PlainFile; sealed: SealedFile; partCount: number },
): void {
  sql.exec(
    `UPDATE tmp_export_job_artifacts SET name = ?, content_type = 'application/octet-stream',
       object_key = ?, bytes = ?, part_count = ?, sha256 = ?, crc32 = ?, plain_json = ?,
       sealing_json = NULL
     WHERE job_id = ? AND ordinal = ?`,
    `${plain.name}${SEALED_SUFFIX}`,
    sealed.key,
    sealed.bytes,
    partCount,
    sealed.sha256,
    sealed.crc32,
    JSON.stringify(plain),
    jobId,
    sealed.ordinal,
  );
}
